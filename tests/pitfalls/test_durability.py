"""Pitfalls 34 to 41 (facts/peers.md §3): what was answered is kept once, whatever dies, waits, shouts or lies."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, NoReturn

import httpx
import msgspec
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from receiver.notification import read
from receiver.rehearsal.recording import Delivery
from receiver.rehearsal.steps import Close, Open, Pause, Play, PlayTo, Restart, Seek, Wait
from receiver.webhook import MOST_BYTES
from reconcile.bygones import kept
from reconcile.errors import StoreAway
from reconcile.jellyfin import asking
from reconcile.jellyfin.client import JellyfinClient
from reconcile.people import People
from reconcile.playback.rules import Rules
from reconcile.poller import Poller, State
from reconcile.replaying import replay
from reconcile.store.engine import Transactions
from reconcile.store.lease import FolderLease
from reconcile.store.tables import metadata
from reconcile.tracker import Tracker
from tests.loopback import listening
from tests.pitfalls.evening import (
    BROWSER,
    EPISODE,
    FILM,
    HOUR,
    NEXT_EPISODE,
    OTHER_FILM,
    TELEVISION,
    VIEWER,
    Evening,
    Way,
)
from tests.pitfalls.ledger import read_ledger
from tests.receiver.houses import NINE_PM, WEBHOOK, Clock, notification, program, until
from tests.recordings.shapes import recording


async def _locked(store: Transactions, file: Path) -> sqlite3.Connection:
    """Return another connection that holds the write lock; it is taken while *store* does not write."""
    other = sqlite3.connect(file, isolation_level=None)
    async with store._turn:
        other.execute("BEGIN IMMEDIATE")
    return other


def _away(_patience: timedelta | None = None) -> NoReturn:
    raise StoreAway("the power is about to be cut")


async def test_a_locked_database_delays_nobody_and_loses_nothing(tmp_path: Path) -> None:
    """34. 20 webhooks while another process holds the lock: each is answered from the spool, and comes in later."""
    async with program(tmp_path) as here:
        here.house.intake.patience = timedelta(milliseconds=80)
        other = await _locked(here.house.store, tmp_path / "playledger.db")

        answers = []
        for number in range(20):
            kind = {0: "PlaybackStart", 19: "PlaybackStop"}.get(number, "PlaybackProgress")
            at = NINE_PM + timedelta(minutes=number)
            answers.append(await here.send(notification(kind, at, 60 * number)))
        other.execute("COMMIT")
        other.close()
        await until(lambda: not here.house.intake.is_away and here.house.spool.is_empty)
        (playback,) = (await here.get("/playbacks"))["items"]

    assert {(answer.status_code, answer.json()["outcome"]) for answer in answers} == {(202, "spooled")}
    assert playback["watched_seconds"] == pytest.approx(19 * 60)
    assert playback["ended_by"] == "stop"


async def test_what_was_answered_before_the_power_was_cut_is_taken_in_once(tmp_path: Path) -> None:
    """35. Killed between the answer and the taking in, and once more half way through: it is there once."""
    async with program(tmp_path) as here:
        here.house.store.begin = _away  # type: ignore[assignment, method-assign]
        for number, kind in enumerate(("PlaybackStart", "PlaybackProgress", "PlaybackStop")):
            at = NINE_PM + timedelta(minutes=10 * number)
            assert (await here.send(notification(kind, at, 600 * number))).json()["outcome"] == "spooled"
        spooled = {path.name: path.read_bytes() for path in (tmp_path / "spool").glob("*.spool")}
    for _ in range(2):  # the second time as if it had died before it could discard what it had taken in
        for name, data in spooled.items():
            (tmp_path / "spool" / name).write_bytes(data)
        async with program(tmp_path) as here:
            await until(lambda house=here.house: house.spool.is_empty)
            (playback,) = (await here.get("/playbacks"))["items"]

    assert playback["watched_seconds"] == pytest.approx(1200)


async def _dump(store: Transactions) -> list[str]:
    """Return everything derived and every piece of evidence, as text."""
    found: list[str] = []
    async with store.read() as db:
        for table in metadata.sorted_tables:
            if table.name not in {"server", "item", "tally"}:
                rows = (await db.execute(sa.select(table))).all()
                found += sorted(f"{table.name} {tuple(row)}" for row in rows)
    return found


async def test_a_week_replayed_twice_is_the_same_ledger_byte_by_byte(sqlite_url: str) -> None:
    """36. And a dry run shows that nothing would change."""
    evening = Evening(sqlite_url, Way.BOTH)
    evening.every = 60.0
    for day in range(7):
        at = day * 24 * HOUR
        evening.play(Open(EPISODE), Play(600), Pause(120), PlayTo(EPISODE.runtime), Close(), at=at)
        evening.play(Open(NEXT_EPISODE), Play(300), Seek(120), Play(300), Close("nothing"), at=at + 2 * HOUR)
    week = await evening.perform()
    before = await _dump(week.store)

    reports = [
        await replay(week.store, week.people, kept(week.store), lambda: week.now, read, dry_run=dry)
        for dry in (True, False, False)
    ]
    after = await _dump(week.store)
    await week.close()

    assert [report.differences for report in reports] == [[], [], []]
    assert reports[0].read > 100
    assert after == before


@pytest.mark.parametrize("shown_for", [pytest.param(120.0, id="for minutes"), pytest.param(6 * HOUR, id="for hours")])
async def test_a_session_that_comes_back_from_the_dead_is_no_playback(evening: Evening, shown_for: float) -> None:
    """38. After a restart Jellyfin lists an old session: its activity is old, its position frozen."""
    evening.every = 30.0
    evening.play(Open(FILM), Play(600), Close(), Wait(60), Restart(30), Wait(60))
    ghost: list[bytes] = []

    def with_a_ghost(second: float, body: bytes | None) -> bytes | None:
        if body is not None and second < 600 and b'"NowPlayingItem"' in body:
            ghost[:] = [body]
        return ghost[0] if ghost and 720 <= second < 720 + shown_for else body

    evening.look = with_a_ghost
    ledger = await evening.ledger()

    (playback,) = ledger.playbacks
    assert playback.watched == pytest.approx(600, abs=evening.tolerance)
    assert playback.ended_at <= evening.at(601)


class _Revived:
    """A session that we never saw alive: its last report is three hours old, at the end of a film.

    It is made of what the evening's own session says. *changes* are what else its answer says of it.
    """

    def __init__(self, evening: Evening, changes: dict[str, object]) -> None:
        self.evening = evening
        self.ticks = 5_700 * 10_000_000
        self.old = (evening.began - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
        self.changes = changes
        self.alive: dict[str, Any] = {}

    def look(self, second: float, body: bytes | None) -> bytes | None:
        """Show it beside whatever else is shown, for an hour after the restart."""
        if body is None:
            return None
        told: list[dict[str, Any]] = msgspec.json.decode(body)
        playing = [each for each in told if "NowPlayingItem" in each]
        if second < 600 and playing:
            self.alive = playing[0]
        return msgspec.json.encode([*told, self._session()]) if 720 <= second < 720 + HOUR else body

    def deliver(self, told: list[Delivery]) -> list[Delivery]:
        """Have the server tell that it plays, and stop it as idle ten minutes later, as if it had come to its end."""
        (stop,) = [each for each in told if b'"PlaybackStop"' in each.body]
        after = [(720.0 + second, "PlaybackProgress", True) for second in range(0, 600, 30)]
        return [*told, *(self._sent(stop, *each) for each in (*after, (1320.0, "PlaybackStop", False)))]

    def _session(self) -> dict[str, Any]:
        item = self.alive["NowPlayingItem"] | {"Id": OTHER_FILM.id, "Name": OTHER_FILM.name}
        item["ProviderIds"] = dict(OTHER_FILM.providers)
        state = self.alive["PlayState"] | {"PositionTicks": self.ticks, "IsPaused": "LastPausedDate" in self.changes}
        dates = {"LastActivityDate": self.old, "LastPlaybackCheckIn": self.old}
        mine = {"Id": TELEVISION.session_id, "DeviceId": TELEVISION.device_id}
        return self.alive | mine | dates | {"NowPlayingItem": item, "PlayState": state} | self.changes

    def _sent(self, stop: Delivery, second: float, kind: str, is_automated: bool) -> Delivery:
        at = self.evening.at(second)
        fields: dict[str, Any] = msgspec.json.decode(stop.body)
        providers = {f"Provider_{name.lower()}": value for name, value in OTHER_FILM.providers}
        fields = {name: value for name, value in fields.items() if not name.startswith("Provider_")} | providers
        fields |= {"NotificationType": kind, "UtcTimestamp": at.strftime("%Y-%m-%dT%H:%M:%S.0000000Z")}
        fields |= {"IsAutomated": is_automated, "PlaybackPositionTicks": self.ticks, "Name": OTHER_FILM.name}
        fields |= {"ItemId": OTHER_FILM.id, "MediaSourceId": OTHER_FILM.id, "Id": TELEVISION.session_id}
        fields |= {"DeviceId": TELEVISION.device_id, "LastActivityDate": self.old, "LastPlaybackCheckIn": self.old}
        if kind == "PlaybackStop":
            fields["PlayedToCompletion"] = True
        return msgspec.structs.replace(stop, sent_at=at, arrives_at=at, body=msgspec.json.encode(fields))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="that says it plays"),
        pytest.param({"LastActivityDate": "2026-03-02T20:12:30.0000000Z"}, id="that somebody has touched"),
        pytest.param({"LastPausedDate": "2026-03-02T17:00:00.0000000Z"}, id="that was paused"),
    ],
)
async def test_a_session_that_was_never_seen_alive_is_no_viewing(evening: Evening, changes: dict[str, object]) -> None:
    """38. After a restart Jellyfin lists a session that we never saw, hours old, frozen near the end of its film."""
    evening.every = 30.0
    evening.play(Open(FILM), Play(600), Close(), Wait(60), Restart(30), Wait(60))
    revived = _Revived(evening, changes)
    evening.look, evening.deliver = revived.look, revived.deliver

    ledger = await evening.ledger()

    (playback,) = ledger.of(item=FILM)
    assert playback.watched == pytest.approx(600, abs=evening.tolerance)
    assert len(ledger.of(item=OTHER_FILM)) <= 1
    assert all(each.watched == 0 and not each.completed for each in ledger.of(item=OTHER_FILM))
    assert [row for row in ledger.watches if row.title == OTHER_FILM.name] == []


# --- 40: a heavy answer -----------------------------------------------------------------------------------------


class _Heavy:
    """A Jellyfin on a real socket, whose answer carries a queue of 3,000 items, and takes as long as the test wants.

    *takes* is in seconds of the *clock*, which goes on by so much when it answers.
    """

    def __init__(self, number: int, clock: Clock) -> None:
        self.id = f"{number:032x}"
        self.clock = clock
        self.takes = 0.0
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.in_flight = self.most = self.answered = 0

    async def __call__(self, path: str) -> bytes:
        if path == "/System/Info/Public":
            return msgspec.json.encode({"Id": self.id, "ServerName": "a server"})
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        await self.goes_on.wait()
        self.clock.at += timedelta(seconds=self.takes)
        self.in_flight -= 1
        self.answered += 1
        return _heavy_answer()


def _heavy_answer() -> bytes:
    now = "2026-11-22T21:00:00.0000000Z"
    session = {
        "Id": "d1" * 16,
        "UserId": VIEWER.id,
        "Client": BROWSER.client,
        "DeviceId": BROWSER.device_id,
        "LastActivityDate": now,
        "LastPlaybackCheckIn": now,
        "PlayState": {"PositionTicks": 600_000_000, "IsPaused": False},
        "NowPlayingItem": {"Id": FILM.id, "Name": FILM.name, "Type": "Movie", "RunTimeTicks": 60_000_000_000},
        "NowPlayingQueueFullItems": [
            {"Id": f"{n:032x}", "Name": "A Film", "Overview": "x" * 2600} for n in range(3000)
        ],
    }
    return msgspec.json.encode([session])


@pytest.fixture
async def pollers(sqlite_url: str, tmp_path: Path) -> AsyncIterator[tuple[list[_Heavy], list[Poller]]]:
    """Two servers that are polled by one process."""
    store = Transactions(sqlite_url)
    people = People(Rules(), UTC, auto_link=True)
    clock = Clock()
    tracker = Tracker(store, people, clock)
    lease = FolderLease(tmp_path)
    servers = [_Heavy(1, clock), _Heavy(2, clock)]
    made: list[Poller] = []
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        for server in servers:
            url = await stack.enter_async_context(listening(server, lambda: format_datetime(clock(), usegmt=True)))
            made.append(Poller(JellyfinClient(url, "0" * 32, http, clock), tracker, lease, clock, chance=lambda: 0.5))
        running = asyncio.create_task(tracker.run())
        yield servers, made
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    await lease.release()
    await store.close()


async def test_a_heavy_answer_is_asked_for_once_at_a_time_and_holds_up_no_other_server(
    pollers: tuple[list[_Heavy], list[Poller]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """40. 8 MB, and 20 s of silence before them: longer than anything else may be silent, here 0.1 s for 10."""
    (slow, quick), (slow_poller, quick_poller) = pollers
    for poller in pollers[1]:
        await poller.introduced()
    monkeypatch.setattr(asking, "SILENCE", 0.1)
    slow.goes_on.clear()

    waiting = [asyncio.create_task(slow_poller.poll()) for _ in range(3)]
    quick_waits = [await quick_poller.poll() for _ in range(2)]
    await asyncio.sleep(0.3)
    done = [task.done() for task in waiting]
    slow.takes = 20.0
    slow.goes_on.set()
    slow_waits = await asyncio.gather(*waiting)
    slow.takes = 0.1
    better = await slow_poller.poll()

    assert (slow.most, slow.answered, quick.answered) == (1, 4, 2)
    assert done == [False] * 3
    assert slow_waits == [timedelta(seconds=20)] * 3  # the rate falls by itself, and not for good
    assert [*quick_waits, better] == [timedelta(seconds=10)] * 3
    assert [poller.status.state for poller in (slow_poller, quick_poller)] == [State.ACTIVE] * 2
    assert slow_poller.status.is_playing
    assert len(_heavy_answer()) > 7_900_000


# --- 41: what comes in over the wire ----------------------------------------------------------------------------


async def test_json_in_plain_text_is_read(tmp_path: Path) -> None:
    """41. The plugin's default content type is text/plain."""
    async with program(tmp_path) as here:
        answer = await here.send(recording("plugin_21_start.json"), headers={"content-type": "text/plain"})

    assert (answer.status_code, answer.json()["outcome"]) == (202, "recorded")


