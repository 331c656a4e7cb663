"""Marks by hand: the latest one holds, and a day that was played needs none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from reconcile.playback.check_in import Channel, Mark
from reconcile.playback.marks import standing, with_marks
from reconcile.playback.verdict import Code

EIGHT_PM = datetime(2026, 3, 7, 20, tzinfo=UTC)

marks = st.lists(
    st.builds(Mark, st.integers(0, 5).map(lambda day: EIGHT_PM + timedelta(days=day)), st.booleans()), max_size=8
)


def test_the_latest_mark_holds() -> None:
    later = EIGHT_PM + timedelta(days=1)

    assert standing([]) is None
    assert standing([Mark(EIGHT_PM, played=True)]) == EIGHT_PM
    assert standing([Mark(EIGHT_PM, played=True), Mark(later, played=False)]) is None
    assert standing([Mark(EIGHT_PM, played=False), Mark(later, played=True)]) == later


def test_of_two_at_one_instant_the_one_that_takes_back_holds() -> None:
    assert standing([Mark(EIGHT_PM, played=True), Mark(EIGHT_PM, played=False)]) is None


@given(marks, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_matters(told: list[Mark], random: Random) -> None:
    shuffled = sorted([*told, *told], key=lambda _mark: random.random())

    assert standing(shuffled) == standing(told)


def test_a_days_row_of_its_own_kind_and_none_beside_what_was_played() -> None:
    (row,) = with_marks((), [EIGHT_PM, EIGHT_PM + timedelta(hours=1)], UTC)

    assert (row.verdict, row.channels, row.watched_at) == (
        Code.MARKED,
        frozenset({Channel.MANUAL}),
        EIGHT_PM + timedelta(hours=1),
    )
    assert (row.completed, row.plays, row.watched_seconds, row.playbacks) == (False, 0, 0.0, ())
    assert with_marks((row,), [EIGHT_PM], UTC) == (row,)
