"""What the library knows is asked for in the background, and settles what it concerns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa

from reconcile.arrivals import Arrival
from reconcile.jellyfin.client import JellyfinClient
from reconcile.people import People
from reconcile.playback.check_in import Channel, CheckIn, ItemFacts, Key, Kind, Observation
from reconcile.playback.rules import Rules
from reconcile.recording import Recording
from reconcile.resolving import BATCH, BUSY, IDLE, Resolver
from reconcile.store import media, tables
from reconcile.store.engine import Transactions
from reconcile.tracker import Tracker

SERVER, VIEWER = "5e" * 16, "a1" * 16
SERIES, OTHER_SERIES, EPISODE, SAME_EPISODE = "51" * 16, "52" * 16, "e1" * 16, "e2" * 16
EIGHT = datetime(2026, 1, 3, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)

pytestmark = pytest.mark.anyio


class Library:
    """A Jellyfin that knows the items in *items*, and remembers what it was asked."""

    def __init__(self, version: str = "10.11.8") -> None:
        self.version = version
        self.items: dict[str, dict[str, object]] = {}
        self.asked: list[list[str]] = []
        self.users: list[str | None] = []
        self.status = 200
        self.odd: str | None = None

    def has(self, item_id: str, kind: str, **more: object) -> None:
        self.items[item_id] = {"Id": item_id, "Type": kind, "Name": "A Series", **more}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/System/Info/Public":
            return httpx.Response(200, json={"Id": SERVER, "ServerName": "media", "Version": self.version})
        if request.url.path == "/Users":
            return httpx.Response(200, json=[{"Id": VIEWER, "Policy": {"IsAdministrator": True}}])
        ids = request.url.params["ids"].split(",")
        self.asked.append(ids)
        self.users.append(request.url.params.get("userId"))
        if self.odd in ids:
            return httpx.Response(400)
        found = [self.items[item_id] for item_id in ids if item_id in self.items]
        return httpx.Response(self.status, json={"Items": found})


class Scene:
    def __init__(self, store: Transactions, version: str = "10.11.8") -> None:
        self.now = EIGHT
        self.store = store
        self.library = Library(version)
        self.tracker = Tracker(store, People(Rules(), UTC, auto_link=True), lambda: self.now)
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.library))
        client = JellyfinClient("http://jellyfin.test", "0" * 32, http, lambda: self.now)
        self.resolver = Resolver(client, self.tracker, lambda: self.now, chance=lambda: 0.5)

    async def want(self, *item_ids: str) -> None:
        async with self.store.begin() as db:
            await media.want(db, [(SERVER, item_id) for item_id in item_ids], self.now)

    async def watch(self, item_id: str, series_id: str | None, began: datetime = EIGHT) -> None:
        """Play an episode of 45 minutes to its end."""
        facts = ItemFacts(kind="episode", name="One", series_id=series_id, season=1, episode=1, runtime_seconds=2700)
        key = Key(SERVER, "d1" * 16, VIEWER, item_id)
        arrivals = []
        for minute in range(0, 46, 3):
            at = began + timedelta(minutes=minute)
            kind = Kind.STOPPED if minute == 45 else Kind.PLAYING
            check_in = CheckIn(at, kind, 60.0 * minute, True, at, at, frozenset({Channel.WEBHOOK}))
            arrivals.append(Arrival((Observation(key, Channel.WEBHOOK, at, check_in, item=facts),)))
        self.now = max(self.now, began + HOUR)
        async with self.store.begin() as db:
            await Recording(db, self.tracker.people, self.now).take(arrivals)

    async def rows(self, *columns: sa.Column[object]) -> list[tuple[object, ...]]:
        async with self.store.read() as db:
            return [tuple(row) for row in await db.execute(sa.select(*columns).order_by(*columns))]


@pytest.fixture
def scene(store: Transactions) -> Scene:
    return Scene(store)


async def test_what_is_wanted_is_asked_for_in_one_question_and_kept(scene: Scene) -> None:
    scene.library.has(SERIES, "Series", ProviderIds={"Tmdb": "7"})
    scene.library.has(OTHER_SERIES, "Series", ProviderIds={"Tvdb": "8"})
    await scene.want(SERIES, OTHER_SERIES)

    wait = await scene.resolver.resolve()

    assert wait == IDLE
    assert scene.library.asked == [[SERIES, OTHER_SERIES]]
    i = tables.item.c
    assert await scene.rows(i.item_id, i.tmdb_id, i.tvdb_id) == [(SERIES, "7", None), (OTHER_SERIES, None, "8")]


async def test_an_answer_holds_for_a_month(scene: Scene) -> None:
    scene.library.has(SERIES, "Series", ProviderIds={"Tmdb": "7"})
    await scene.want(SERIES)

    for _day in range(31):
        await scene.resolver.resolve()
        scene.now += timedelta(days=1)

    assert len(scene.library.asked) == 2


async def test_what_the_library_does_not_have_is_asked_for_ever_more_rarely(scene: Scene) -> None:
    await scene.want(SERIES)

    for _hour in range(16):
        await scene.resolver.resolve()
        scene.now += HOUR

    assert len(scene.library.asked) == 5, "at once, and after 1, 3, 7 and 15 hours"
    assert await scene.rows(tables.item.c.error) == [("not in the library",)]


async def test_a_server_that_does_not_answer_is_left_alone_for_a_while(scene: Scene) -> None:
    scene.library.status = 503
    await scene.want(SERIES)

    waits = [(await scene.resolver.resolve()).total_seconds() for _ in range(9)]

    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert await scene.rows(tables.item.c.attempts) == [(0,)], "it is not the item's fault"


async def test_one_odd_id_does_not_stand_in_the_way_of_the_others(scene: Scene) -> None:
    scene.library.has(SERIES, "Series", ProviderIds={"Tmdb": "7"})
    scene.library.odd = OTHER_SERIES
    await scene.want(SERIES, OTHER_SERIES)

    await scene.resolver.resolve()

    i = tables.item.c
    assert await scene.rows(i.item_id, i.tmdb_id, i.attempts) == [(SERIES, "7", 0), (OTHER_SERIES, None, 1)]


async def test_many_are_asked_for_in_batches(scene: Scene) -> None:
    await scene.want(*(f"{number:032x}" for number in range(BATCH + 1)))

    waits = [await scene.resolver.resolve() for _ in range(2)]

    assert waits == [BUSY, IDLE]
    assert [len(ids) for ids in scene.library.asked] == [BATCH, 1]


async def test_jellyfin_10_8_is_asked_in_the_name_of_an_administrator(store: Transactions) -> None:
    scene = Scene(store, version="10.8.13")
    await scene.want(SERIES)

    await scene.resolver.resolve()

    assert scene.library.users == [VIEWER]


async def test_one_series_under_two_ids_becomes_one_row_when_its_public_id_is_learnt(scene: Scene) -> None:
    await scene.watch(EPISODE, SERIES)
    await scene.watch(SAME_EPISODE, OTHER_SERIES, began=EIGHT + HOUR)
    assert len(await scene.rows(tables.watch.c.id)) == 2
    for series_id in (SERIES, OTHER_SERIES):
        scene.library.has(series_id, "Series", ProviderIds={"Tmdb": "7"})

    await scene.resolver.resolve()

    w = tables.watch.c
    assert await scene.rows(w.unit, w.day, w.plays) == [("s01e01", "2026-01-03", 2)]
    assert await scene.rows(tables.media.c.tmdb_id) == [("7",)]


async def test_an_episode_that_did_not_name_its_series_finds_it(scene: Scene) -> None:
    await scene.watch(EPISODE, None)
    scene.library.has(
        EPISODE, "Episode", SeriesId=SERIES, ParentIndexNumber=1, IndexNumber=1, RunTimeTicks=27_000_000_000
    )
    scene.library.has(SERIES, "Series", ProviderIds={"Tmdb": "7"})

    for _round in range(2):
        await scene.resolver.resolve()

    shown = sa.select(tables.media.c.kind, tables.media.c.tmdb_id).join(
        tables.watch, tables.watch.c.media_id == tables.media.c.id
    )
    async with scene.store.read() as db:
        assert [tuple(row) for row in await db.execute(shown)] == [("series", "7")]


async def test_what_is_learnt_is_told_to_those_who_listen(scene: Scene) -> None:
    heard: list[int] = []
    scene.tracker.events.listen(lambda settled: heard.extend(settled.playbacks))
    await scene.watch(EPISODE, None)
    scene.library.has(
        EPISODE, "Episode", SeriesId=SERIES, ParentIndexNumber=1, IndexNumber=1, RunTimeTicks=27_000_000_000
    )

    await scene.resolver.resolve()

    assert heard


async def test_a_series_that_is_identified_anew_in_the_library_takes_its_history_along(scene: Scene) -> None:
    scene.library.has(SERIES, "Series", Name="The Wrong One", ProviderIds={"Tmdb": "7"})
    await scene.watch(EPISODE, SERIES)
    await scene.resolver.resolve()
    scene.library.has(SERIES, "Series", Name="The Right One", ProviderIds={"Tmdb": "8"})
    scene.now += timedelta(days=40)

    await scene.resolver.resolve()

    m = tables.media.c
    assert await scene.rows(m.title, m.tmdb_id, m.review) == [("The Right One", "8", False)]
    assert len(await scene.rows(tables.watch.c.id)) == 1
    assert await scene.rows(tables.media_alias.c.value) == [(f"{SERVER}:{SERIES}",), ("8",)]


async def test_the_librarys_title_is_the_media_s_whatever_was_told_first(scene: Scene) -> None:
    await scene.watch(EPISODE, SERIES)
    scene.library.has(SERIES, "Series", Name="The Series", ProductionYear=1999)

    await scene.resolver.resolve()
    assert await scene.rows(tables.media.c.title, tables.media.c.year) == [("The Series", 1999)]

    scene.library.has(SERIES, "Series", Name="The Series, renamed", ProductionYear=1999)
    scene.now += timedelta(days=40)
    await scene.resolver.resolve()
    assert await scene.rows(tables.media.c.title) == [("The Series, renamed",)]
