"""How far a server's clock is from ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.jellyfin.clock import Answered, clock_offset, date_of

EIGHT = datetime(2026, 11, 22, 20, tzinfo=UTC)


def exchange(after: float, offset: float, took: float = 0.01, stale: float = 0.0) -> Answered:
    asked = EIGHT + timedelta(seconds=after)
    heard = asked + timedelta(seconds=took)
    server = heard + timedelta(seconds=offset - stale)
    return Answered(asked, heard, server.replace(microsecond=0))


def test_no_answer_yet_is_no_offset() -> None:
    assert clock_offset([]) == timedelta(0)


def test_clocks_that_may_agree_are_taken_to_agree() -> None:
    assert clock_offset([exchange(0.3, 0.0), exchange(10.9, 0.0)]) == timedelta(0)


@given(st.floats(-4000, 4000), st.lists(st.floats(0, 3600), min_size=1, max_size=30), st.floats(0, 0.99))
def test_the_offset_is_never_further_off_than_the_header_is_coarse(
    off: float, times: list[float], stale: float
) -> None:
    told = clock_offset([exchange(after, off, stale=stale) for after in sorted(times)])

    assert abs(told.total_seconds() - off) <= 2.02


def test_many_answers_tell_it_to_half_a_second() -> None:
    told = clock_offset([exchange(10.13 * n, 90.0) for n in range(60)])

    assert abs(told.total_seconds() - 90.0) <= 0.6


def test_a_clock_that_was_set_is_believed_at_once() -> None:
    told = clock_offset([*(exchange(10.13 * n, 90.0) for n in range(20)), exchange(300, -30.0)])

    assert abs(told.total_seconds() + 30.0) <= 1.1


@pytest.mark.parametrize("header", [None, "", "soon", "Sun, 99 Nov 2026 20:00:00 GMT"])
def test_a_date_that_cannot_be_read_is_none(header: str | None) -> None:
    assert date_of(header) is None


def test_a_date_is_utc() -> None:
    assert date_of("Sun, 22 Nov 2026 20:00:00 GMT") == EIGHT
