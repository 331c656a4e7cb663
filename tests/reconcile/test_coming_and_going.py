"""Resettling says which badges come and go, and a dry run only says it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from reconcile.resettling import Resettled, resettle_all
from reconcile.store.engine import Transactions
from reconcile.store.tables import badge_award, daily_activity, feat, feat_count
from tests.reconcile.arrivals import Household, line, stopped


@pytest.fixture
async def house(store: Transactions) -> Household:
    """A household in which somebody has reached nine tenths of a film."""
    found = Household(store)
    await found.welcome("viewer")
    await found.hear(*line(0, 900), stopped(900, 900))
    return found


async def _resettled(house: Household, *, dry_run: bool, **overrides: object) -> Resettled:
    return await resettle_all(house.store, house.people, overrides, lambda: house.now, dry_run=dry_run)


async def _badges(house: Household) -> list[str]:
    return [row["badge"] for row in await house.rows("badge_award")]


async def test_a_dry_run_tells_of_the_badges_that_would_go_and_takes_none(house: Household) -> None:
    found = await _resettled(house, dry_run=True, threshold=95.0)

    assert [each.sentence(is_dry=True) for each in found.badges] == [
        "viewer: the badge «Early Adopter» would be taken back: what earned it does not count any more",
        "viewer: the badge «Lights Down» would be taken back: what earned it does not count any more",
    ]
    assert len(found.watches) == 1
    assert await _badges(house) == ["early_adopter", "first_watch"]


async def test_other_rules_take_badges_and_the_old_ones_bring_them_back(house: Household) -> None:
    gone = await _resettled(house, dry_run=False, threshold=95.0)
    assert (len(gone.badges), await _badges(house)) == (2, [])

    back = await _resettled(house, dry_run=False, threshold=85.0)

    assert [each.sentence(is_dry=False) for each in back.badges] == [
        "viewer: the badge «Early Adopter» is earned, on 2026-03-07",
        "viewer: the badge «Lights Down» is earned, on 2026-03-07",
    ]
    assert await _badges(house) == ["early_adopter", "first_watch"]


async def test_resettling_what_is_settled_changes_no_badge(house: Household) -> None:
    assert await _resettled(house, dry_run=False) == Resettled([], [])


async def test_resettling_mends_what_has_been_lost(house: Household) -> None:
    tables = ("daily_activity", "feat", "feat_count", "badge_award")
    before = [await house.rows(name) for name in tables]
    async with house.store.begin() as db:
        for table in (daily_activity, feat, feat_count, badge_award):
            await db.execute(sa.delete(table))

    await _resettled(house, dry_run=False)

    assert [await house.rows(name) for name in tables] == before
