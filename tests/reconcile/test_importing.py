"""Imports: read, tried, applied, undone; and that the ledger stays a function of a set."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from reconcile import accounts, importing, staging
from reconcile.accounts import LinkWish
from reconcile.changes import Settled
from reconcile.erasing import erase
from reconcile.errors import SettingRefused, StoreBusy
from reconcile.importing import Work, ask, discard, do
from reconcile.people import People, User
from reconcile.playback.check_in import DeviceFacts, Ignored, ItemFacts, Rejected
from reconcile.playback.imports import Play, Told
from reconcile.playback.rules import Rules
from reconcile.staging import FUTURE, NOT_THEN, Known, Source
from reconcile.store import imports, seerr
from reconcile.store import people as kept_people
from reconcile.store.engine import Transactions
from reconcile.store.seerr import Wish
from reconcile.store.tables import check_in, playback, watch
from tests.reconcile.arrivals import EIGHT_PM, FILM, SERVER, Household, at, line, stopped

pytestmark = pytest.mark.anyio

YEARS_AGO = datetime(2023, 7, 1, 20, tzinfo=UTC)


def play(
    days: float = 0,
    seconds: float = 950.0,
    *,
    user: str = "viewer",
    item: str = "film",
    began: datetime | None = None,
    facts: ItemFacts = FILM,
) -> Play:
    """Return a row that is so many *days* after the first of July 2023, or that *began* then."""
    started = YEARS_AGO + timedelta(days=days) if began is None else began
    return Play(user, item, started, seconds, "row 1", facts, DeviceFacts(client="Web"))


async def pages(*each: Sequence[Told]) -> AsyncIterator[Sequence[Told]]:
    for page in each:
        yield page


class Desk:
    """A household with what imports work with."""

    def __init__(self, store: Transactions) -> None:
        self.house = Household(store)
        self.told: list[tuple[int, int]] = []
        self.heard: list[Settled] = []

    async def read(self, *rows: Told, source: Source = Source.PLAYBACK_REPORTING, known: Known | None = None) -> int:
        house = self.house
        return await staging.read(house.store, house.people, SERVER, source, pages(rows), lambda: house.now, known)

    async def do(self, number: int, task: str, zone: str | None = None) -> dict[str, Any]:
        """Ask for a task, and do it."""
        assert await ask(self.house.store, number, task, zone)
        async with self.house.store.read() as db:
            row = await imports.next_one(db)
        assert row is not None
        result = await do(self.work(), row)
        async with self.house.store.begin() as db:
            await imports.note(db, number, state=imports.DONE, result=result)
        return result

    def work(self) -> Work:
        async def progress(done: int, total: int) -> None:
            self.told.append((done, total))

        house = self.house
        return Work(house.store, house.people.fresh(), lambda: house.now, {}, self.heard.append, progress)

    async def imported(self, *rows: Told, source: Source = Source.PLAYBACK_REPORTING) -> int:
        number = await self.read(*rows, source=source)
        await self.do(number, imports.APPLY)
        return number

    async def days(self) -> list[tuple[str, bool]]:
        return [(row["day"], row["completed"]) for row in await self.house.rows("watch")]


@pytest.fixture
async def desk(store: Transactions) -> Desk:
    found = Desk(store)
    await found.house.welcome("viewer")
    return found


async def test_what_is_read_counts_nothing_until_it_is_applied(desk: Desk) -> None:
    number = await desk.read(play(), play(3, 300))
    before = await desk.days()
    await desk.do(number, imports.APPLY)

    assert before == []
    assert await desk.days() == [("2023-07-01", True)]
    assert [row["state"] for row in await desk.house.rows("playback")] == ["ended", "ended"]


async def test_a_trial_says_what_would_be_and_leaves_no_trace(desk: Desk) -> None:
    number = await desk.read(play(), play(3))
    tried = await desk.do(number, imports.TRY)
    there = [await desk.house.rows(table) for table in ("watch", "playback", "check_in", "playback_key")]
    done = await desk.do(number, imports.APPLY)

    assert tried["came"] == done["came"] == 2
    assert tried["recorded"] == 2
    assert tried["differences"][0].startswith("2023-07-01 viewer: A Film, would now count")
    assert there == [[], [], [], []]


async def test_the_same_rows_twice_change_nothing(desk: Desk) -> None:
    rows = [play(), play(3), play(40, 400)]
    await desk.imported(*rows)
    before = await desk.house.rows("watch")
    again = await desk.do(await desk.read(*reversed(rows)), imports.APPLY)

    assert again["recorded"] == 0
    assert again["known"] == 3
    assert again["differences_in_all"] == 0
    assert await desk.house.rows("watch") == before


async def test_undoing_takes_it_out_as_one(desk: Desk) -> None:
    await desk.house.hear(*line(0, 950), stopped(950, 950))
    before = await desk.house.rows("watch"), await desk.house.rows("playback")
    number = await desk.imported(play(), play(3), play(40))
    there = len(await desk.days())
    undone = await desk.do(number, imports.UNDO)

    assert there == 4
    assert (undone["withdrawn"], undone["went"]) == (3, 3)
    assert (await desk.house.rows("watch"), await desk.house.rows("playback")) == before
    assert all(row["channels"] != 8 for row in await desk.house.rows("check_in"))


async def test_what_two_imports_tell_of_goes_with_the_last_of_them(desk: Desk) -> None:
    first = await desk.imported(play(), play(3))
    second = await desk.imported(play(3), play(9))
    await desk.do(first, imports.UNDO)
    after_one = await desk.days()
    await desk.do(second, imports.UNDO)

    assert [day for day, _completed in after_one] == ["2023-07-04", "2023-07-10"]
    assert await desk.days() == []


async def test_an_undone_import_can_be_applied_again(desk: Desk) -> None:
    number = await desk.imported(play())
    before = await desk.days()
    await desk.do(number, imports.UNDO)
    await desk.do(number, imports.APPLY)

    assert await desk.days() == before == [("2023-07-01", True)]


async def test_what_was_seen_live_counts_once_whichever_came_first(desk: Desk) -> None:
    row = play(began=at(-15), seconds=940)
    first = await desk.imported(row)
    await desk.house.hear(*line(0, 950), stopped(950, 950))
    imported_first = await desk.house.rows("watch")
    await desk.do(first, imports.UNDO)
    await desk.imported(row)
    live_first = await desk.house.rows("watch")

    for row_ in (*imported_first, *live_first):
        assert (row_["plays"], row_["watched_seconds"]) == (1, 950.0)
    assert len(imported_first) == len(live_first) == 1
    sentences = {p["sentence"] for p in await desk.house.rows("playback")}
    assert "counted once: it was seen live too" in sentences


async def test_an_open_playback_goes_on_beside_an_import_of_the_same_film(desk: Desk) -> None:
    await desk.house.hear(*line(0, 500))
    await desk.imported(play(began=at(-20), seconds=400))
    await desk.house.hear(*line(510, 950, 510), stopped(950, 950))

    rows = await desk.house.rows("watch")
    assert [(row["completed"], row["plays"], row["watched_seconds"]) for row in rows] == [(True, 1, 950.0)]


async def test_two_tools_that_tell_of_the_same_evening_count_once(desk: Desk) -> None:
    await desk.imported(play())
    await desk.imported(play(began=YEARS_AGO + timedelta(seconds=20), seconds=960.0), source=Source.JELLYSTAT)

    row = await desk.house.one("watch")
    assert (row["plays"], row["watched_seconds"]) == (1, 960.0)
    assert row["sentence"] == "counted: watched 16 min of 17 min by an import that does not say which part"


async def test_halves_of_a_film_count_once_it_is_whole(desk: Desk) -> None:
    await desk.imported(play(0, 450), play(1, 500))

    assert await desk.days() == [("2023-07-02", True)]


async def test_of_those_who_are_not_recorded_nothing_is_kept_but_a_number(desk: Desk) -> None:
    number = await desk.read(play(), play(user="guest"), play(1, user="guest"), play(user="other"))
    async with desk.house.store.read() as db:
        row = await imports.one(db, number)
        kept = await imports.rows(db, number, 0, 10)

    assert row is not None
    assert row["told"]["ignored"] == {"not a recorded user": 3}
    assert (row["told"]["rows"], row["told"]["others"]) == (1, 2)
    assert {each.user_id for each in kept} == {"viewer"}


async def test_nothing_to_import_is_said_and_leaves_nothing(desk: Desk) -> None:
    with pytest.raises(SettingRefused, match="people who are not recorded"):
        await desk.read(play(user="guest"))
    with pytest.raises(SettingRefused, match=r"^All of it is about"):
        await desk.read(play(user="guest"), play(1, user="other"))
    with pytest.raises(SettingRefused, match=r"^What could be read is about .* playledger users link"):
        await desk.read(play(user="guest"), Rejected("odd", "row 7"))
    with pytest.raises(SettingRefused, match=r"that can be read\. The first: row 7: odd"):
        await desk.read(Ignored("audio"), Rejected("odd", "row 7"))
    with pytest.raises(SettingRefused, match="no film and no episode"):
        await desk.read(Ignored("audio"))
    with pytest.raises(SettingRefused, match=r"This is no backup of .* The first: row 7: odd"):
        await desk.read(Rejected("odd", "row 7"))

    assert await desk.house.rows("import_run") == []


async def opted_in(store: Transactions, desk: Desk, user: User, wish: LinkWish) -> None:
    async with store.begin() as db:
        await accounts.link(db, desk.house.people, user, wish, desk.house.now, {})


async def stopped_being_recorded(store: Transactions, desk: Desk, user: User) -> None:
    async with store.begin() as db:
        await accounts.stop(db, desk.house.people, user, desk.house.now, {})


VIEWER = (SERVER, "viewer")


@pytest.fixture
async def empty(store: Transactions) -> tuple[Desk, int]:
    """A household in which nobody is recorded yet, with one account."""
    found = Desk(store)
    async with store.begin() as db:
        return found, await kept_people.add_account(db, "viewer", EIGHT_PM)


async def test_the_time_before_somebody_was_asked_may_be_imported_and_a_private_hour_may_not(
    store: Transactions, empty: tuple[Desk, int]
) -> None:
    desk, account = empty
    await opted_in(store, desk, VIEWER, LinkWish(account, recorded=True))
    desk.house.now = at(3600)
    await opted_in(store, desk, VIEWER, LinkWish(account, recorded=True, private_until=at(7200)))
    desk.house.now = at(9000)

    number = await desk.read(play(), play(began=at(600), item="b"), play(began=at(5000), item="c"))
    await desk.do(number, imports.APPLY)

    async with store.read() as db:
        row = await imports.one(db, number)
    assert row is not None
    assert row["told"]["ignored"] == {NOT_THEN: 1}
    assert {row["day"] for row in await desk.house.rows("watch")} == {"2023-07-01", "2026-03-07"}
    assert {row["account_id"] for row in await desk.house.rows("playback")} == {account}
    assert len(await desk.house.rows("import_row")) == 2


async def test_hours_of_privacy_hold_though_they_came_before_anything_was_recorded(
    store: Transactions, empty: tuple[Desk, int]
) -> None:
    desk, account = empty
    await opted_in(store, desk, VIEWER, LinkWish(account, recorded=True, private_until=at(7200)))
    desk.house.now = at(9000)

    await desk.imported(play(), play(began=at(600), item="b"))

    assert [day for day, _completed in await desk.days()] == ["2023-07-01"]


async def test_a_no_holds_though_it_was_said_before_anything_was_recorded(
    store: Transactions, empty: tuple[Desk, int]
) -> None:
    desk, account = empty
    await opted_in(store, desk, VIEWER, LinkWish(account, recorded=False))
    desk.house.now = at(86_400)
    await stopped_being_recorded(store, desk, VIEWER)
    desk.house.now = at(2 * 86_400)
    await opted_in(store, desk, VIEWER, LinkWish(account, recorded=True))
    desk.house.now = at(3 * 86_400)

    await desk.imported(play(), play(began=at(3600), item="b"), play(began=at(2.5 * 86_400), item="c"))

    assert [day for day, _completed in await desk.days()] == ["2023-07-01", "2026-03-10"]


async def test_nothing_from_before_an_erasure_is_imported_again(store: Transactions) -> None:
    desk = Desk(store)
    desk.house.people = People(Rules(), UTC, hashed=lambda text: f"hash of {text}")
    (account,) = await desk.house.welcome("viewer")
    await desk.imported(play())
    async with store.begin() as db:
        await erase(db, desk.house.people, account, at(0), {})
    async with store.begin() as db:
        again = await kept_people.add_account(db, "viewer", at(60))
    desk.house.now = at(60)
    await opted_in(store, desk, VIEWER, LinkWish(again, recorded=True))

    with pytest.raises(SettingRefused):
        await desk.read(play())

    assert await desk.days() == []
    assert await desk.house.rows("import_row") == []


async def test_of_somebody_who_is_erased_while_it_is_read_nothing_is_told(desk: Desk) -> None:
    house = desk.house
    await house.welcome("guest")
    number = (await house.rows("account"))[0]["id"]

    async def pages() -> AsyncIterator[Sequence[Told]]:
        yield [play(), play(user="guest")]
        async with house.store.begin() as db:
            await erase(db, house.people, number, house.now, {})

    made = await staging.read(house.store, house.people, SERVER, Source.JELLYSTAT, pages(), lambda: house.now)
    async with house.store.read() as db:
        row = await imports.one(db, made)

    assert row is not None
    assert str(number) not in row["told"]["people"]
    assert {each["user_id"] for each in await house.rows("import_row")} == {"guest"}


async def test_of_two_lengths_of_one_row_the_other_stays_when_one_is_undone(desk: Desk) -> None:
    await desk.imported(play(seconds=300))
    before = [row["watched_seconds"] for row in await desk.house.rows("playback")]
    longer = await desk.imported(play(seconds=950))
    both = [row["watched_seconds"] for row in await desk.house.rows("playback")]
    await desk.do(longer, imports.UNDO)
    after = [row["watched_seconds"] for row in await desk.house.rows("playback")]

    assert (before, both, after) == ([300.0], [950.0], [300.0])
    assert await desk.days() == []


async def test_of_an_evening_that_was_heard_late_both_make_one_play(desk: Desk) -> None:
    await desk.house.hear(*line(600, 990, 600), stopped(990, 990))
    await desk.imported(play(began=at(0), seconds=990))

    row = await desk.house.one("watch")
    assert (row["plays"], row["watched_seconds"]) == (1, pytest.approx(990.0))


async def test_what_lies_in_the_future_is_left_out(desk: Desk) -> None:
    number = await desk.read(play(), play(began=at(3 * 86_400)), play(began=datetime(2031, 1, 1)))  # noqa: DTZ001
    async with desk.house.store.read() as db:
        row = await imports.one(db, number)

    assert row is not None
    assert row["told"]["ignored"] == {FUTURE: 2}


async def test_nothing_follows_at_seerr_from_an_import(desk: Desk) -> None:
    (account,) = (row["id"] for row in await desk.house.rows("account"))
    async with desk.house.store.begin() as db:
        await seerr.wish(db, Wish(account, YEARS_AGO, YEARS_AGO))
    await desk.imported(play())
    imported = await desk.house.rows("seerr_errand")
    await desk.house.hear(*line(0, 950), stopped(950, 950))
    await desk.house.night()

    assert imported == []
    assert {row["kind"] for row in await desk.house.rows("seerr_errand")} == {"watch", "watchlist"}


async def test_an_import_that_nobody_reads_any_more_can_be_discarded(desk: Desk) -> None:
    async with desk.house.store.begin() as db:
        number = (await imports.add(db, EIGHT_PM, SERVER, "jellystat", None))["id"]
    with pytest.raises(StoreBusy):
        await discard(desk.house.store, number, at(600))

    assert await discard(desk.house.store, number, at(7200))
    assert await desk.read(play()) > number


async def test_whoever_opted_out_before_it_is_applied_is_left_out(desk: Desk) -> None:
    number = await desk.read(play())
    await desk.house.opt_out("viewer", 0)
    desk.house.now = at(10)
    done = await desk.do(number, imports.APPLY)

    assert done["left_out"] == {"not a recorded user": 1}
    assert await desk.days() == []
    assert await desk.house.rows("import_row") == []


async def test_wall_times_wait_for_their_time_zone(desk: Desk) -> None:
    wall = play(began=datetime(2023, 7, 1, 1, 30))  # noqa: DTZ001 - a wall time
    number = await desk.read(wall)
    with pytest.raises(SettingRefused, match="zone: the rows are in the wall time"):
        await ask(desk.house.store, number, imports.APPLY)
    with pytest.raises(SettingRefused, match="zone: there is no time zone «Nowhere/Atall»; its name is one such as"):
        await ask(desk.house.store, number, imports.APPLY, "Nowhere/Atall")
    await desk.do(number, imports.APPLY, "Asia/Kolkata")
    with pytest.raises(SettingRefused, match="undo it first"):
        await ask(desk.house.store, number, imports.APPLY, "Europe/Lisbon")

    row = await desk.house.one("playback")
    assert row["started_at"] == datetime(2023, 6, 30, 20, 0, tzinfo=UTC)


async def test_the_time_zone_is_found_by_what_was_seen(desk: Desk) -> None:
    starts = [EIGHT_PM - timedelta(days=n, minutes=7 * n) for n in range(1, 8)]
    walls = [(each + timedelta(hours=5, minutes=30, seconds=10)).replace(tzinfo=None) for each in starts]
    number = await desk.read(*(play(began=wall) for wall in walls), known=Known({"viewer": starts}))
    async with desk.house.store.read() as db:
        row = await imports.one(db, number)

    assert row is not None
    assert row["zone"] in ("Asia/Kolkata", "Asia/Calcutta", "Asia/Colombo")
    assert row["told"]["fit"]["is_proven"]


async def test_one_task_at_a_time_and_what_is_in_the_history_is_not_discarded(desk: Desk) -> None:
    number = await desk.read(play())
    assert await ask(desk.house.store, number, imports.TRY)
    with pytest.raises(StoreBusy):
        await ask(desk.house.store, number, imports.APPLY)
    async with desk.house.store.begin() as db:
        await imports.note(db, number, state=imports.DONE)
    with pytest.raises(SettingRefused, match="nothing to undo"):
        await ask(desk.house.store, number, imports.UNDO)
    await desk.do(number, imports.APPLY)
    with pytest.raises(SettingRefused, match="undo it first"):
        await discard(desk.house.store, number, desk.house.now)
    await desk.do(number, imports.UNDO)

    assert await discard(desk.house.store, number, desk.house.now)
    assert not await discard(desk.house.store, number, desk.house.now)
    assert not await ask(desk.house.store, number, imports.APPLY)
    assert await desk.house.rows("import_row") == []


async def test_an_odd_row_is_left_out_and_the_rest_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    number = await desk.read(play(), play(3), play(5))
    honest = importing.observation

    def odd(row: imports.Staged, source: str, began: datetime) -> Any:  # noqa: ANN401
        if began == YEARS_AGO + timedelta(days=3):
            raise ValueError("odd")
        return honest(row, source, began)

    monkeypatch.setattr(importing, "observation", odd)
    done = await desk.do(number, imports.APPLY)

    assert done["left_out"] == {importing.FAILED: 1}
    assert [day for day, _completed in await desk.days()] == ["2023-07-01", "2023-07-06"]


@pytest.mark.parametrize("step", range(1, 9))
async def test_a_power_cut_while_it_is_applied_or_undone_loses_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(importing, "BATCH", 1)
    monkeypatch.setattr(importing, "KEYS", 1)
    rows = [
        play(n, item=f"item {n}", facts=ItemFacts(kind="movie", name="A Film", runtime_seconds=1000)) for n in range(4)
    ]
    number = await desk.read(*rows)

    async def cut_after(task: str, steps: int) -> None:
        work = desk.work()
        count = 0

        async def progress(_done: int, _total: int) -> None:
            nonlocal count
            count += 1
            if count == steps:
                raise KeyboardInterrupt

        work.progress = progress
        async with desk.house.store.read() as db:
            row = await imports.next_one(db)
        assert row is not None
        assert row["task"] == task
        try:
            await do(work, row)
        except KeyboardInterrupt:
            async with desk.house.store.read() as db:
                row = await imports.next_one(db)
            assert row is not None
            await do(desk.work(), row)
        async with desk.house.store.begin() as db:
            await imports.note(db, number, state=imports.DONE)

    await ask(desk.house.store, number, imports.APPLY)
    await cut_after(imports.APPLY, step)
    there = await desk.days()
    await ask(desk.house.store, number, imports.UNDO)
    await cut_after(imports.UNDO, step)

    assert there == [(f"2023-07-0{n}", True) for n in range(1, 5)]
    assert await desk.days() == []
    async with desk.house.store.read() as db:
        left = [await db.scalar(sa.select(sa.func.count()).select_from(t)) for t in (check_in, playback, watch)]
    assert left == [0, 0, 0]


async def test_what_was_being_read_when_a_process_died_is_forgotten(desk: Desk) -> None:
    async with desk.house.store.begin() as db:
        number = (await imports.add(db, EIGHT_PM, SERVER, "jellystat", None))["id"]
        await imports.keep(db, number, SERVER, [play()])
    async with desk.house.store.begin() as db:
        gone = await imports.drop_half_read(db)

    assert gone == 1
    assert await desk.house.rows("import_row") == []


async def test_of_every_month_in_which_anything_was_seen_or_is_imported_both_are_told(desk: Desk) -> None:
    await desk.house.hear(*line(0, 950), stopped(950, 950))
    number = await desk.read(play(), play(began=EIGHT_PM - timedelta(days=31)))
    async with desk.house.store.read() as db:
        row = await imports.one(db, number)

    assert row is not None
    assert row["told"]["months"] == {
        "2023-07": {"rows": 1, "seen": 0},
        "2026-02": {"rows": 1, "seen": 0},
        "2026-03": {"rows": 0, "seen": 1},
    }
