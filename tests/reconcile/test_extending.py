"""A check-in that merely extends an open playback is kept without reading anything again, and says the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from reconcile.arrivals import Answer, Arrival, Outcome
from reconcile.playback.check_in import Channel, Kind
from reconcile.settling import Settling
from reconcile.store import evidence
from reconcile.store.engine import Transactions
from reconcile.store.tables import playback, watch
from tests.invariants.ledger import Ledger, ledger
from tests.reconcile.arrivals import FILM, NEXT, Household, at, key, line, stopped, told


@contextmanager
def read(store: Transactions) -> Iterator[list[str]]:
    """Collect what the writer is asked meanwhile."""
    asked: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        if statement.startswith("SELECT"):
            asked.append(statement)

    engine = store._writer.sync_engine
    sa.event.listen(engine, "before_cursor_execute", note)
    yield asked
    sa.event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
async def house(store: Transactions) -> Household:
    """A household that has heard a viewer for two minutes."""
    found = Household(store)
    await found.welcome("viewer")
    for each in line(0, 120):
        await found.hear(each)
    return found


async def kept(house: Household) -> Ledger:
    """Return the ledger as it is kept."""
    async with house.store.read() as db:
        return await ledger(db)


async def cut_again(house: Household) -> Ledger:
    """Return the ledger that cutting everything again gives."""
    async with house.store.begin() as db:
        keys = [number for number, _key in await evidence.key_ids(db)]
        await Settling(db, house.people, house.now, whole=True).settle(keys)
    return await kept(house)


@pytest.mark.parametrize(
    ("since", "kind"),
    [
        pytest.param(130, Kind.PLAYING, id="played on"),
        pytest.param(130, Kind.PAUSED, id="paused"),
    ],
)
async def test_the_next_check_in_of_an_open_playback_asks_for_nothing_but_looks(
    house: Household, since: int, kind: Kind
) -> None:
    if house.store.dialect != "sqlite":
        pytest.skip("on PostgreSQL another process may have changed what is remembered: there it is read again")

    with read(house.store) as asked:
        await house.hear(told(since, since, kind))

    assert [statement for statement in asked if "FROM look" not in statement] == []
    assert (await house.one("playback"))["watched_seconds"] == since


async def test_extending_says_what_cutting_everything_again_would(house: Household) -> None:
    for each in (told(130, 130), told(140, 140, Kind.PAUSED), told(400, 140), told(410, 300), *line(420, 800, 310)):
        await house.hear(each)

    assert await kept(house) == await cut_again(house)


async def test_past_the_threshold_the_row_grows_with_the_playback(house: Household) -> None:
    for each in line(130, 940, 130):
        await house.hear(each)

    row = await house.one("watch")
    assert (row["completed"], row["plays"], row["watched_seconds"], row["percent"]) == (True, 1, 940, 94)
    assert await kept(house) == await cut_again(house)


async def test_a_rewatch_on_the_same_day_grows_the_row_of_both(house: Household) -> None:
    for each in (*line(130, 990, 130), stopped(1000, 1000), *line(12_000, 12_100)):
        await house.hear(each)

    assert (await house.one("watch"))["watched_seconds"] == 1100
    assert await kept(house) == await cut_again(house)


async def test_another_item_in_the_session_ends_what_was_extended(house: Household) -> None:
    await house.hear(told(130, 130))
    await house.hear(told(136, 1, of=key(item="next"), facts=NEXT))

    first, second = await house.rows("playback")

    assert (first["ended_by"], first["watched_seconds"], second["open"]) == ("superseded", 135, True)


async def test_a_farewell_is_kept_also_where_nobody_had_seen_what_it_tells_of(house: Household) -> None:
    seen = told(130, 130, channel=Channel.POLL)
    assert seen.check_in is not None
    gone = msgspec.structs.replace(seen.check_in, left_by=at(136))

    await house.look(140, msgspec.structs.replace(seen, check_in=gone))
    await house.look(165)
    await house.night()

    assert (await house.rows("check_in"))[-1]["left_by"] == at(136)
    assert await kept(house) == await cut_again(house)


async def test_what_a_channel_adds_to_the_facts_is_learnt(house: Household) -> None:
    longer = FILM.__class__(kind="movie", name="A Film", year=1999, runtime_seconds=1200.0, tmdb_id="603")

    await house.hear(told(130, 130, facts=longer))

    assert (await house.one("playback"))["runtime_seconds"] == 1200


@pytest.mark.parametrize(
    ("table", "values"),
    [
        pytest.param("playback", {"runtime_seconds": 2000.0}, id="the runtime of a playback"),
        pytest.param("playback_key", {"version": 77}, id="the version of a key"),
    ],
)
async def test_what_somebody_else_has_changed_is_read_again(
    house: Household, table: str, values: dict[str, Any]
) -> None:
    other = Transactions(house.store.url)
    async with other.begin() as db:
        await db.execute(sa.update(sa.table(table, *(sa.column(name) for name in values))).values(**values))
    await other.close()

    await house.hear(told(130, 130))

    assert (await house.one("playback"))["watched_seconds"] == 130
    assert await kept(house) == await cut_again(house)


async def test_what_is_outdated_is_read_again_for_an_arrival_that_is_taken_alone(house: Household) -> None:
    async with house.store.begin() as db:
        await db.execute(sa.update(playback).values(runtime_seconds=2000.0))
    house.now = told(130, 130).observed_at

    answer = await house.tracker._alone(Arrival((told(130, 130),)))

    assert isinstance(answer, Answer)
    assert answer.outcome is Outcome.RECORDED
    assert (await house.one("playback"))["watched_seconds"] == 130


async def test_a_unit_that_is_judged_elsewhere_is_judged_anew(house: Household) -> None:
    async with house.store.begin() as db:
        await db.execute(sa.update(playback).values(sentence="said by somebody else"))
        settling = Settling(db, house.people, house.now, whole=True)
        settled = await settling.settle([number for number, _key in await evidence.key_ids(db)])
    house.tracker.events.tell(settled)

    with read(house.store) as asked:
        await house.hear(told(130, 130))

    assert asked
    async with house.store.read() as db:
        assert await db.scalar(sa.select(sa.func.count()).select_from(watch)) == 0