async def test_a_template_with_a_missing_comma_is_kept_and_shown_with_its_place(tmp_path: Path) -> None:
    """41. Handlebars leave a comma out."""
    body = recording("plugin_21_start.json").decode().rstrip()
    first, second, rest = body.split(",", 2)
    broken = f"{first},\n{second}\n{rest.lstrip()}".encode()
    async with program(tmp_path) as here:
        answer = await here.send(broken)
        await here.house.notes.write()
        (shown,) = (await here.get("/rejected"))["items"]

    assert (answer.status_code, answer.json()["outcome"]) == (400, "rejected")
    assert "line 3" in str(shown)
    assert "comma" in str(shown)


async def test_five_megabytes_are_too_long(tmp_path: Path) -> None:
    """41. Nothing that the plugin sends is longer than a few kilobytes."""
    async with program(tmp_path) as here:
        answer = await here.send(b" " * (5 * MOST_BYTES))
        playbacks = (await here.get("/playbacks"))["items"]

    assert (answer.status_code, playbacks) == (413, [])


async def test_a_wrong_token_is_told_nothing(tmp_path: Path) -> None:
    """41. The same words whatever the body says, and none of it is kept."""
    async with program(tmp_path) as here:
        wrong = await here.send(recording("plugin_21_start.json"), token="a-token-that-nobody-made")
        none = await here.http.post(WEBHOOK, content=b"{", headers={"authorization": ""})
        playbacks = (await here.get("/playbacks"))["items"]

    assert (wrong.status_code, none.status_code, playbacks) == (401, 401, [])
    assert wrong.json() == none.json()


