"""Health: numbers with words, and the sums that they come from."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.metrics import Metrics
from receiver.pages.admin.measures import agreements, expected_by_minute, heard_by_minute, lag_of, minutes_of
from reconcile.errors import StoreAway
from tests.receiver.houses import NINE_PM, Clock, program
from tests.receiver.pages.admin_houses import asked, busy
from tests.receiver.pages.visitors import owner
from tests.recordings.shapes import SERVER

HOUR_AGO = NINE_PM - timedelta(hours=1)


async def test_it_says_how_all_parts_are_doing(tmp_path: Path) -> None:
    async with busy(tmp_path) as here, owner(here) as visitor:
        page = await visitor.get("/admin/health")

    for said in ("SQLite", "of this version", "this process polls it", "49 recorded, 3 rejected"):
        assert said in page.text
    assert "Webhooks in each minute of the last hour" in page.text
    assert len(page.content) < 50_000


async def test_it_says_it_on_either_database(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url, clock=Clock(NINE_PM)) as here, owner(here) as visitor:
        await here.watch(NINE_PM)
        page = await visitor.get("/admin/health")

    assert page.status_code == 200
    assert ("PostgreSQL" if database_url.startswith("postgresql") else "SQLite") in page.text
    assert '1 <span class="soft">(100 %)</span>' in page.text


async def test_how_late_deliveries_are_is_left_out_where_no_poll_tells_the_servers_clock(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM)) as here, owner(here) as visitor:
        await here.watch(NINE_PM)
        page = await visitor.get("/admin/health")

    assert "Late by" not in page.text


async def test_the_page_stands_while_the_database_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with asked(tmp_path) as (here, _face), owner(here) as visitor:

        async def away(*_values: object) -> object:
            raise StoreAway("The database does not answer.")

        monkeypatch.setattr("receiver.pages.admin.health.vitals.server_version", away)
        page = await visitor.get("/admin/health")

    assert page.status_code == 200
    assert "away" in page.text


def test_the_lag_is_that_of_half_and_of_99_in_100() -> None:
    found = lag_of(timedelta(seconds=number) for number in range(1, 101))

    assert found is not None
    assert (found.count, found.p50, found.p99) == (100, 50.0, 99.0)
    assert lag_of([]) is None


@given(st.lists(st.timedeltas(timedelta(days=-1), timedelta(days=1)), min_size=1))
def test_no_delivery_comes_early_and_most_are_not_later_than_the_latest(lags: list[timedelta]) -> None:
    found = lag_of(lags)

    assert found is not None
    assert 0 <= found.p50 <= found.p99 <= max(0.0, max(lags).total_seconds())


def test_one_webhook_a_second_is_expected_of_what_plays() -> None:
    minutes = minutes_of(NINE_PM, HOUR_AGO - timedelta(days=1))

    expected = expected_by_minute([(SERVER, NINE_PM - timedelta(seconds=90), 60.0)], minutes)

    assert len(expected) == 60
    assert expected[-3:] == (30.0, 30.0, 0.0)


def test_nothing_is_measured_before_the_program_ran() -> None:
    minutes = minutes_of(NINE_PM, NINE_PM - timedelta(minutes=2))

    heard = heard_by_minute([{minutes[-1][0]: 7}, {minutes[-1][0]: 1}], minutes)

    assert heard[-4:] == (None, 0.0, 0.0, 8.0)
    assert expected_by_minute([], minutes)[-4:] == (None, 0.0, 0.0, 0.0)


@given(st.lists(st.tuples(st.integers(-7200, 7200), st.floats(0, 86400)), max_size=20))
def test_what_is_expected_is_never_more_than_what_was_played(told: list[tuple[int, float]]) -> None:
    stretches = [(SERVER, NINE_PM + timedelta(seconds=at), seconds) for at, seconds in told]

    expected = expected_by_minute(stretches, minutes_of(NINE_PM, HOUR_AGO - timedelta(hours=2)))

    known = [each for each in expected if each is not None]
    assert all(0 <= each <= 60 * len(told) + 1e-6 for each in known)
    assert sum(known) <= sum(seconds for _at, seconds in told) + 1e-3


def test_the_channels_are_held_against_each_other() -> None:
    (found,) = agreements(
        [(SERVER, 1, 4), (SERVER, 2, 3), (SERVER, 3, 2), (SERVER, 6, 1), (SERVER, 8, 9)], {SERVER: "m"}
    )

    assert (found.server, found.push_only, found.poll_only, found.both, found.total) == ("m", 4, 3, 3, 10)


def test_answers_are_told_by_the_bucket_that_holds_so_many() -> None:
    metrics = Metrics()
    assert metrics.within(0.5) is None
    for seconds in (0.0004, 0.004, 0.004, 7.0):
        metrics.count("recorded", seconds)

    assert metrics.within(0.25) == 0.0005
    assert metrics.within(0.5) == 0.005
    assert metrics.within(0.99) is None
