"""Series progress: distinct episodes of those that are known, whatever was seen twice or is no part of the count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconcile.playback.progress import Completion, Progress, Status, Totals, progress

START = datetime(2026, 1, 1, 20, tzinfo=UTC)
TWO = Totals(2, {1: 2}, is_running=False)


def seen(*units: str, plays: int = 1) -> list[Completion]:
    """Return a completion of each of *units*, one day after the other."""
    return [Completion(unit, START + timedelta(days=n), plays, n, 7) for n, unit in enumerate(units)]


def known(*units: str, totals: Totals = TWO, abandoned_at: datetime | None = None) -> Progress:
    found = progress(seen(*units), totals, abandoned_at)
    assert found is not None
    return found


def test_without_a_completed_episode_there_is_no_progress() -> None:
    assert progress([], TWO) is None


def test_an_episode_seen_twice_is_one_episode() -> None:
    found = known("s01e01", "s01e01")

    assert (found.watched_episodes, found.status) == (1, Status.IN_PROGRESS)


def test_specials_are_counted_apart_and_complete_nothing() -> None:
    found = known("s01e01", "s00e01", "s00e02")

    assert (found.watched_episodes, found.watched_specials, found.status) == (1, 2, Status.IN_PROGRESS)


@pytest.mark.parametrize(
    ("is_running", "status"),
    [
        pytest.param(False, Status.COMPLETED, id="over"),
        pytest.param(True, Status.CAUGHT_UP, id="more will come"),
        pytest.param(None, Status.CAUGHT_UP, id="nobody knows"),
    ],
)
def test_all_of_it_is_the_end_only_if_no_more_will_come(is_running: bool | None, status: Status) -> None:
    found = known("s01e01", "s01e02", totals=Totals(2, {1: 2}, is_running))

    assert found.status is status
    assert (found.completed_at is not None, found.completions) == (is_running is False, int(is_running is False))


def test_without_a_total_it_is_in_progress_however_much_was_seen() -> None:
    assert known("s01e01", "s01e02", totals=Totals(None, {}, is_running=False)).status is Status.IN_PROGRESS


def test_it_was_completed_when_the_last_missing_episode_was_and_not_by_a_rewatch() -> None:
    found = progress(seen("s01e02", "s01e01", "s01e01"), TWO)

    assert found is not None
    assert found.completed_at == START + timedelta(days=1)
    assert found.last_watched_at == START + timedelta(days=2)


def test_it_has_been_completed_as_often_as_the_least_seen_episode() -> None:
    thrice = progress([*seen("s01e01", plays=5), *seen("s01e02", plays=3)], TWO)

    assert thrice is not None
    assert thrice.completions == 3


def test_episodes_of_a_season_that_is_not_known_do_not_make_up_for_missing_ones() -> None:
    assert known("s01e01", "s03e01").status is Status.IN_PROGRESS


def test_where_only_the_sum_is_known_any_episodes_count() -> None:
    assert known("s01e01", "s03e01", totals=Totals(2, {}, is_running=False)).status is Status.COMPLETED


@pytest.mark.parametrize(
    ("days", "status"),
    [
        pytest.param(1, Status.ABANDONED, id="given up afterwards"),
        pytest.param(-1, Status.IN_PROGRESS, id="an episode completed since"),
    ],
)
def test_abandoned_holds_until_another_episode_is_completed(days: int, status: Status) -> None:
    assert known("s01e01", abandoned_at=START + timedelta(days=days)).status is status


def test_what_is_completed_cannot_be_abandoned() -> None:
    assert known("s01e01", "s01e02", abandoned_at=START + timedelta(days=9)).status is Status.COMPLETED
