"""How long series are is asked in the background, and progress and badges follow the answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa

from reconcile.changes import BadgeChange
from reconcile.jellyfin.client import JellyfinClient
from reconcile.store import tables
from reconcile.store.engine import Transactions
from reconcile.totalling import Totalling
from reconcile.tracker import Tracker
from tests.reconcile.plays import Ledger, Play

SERVER, SERIES, OTHER = "5e" * 16, "51" * 16, "52" * 16
EIGHT = datetime(2026, 1, 3, 20, tzinfo=UTC)


class Library:
    """A Jellyfin whose series have so many episodes in their only season; None: it is gone."""

    def __init__(self, **series: int | None) -> None:
        self.series = {item_id: count for item_id, count in series.items() if count is not None}
        self.is_over = True
        self.status = 200
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/System/Info/Public":
            return httpx.Response(200, json={"Id": SERVER, "ServerName": "media", "Version": "10.11.8"})
        self.asked.append(path)
        if self.status != 200:
            return httpx.Response(self.status)
        if path == "/Items":
            status = "Ended" if self.is_over else "Continuing"
            return httpx.Response(200, json={"Items": [{"Id": item, "Status": status} for item in self.series]})
        item = path.split("/")[2]
        if item not in self.series:
            return httpx.Response(404)
        numbers = range(1, self.series[item] + 1)
        return httpx.Response(200, json={"Items": [{"ParentIndexNumber": 1, "IndexNumber": n} for n in numbers]})


class Scene:
    """Somebody who has seen two episodes of a series that is on a server."""

    def __init__(self, store: Transactions, library: Library) -> None:
        self.now = EIGHT + timedelta(days=7)
        self.ledger = Ledger(store)
        self.library = library
        self.tracker = Tracker(store, self.ledger.people, lambda: self.now)
        http = httpx.AsyncClient(transport=httpx.MockTransport(library))
        client = JellyfinClient("http://jellyfin.test", "0" * 32, http, lambda: self.now)
        self.totalling = Totalling(client, self.tracker, lambda: self.now, chance=lambda: 0.5)

    async def watch(self, item_id: str) -> int:
        (who,) = await self.ledger.welcome("UTC")
        (series,) = await self.ledger.media("series", 2001)
        async with self.ledger.store.begin() as db:
            alias = {"kind": "series", "source": "item", "value": f"{SERVER}:{item_id}", "media_id": series}
            await db.execute(sa.insert(tables.media_alias).values(**alias))
        await self.ledger.play(*(Play(who, series, EIGHT + timedelta(hours=n), f"s01e0{n}") for n in (1, 2)))
        return who

    async def progress(self) -> list[tuple[str, int | None]]:
        return [(row["status"], row["total_episodes"]) for row in await self.ledger.rows("series_progress")]


async def test_what_somebody_watches_is_counted_and_completes_what_was_in_progress(store: Transactions) -> None:
    scene = Scene(store, Library(**{SERIES: 2}))
    who = await scene.watch(SERIES)
    heard: list[BadgeChange] = []
    scene.tracker.events.listen(lambda settled: heard.extend(settled.badges))
    assert await scene.progress() == [("in_progress", None)]

    await scene.totalling.total()

    assert await scene.progress() == [("completed", 2)]
    assert [(each.account, each.code, each.is_earned) for each in heard] == [(who, "series_1", True)]


async def test_an_answer_holds_for_a_day_while_the_series_runs(store: Transactions) -> None:
    scene = Scene(store, Library(**{SERIES: 2}))
    scene.library.is_over = False
    await scene.watch(SERIES)

    for _hour in range(26):
        await scene.totalling.total()
        scene.now += timedelta(hours=1)

    assert scene.library.asked.count(f"/Shows/{SERIES}/Episodes") == 2
    assert await scene.progress() == [("caught_up", 2)]


async def test_a_new_episode_is_noticed(store: Transactions) -> None:
    scene = Scene(store, Library(**{SERIES: 2}))
    await scene.watch(SERIES)
    await scene.totalling.total()
    scene.library.series[SERIES] = 3

    scene.now += timedelta(days=9)
    await scene.totalling.total()

    assert await scene.progress() == [("in_progress", 3)]


async def test_a_series_that_is_gone_is_asked_for_ever_more_rarely_and_hinders_no_other(store: Transactions) -> None:
    scene = Scene(store, Library(**{OTHER: 2}))
    await scene.watch(SERIES)
    await scene.watch(OTHER)

    for _hour in range(16):
        await scene.totalling.total()
        scene.now += timedelta(hours=1)

    assert scene.library.asked.count(f"/Shows/{SERIES}/Episodes") == 5, "at once, and after 1, 3, 7 and 15 hours"
    assert sorted(await scene.progress()) == [("completed", 2), ("in_progress", None)]


async def test_a_server_that_does_not_answer_is_left_alone_for_a_while(store: Transactions) -> None:
    scene = Scene(store, Library(**{SERIES: 2}))
    scene.library.status = 503
    await scene.watch(SERIES)

    waits = [(await scene.totalling.total()).total_seconds() for _ in range(3)]

    assert waits == [30, 60, 120]
    assert await scene.progress() == [("in_progress", None)]


async def test_what_nobody_watches_is_not_asked_for(store: Transactions) -> None:
    scene = Scene(store, Library(**{SERIES: 2}))

    await scene.totalling.total()

    assert scene.library.asked == []


@pytest.mark.parametrize("kind", ["movie", "episode"])
async def test_only_series_are_counted(store: Transactions, kind: str) -> None:
    scene = Scene(store, Library(**{SERIES: 2}))
    (who,) = await scene.ledger.welcome("UTC")
    (single,) = await scene.ledger.media(kind, 2001)

    await scene.ledger.play(Play(who, single, EIGHT, "" if kind == "movie" else "s01e01"))
    await scene.totalling.total()

    assert (scene.library.asked, await scene.progress()) == ([], [])
