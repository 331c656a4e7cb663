"""A user has one account at a time, and is recorded in dated intervals."""

from __future__ import annotations

from reconcile.store import people
from reconcile.store.engine import Transactions
from tests.reconcile.arrivals import EIGHT_PM, SERVER, Household, at


async def test_a_link_is_news_once_and_moves_to_another_account(store: Transactions) -> None:
    async with store.begin() as db:
        one, other = [await people.add_account(db, name, EIGHT_PM) for name in ("viewer", "guest")]
        first = await people.tie(db, SERVER, "viewer", one, "Viewer", "test", EIGHT_PM)
        again = await people.tie(db, SERVER, "viewer", one, "Viewer", "test", EIGHT_PM)
        moved = await people.tie(db, SERVER, "viewer", other, "Viewer", "test", EIGHT_PM)
        links = await people.links(db)

    assert (first, again, moved) == (True, False, True)
    assert [link.account_id for link in links] == [other]


async def test_an_interval_opens_once_and_closes_once(store: Transactions) -> None:
    async with store.begin() as db:
        account = await people.add_account(db, "viewer", EIGHT_PM)
        opened = [await people.open_interval(db, SERVER, "viewer", account, at(second)) for second in (0, 10)]
        closed = [await people.close(db, SERVER, "viewer", at(second)) for second in (20, 30)]
        (interval,) = await people.intervals(db)

    assert (opened, closed) == ([True, False], [True, False])
    assert (interval.since, interval.until) == (at(0), at(20))


async def test_whoever_is_untied_is_no_longer_recorded(store: Transactions) -> None:
    async with store.begin() as db:
        account = await people.add_account(db, "viewer", EIGHT_PM)
        await people.tie(db, SERVER, "viewer", account, None, "test", EIGHT_PM)
        await people.open_interval(db, SERVER, "viewer", account, EIGHT_PM)
        gone = [await people.untie(db, SERVER, "viewer", at(10)) for _ in range(2)]
        intervals, links = await people.intervals(db), await people.links(db)

    assert gone == [True, False]
    assert [interval.until for interval in intervals] == [at(10)]
    assert links == []


async def test_opting_in_again_takes_the_refusal_back(store: Transactions) -> None:
    async with store.begin() as db:
        account = await people.add_account(db, "viewer", EIGHT_PM)
        await people.set_opted_out(db, SERVER, "viewer", opted_out=True)
        out = await people.opted_out(db)
        await people.open_interval(db, SERVER, "viewer", account, EIGHT_PM)
        after = await people.opted_out(db)

    assert (out, after) == ({(SERVER, "viewer")}, set())


async def test_what_a_failed_transaction_had_taught_memory_is_taken_back(store: Transactions) -> None:
    house = Household(store, auto_link=True)
    async with store.begin() as db:
        account = await people.add_account(db, "viewer", EIGHT_PM)
        await people.tie(db, SERVER, "viewer", account, None, "test", EIGHT_PM)
        await people.open_interval(db, SERVER, "viewer", account, EIGHT_PM)
        take_back = await house.people.load_within(db)
        known = house.people.is_known((SERVER, "viewer"))
        take_back()

    assert known
    assert not house.people.is_known((SERVER, "viewer"))
