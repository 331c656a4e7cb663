"""Streaks go by the account's own calendar, and are alive until a whole day has been missed."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.playback.streaks import runs, streaks

TODAY = date(2026, 3, 10)


def days(*before: int) -> list[date]:
    """Return the days so many days before today."""
    return [TODAY - timedelta(days=n) for n in before]


@pytest.mark.parametrize(
    ("watched", "current", "longest"),
    [
        pytest.param(days(), 0, 0, id="never"),
        pytest.param(days(0), 1, 1, id="today"),
        pytest.param(days(1, 2, 3), 3, 3, id="until yesterday: alive"),
        pytest.param(days(2, 3, 4), 0, 3, id="until the day before: over"),
        pytest.param(days(0, 1, 5, 6, 7, 8), 2, 4, id="a longer one long ago"),
        pytest.param(days(0, 0, 1, 1), 2, 2, id="a day told twice is one day"),
        pytest.param([date(2026, 2, 28), date(2026, 3, 1)], 0, 2, id="over the end of February"),
    ],
)
def test_streaks(watched: list[date], current: int, longest: int) -> None:
    found = streaks(watched, TODAY)

    assert (found.current, found.longest, found.alive) == (current, longest, current > 0)


@given(st.sets(st.integers(0, 60)))
def test_runs_are_the_days_themselves_and_never_touch(offsets: set[int]) -> None:
    watched = set(days(*offsets))

    found = runs(watched)

    assert {run.first + timedelta(days=n) for run in found for n in range(run.days)} == watched
    assert all((later.first - run.last).days > 1 for run, later in pairwise(found))
