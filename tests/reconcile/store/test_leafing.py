"""Leafing: pages in both directions are the rows that are wanted, each once, and cost no more in a long history."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconcile.store import history, leafing, tables
from reconcile.store.engine import Transactions
from reconcile.store.leafing import Leaf, playback_leaf, watch_leaf
from reconcile.store.wanted import Place, Wanted
from tests.reconcile.plays import Ledger, Play

EIGHT_PM = datetime(2026, 3, 7, 20, tzinfo=UTC)
TITLES = ("The Long Night", "A Silent Harbour", "The Silent Night")

Reader = Callable[..., Awaitable[Leaf]]


class Shelf(msgspec.Struct):
    """A ledger of two people, films and a series, with what they played."""

    ledger: Ledger
    accounts: list[int]
    medias: list[int]

    async def play(self, account: int, media: int, minutes: int, *, completed: bool = True, channels: int = 1) -> None:
        at = EIGHT_PM + timedelta(minutes=minutes)
        unit = "" if media < 2 else f"s01e{minutes:02}"
        play = Play(self.accounts[account], self.medias[media], at, unit, 60.0, completed, channels=channels)
        await self.ledger.play(play)

    async def leaf(self, read: Reader, wanted: Wanted, place: Place | None, most: int, *, newer: bool = False) -> Leaf:
        async with self.ledger.store.read() as db:
            return await read(db, wanted, place, most, newer=newer)

    async def pages(self, read: Reader, wanted: Wanted, most: int) -> list[Leaf]:
        """Return all pages, from the newest on."""
        found = [await self.leaf(read, wanted, None, most)]
        while found[-1].older is not None:
            found.append(await self.leaf(read, wanted, found[-1].older, most))
        return found


async def shelf(store: Transactions, *zones: str) -> Shelf:
    ledger = Ledger(store)
    accounts = await ledger.welcome(*(zones or ("UTC", "UTC")))
    medias = await ledger.media("movie", 1999, 2001) + await ledger.media("series", None)
    async with store.begin() as db:
        m = tables.media.c
        for number, title in zip(medias, TITLES, strict=True):
            await db.execute(sa.update(tables.media).where(m.id == number).values(title=title))
    return Shelf(ledger, accounts, medias)


async def evening(store: Transactions) -> Shelf:
    found = await shelf(store)
    for minutes in range(24):
        done, channels = minutes % 5 != 0, 3 if minutes % 2 else 1
        await found.play(minutes % 2, minutes % 3, minutes * 1500, completed=done, channels=channels)
    return found


def numbers(leaf: Leaf) -> list[int]:
    return [int(row["id"]) for row in leaf.rows]


FILTERS = {
    "everything": Wanted(),
    "films": Wanted(kind="movie"),
    "episodes": Wanted(kind="episode"),
    "completed": Wanted(completed=True),
    "partial": Wanted(completed=False),
    "two channels": Wanted(channels=frozenset({3})),
    "a title": Wanted(text="silent"),
    "a title that nothing has": Wanted(text="zebra"),
    "a title with a wildcard": Wanted(text="%"),
    "some days": Wanted(first_day="2026-03-10", last_day="2026-03-20"),
    "nobody": Wanted(accounts=frozenset()),
}


@pytest.mark.parametrize("read", [watch_leaf, playback_leaf], ids=["watches", "playbacks"])
async def test_the_pages_of_any_filter_are_its_rows_each_once(
    store: Transactions, monkeypatch: pytest.MonkeyPatch, read: Reader
) -> None:
    books = await evening(store)
    whole = history.watches if read is watch_leaf else history.playbacks

    for name, wanted in FILTERS.items():
        async with store.read() as db:
            rows = [row["id"] for row in await whole(db, wanted, None, 100)]
        assert rows or name in {"a title that nothing has", "a title with a wildcard", "nobody"}
        for looked_through in (4, 10_000):
            monkeypatch.setattr(leafing, "LOOKED_THROUGH", looked_through)

            down = await books.pages(read, wanted, 3)
            up = [down[-1]]
            while up[-1].newer is not None:
                up.append(await books.leaf(read, wanted, up[-1].newer, 3, newer=True))

            assert [number for leaf in down for number in numbers(leaf)] == rows, name
            assert [number for leaf in reversed(up) for number in numbers(leaf)] == rows, name


DAYS = st.none() | st.integers(1, 31).map(lambda day: f"2026-03-{day:02}")

WANTED = st.builds(
    Wanted,
    account=st.sampled_from([None, 1, 2]),
    kind=st.sampled_from([None, "movie", "episode"]),
    completed=st.sampled_from([None, True, False]),
    text=st.sampled_from([None, "night", "the", "q"]),
    channels=st.sampled_from([None, frozenset({1}), frozenset({3})]),
    first_day=DAYS,
    last_day=DAYS,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(wanted=WANTED, most=st.integers(1, 9), looked_through=st.integers(1, 40))
async def test_any_filter_partitions_the_rows(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, wanted: Wanted, most: int, looked_through: int
) -> None:
    monkeypatch.setattr(leafing, "LOOKED_THROUGH", looked_through)
    store = Transactions(sqlite_url)
    try:
        async with store.read() as db:
            every = await history.watches(db, Wanted(), None, 100)
        if not every:
            await evening(store)
            async with store.read() as db:
                every = await history.watches(db, Wanted(), None, 100)

        pages = await Shelf(Ledger(store), [], []).pages(watch_leaf, wanted, most)

        assert [n for leaf in pages for n in numbers(leaf)] == [row["id"] for row in every if _is_wanted(row, wanted)]
    finally:
        await store.close()


def _is_wanted(row: history.Row, wanted: Wanted) -> bool:
    """Say the same in plain words."""
    return (
        wanted.account in (None, row["account_id"])
        and wanted.kind in (None, "movie" if row["media_kind"] == "movie" else "episode")
        and wanted.completed in (None, row["completed"])
        and (wanted.text or "") in row["media_title"].lower()
        and (wanted.channels is None or row["channels"] in wanted.channels)
        and (wanted.first_day or "") <= row["day"] <= (wanted.last_day or "9")
    )


async def test_rows_that_arrive_meanwhile_move_nothing(store: Transactions) -> None:
    books = await evening(store)
    first = await books.leaf(watch_leaf, Wanted(), None, 10)
    await books.play(0, 0, 100_000)

    second = await books.leaf(watch_leaf, Wanted(), first.older, 10)
    back = await books.leaf(watch_leaf, Wanted(), second.newer, 10, newer=True)

    assert not set(numbers(first)) & set(numbers(second))
    assert numbers(back) == numbers(first)
    assert back.newer is not None, "what arrived is newer still"


async def test_rows_of_one_instant_are_paged_too(store: Transactions) -> None:
    books = await shelf(store)
    for media in range(3):
        await books.play(0, media, 1)
        await books.play(1, media, 1)

    pages = await books.pages(watch_leaf, Wanted(), 1)

    assert len({number for leaf in pages for number in numbers(leaf)}) == 6


async def test_some_accounts_are_those_and_no_others(store: Transactions) -> None:
    books = await evening(store)

    one = await books.leaf(watch_leaf, Wanted(accounts=frozenset(books.accounts[:1])), None, 100)
    both = await books.leaf(watch_leaf, Wanted(accounts=frozenset(books.accounts)), None, 100)

    assert {row["account_id"] for row in one.rows} == {books.accounts[0]}
    assert len(both.rows) == 24


async def test_a_title_of_few_rows_is_found_by_its_media(store: Transactions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leafing, "LOOKED_THROUGH", 2)
    books = await evening(store)

    few = await books.leaf(watch_leaf, Wanted(text="HARBOUR"), None, 100)
    monkeypatch.setattr(leafing, "ROWS_OF_THEM", 1)
    many = await books.leaf(watch_leaf, Wanted(text="HARBOUR"), None, 100)

    assert len(few.rows) == 8
    assert few.wanted.medias == frozenset({books.medias[1]})
    assert many.older is not None, "it looked through two rows, and says so"


async def test_a_day_adds_up_whole_whatever_the_page_shows(store: Transactions) -> None:
    books = await shelf(store)
    for minutes in range(4):
        await books.play(0, 2, minutes + 1, completed=minutes != 0)

    async with store.read() as db:
        leaf = await watch_leaf(db, Wanted(), None, 2)
        sums = await history.day_sums(db, leaf.wanted, {row["day"] for row in leaf.rows})

    assert sums == {"2026-03-07": history.DaySum(4, 3, 240.0)}


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York"])
async def test_days_are_the_accounts_own_at_both_ends_of_the_world(store: Transactions, zone: str) -> None:
    books = await shelf(store, zone, zone)
    for minutes in range(0, 4 * 1440, 300):
        await books.play(0, 2, minutes)
    every = await books.leaf(watch_leaf, Wanted(), None, 100)

    for day in {row["day"] for row in every.rows}:
        leaf = await books.leaf(watch_leaf, Wanted(first_day=day, last_day=day), None, 100)
        assert numbers(leaf) == [row["id"] for row in every.rows if row["day"] == day]


async def plans(store: Transactions, wanted: Wanted) -> list[str]:
    """Return how SQLite goes about the statements of a page that take several rows of a history."""
    asked: list[tuple[str, Any]] = []

    def note(*told: Any) -> None:  # noqa: ANN401 - as SQLAlchemy tells it
        asked.append((told[2], told[3]))

    async with store.read() as db:
        sa.event.listen(db.sync_connection, "before_cursor_execute", note)
        for read in (watch_leaf, playback_leaf):
            await read(db, wanted, (EIGHT_PM, 5), 30)
        sa.event.remove(db.sync_connection, "before_cursor_execute", note)
        found = []
        for statement, values in asked:
            rows = await db.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            found.append("; ".join(row["detail"] for row in rows.mappings()))
    return found


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        Wanted(account=1),
        Wanted(accounts=frozenset({1})),
        Wanted(accounts=frozenset({1, 2})),
        Wanted(kind="movie"),
        Wanted(account=1, completed=True),
        Wanted(first_day="2026-03-01", last_day="2026-03-02"),
    ],
    ids=["all", "one", "a set of one", "two", "films", "one's completed", "days"],
)
async def test_pages_are_read_in_the_order_of_an_index(sqlite_url: str, wanted: Wanted) -> None:
    store = Transactions(sqlite_url)
    try:
        told = await plans(store, wanted)
    finally:
        await store.close()

    assert len(told) >= 2
    for plan in told:
        assert "TEMP B-TREE" not in plan, plan
