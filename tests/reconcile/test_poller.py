"""The poller against a small Jellyfin in memory, with a clock that only the test moves."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from reconcile.arrivals import Arrival
from reconcile.backlog import Backlog
from reconcile.errors import StoreAway
from reconcile.jellyfin.client import LONGEST_LOOK, JellyfinClient
from reconcile.people import People
from reconcile.playback.check_in import Channel, CheckIn, ItemFacts, Key, Kind, Observation
from reconcile.playback.rules import Rules
from reconcile.poller import Poller, State
from reconcile.store import deliveries, servers, tables
from reconcile.store.engine import Transactions
from reconcile.store.lease import FolderLease
from reconcile.tracker import Tracker

SERVER = "5e" * 16
VIEWER, FILM = "a1" * 16, "f1" * 16
EIGHT = datetime(2026, 1, 3, 20, tzinfo=UTC)

pytestmark = pytest.mark.anyio


class Clock:
    def __init__(self) -> None:
        self.at = EIGHT

    def __call__(self) -> datetime:
        return self.at

    def wait(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


class Jellyfin:
    """A server whose sessions are what the test says; its clock is *ahead* of ours."""

    def __init__(self, clock: Clock, ahead: float = 0.0) -> None:
        self.clock = clock
        self.ahead = timedelta(seconds=ahead)
        self.id = SERVER
        self.is_up = True
        self.takes = 0.0
        self.status = 200
        self.sessions: list[dict[str, object]] = []
        self.asked: list[str] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.is_asked = asyncio.Event()

    @property
    def now(self) -> datetime:
        return self.clock() + self.ahead

    def plays(self, position: float, *, session: str = "d1", item: str = FILM, kind: str = "Movie") -> None:
        """Let a client report *position* now."""
        told: dict[str, object] = {
            "Id": session * 16,
            "UserId": VIEWER,
            "UserName": "viewer",
            "Client": "Jellyfin Web",
            "DeviceId": f"device {session}",
            "LastActivityDate": text(self.now),
            "LastPlaybackCheckIn": text(self.now),
            "PlayState": {"PositionTicks": round(position * 1e7), "IsPaused": False},
            "NowPlayingItem": {
                "Id": item,
                "Name": "A Film",
                "Type": kind,
                "RunTimeTicks": 6000 * 10_000_000,
                "ProviderIds": {"Tmdb": "11"},
            },
        }
        self.sessions = [each for each in self.sessions if each["Id"] != told["Id"]] + [told]

    def stops(self) -> None:
        """Let every client stop now."""
        for session in self.sessions:
            session |= {"LastActivityDate": text(self.now), "PlayState": {"IsPaused": False}}
            session.pop("NowPlayingItem", None)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        self.is_asked.set()
        self.in_flight += 1
        self.most_in_flight = max(self.in_flight, self.most_in_flight)
        await asyncio.sleep(0)
        self.in_flight -= 1
        self.clock.wait(self.takes)
        if self.takes > LONGEST_LOOK:
            raise httpx.ReadTimeout("nothing came")
        if not self.is_up:
            raise httpx.ConnectError("refused")
        headers = {"Date": format_datetime(self.now, usegmt=True)}
        if request.url.path == "/System/Info/Public":
            told: object = {"Id": self.id, "ServerName": "media", "Version": "10.11.8"}
            return httpx.Response(200, json=told, headers=headers)
        return httpx.Response(self.status, content=json.dumps(self.sessions), headers=headers)


class Lease:
    """A lease that the test gives and takes."""

    asked_for = ""

    def __init__(self) -> None:
        self.is_ours = True

    async def holds(self, server_id: str) -> bool:
        self.asked_for = server_id
        return self.is_ours

    async def release(self) -> None:
        self.is_ours = False


class Scene:
    """All of it together. `poll` looks once, and `after` some seconds."""

    def __init__(self, store: Transactions, *, auto_link: bool = True, ahead: float = 0.0) -> None:
        self.clock = Clock()
        self.jellyfin = Jellyfin(self.clock, ahead)
        self.store = store
        self.people = People(Rules(), UTC, auto_link=auto_link)
        self.tracker = Tracker(store, self.people, self.clock)
        self.lease = Lease()
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.jellyfin))
        self.client = JellyfinClient("http://jellyfin.test:8096", "0" * 32, http, self.clock)
        self.poller = Poller(self.client, self.tracker, self.lease, self.clock, chance=lambda: 0.5)
        self.polls = 0

    async def poll(self, after: float = 0.0) -> float:
        self.clock.wait(after)
        return (await self.poller.poll()).total_seconds()

    async def rows(self, *columns: sa.ColumnElement[object] | sa.Column[object]) -> list[tuple[object, ...]]:
        async with self.store.read() as db:
            return [tuple(row) for row in await db.execute(sa.select(*columns))]


@contextlib.asynccontextmanager
async def playing(scene: Scene) -> AsyncIterator[Scene]:
    running = asyncio.create_task(scene.tracker.run())
    try:
        yield scene
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


@pytest.fixture
async def scene(store: Transactions) -> AsyncIterator[Scene]:
    async with playing(Scene(store)) as made:
        yield made


CHECK_INS = (tables.check_in.c.at, tables.check_in.c.position, tables.check_in.c.sighted_until)


async def test_what_a_look_shows_is_recorded(scene: Scene) -> None:
    scene.jellyfin.plays(120.0)

    wait = await scene.poll(after=3)

    assert wait == 10.0
    assert await scene.rows(*CHECK_INS) == [(EIGHT, 120.0, EIGHT + timedelta(seconds=3))]
    assert scene.poller.status.state is State.ACTIVE
    async with scene.store.read() as db:
        (server,) = await servers.all_of_them(db)
    assert (server.id, server.name, server.version) == (SERVER, "media", "10.11.8")


async def test_the_same_check_in_shown_again_only_moves_its_sighting(scene: Scene) -> None:
    scene.jellyfin.plays(120.0)
    await scene.poll(after=3)

    await scene.poll(after=10)
    await scene.tracker.flush()

    assert await scene.rows(*CHECK_INS) == [(EIGHT, 120.0, EIGHT + timedelta(seconds=13))]
    assert len(await scene.rows(tables.look.c.at)) == 2


async def test_a_new_check_in_is_a_new_row(scene: Scene) -> None:
    for position in (120.0, 130.0):
        scene.jellyfin.plays(position)
        await scene.poll(after=10)

    assert [row[1] for row in await scene.rows(*CHECK_INS)] == [120.0, 130.0]


async def test_what_two_looks_lack_has_ended(scene: Scene) -> None:
    scene.jellyfin.plays(120.0)
    await scene.poll(after=3)
    scene.jellyfin.sessions = []

    for _ in range(4):
        await scene.poll(after=15)

    assert await scene.rows(tables.playback.c.open, tables.playback.c.ended_by) == [(False, "absence")]


async def test_an_idle_session_tells_when_it_was_left(scene: Scene) -> None:
    scene.jellyfin.plays(120.0)
    await scene.poll(after=3)
    scene.clock.wait(4.5)
    scene.jellyfin.stops()

    waits = [await scene.poll(after=15) for _ in range(4)]

    assert waits == [15.0] * 4, "nothing plays"
    stopped = EIGHT + timedelta(seconds=7.5)
    assert await scene.rows(*CHECK_INS, tables.check_in.c.left_by) == [
        (EIGHT, 120.0, EIGHT + timedelta(seconds=3), stopped)
    ]
    ended = (tables.playback.c.ended_by, tables.playback.c.ended_at, tables.playback.c.watched_seconds)
    assert await scene.rows(*ended) == [("absence", stopped, 7.5)]


async def test_when_it_was_left_is_told_once(scene: Scene) -> None:
    scene.jellyfin.plays(120.0)
    await scene.poll(after=3)
    scene.jellyfin.stops()
    await scene.poll(after=10)
    scene.clock.wait(1)
    scene.jellyfin.stops()

    await scene.poll(after=10)

    assert await scene.rows(tables.check_in.c.left_by) == [(EIGHT + timedelta(seconds=3),)]


async def test_an_ends_instant_that_was_seen_while_the_database_was_away_is_not_lost(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.jellyfin.plays(120.0)
    await scene.poll(after=3)
    with monkeypatch.context() as away:
        away.setattr(scene.tracker, "record", _away)
        scene.jellyfin.plays(130.0)
        await scene.poll(after=5)
        scene.clock.wait(4)
        scene.jellyfin.stops()
        for _ in range(4):
            await scene.poll(after=10)

    await scene.poll(after=10)

    ended = (tables.playback.c.ended_by, tables.playback.c.ended_at, tables.playback.c.watched_seconds)
    assert await scene.rows(*ended) == [("absence", EIGHT + timedelta(seconds=12), 12.0)]


async def _away(_arrival: object) -> None:
    raise StoreAway("no database")


async def test_a_playback_that_looks_still_show_without_news_has_not_ended(scene: Scene) -> None:
    scene.jellyfin.plays(120.0)

    for _ in range(12):
        await scene.poll(after=10)

    assert await scene.rows(tables.playback.c.open) == [(True,)]


async def test_an_error_is_no_look(scene: Scene) -> None:
    scene.jellyfin.plays(120.0)
    await scene.poll(after=3)
    scene.jellyfin.status = 502

    for _ in range(4):
        await scene.poll(after=15)

    assert len(await scene.rows(tables.look.c.at)) == 1
    assert await scene.rows(tables.playback.c.open) == [(True,)]


async def test_a_server_that_is_away_is_asked_less_and_less_and_the_state_says_since_when(scene: Scene) -> None:
    scene.jellyfin.is_up = False

    waits = [await scene.poll(after=seconds) for seconds in (0, 1, 2, 4, 8, 16, 32, 60)]

    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert scene.poller.status.state is State.ERROR
    assert scene.poller.status.since == EIGHT
    assert "ConnectError" in scene.poller.status.reason


async def test_a_server_that_takes_long_is_asked_less_often_by_itself(scene: Scene) -> None:
    scene.jellyfin.plays(120.0)
    waits = []
    for scene.jellyfin.takes in (0.1, 12.0, 20.0, 0.1):
        waits.append(await scene.poll())

    assert waits == pytest.approx([10.0, 12.0, 20.0, 10.0])
    assert len(await scene.rows(tables.look.c.at)) == 4


async def test_a_server_that_was_given_up_has_time_to_finish_before_it_is_asked_again(scene: Scene) -> None:
    scene.jellyfin.takes = LONGEST_LOOK + 0.5

    wait = await scene.poll()

    assert wait == LONGEST_LOOK
    assert scene.poller.status.state is State.ERROR
    assert "no answer in time" in scene.poller.status.reason


async def test_it_is_asked_more_often_while_a_playback_is_open(scene: Scene) -> None:
    scene.jellyfin.plays(120.0)
    await scene.poll()
    scene.jellyfin.is_up = False

    waits = [await scene.poll() for _ in range(7)]

    assert waits == [1, 2, 4, 8, 15, 15, 15]


async def test_a_server_that_comes_back_is_active_again_and_says_who_it_is(scene: Scene) -> None:
    scene.jellyfin.is_up = False
    await scene.poll()
    scene.jellyfin.is_up = True

    wait = await scene.poll(after=1)

    assert wait == 15.0
    assert scene.poller.status.state is State.ACTIVE
    assert scene.jellyfin.asked[-2:] == ["/System/Info/Public", "/Sessions"]


async def test_another_server_at_the_same_address_is_an_error(scene: Scene) -> None:
    await scene.poll()
    scene.jellyfin.is_up = False
    await scene.poll()
    scene.jellyfin.is_up, scene.jellyfin.id = True, "77" * 16

    await scene.poll()

    assert scene.poller.status.state is State.ERROR
    assert "another server" in scene.poller.status.reason


async def test_a_wrong_key_is_said_in_plain_words(scene: Scene) -> None:
    scene.jellyfin.status = 401

    await scene.poll()

    assert "API key is wrong" in scene.poller.status.reason


async def test_who_does_not_hold_the_lease_does_not_look(scene: Scene) -> None:
    scene.lease.is_ours = False

    wait = await scene.poll()

    assert wait <= 5.0, "so that a takeover takes less than 30 s"
    assert scene.jellyfin.asked == ["/System/Info/Public"]
    assert scene.poller.status.state is State.PAUSED


async def test_a_folder_that_another_process_holds_is_named(store: Transactions, tmp_path: Path) -> None:
    scene = Scene(store)
    held, waiting = FolderLease(tmp_path), FolderLease(tmp_path)
    held.take()
    poller = Poller(scene.client, scene.tracker, waiting, scene.clock, chance=lambda: 0.5)

    await poller.poll()
    await held.release()

    assert poller.status.reason.startswith("the data folder is held by process ")


async def test_a_poller_that_is_to_rest_asks_nothing(scene: Scene) -> None:
    scene.poller.paused = "recording is off"

    await scene.poll()

    assert scene.jellyfin.asked == []
    assert (scene.poller.status.state, scene.poller.status.reason) == (State.PAUSED, "recording is off")


async def test_people_who_are_not_recorded_leave_nothing_but_a_count(store: Transactions) -> None:
    async with playing(Scene(store, auto_link=False)) as scene:
        for position in (0.0, 10.0, 20.0):
            scene.jellyfin.plays(position)
            await scene.poll(after=10)
        await scene.tracker.flush()

        assert await scene.rows(tables.playback_key.c.id) == []
        async with store.read() as db:
            assert await deliveries.tallies(db) == {"not a recorded user": 1}


async def test_whoever_is_recorded_from_now_on_is_seen_at_the_next_look(store: Transactions) -> None:
    async with playing(Scene(store, auto_link=False)) as scene:
        scene.jellyfin.plays(120.0)
        await scene.poll(after=3)
        scene.people.auto_link = True

        await scene.poll(after=10)

        assert len(await scene.rows(*CHECK_INS)) == 1


async def test_what_is_no_history_is_counted_once_and_not_at_every_look(scene: Scene) -> None:
    for number in range(3):
        scene.jellyfin.plays(10.0 * number, kind="Audio")
        await scene.poll(after=10)

    assert scene.tracker.ignored == {"item type Audio": 1}
    assert not scene.poller.status.is_playing


async def test_one_malformed_session_is_set_aside_and_the_others_go_on(scene: Scene) -> None:
    scene.jellyfin.plays(120.0)
    scene.jellyfin.sessions.insert(0, {"Id": 7, "NowPlayingItem": {"Id": FILM}})

    await scene.poll()

    assert scene.poller.status.malformed == 1
    assert len(await scene.rows(*CHECK_INS)) == 1


async def test_times_are_the_servers_and_its_clock_is_kept(store: Transactions) -> None:
    async with playing(Scene(store, ahead=3600.0)) as scene:
        scene.jellyfin.plays(120.0)
        await scene.poll()

        (at, _position, _until) = (await scene.rows(*CHECK_INS))[0]
        assert at == EIGHT + timedelta(hours=1)
        assert scene.tracker.ahead[SERVER].total_seconds() == pytest.approx(3600, abs=2)
        async with store.read() as db:
            assert (await servers.all_of_them(db))[0].clock_offset_seconds == pytest.approx(3600, abs=2)


async def test_proven_webhooks_slow_the_pace_down(scene: Scene) -> None:
    scene.jellyfin.plays(120.0)
    await push(scene, 120.0)

    assert await scene.poll() == 30.0

    scene.jellyfin.sessions = []
    assert await scene.poll(after=30) == 60.0
    assert scene.poller.status.is_push_proven


async def test_one_playback_that_webhooks_missed_puts_the_pace_back_and_is_noticed(scene: Scene) -> None:
    scene.jellyfin.plays(120.0)
    await push(scene, 120.0)
    await scene.poll()
    scene.jellyfin.plays(0.0, session="d2", item="f2" * 16)
    await scene.poll(after=30)

    scene.jellyfin.plays(30.0, session="d2", item="f2" * 16)
    wait = await scene.poll(after=30)

    assert wait == 10.0
    assert scene.poller.status.unseen == 1


async def push(scene: Scene, position: float) -> None:
    at = scene.clock()
    check_in = CheckIn(at, Kind.PLAYING, position, True, at, at, frozenset({Channel.WEBHOOK}))
    key = Key(SERVER, "d1" * 16, VIEWER, FILM)
    facts = ItemFacts(kind="movie", name="A Film", runtime_seconds=6000.0)
    await scene.tracker.record(Arrival((Observation(key, Channel.WEBHOOK, at, check_in, item=facts),)))


async def test_a_database_that_is_away_loses_no_look(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = scene.store.begin
    scene.jellyfin.plays(120.0)
    await scene.poll(after=3)

    @contextlib.asynccontextmanager
    async def away(patience: timedelta | None = None) -> AsyncIterator[None]:
        raise StoreAway("the disk is full")
        yield

    monkeypatch.setattr(scene.store, "begin", away)
    for position in (130.0, 140.0):
        scene.jellyfin.plays(position)
        await scene.poll(after=10)
    await scene.poll(after=10)
    held = scene.poller.status
    monkeypatch.setattr(scene.store, "begin", begin)
    await scene.poll(after=10)
    await scene.tracker.flush()

    assert (held.held, held.state) == (3, State.ERROR)
    assert scene.poller.status.held == 0
    assert scene.poller.status.state is State.ACTIVE
    assert [row[1] for row in await scene.rows(*CHECK_INS)] == [120.0, 130.0, 140.0]
    assert len(await scene.rows(tables.look.c.at)) == 5


async def test_requests_are_counted_and_never_two_are_in_flight(scene: Scene) -> None:
    for _ in range(3):
        await scene.poll(after=10)
    await asyncio.gather(scene.poller.poll(), scene.poller.poll())

    assert scene.poller.status.requests_a_minute == 6
    assert scene.jellyfin.most_in_flight == 1


async def test_the_task_polls_until_it_is_cancelled_and_can_be_hurried(scene: Scene) -> None:
    running = asyncio.create_task(scene.poller.run())
    for _ in range(3):
        await scene.jellyfin.is_asked.wait()
        scene.jellyfin.is_asked.clear()
        scene.poller.hurry()
    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_backlog_keeps_the_latest_and_says_what_it_let_go() -> None:
    backlog = Backlog(most_shown=3)
    key = Key(SERVER, "d1" * 16, VIEWER, FILM)

    gone = [backlog.add(EIGHT + timedelta(seconds=n), [], [key]) for n in range(5)]
    taken: list[datetime] = []

    async def take(at: datetime, _told: object, _still: object) -> None:
        taken.append(at)

    await backlog.drain(take)
    assert gone == [0, 0, 0, 1, 1]
    assert taken == [EIGHT + timedelta(seconds=n) for n in (2, 3, 4)]
    assert len(backlog) == 0
