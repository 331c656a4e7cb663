"""Estimates of what other rules would do agree with what they do, read only, and say where they stop."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from receiver.wishes import rule
from reconcile.estimating import Case, Estimate, estimate
from tests.receiver.houses import NINE_PM, Program, program


async def three_evenings(here: Program) -> None:
    for night, minutes in enumerate((30, 40, 44)):
        told = {"ItemId": f"{night + 1:032x}", "EpisodeNumber": night + 1}
        await here.watch(NINE_PM - timedelta(days=3 - night), minutes=minutes, **told)


async def estimated(here: Program, rules: dict[str, object], most: int = 100) -> Estimate:
    people = here.house.people
    (account,) = people.accounts
    now = people.rules(account)
    case = Case(now, msgspec.structs.replace(now, **rules), people.zone_of(account))
    async with here.house.store.read() as db:
        return await estimate(db, {account: case}, NINE_PM - timedelta(days=30), most)


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param({"threshold": 95.0}, id="further"),
        pytest.param({"threshold": 60.0}, id="less far"),
        pytest.param({"record_partials": True}, id="partials too"),
        pytest.param({"min_seconds": 3600.0}, id="longer"),
        pytest.param({"require_coverage": True}, id="all seen"),
    ],
)
async def test_an_estimate_says_what_the_change_then_does(
    tmp_path: Path, database_url: str, rules: dict[str, object]
) -> None:
    async with program(tmp_path, database_url) as here:
        await three_evenings(here)

        would = await estimated(here, rules)
        did = await rule(here.house, next(iter(here.house.people.accounts)), rules)

        assert did is not None
        assert sorted(e.sentence(is_dry=True) for e in would.differences) == sorted(
            e.sentence(is_dry=True) for e in did.differences
        )
        completed = [row for row in (await here.get("/history"))["items"] if row["completed"]]
        assert (would.now, would.then) == (2, len(completed))


async def test_where_there_is_too_much_the_latest_are_judged_and_it_is_said(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await three_evenings(here)

        found = await estimated(here, {"threshold": 95.0}, most=2)

    assert found.is_cut_short
    assert found.since == NINE_PM - timedelta(days=2)
    assert (found.now, found.then, found.went) == (2, 1, 1)
