"""Jellyfin's timestamps, and what of a position is a guess."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.jellyfin.guesses import guessed_seconds, taken_back
from reconcile.jellyfin.instants import instant

EIGHT = datetime(2026, 11, 22, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-22T20:00:00Z", EIGHT),
        ("2026-11-22T20:00:00.0000009Z", EIGHT),
        ("2026-11-22T20:00:00.9999999Z", EIGHT.replace(microsecond=999_999)),
        ("2026-11-22T20:00:00.12Z", EIGHT.replace(microsecond=120_000)),
        ("2026-11-22T21:00:00.0000000+01:00", EIGHT),
        ("2026-11-22T20:00:00", EIGHT),
        ("0001-01-01T00:00:00.0000000Z", None),
        ("0001-01-01T00:00:00.0000000+01:00", None),
        ("9999-12-31T23:59:59.9999999Z", None),
        ("9999-12-31T23:59:59.9999999-01:00", None),
        ("2026-11-22", None),
        ("yesterday, at eight in the evening", None),
        ("", None),
        (None, None),
    ],
)
def test_a_timestamp_is_truncated_to_microseconds_and_never_is_none(text: str | None, at: datetime | None) -> None:
    assert instant(text) == at


@given(st.text())
def test_no_text_makes_it_raise(text: str) -> None:
    told = instant(text)

    assert told is None or told.tzinfo is UTC


@pytest.mark.parametrize(
    ("observed", "activity", "guessed"),
    [(7.8, 7.01, 7), (7.8, 6.99, 6), (7.8, None, 7), (0.3, -0.01, 0), (0.0, None, 0), (7.0, 8.5, 8), (7.8, 300.0, 7)],
    ids=[
        "the last activity tells",
        "an answer that took a second",
        "none known",
        "no guess yet",
        "at once",
        "a coarse clock",
        "impossible",
    ],
)
def test_guesses_are_whole_seconds_since_the_report(observed: float, activity: float | None, guessed: int) -> None:
    last = None if activity is None else EIGHT + timedelta(seconds=activity)

    assert guessed_seconds(EIGHT, EIGHT + timedelta(seconds=observed), last) == guessed


def test_a_position_is_taken_back_to_the_beginning_at_most() -> None:
    assert taken_back(10.0, 7) == 3.0
    assert taken_back(3.0, 7) == 0.0
    assert taken_back(None, 7) is None
