"""Evidence is kept as sets: a thing kept twice is kept once, and until when it was shown only grows."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.check_in import Channel, CheckIn, Kind
from reconcile.store import evidence, keys
from reconcile.store.engine import Transactions
from tests.reconcile.arrivals import SERVER, at, key, told


@pytest.fixture
async def db(store: Transactions) -> AsyncIterator[AsyncConnection]:
    async with store.begin() as db:
        yield db


async def numbered(db: AsyncConnection, item: str = "film") -> int:
    return (await keys.find_or_add(db, [key(item=item)]))[key(item=item)].id


def check_in(seconds: float, position: float | None, kind: Kind = Kind.PLAYING) -> CheckIn:
    found = told(seconds, position, kind, channel=Channel.POLL).check_in
    assert found is not None
    return found


async def test_check_ins_come_back_as_they_were_in_order_of_time(db: AsyncConnection) -> None:
    number = await numbered(db)
    line = [check_in(10.000001, 10.5), check_in(20, None), check_in(20, 20, Kind.STOPPED), check_in(30, 0, Kind.PAUSED)]
    await evidence.keep(db, {number: reversed(line)})

    kept = await evidence.line(db, number, None)
    later = await evidence.line(db, number, at(20))

    assert sorted(kept, key=lambda c: (c.at, c.kind)) == sorted(line, key=lambda c: (c.at, c.kind))
    assert {c.at for c in later} == {at(20), at(30)}


async def test_a_check_in_kept_again_is_the_one_given_last(db: AsyncConnection) -> None:
    number = await numbered(db)
    await evidence.keep(db, {number: [check_in(10, 10)]})
    await evidence.keep(db, {number: [check_in(10, 11)]})

    (kept,) = await evidence.line(db, number, None)

    assert kept.position == 11


@pytest.mark.parametrize("said", [True, False, None])
async def test_what_the_server_says_of_completion_comes_back_and_can_be_learnt(
    db: AsyncConnection, said: bool | None
) -> None:
    number = await numbered(db)
    stop = check_in(10, 10, Kind.STOPPED)
    await evidence.keep(db, {number: [stop]})
    await evidence.keep(db, {number: [msgspec.structs.replace(stop, server_completed=said)]})

    (kept,) = await evidence.line(db, number, None)

    assert kept.server_completed is said


async def test_by_when_it_had_been_left_comes_back(db: AsyncConnection) -> None:
    number = await numbered(db)
    await evidence.keep(db, {number: [check_in(10, 10)]})
    await evidence.keep(db, {number: [msgspec.structs.replace(check_in(10, 10), left_by=at(17))]})

    (kept,) = await evidence.line(db, number, None)

    assert kept.left_by == at(17)


async def test_until_when_it_was_shown_only_grows(db: AsyncConnection) -> None:
    number = await numbered(db)
    await evidence.keep(db, {number: [check_in(10, 10), check_in(10, 10, Kind.STOPPED)]})
    for until in (15, 25, 20):
        await evidence.extend(
            db, [(number, at(10), Kind.PLAYING, at(until)), (number, at(99), Kind.PLAYING, at(until))]
        )

    kept = {each.kind: each.sighted_until for each in await evidence.line(db, number, None)}

    assert kept == {Kind.PLAYING: at(25), Kind.STOPPED: at(10)}


async def test_of_bare_sightings_the_last_of_each_five_seconds_is_kept(db: AsyncConnection) -> None:
    number = await numbered(db)
    for seconds in (3, 1, 2, 5, 9.5, 9):
        await evidence.keep_sightings(db, [(number, at(seconds))])

    kept = await evidence.sightings(db, [number], None)

    assert kept[number] == [at(3), at(9.5)]


async def test_looks_are_a_set_for_each_server(db: AsyncConnection) -> None:
    await evidence.keep_looks(db, [(SERVER, at(20)), (SERVER, at(10)), ("attic", at(30))])
    await evidence.keep_looks(db, [(SERVER, at(20))])

    assert await evidence.looks(db, SERVER, None) == [at(10), at(20)]
    assert await evidence.looks(db, SERVER, at(15)) == [at(20)]
    assert await evidence.latest_look(db, SERVER) == at(20)
    assert await evidence.latest_look(db, "cellar") is None


async def test_recent_check_ins_are_told_apart_by_key_and_instant(db: AsyncConnection) -> None:
    film, following = await numbered(db), await numbered(db, "next")
    await evidence.keep(db, {film: [check_in(10, 10), check_in(20, 20)], following: [check_in(20, 0)]})

    found = await evidence.recent(db, [film, following], at(15))

    assert {number: set(instants) for number, instants in found.items()} == {film: {at(20)}, following: {at(20)}}


async def test_a_users_keys_are_told_apart_from_all(db: AsyncConnection) -> None:
    await keys.find_or_add(db, [key(), key(user="guest")])

    assert len(await evidence.key_ids(db)) == 2
    assert [found for _number, found in await evidence.key_ids(db, user=(SERVER, "guest"))] == [key(user="guest")]
