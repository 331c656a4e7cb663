"""The webhook through the whole program: every answer it can give, and what is in the database afterwards."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from receiver.webhook import MOST_BYTES, at_the_door
from reconcile.errors import StoreAway
from tests.receiver.houses import (
    NINE_PM,
    WEBHOOK,
    WEBHOOK_TOKEN,
    Program,
    everything_in,
    link,
    notification,
    program,
    until,
)
from tests.recordings.shapes import GUEST, SERVER, VIEWER, changed, recording

START = recording("plugin_21_start.json")
AUTOMATED = recording("plugin_21_automated.json")


# --- answers ---------------------------------------------------------------------------------------------------------


async def test_a_start_is_recorded_and_kept_as_a_delivery(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here:
        answer = await here.send(START)

        number = answer.json()["delivery"]
        assert (answer.status_code, answer.json()) == (202, {"outcome": "recorded", "reason": "", "delivery": number})
        assert (await here.get(f"/deliveries/{number}"))["body"] == START.decode()


async def test_the_same_again_is_known(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here:
        await here.send(START)
        answer = await here.send(START)

        assert answer.status_code == 202
        assert answer.json()["outcome"] == "known"
        assert len((await here.get("/playbacks"))["items"]) == 1


async def test_an_automated_progress_is_not_kept_as_a_delivery_and_the_next_one_writes_nothing(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await here.send(START)
        first = await here.send(notification("Automated", NINE_PM, 70))
        again = await here.send(notification("Automated", NINE_PM + timedelta(seconds=1), 71))

        assert (first.status_code, first.json()["delivery"]) == (202, None)
        assert again.json() == {"outcome": "known", "reason": "still shown", "delivery": None}
        assert len((await here.get("/deliveries"))["items"]) == 1


async def test_the_flood_still_says_until_when_it_was_shown(tmp_path: Path) -> None:
    checked = "2026-11-22T21:00:00.0000000Z"
    async with program(tmp_path) as here:
        for second in range(8):
            at = NINE_PM + timedelta(seconds=second)
            await here.send(notification("Automated", at, second, LastPlaybackCheckIn=checked))
        await here.house.tracker.flush()

        line = (await here.get("/playbacks/1"))["check_ins"]
        assert [each["sighted_until"] for each in line] == ["2026-11-22T21:00:07Z"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (changed("plugin_21_start.json", ItemType="Audio"), "item type Audio"),
        (changed("plugin_21_start.json", NotificationType="ItemAdded"), "notification type ItemAdded"),
        (changed("plugin_21_start.json", UserId="0" * 32), "no user"),
    ],
    ids=["a song", "no playback", "nobody"],
)
async def test_what_is_no_history_is_ignored_and_counted(body: bytes, reason: str, tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        answer = await here.send(body)

        assert answer.status_code == 200
        assert answer.json()["outcome"] == "ignored"
        assert list((await here.get("/status"))["ignored"].values()) == [1], reason
        assert (await here.get("/deliveries"))["items"] == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "JSON"),
        (b"[]", "a list"),
        (b"\xff\xfe", "UTF-8"),
        (b"", "JSON"),
        (b'{"a": 1}', "NotificationType is missing"),
        (changed("plugin_21_start.json", "ItemId"), "ItemId is missing"),
        (changed("plugin_21_start.json", "UserId"), "UserId is missing"),
    ],
    ids=["cut off", "a list", "not UTF-8", "empty", "no type", "no item", "no user id"],
)
async def test_what_cannot_be_read_is_rejected_with_the_reason(body: bytes, reason: str, tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        answer = await here.send(body)
        await here.house.notes.write()

        assert answer.status_code == 400
        assert answer.json()["outcome"] == "rejected"
        assert reason in answer.json()["reason"]
        kinds = (await here.get("/rejected"))["items"]
        assert [(kind["count"], len(kind["examples"])) for kind in kinds] == [(1, 1)]


async def test_a_rejection_says_where(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        answer = await here.send(recording("template_broken.txt"))

        assert "line 4" in answer.json()["reason"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"headers": {"authorization": "Bearer wrong"}},
        {"headers": {"authorization": f"Basic {WEBHOOK_TOKEN}"}},
        {"headers": {"x-playledger-token": ""}},
        {"params": {"token": "wrong"}},
        {"headers": {"authorization": "Bearer wrong"}, "params": {"token": WEBHOOK_TOKEN}},
    ],
    ids=["none", "wrong", "not a bearer", "empty", "wrong in the query", "the header counts before the query"],
)
async def test_without_the_token_nothing_is_told(options: dict[str, dict[str, str]], tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        del here.http.headers["authorization"]
        answer = await here.http.post(WEBHOOK, content=START, **options)  # type: ignore[arg-type]

        assert answer.status_code == 401
        assert answer.json() == {"status_code": 401, "detail": "Unauthorized", "extra": None}


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"authorization": f"bearer {WEBHOOK_TOKEN}"}},
        {"headers": {"x-playledger-token": WEBHOOK_TOKEN}},
        {"params": {"token": WEBHOOK_TOKEN}},
    ],
    ids=["authorization", "a header of our own", "the query"],
)
async def test_the_token_may_stand_in_three_places(options: dict[str, dict[str, str]], tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        del here.http.headers["authorization"]
        answer = await here.http.post(WEBHOOK, content=START, **options)  # type: ignore[arg-type]

        assert answer.status_code == 202


async def test_the_administrators_token_is_not_the_webhooks(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        assert (await here.http.post(WEBHOOK, content=START)).status_code == 401


async def test_a_token_bound_to_a_server_speaks_for_no_other(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here:
        await here.send(START)
        token = (await here.http.post(f"/api/v1/servers/{SERVER}/webhook-tokens")).json()["token"]

        mine = await here.send(START, token)
        others = await here.send(changed("plugin_21_start.json", ServerId="e" * 32), token)
        unnamed = await here.send(changed("plugin_21_start.json", "ServerId"), token)

        assert (mine.status_code, others.status_code, unnamed.status_code) == (202, 401, 202)
        assert [server["id"] for server in (await here.get("/servers"))["items"]] == [SERVER]


async def test_the_fast_way_of_the_flood_does_not_forget_whose_token_it_is(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        other = changed("plugin_21_start.json", ServerId="e" * 32, UserId=GUEST)
        await here.send(other)
        token = (await here.http.post(f"/api/v1/servers/{'e' * 32}/webhook-tokens")).json()["token"]
        await here.send(AUTOMATED)
        await here.send(AUTOMATED)

        assert (await here.send(AUTOMATED, token)).status_code == 401


@pytest.mark.parametrize("is_announced", [True, False], ids=["announced", "unannounced"])
async def test_more_than_a_mebibyte_is_too_long(is_announced: bool, tmp_path: Path) -> None:
    async def drip() -> object:
        for _ in range(20):
            yield b" " * (MOST_BYTES // 16)

    async with program(tmp_path) as here:
        headers = {"authorization": f"Bearer {WEBHOOK_TOKEN}"}
        body = b" " * (MOST_BYTES + 1) if is_announced else drip()
        answer = await here.http.post(WEBHOOK, content=body, headers=headers)  # type: ignore[arg-type]

        assert answer.status_code == 413


async def test_only_post_is_answered(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        answer = await here.http.get(WEBHOOK)

        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_with_the_monitor_off_nothing_is_recorded_and_pages_say_so(tmp_path: Path) -> None:
    async with program(tmp_path, JELLYFIN_ACTIVITY_MONITOR_ENABLED="false") as here:
        answer = await here.send(START)

        assert (answer.status_code, answer.json()["reason"]) == (200, "recording is off")
        assert (await here.get("/playbacks"))["items"] == []
        status = await here.get("/status")
        assert status["recording"] is False
        assert any("MONITOR_ENABLED" in notice for notice in status["notices"])


async def test_a_body_without_a_server_is_the_only_servers(tmp_path: Path) -> None:
    nameless = changed("plugin_21_start.json", "ServerId")
    async with program(tmp_path) as here:
        before = await here.send(nameless)
        await here.send(START)
        with_one = await here.send(nameless)
        await here.send(changed("plugin_21_start.json", ServerId="e" * 32))
        with_two = await here.send(nameless)

        assert [each.status_code for each in (before, with_one, with_two)] == [400, 202, 400]


async def test_a_template_without_a_time_is_flagged(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await here.send(changed("plugin_21_start.json", "UtcTimestamp"))

        status = await here.get("/status")
        assert status["webhooks"][0]["flags"] == {"no UtcTimestamp": 1}
        assert any("UtcTimestamp" in notice for notice in status["notices"])


async def test_one_event_that_makes_our_code_raise_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with program(tmp_path) as here:

        async def broken(*_arguments: object) -> None:
            raise RuntimeError("an error of ours")

        with monkeypatch.context() as patched:
            patched.setattr("reconcile.recording.keys.find_or_add", broken)
            answer = await here.send(START)

        assert (answer.status_code, answer.json()["outcome"]) == (202, "failed")
        assert "an error of ours" in (await here.get("/deliveries/1"))["error"]
        assert (await here.send(START)).json()["outcome"] == "recorded"


# --- privacy ---------------------------------------------------------------------------------------------------------

STRANGER = "5" * 32


async def test_of_somebody_who_is_not_recorded_nothing_is_kept(tmp_path: Path) -> None:
    async with program(tmp_path, PLAYLEDGER_AUTO_LINK="false") as here:
        for name in ("start", "progress", "automated", "stop"):
            told = changed(f"plugin_21_{name}.json", UserId=STRANGER, NotificationUsername="a stranger")
            answer = await here.send(told)
            assert (answer.status_code, answer.json()["outcome"]) == (200, "ignored")
        here.house.intake.is_away = True
        await here.send(changed("plugin_21_start.json", UserId=STRANGER, NotificationUsername="a stranger"))
        status = await here.get("/status")

        assert status["ignored"] == {"not a recorded user": 5}
        assert status["spool"]["waiting_bytes"] == 0
    kept = everything_in(tmp_path)
    assert STRANGER.encode() not in kept
    assert b"a stranger" not in kept


async def test_a_rejected_body_is_kept_without_the_user(tmp_path: Path) -> None:
    broken = f'{{"UserId": "{STRANGER}", "NotificationUsername": "a stranger" "Name": "Film"}}'.encode()
    async with program(tmp_path, PLAYLEDGER_AUTO_LINK="false") as here:
        assert (await here.send(broken)).status_code == 400
        await here.house.notes.write()
        body = (await here.get("/rejected/1"))["body"]

    assert "Film" in body
    assert STRANGER not in body
    assert "a stranger" not in body


async def test_a_rejected_body_of_somebody_recorded_can_be_replayed(tmp_path: Path) -> None:
    broken = f'{{"UserId": "{VIEWER}", "ServerId": "{SERVER}" "Name": "Film"}}'.encode()
    async with program(tmp_path, PLAYLEDGER_AUTO_LINK="false") as here:
        await link(here)
        await here.send(broken)
        await here.house.notes.write()

        assert (await here.get("/rejected/1"))["body"] == broken.decode()


async def test_recording_begins_with_the_opt_in_and_ends_with_the_opt_out(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url, PLAYLEDGER_AUTO_LINK="false") as here:
        account = await link(here)
        await here.send(notification("PlaybackStart", NINE_PM, 0))
        here.clock.at = NINE_PM + timedelta(minutes=10)
        wish = {"account_id": account, "recorded": False}
        await here.http.put(f"/api/v1/links/{SERVER}/{VIEWER}", json=wish)

        before = await here.send(notification("PlaybackProgress", NINE_PM - timedelta(minutes=1), 0))
        late = await here.send(notification("PlaybackProgress", NINE_PM + timedelta(minutes=5), 300))
        after = await here.send(notification("PlaybackProgress", NINE_PM + timedelta(minutes=11), 660))

        assert [each.json()["outcome"] for each in (before, late, after)] == ["ignored", "recorded", "ignored"]


async def test_the_flood_of_somebody_who_opted_out_is_not_taken_in(tmp_path: Path) -> None:
    async with program(tmp_path, PLAYLEDGER_AUTO_LINK="false") as here:
        account = await link(here)
        await here.send(notification("Automated", NINE_PM, 0, LastPlaybackCheckIn="2026-11-22T21:00:00Z"))
        here.clock.at = NINE_PM + timedelta(seconds=5)
        wish = {"account_id": account, "recorded": False}
        await here.http.put(f"/api/v1/links/{SERVER}/{VIEWER}", json=wish)
        later = notification("Automated", NINE_PM + timedelta(seconds=9), 9, LastPlaybackCheckIn="2026-11-22T21:00:00Z")
        await here.send(later)
        await here.house.tracker.flush()

        line = (await here.get("/playbacks/1"))["check_ins"]
        assert [each["sighted_until"] for each in line] == ["2026-11-22T21:00:00Z"]


# --- the database is away --------------------------------------------------------------------------------------------


async def test_a_locked_database_spools_and_drains_by_itself(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await here.send(START)
        await here.house.notes.write()
        other = sqlite3.connect(tmp_path / "playledger.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        answer = await here.send(recording("plugin_21_stop.json"))
        during = await here.get("/status")
        other.execute("COMMIT")
        other.close()
        await until(lambda: not here.house.intake.is_away and here.house.spool.is_empty)

        assert (answer.status_code, answer.json()["outcome"]) == (202, "spooled")
        assert during["spool"]["waiting_bytes"] > 0
        assert any("spool" in notice for notice in during["notices"])
        assert here.house.spool.is_empty
        assert [each["state"] for each in (await here.get("/playbacks"))["items"]] == ["ended"]


async def test_after_one_failure_everything_spools_at_once_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with program(tmp_path) as here:
        await here.send(START)
        asked = []

        async def away(arrival: object) -> None:
            asked.append(arrival)
            raise StoreAway("the database is locked")

        with monkeypatch.context() as patched:
            patched.setattr(here.house.tracker, "record", away)
            patched.setattr(here.house.intake, "wake", lambda: None)
            patched.setattr(here.house.intake, "_wake", asyncio.Event())
            for seconds in range(60, 300, 60):
                at = NINE_PM + timedelta(seconds=seconds)
                answer = await here.send(notification("PlaybackProgress", at, seconds))
                assert answer.json()["outcome"] == "spooled"
        segment = await here.house.spool.oldest()

        assert len(asked) == 1
        assert segment is not None
        assert [record.received_at for record in segment.records] == [NINE_PM] * 4
        assert b"2026-11-22T21:01:00" in segment.records[0].body


async def test_while_the_database_is_away_the_flood_is_spooled_once(tmp_path: Path) -> None:
    checked = "2026-11-22T21:00:00.0000000Z"
    async with program(tmp_path) as here:
        here.house.intake.is_away = True
        async with here.house.store.begin():  # nobody else can write meanwhile
            said = [
                await here.send(
                    notification("Automated", NINE_PM + timedelta(seconds=s), s, LastPlaybackCheckIn=checked)
                )
                for s in range(5)
            ]

        assert [each.json()["outcome"] for each in said] == ["spooled", *["known"] * 4]
        here.house.intake.wake()
        await until(lambda: not here.house.intake.is_away and here.house.spool.is_empty)
        await here.house.intake.flush()
        await here.house.tracker.flush()
        line = (await here.get("/playbacks/1"))["check_ins"]
        assert [each["sighted_until"] for each in line] == ["2026-11-22T21:00:04Z"]


async def test_what_was_spooled_when_the_process_died_is_drained_at_the_next_start(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        here.house.intake.is_away = True
        await here.send(START)
        spooled = {path.name: path.read_bytes() for path in (tmp_path / "spool").glob("*.spool")}
        assert spooled
    for name, data in spooled.items():
        (tmp_path / "spool" / name).write_bytes(data + data[:30])  # and it died while it wrote the next one

    async with program(tmp_path) as here:
        await until(lambda: here.house.spool.is_empty)

        assert len((await here.get("/playbacks"))["items"]) == 1
        assert (await here.get("/status"))["spool"]["torn_bytes"] == 30


async def test_with_neither_database_nor_spool_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with program(tmp_path) as here:

        async def away(_arrival: object) -> None:
            raise StoreAway("the disk is full")

        monkeypatch.setattr(here.house.tracker, "record", away)
        monkeypatch.setattr("receiver.spool.os.fsync", _full)
        answer = await here.send(START)
        ready = await here.http.get("/health/ready")
        monkeypatch.undo()

        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert (await here.get("/status"))["lost"] == 1
        assert ready.status_code == 503


def _full(_handle: int) -> None:
    raise OSError(28, "No space left on device")


async def test_whoever_hangs_up_half_way_leaves_nothing(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])

        async def receive() -> object:
            return next(messages)

        sent: list[object] = []

        async def send(message: object) -> None:
            sent.append(message)

        headers = [(b"authorization", f"Bearer {WEBHOOK_TOKEN}".encode())]
        scope = {"type": "http", "method": "POST", "headers": headers, "query_string": b""}
        await here.house.webhook(scope, receive, send)  # type: ignore[arg-type]

        assert sent == []


# --- many at once ----------------------------------------------------------------------------------------------------


async def test_a_hundred_at_once_are_all_recorded(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here:
        bodies = [changed("plugin_21_start.json", Id=f"{n:032x}", UserId=f"{n % 7 + 1:032x}") for n in range(100)]

        said = await asyncio.gather(*(here.send(body) for body in bodies))

        assert {each.json()["outcome"] for each in said} == {"recorded"}
        assert len((await here.get("/playbacks", limit=500))["items"]) == 100
        assert len((await here.get("/accounts"))["items"]) == 7


@asynccontextmanager
async def through_the_door(here: Program) -> AsyncIterator[httpx.AsyncClient]:
    """Speak to the program as it is served: webhooks are answered before the framework is asked."""
    door: Any = at_the_door(here.house.webhook, here.app)
    headers = {"authorization": f"Bearer {WEBHOOK_TOKEN}"}
    transport = httpx.ASGITransport(door, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://door", headers=headers) as http:
        yield http


async def test_at_the_door_webhooks_are_answered_and_all_else_is_let_in(tmp_path: Path) -> None:
    async with program(tmp_path) as here, through_the_door(here) as http:
        taken = await http.post(WEBHOOK, content=START)
        alive = await http.get("/health/live")

        assert (taken.status_code, taken.json()["outcome"]) == (202, "recorded")
        assert alive.status_code == 200
        assert (await http.get(WEBHOOK)).status_code == 405
        assert (await http.post(WEBHOOK + "/", content=START)).json()["outcome"] == "known"


async def test_an_error_of_ours_at_the_door_is_answered_as_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with program(tmp_path) as here, through_the_door(here) as http:
        monkeypatch.setattr(here.house.reception, "take", None)

        outside, inside = await http.post(WEBHOOK, content=START), await here.send(START)

    assert outside.status_code == inside.status_code == 500
    assert outside.json() == inside.json()
