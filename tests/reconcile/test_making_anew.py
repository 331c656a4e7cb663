"""An account made anew is what it was: whole or in parts, once or twice, and also where that was cut short."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile import adding_up
from reconcile.awarding import catch_up, make_anew, make_anew_in_parts
from reconcile.store import badges, completions, tables
from reconcile.store.engine import Transactions
from tests.reconcile.plays import Ledger, Play, evenings

EIGHT = datetime(2026, 3, 2, 20, tzinfo=UTC)  # a Monday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class PowerCut(Exception):
    """The process ends here."""


class Frail(Transactions):
    """Transactions of which the one numbered *last* never comes to its end."""

    def __init__(self, url: str, last: int) -> None:
        super().__init__(url)
        self.left = last

    @asynccontextmanager
    async def begin(self, patience: timedelta | None = None) -> AsyncIterator[AsyncConnection]:
        async with super().begin(patience) as db:
            yield db
            self.left -= 1
            if self.left == 0:
                raise PowerCut


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A history of more than three playbacks is a long one, and is made anew three films or days at once."""
    monkeypatch.setattr(completions, "LONG", 3)
    monkeypatch.setattr(adding_up, "_UNITS_AT_ONCE", 3)
    monkeypatch.setattr(adding_up, "_DAYS_AT_ONCE", 3)


@pytest.fixture
async def ledger(store: Transactions) -> Ledger:
    return Ledger(store)


async def fortnight(ledger: Ledger) -> tuple[int, dict[str, list[dict[str, object]]]]:
    """Keep two weeks of films, an episode each night and company twice; return who, and what is added up."""
    who, other = await ledger.welcome("UTC", "UTC")
    films = await ledger.media("movie", *[1980 + 10 * (number % 4) for number in range(14)])
    (series,) = await ledger.media("series", 2001)
    await ledger.totals(series, {1: 14})
    await ledger.play(*evenings(who, films, EIGHT), *evenings(other, films[:2], EIGHT))
    episodes = [Play(who, series, EIGHT + HOUR + n * DAY, f"s01e{n + 1:02}") for n in range(14)]
    await ledger.play(*episodes, Play(who, films[3], EIGHT + 40 * DAY))
    return who, await ledger.derived()


async def test_what_is_made_anew_again_and_again_stays_what_it_is(ledger: Ledger, store: Transactions) -> None:
    who, before = await fortnight(ledger)

    for _time in range(2):
        async with store.begin() as db:
            assert await make_anew(db, ledger.people, who) == []

    assert "streak_7" in await ledger.awards(who)
    assert await ledger.derived() == before


@pytest.mark.usefixtures("small_parts")
async def test_parts_make_the_same_as_the_whole(ledger: Ledger, store: Transactions) -> None:
    who, before = await fortnight(ledger)

    assert await make_anew_in_parts(store, ledger.people, who) == []

    assert await ledger.derived() == before


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("last", [1, 2, 3, 6, 9, 11], ids="cut short in transaction {}".format)
async def test_what_was_cut_short_is_owed_and_caught_up_with(ledger: Ledger, store: Transactions, last: int) -> None:
    who, before = await fortnight(ledger)
    badges_then = await ledger.awards(who)
    frail = Frail(store.url, last)
    async with store.begin() as db:
        await badges.forget_bases(db, [who])

    with pytest.raises(PowerCut):
        await make_anew_in_parts(frail, ledger.people, who)
    await frail.close()

    assert await ledger.awards(who) == badges_then, "no badge goes because of it"
    assert await catch_up(store, ledger.people) == 1
    assert await ledger.derived() == before
    assert await catch_up(store, ledger.people) == 0


@pytest.mark.usefixtures("small_parts")
async def test_a_watch_meanwhile_adds_itself_and_waits_for_nothing(ledger: Ledger, store: Transactions) -> None:
    who, _before = await fortnight(ledger)
    frail = Frail(store.url, 3)
    with pytest.raises(PowerCut):
        await make_anew_in_parts(frail, ledger.people, who)
    await frail.close()
    (film,) = await ledger.media("movie", 1999)
    then = len(await ledger.rows("feat"))

    assert await ledger.play(Play(who, film, EIGHT + 50 * DAY)) == [], "nothing is judged by half of a history"

    made = len(await ledger.rows("feat")) - then
    assert 0 < made < 5
    await catch_up(store, ledger.people)
    assert await ledger.derived() == await ledger.anew()


@pytest.mark.usefixtures("small_parts")
async def test_what_is_owed_once_more_meanwhile_is_owed_still(
    ledger: Ledger, store: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    who, before = await fortnight(ledger)
    settle = badges.settle_basis

    async def too_late(db: AsyncConnection, account: int, mark: int, basis: badges.Basis) -> bool:
        await badges.forget_bases(db, [account])
        return await settle(db, account, mark, basis)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(badges, "settle_basis", too_late)
        assert await make_anew_in_parts(store, ledger.people, who) == []

    assert await catch_up(store, ledger.people) == 1
    assert await ledger.derived() == before


async def test_whoever_is_gone_is_not_made_anew(ledger: Ledger, store: Transactions) -> None:
    (who,) = await ledger.welcome("UTC")
    async with store.begin() as db:
        await db.execute(sa.delete(tables.account))

    assert await make_anew_in_parts(store, ledger.people, who) == []

    assert await ledger.rows("award_basis") == []
