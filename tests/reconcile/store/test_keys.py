"""A key has one number whatever the order in which it is asked for, and its version grows with its evidence."""

from __future__ import annotations

import asyncio

from reconcile.playback.check_in import Key
from reconcile.playback.facts import learnt
from reconcile.store import keys
from reconcile.store.engine import Transactions
from tests.reconcile.arrivals import key, told


async def test_a_key_is_found_under_the_number_it_was_given(store: Transactions) -> None:
    wanted = [key(item=f"film {number}") for number in range(500)]
    async with store.begin() as db:
        first = await keys.find_or_add(db, wanted)
        again = await keys.find_or_add(db, list(reversed(wanted)))
        by_id = await keys.by_id(db, [row.id for row in first.values()])

    assert {row.id for row in first.values()} == {row.id for row in again.values()}
    assert len(by_id) == 500
    assert {row.key for row in by_id.values()} == set(wanted)


async def test_keys_that_nobody_has_told_of_are_missing(store: Transactions) -> None:
    async with store.read() as db:
        assert await keys.find(db, [key()]) == {}
        assert await keys.by_id(db, [7]) == {}


async def test_many_who_add_the_same_key_at_once_get_the_same_number(store: Transactions) -> None:
    async def add() -> int:
        async with store.begin() as db:
            return (await keys.find_or_add(db, [key()]))[key()].id

    assert len(set(await asyncio.gather(*(add() for _ in range(8))))) == 1


async def test_facts_are_kept_as_learnt_and_the_version_grows(store: Transactions) -> None:
    async with store.begin() as db:
        row = (await keys.find_or_add(db, [key()]))[key()]
        row.facts = learnt(row.facts, told(0, 0))
        await keys.save(db, [row])
        versions = await keys.touch(db, [row.id])
        kept = (await keys.by_id(db, [row.id]))[row.id]

    assert kept.facts == row.facts
    assert versions == {row.id: kept.version}
    assert kept.version > row.version


async def test_relatives_are_others_in_the_seat_and_the_viewer_elsewhere(store: Transactions) -> None:
    others = [key(user="guest"), key(session="phone")]
    strangers = [key(item="next"), key(user="guest", session="phone"), Key("attic", "television", "viewer", "film")]
    async with store.begin() as db:
        await keys.find_or_add(db, [key(), *others, *strangers])
        found = await keys.relatives(db, [key()])

    assert {row.key for row in found[key()]} == set(others)
