"""Playbacks keep their ids, and are found by what is due, open, or around an instant."""

from __future__ import annotations

from datetime import timedelta

from reconcile.store import playbacks
from reconcile.store.engine import Transactions
from tests.reconcile.arrivals import NEXT, SERVER, Household, at, key, line, stopped


async def playing(store: Transactions) -> Household:
    """A film that has stopped, and another that plays."""
    house = Household(store)
    await house.welcome("viewer")
    await house.hear(*line(0, 100), stopped(105, 105))
    await house.hear(*line(200, 300, of=key(item="next"), facts=NEXT))
    return house


async def test_only_what_is_open_is_due_and_only_after_its_limit(store: Transactions) -> None:
    house = await playing(store)
    _stopped, open_key = [row["key_id"] for row in await house.rows("playback")]

    async with store.read() as db:
        before = await playbacks.due(db, at(599), {}, 10)
        after = await playbacks.due(db, at(600), {}, 10)
        behind = await playbacks.due(db, at(600), {SERVER: timedelta(seconds=-1)}, 10)
        ahead = await playbacks.due(db, at(599), {SERVER: timedelta(seconds=1), "attic": timedelta(hours=-1)}, 10)
        none = await playbacks.due(db, at(600), {}, 0)

    assert (before, after, behind, ahead, none) == ([], [open_key], [], [open_key], [])


async def test_what_is_open_is_known_by_server_and_by_key(store: Transactions) -> None:
    house = await playing(store)
    numbers = [row["key_id"] for row in await house.rows("playback")]

    async with store.read() as db:
        found = await playbacks.open_keys(db), await playbacks.open_keys(db, SERVER), await playbacks.open_keys(db, "x")
        kept = await playbacks.open_of(db, numbers)

    assert found == ([numbers[1]], [numbers[1]], [])
    assert list(kept) == [numbers[1]]


async def test_the_playbacks_of_a_key_come_oldest_first_without_those_long_over(store: Transactions) -> None:
    house = await playing(store)
    await house.hear(*line(40_000, 40_100), stopped(40_105, 105))
    number = (await house.rows("playback"))[0]["key_id"]

    async with store.read() as db:
        everything = (await playbacks.of_keys(db, [number]))[number]
        lately = (await playbacks.of_keys(db, [number], at(1000)))[number]
        ended = await playbacks.ended_before(db, {number: at(40_000)})
        never = await playbacks.ended_before(db, {number: at(0)})

    assert [kept.first_at for kept in everything] == [at(0), at(40_000)]
    assert [kept.first_at for kept in lately] == [at(40_000)]
    assert (ended, never) == ({number: at(105)}, {})


async def test_around_an_instant_is_what_was_last_heard_of_then(store: Transactions) -> None:
    house = await playing(store)
    first, second = [row["key_id"] for row in await house.rows("playback")]

    async with store.read() as db:
        assert await playbacks.around(db, SERVER, at(0), at(150)) == [first]
        assert set(await playbacks.around(db, SERVER, at(0), at(1000))) == {first, second}
        assert await playbacks.around(db, "attic", at(0), at(1000)) == []


async def test_a_playback_that_is_forgotten_leaves_no_unit_behind(store: Transactions) -> None:
    house = await playing(store)
    numbers = [row["id"] for row in await house.rows("playback")]

    async with store.begin() as db:
        await playbacks.remove(db, numbers)
        await playbacks.remove(db, [])

    assert await house.rows("playback_unit") == []
