"""Kept jobs: done one after another, each to its end, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import pytest

from receiver import jobs
from receiver.jobs import Doing, Jobs, Progress, Row
from reconcile.errors import JellyfinUnreachable, StoreAway
from reconcile.store import resettlings
from reconcile.store.engine import Transactions
from reconcile.store.lease import Leases, ServerLeases

NOW = datetime(2026, 11, 22, 21, tzinfo=UTC)
PATIENCE = 20.0


async def ask(store: Transactions) -> int:
    async with store.begin() as db:
        return int((await resettlings.add(db, NOW, {}, dry_run=False))["id"])


async def done_by(_row: Row, _progress: Progress) -> dict[str, object]:
    return {"came": 1}


@asynccontextmanager
async def running(store: Transactions, doing: Doing | None, leases: Leases | None = None) -> AsyncIterator[Jobs]:
    made = Jobs("resettlings", store, resettlings, doing, leases)
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def over(made: Jobs, number: int) -> Row:
    row = await made.outcome(number, PATIENCE)
    assert row is not None
    return row


async def test_they_are_done_in_the_order_in_which_they_were_asked_for(store: Transactions) -> None:
    seen = []

    async def noted(row: Row, _progress: Progress) -> dict[str, object]:
        seen.append(row["id"])
        return {"came": row["id"]}

    numbers = [await ask(store), await ask(store)]
    async with running(store, noted) as made:
        last = await over(made, numbers[1])

    assert seen == numbers
    assert (last["state"], last["result"]) == ("done", {"came": numbers[1]})


async def test_one_that_is_asked_for_later_begins_when_they_are_woken(store: Transactions) -> None:
    async with running(store, done_by) as made:
        await over(made, await ask(store))
        number = await ask(store)
        made.wake()

        assert (await over(made, number))["state"] == "done"


async def test_what_was_running_when_the_process_died_begins_again(store: Transactions) -> None:
    number = await ask(store)
    async with store.begin() as db:
        await resettlings.note(db, number, state=jobs.RUNNING, done=50, total=90)

    async with running(store, done_by) as made:
        assert (await over(made, number))["state"] == "done"


async def test_how_far_one_is_can_be_read_while_it_runs(store: Transactions) -> None:
    told, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_row: Row, progress: Progress) -> dict[str, object]:
        await progress(3, 7)
        told.set()
        await go_on.wait()
        return {}

    number = await ask(store)
    async with running(store, slow) as made:
        await told.wait()
        row = await made.outcome(number, 0.0)
        go_on.set()
        after = await over(made, number)

    assert row is not None
    assert (row["state"], row["done"], row["total"]) == ("running", 3, 7)
    assert after["state"] == "done"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(ArithmeticError("3"), "An error of ours: the log says more.", id="an error of ours"),
        pytest.param(JellyfinUnreachable("no answer"), "no answer", id="one that was raised on purpose"),
    ],
)
async def test_one_that_fails_says_so_and_the_next_is_done(store: Transactions, error: Exception, said: str) -> None:
    first, second = await ask(store), await ask(store)

    async def broken(row: Row, _progress: Progress) -> dict[str, object]:
        if row["id"] == first:
            raise error
        return {}

    async with running(store, broken) as made:
        after = await over(made, second)
        failed = await over(made, first)

    assert (failed["state"], failed["result"]) == ("failed", {"error": said})
    assert after["state"] == "done"


async def test_one_that_the_database_interrupts_is_done_when_it_is_back(
    store: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_AGAIN_SECONDS", 0.01)
    tries = []

    async def interrupted(row: Row, _progress: Progress) -> dict[str, object]:
        tries.append(row["id"])
        if len(tries) == 1:
            raise StoreAway("the database is locked")
        return {}

    number = await ask(store)
    async with running(store, interrupted) as made:
        row = await over(made, number)

    assert row["state"] == "done"
    assert tries == [number, number]


async def test_without_anybody_to_do_them_they_wait(store: Transactions) -> None:
    number = await ask(store)
    async with running(store, None) as made:
        waiting = await made.outcome(number, 0.05)
        made.doing = done_by
        made.wake()
        row = await over(made, number)

    assert waiting is not None
    assert waiting["state"] == "queued"
    assert row["state"] == "done"


async def test_of_one_that_is_not_there_there_is_no_outcome(store: Transactions) -> None:
    assert await Jobs("resettlings", store, resettlings).outcome(7, PATIENCE) is None


async def test_of_several_processes_one_alone_does_them_and_another_takes_over_when_it_is_gone(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_TURN_SECONDS", 0.01)
    store, did = Transactions(postgres_url), []
    one, other = ServerLeases(postgres_url), ServerLeases(postgres_url)

    async def by_one(row: Row, _progress: Progress) -> dict[str, object]:
        did.append(("one", row["id"]))
        return {}

    async def by_other(row: Row, _progress: Progress) -> dict[str, object]:
        did.append(("other", row["id"]))
        return {}

    numbers = [await ask(store)]
    async with running(store, by_one, one) as first:
        await over(first, numbers[0])
        async with running(store, by_other, other) as second:
            numbers.append(await ask(store))
            second.wake()  # asked for there, and done here
            await over(first, numbers[1])
    async with running(store, by_other, other) as second:
        await one.release()
        numbers.append(await ask(store))
        await over(second, numbers[2])
    await other.release()
    await store.close()

    assert [number for _who, number in did] == numbers
    assert [who for who, _number in did] == ["one", "one", "other"]
