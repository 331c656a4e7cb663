"""Who signs in for the first time has an account, and one only; on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from reconcile.linking import Guest, come_in
from reconcile.people import People
from reconcile.playback.rules import Rules
from reconcile.store import people as kept
from reconcile.store.engine import Transactions

NOW = datetime(2026, 11, 22, 21, tzinfo=UTC)
USER = ("5" * 32, "a" * 32)


async def came(store: Transactions, *, auto_link: bool = False) -> Guest:
    people = People(Rules(), UTC, auto_link=auto_link, hashed=lambda text: text)
    async with store.begin() as db:
        return await come_in(db, people, USER, "viewer", NOW)


async def test_however_often_at_once_they_come_there_is_one_account(store: Transactions) -> None:
    guests = await asyncio.gather(*(came(store) for _ in range(5)))
    async with store.read() as db:
        accounts, links, intervals = await kept.accounts(db), await kept.links(db), await kept.intervals(db)

    assert sorted(guest.is_new for guest in guests) == [False] * 4 + [True]
    assert {guest.account_id for guest in guests} == {accounts[0].id}
    assert [len(found) for found in (accounts, links, intervals)] == [1, 1, 0]


@pytest.mark.parametrize("auto_link", [False, True], ids=["when asked", "from first sight"])
async def test_whoever_opted_out_stays_out(store: Transactions, auto_link: bool) -> None:
    async with store.begin() as db:
        await kept.set_opted_out(db, *USER, opted_out=True)
    guest = await came(store, auto_link=auto_link)

    assert guest == Guest()


async def test_where_everybody_is_recorded_from_first_sight_a_sign_in_is_one(store: Transactions) -> None:
    guest = await came(store, auto_link=True)
    async with store.read() as db:
        (interval,) = await kept.intervals(db)

    assert guest.is_new
    assert (interval.account_id, interval.until) == (guest.account_id, None)
