"""Messages reach their targets, signed, once noted and never lost: real loopback HTTP, real databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from reconcile import sending
from reconcile.secrets import Safe
from reconcile.sending import AT_ONCE_PER_TARGET, CLAIMED_FOR, Sender
from reconcile.signing import new_secret
from reconcile.store import outbox, targets
from reconcile.store.engine import Transactions
from reconcile.store.outbox import Message
from reconcile.store.tables import outbox as outbox_table
from tests.reconcile.arrivals import EIGHT_PM, Household
from tests.reconcile.readers import reader

SAFE = Safe("key of the tests")


class Post:
    """A sender on a real database, under a clock that is set by hand."""

    def __init__(self, store: Transactions, http: httpx.AsyncClient) -> None:
        self.store = store
        self.now = EIGHT_PM
        self.http = http
        self.sender = self.another()
        self.secrets: dict[int, str] = {}
        self.count = 0

    def another(self) -> Sender:
        """Return the sender of another process."""
        return Sender(self.store, SAFE, lambda: self.http, lambda: self.now, lambda: 0.5)

    async def target(self, url: str) -> int:
        secret = new_secret()
        async with self.store.begin() as db:
            number = await targets.add(db, url, ("watch.completed",), None, self.now, active=True)
            await targets.set_secret(db, number, SAFE.encrypted(secret, targets.purpose(number)))
        self.secrets[number] = secret
        return number

    async def queue(self, *numbers: int, about: int | None = None) -> None:
        """Queue a message for each of these targets."""
        for number in numbers:
            self.count += 1
            body = f'{{"type":"watch.completed","number":{self.count}}}'
            message = Message(f"msg_{self.count}", number, about, "watch.completed", f"watch/{self.count}", body)
            async with self.store.begin() as db:
                await outbox.queue(db, [message], self.now)

    async def send(self) -> None:
        """Send what is due, and wait for what comes of it."""
        while await self.sender.start_due():
            await self.sender.idle()

    async def rows(self) -> list[dict[str, Any]]:
        async with self.store.read() as db:
            found = await db.execute(sa.select(outbox_table).order_by(outbox_table.c.id))
            return [dict(row) for row in found.mappings()]

    async def row(self) -> dict[str, Any]:
        (row,) = await self.rows()
        return row


@asynccontextmanager
async def post(store: Transactions) -> AsyncIterator[Post]:
    async with httpx.AsyncClient(timeout=5) as http:
        yield Post(store, http)


async def test_a_message_arrives_signed_and_is_noted(store: Transactions) -> None:
    async with post(store) as office, reader() as friend:
        number = await office.target(friend.url)
        await office.queue(number)

        await office.send()

        (got,) = friend.received
        assert (got.id, got.path) == ("msg_1", "/hook")
        assert got.said == {"type": "watch.completed", "number": 1}
        assert got.headers["content-type"] == "application/json"
        assert got.headers["webhook-timestamp"] == str(int(EIGHT_PM.timestamp()))
        assert got.is_signed_with(office.secrets[number])
        assert not got.is_signed_with(new_secret())
        row = await office.row()
        assert (row["state"], row["status"], row["attempts"], row["error"]) == ("sent", 204, 1, None)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        pytest.param(500, "it answered 500", id="it fails"),
        pytest.param(404, "it answered 404", id="there is nothing"),
        pytest.param(302, "redirects are not followed", id="it points elsewhere"),
    ],
)
async def test_what_was_not_received_is_tried_again_under_the_same_id(
    store: Transactions, status: int, error: str
) -> None:
    async with post(store) as office, reader() as friend, reader() as elsewhere:
        await office.queue(await office.target(friend.url))
        friend.status, friend.more = status, {"location": elsewhere.url}

        await office.send()
        row = await office.row()
        assert (row["state"], row["status"], row["attempts"]) == ("waiting", status, 1)
        assert error in row["error"]
        assert row["due_at"] == EIGHT_PM + timedelta(seconds=5)
        await office.send()
        assert len(friend.received) == 1

        friend.status, friend.more = 200, {}
        office.now += timedelta(seconds=5)
        await office.send()

        assert [each.id for each in friend.received] == ["msg_1", "msg_1"]
        assert friend.received[0].headers["webhook-timestamp"] != friend.received[1].headers["webhook-timestamp"]
        assert (await office.row())["state"] == "sent"
        assert elsewhere.received == []


async def test_nobody_at_the_address_is_a_failure_too(store: Transactions) -> None:
    async with post(store) as office:
        await office.queue(await office.target("http://127.0.0.1:9/hook"))

        await office.send()

        row = await office.row()
        assert (row["state"], row["status"]) == ("waiting", None)
        assert "ConnectError" in row["error"]


async def test_whoever_never_answers_is_given_up(store: Transactions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "LIMIT_SECONDS", 0.05)
    async with post(store) as office, reader() as friend:
        friend.gate.clear()
        await office.queue(await office.target(friend.url))

        await office.send()

        assert "no answer within" in (await office.row())["error"]


async def test_after_three_days_it_is_dead_and_by_hand_it_lives_again(store: Transactions) -> None:
    async with post(store) as office, reader() as friend:
        friend.status = 503
        await office.queue(await office.target(friend.url))
        while (row := await office.row())["state"] == "waiting":
            office.now = row["due_at"]
            await office.send()
        assert office.now == EIGHT_PM + timedelta(days=3)
        assert len(friend.received) == row["attempts"]
        assert 14 <= row["attempts"] <= 30

        friend.status = 200
        async with store.begin() as db:
            assert await outbox.retry(db, row["id"], office.now)
        await office.send()
        async with store.begin() as db:
            assert not await outbox.retry(db, row["id"], office.now)

        assert (await office.row())["state"] == "sent"
        assert {each.id for each in friend.received} == {"msg_1"}


async def test_who_answers_gone_is_not_told_any_more(store: Transactions) -> None:
    async with post(store) as office, reader() as friend:
        friend.status = 410
        number = await office.target(friend.url)
        await office.queue(number)

        await office.send()
        await office.queue(number)
        await office.send()

        assert [row["state"] for row in await office.rows()] == ["dead", "waiting"]
        async with store.read() as db:
            target = await targets.one(db, number)
        assert target is not None
        assert not target.active
        assert "410" in (target.note or "")
        assert len(friend.received) == 1


async def test_who_asks_for_a_pause_gets_it(store: Transactions) -> None:
    async with post(store) as office, reader() as friend:
        friend.status, friend.more = 429, {"retry-after": "90"}
        await office.queue(await office.target(friend.url))

        await office.send()

        assert (await office.row())["due_at"] == EIGHT_PM + timedelta(seconds=90)


async def test_a_slow_target_delays_no_other_and_gets_only_its_share(store: Transactions) -> None:
    async with post(store) as office, reader() as slow, reader() as quick:
        slow.gate.clear()
        lazy, busy = await office.target(slow.url), await office.target(quick.url)
        await office.queue(*[lazy] * 10, *[busy] * 10)

        async with asyncio.timeout(20):
            while len(quick.received) < 10:
                await office.sender.start_due()
                await asyncio.sleep(0.01)

        assert len(slow.received) == AT_ONCE_PER_TARGET
        slow.gate.set()
        await office.sender.idle()
        await office.send()
        assert len(slow.received) == 10
        assert slow.most_waiting == AT_ONCE_PER_TARGET


async def test_two_processes_do_not_both_send(store: Transactions) -> None:
    async with post(store) as office, reader() as friend:
        number = await office.target(friend.url)
        await office.queue(*[number] * 12)
        both = (office.sender, office.another())

        async with asyncio.timeout(20):
            while any(row["state"] == "waiting" for row in await office.rows()):
                await asyncio.gather(*(each.start_due() for each in both))
                await asyncio.gather(*(each.idle() for each in both))

        assert sorted(each.id for each in friend.received) == sorted(f"msg_{n}" for n in range(1, 13))


async def test_one_killed_between_sending_and_noting_is_followed_by_the_same_message(store: Transactions) -> None:
    async with post(store) as office, reader() as friend:
        number = await office.target(friend.url)
        await office.queue(number)
        friend.gate.clear()
        dying = office.another()
        await dying.start_due()
        await friend.hears(1)
        for task in tuple(dying._tasks):
            task.cancel()
        await dying.idle()
        friend.gate.set()

        await office.send()
        assert len(friend.received) == 1
        office.now += CLAIMED_FOR
        await office.send()

        assert [each.id for each in friend.received] == ["msg_1", "msg_1"]
        assert friend.received[0].body == friend.received[1].body
        assert all(each.is_signed_with(office.secrets[number]) for each in friend.received)
        assert (await office.row())["state"] == "sent"


async def test_one_that_is_stopped_gives_back_what_it_could_not_finish(store: Transactions) -> None:
    async with post(store) as office, reader() as friend:
        await office.queue(await office.target(friend.url))
        friend.gate.clear()
        running = asyncio.create_task(office.sender.run())
        await friend.hears(1)
        sending._LAST_SECONDS, before = 0.05, sending._LAST_SECONDS
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        sending._LAST_SECONDS = before
        await office.sender.close()

        row = await office.row()
        assert (row["state"], row["claimed_until"]) == ("waiting", None)


async def test_a_running_sender_sends_what_it_is_woken_for_and_tidies_up(store: Transactions) -> None:
    async with post(store) as office, reader() as friend:
        number = await office.target(friend.url)
        running = asyncio.create_task(office.sender.run())
        await office.queue(number)
        office.sender.wake()
        await friend.hears(1)
        await office.sender.idle()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

        assert len(friend.received) == 1


async def test_a_secret_that_another_key_made_is_said_not_sent(store: Transactions) -> None:
    async with post(store) as office, reader() as friend:
        number = await office.target(friend.url)
        async with store.begin() as db:
            await targets.set_secret(db, number, Safe("another").encrypted(new_secret(), targets.purpose(number)))
        await office.queue(number)

        await office.send()

        assert friend.received == []
        assert "secret.key" in (await office.row())["error"]


async def test_what_waits_for_a_target_that_is_off_dies_in_the_end(store: Transactions) -> None:
    async with post(store) as office, reader() as friend:
        number = await office.target(friend.url)
        async with store.begin() as db:
            await targets.change(db, number, {"active": False})
        await office.queue(number)
        await office.send()

        office.now += timedelta(days=4)
        async with store.begin() as db:
            await outbox.prune(db, office.now, timedelta(days=3), timedelta(days=30))

        assert friend.received == []
        assert (await office.row())["state"] == "dead"


async def test_what_waits_about_somebody_who_has_opted_out_since_is_withheld(store: Transactions) -> None:
    async with post(store) as office, reader() as friend:
        house = Household(store)
        (viewer,) = await house.welcome("viewer")
        await office.queue(await office.target(friend.url), about=viewer)
        await house.opt_out("viewer", 0)

        await office.send()
        assert friend.received == []
        await house.opt_in("viewer", viewer, 10)
        office.now += timedelta(seconds=10)
        await office.send()
        assert len(friend.received) == 1


async def test_what_is_withheld_for_three_days_is_given_up(store: Transactions) -> None:
    async with post(store) as office, reader() as friend:
        house = Household(store)
        (viewer,) = await house.welcome("viewer")
        await office.queue(await office.target(friend.url), about=viewer)
        await house.opt_out("viewer", 0)

        office.now += timedelta(days=4)
        async with store.begin() as db:
            await outbox.prune(db, office.now, timedelta(days=3), timedelta(days=30))

        row = await office.row()
        assert (row["state"], row["error"]) == ("dead", "they are no longer recorded")
