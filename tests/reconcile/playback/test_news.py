"""What is news, and when it is tried again: pure rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.playback.news import (
    LATELY,
    REMEMBERED,
    TRIED_FOR,
    Kind,
    Seen,
    chosen,
    is_news,
    next_try,
    watch_news,
)
from reconcile.playback.rules import Rules

NOW = datetime(2026, 3, 7, 20, tzinfo=UTC)
RULES = Rules()
COMPLETED = Seen(completed=True, partial=False, plays=1, percent=90, place=(1, "", "2026-03-07"))
PARTIAL = Seen(completed=False, partial=True, plays=0, percent=40, place=(1, "", "2026-03-07"))
REMOVED = Seen(completed=True, partial=False, plays=1, percent=90, place=(1, "", "2026-03-07"), removed=True)
FURTHER = Seen(completed=True, partial=False, plays=1, percent=97, place=(1, "", "2026-03-07"))
AGAIN = Seen(completed=True, partial=False, plays=2, percent=90, place=(1, "", "2026-03-07"))
MOVED = Seen(completed=True, partial=False, plays=1, percent=90, place=(2, "", "2026-03-08"))


def test_what_is_forgotten_is_too_old_to_be_told_again() -> None:
    assert REMEMBERED > LATELY + TRIED_FOR


@pytest.mark.parametrize(
    ("kind", "age", "told"),
    [
        pytest.param(Kind.PLAYBACK_STARTED, timedelta(minutes=59), True, id="a start within the hour"),
        pytest.param(Kind.PLAYBACK_STARTED, timedelta(minutes=61), False, id="a start of long ago"),
        pytest.param(Kind.PLAYBACK_ENDED, timedelta(minutes=89), True, id="an end that a long pause hid"),
        pytest.param(Kind.PLAYBACK_ENDED, timedelta(minutes=91), False, id="an end of long ago"),
        pytest.param(Kind.WATCH_COMPLETED, timedelta(days=6), True, id="a watch of the week"),
        pytest.param(Kind.BADGE_EARNED, timedelta(days=8), False, id="a badge of the week before"),
    ],
)
def test_a_fact_is_news_for_so_long(kind: Kind, age: timedelta, told: bool) -> None:
    assert is_news(kind, NOW - age, NOW, RULES) is told


@pytest.mark.parametrize(
    ("told", "seen", "is_open", "was_completed", "news"),
    [
        pytest.param(None, COMPLETED, True, False, Kind.WATCH_COMPLETED, id="it completes while it plays"),
        pytest.param(None, PARTIAL, True, False, None, id="it has come some way"),
        pytest.param(None, PARTIAL, False, False, Kind.WATCH_UPDATED, id="it was left half-way"),
        pytest.param(PARTIAL, COMPLETED, True, False, Kind.WATCH_COMPLETED, id="half-way, then completed"),
        pytest.param(COMPLETED, COMPLETED, False, True, None, id="nothing that a reader would see"),
        pytest.param(COMPLETED, FURTHER, True, True, None, id="further, and still playing"),
        pytest.param(COMPLETED, FURTHER, False, True, Kind.WATCH_UPDATED, id="further, and over"),
        pytest.param(COMPLETED, AGAIN, True, True, Kind.WATCH_UPDATED, id="a second time on a day"),
        pytest.param(COMPLETED, MOVED, False, True, Kind.WATCH_UPDATED, id="it is of another day"),
        pytest.param(COMPLETED, REMOVED, False, True, Kind.WATCH_UPDATED, id="it is gone"),
        pytest.param(None, REMOVED, False, False, None, id="what nobody heard of is gone"),
        pytest.param(REMOVED, REMOVED, False, True, None, id="gone is gone"),
        pytest.param(REMOVED, COMPLETED, False, True, Kind.WATCH_UPDATED, id="it is back"),
    ],
)
def test_a_reader_hears_what_changes_in_their_eyes(
    told: Seen | None, seen: Seen, is_open: bool, was_completed: bool, news: Kind | None
) -> None:
    assert watch_news(told, seen, is_open=is_open, was_completed=was_completed) is news


def test_who_asked_for_changes_only_hears_of_a_completion_as_one() -> None:
    assert chosen(Kind.WATCH_COMPLETED, ["watch.updated"]) is Kind.WATCH_UPDATED
    assert chosen(Kind.WATCH_COMPLETED, ["watch.completed", "watch.updated"]) is Kind.WATCH_COMPLETED
    assert chosen(Kind.WATCH_UPDATED, ["watch.completed"]) is None


@given(st.lists(st.floats(0, 1), min_size=60, max_size=60))
def test_it_is_tried_for_three_days_and_not_too_often(chances: list[float]) -> None:
    now, attempts, waits = NOW, 0, []
    for chance in chances:
        attempts += 1
        again = next_try(attempts, NOW, now, chance)
        if again is None:
            break
        waits.append(again - now)
        now = again

    assert now == NOW + TRIED_FOR
    assert 14 <= attempts <= 30
    assert waits[0] <= timedelta(seconds=7)
    assert all(wait <= timedelta(hours=7.5) for wait in waits)
