"""Batches that touch the same session wait for each other, and never for ever."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa

from reconcile.store.engine import Transactions
from reconcile.store.locks import lock_number, lock_sessions, lock_watches

KITCHEN = ("server", "kitchen", "viewer")
BEDROOM = ("server", "bedroom", "viewer")


async def held(store: Transactions) -> int:
    async with store.read() as db:
        return int(await db.scalar(sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")) or 0)


async def test_locks_last_as_long_as_their_transaction(postgres_url: str) -> None:
    store = Transactions(postgres_url)
    async with store.begin() as db:
        await lock_sessions(db, [KITCHEN, BEDROOM, KITCHEN])
        await lock_watches(db, [(1, 2)])
        during = await held(store)
    after = await held(store)
    await store.close()

    assert (during, after) == (3, 0)


async def test_who_locks_the_same_session_waits_for_the_first(postgres_url: str) -> None:
    store = Transactions(postgres_url)
    order: list[str] = []

    async def second() -> None:
        async with store.begin() as db:
            await lock_sessions(db, [BEDROOM, KITCHEN])
            order.append("second")

    async with store.begin() as db:
        await lock_sessions(db, [KITCHEN])
        waiting = asyncio.create_task(second())
        while await held(store) < 2:  # noqa: ASYNC110 - the one that waits does so in the database
            await asyncio.sleep(0.01)
        order.append("first")
    await waiting
    await store.close()

    assert order == ["first", "second"]


async def test_batches_that_name_their_sessions_in_any_order_all_come_through(store: Transactions) -> None:
    async def batch(*sessions: tuple[str, str, str]) -> None:
        async with store.begin() as db:
            await lock_sessions(db, sessions)
            await lock_watches(db, [(1, 2), (1, 1)])
            await asyncio.sleep(0.001)

    await asyncio.gather(*(batch(KITCHEN, BEDROOM) if turn % 2 else batch(BEDROOM, KITCHEN) for turn in range(10)))


async def test_nothing_to_lock_is_no_question_to_the_database(store: Transactions) -> None:
    async with store.begin() as db:
        await lock_sessions(db, [])


def test_a_lock_number_fits_64_bits_and_tells_its_parts_apart() -> None:
    numbers = {lock_number(*parts) for parts in [("a", "bc"), ("ab", "c"), ("abc",), (1, 23), (12, 3)]}

    assert len(numbers) == 5
    assert all(-(2**63) <= number < 2**63 for number in numbers)