async def test_a_second_process_on_one_database_refuses_to_record_and_says_so_loudly(tmp_path: Path) -> None:
    """18. Two copies on one data folder: one row, and a warning in the log and in the status."""
    with capture_logs() as logs:
        async with program(tmp_path) as first, program(tmp_path) as second:
            body = recording("plugin_21_start.json")
            answers = [await first.send(body), await second.send(body)]
            status, ready = await second.get("/status"), await second.http.get("/health/ready")
            holds, well = await first.get("/status"), await first.http.get("/health/ready")
            playbacks = (await first.get("/playbacks"))["items"]

    assert answers[0].json()["outcome"] == "recorded"
    assert answers[1].status_code == 503
    assert len(playbacks) == 1
    (said,) = [entry for entry in logs if entry["event"] == "this process does not record"]
    assert said["log_level"] == "warning"
    assert f"held by process {os.getpid()}" in said["reason"]
    assert str(tmp_path) in said["reason"]
    assert (status["recording"], status["ready"], status["waits_for"]) == (False, False, said["reason"])
    assert f"Not ready: {said['reason']}" in status["notices"]
    assert (ready.status_code, ready.json()["detail"]) == (503, said["reason"])
    assert (holds["recording"], holds["ready"], holds["waits_for"]) == (True, True, None)
    assert well.status_code == 200


async def test_the_ledger_is_read_the_same_from_every_database(evening_anywhere: Evening) -> None:
    """The four ways on each kind of database: an evening of two viewings with a pause, a seek and a crash of ours."""
    evening = evening_anywhere
    evening.play(Open(EPISODE), Play(300), Pause(200), PlayTo(EPISODE.runtime), Close())
    evening.killed(600, 700)

    program_ = await evening.perform()
    ledger = await read_ledger(program_.store)
    await program_.close()

    (playback,) = ledger.playbacks
    assert playback.watched == pytest.approx(EPISODE.runtime, abs=2 * evening.tolerance)
    assert [row.plays for row in ledger.watches] == [1]
