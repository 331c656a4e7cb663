"""Feats and badges: what counts, once, with the instant and the watch that did it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.playback.badges import BADGES, BY_CODE, Rule, earned_by
from reconcile.playback.feats import (
    LONGEST_STREAK,
    MOVIES,
    REWATCHES,
    Feat,
    decade_of,
    night_feat,
    saturday_of,
    season_feat,
    streak_feats,
    unit_feats,
    weekend_feat,
)
from reconcile.playback.progress import Completion

START = datetime(2026, 3, 7, 20, tzinfo=UTC)  # a Saturday
BERLIN = ZoneInfo("Europe/Berlin")


def done(hours: float = 0, unit: str = "", plays: int = 1, watch: int = 1) -> Completion:
    return Completion(unit, START + timedelta(hours=hours), plays, watch, 7)


def season(*hours: float) -> list[Completion]:
    return [done(at, f"s01e{number:02}", watch=number) for number, at in enumerate(hours, start=1)]


def test_the_same_film_on_two_days_is_one_film_seen_and_one_seen_again() -> None:
    found = unit_feats([done(48, watch=2), done(0, watch=1)], is_movie=True, year=1984)

    assert [(feat.kind, feat.at, feat.watch) for feat in found] == [
        (MOVIES, START, 1),
        (REWATCHES, START + timedelta(hours=48), 2),
    ]
    assert found[0].part == "1980"


def test_twice_on_one_day_is_seen_again_too() -> None:
    assert [feat.kind for feat in unit_feats([done(plays=2)], is_movie=True, year=None)] == [MOVIES, REWATCHES]


def test_two_episodes_of_a_series_are_no_rewatch() -> None:
    found = [feat for unit in ("s01e01", "s01e02") for feat in unit_feats([done(unit=unit)], is_movie=False, year=None)]

    assert [feat.kind for feat in found] == ["episodes", "episodes"]
    assert len({feat.name for feat in found}) == 2


@pytest.mark.parametrize(
    ("hours", "count", "is_binge"),
    [
        pytest.param((0, 1, 2), 3, True, id="a short season"),
        pytest.param((0, 1), 2, False, id="two episodes are no season"),
        pytest.param((0, 1, 2), 4, False, id="one is missing"),
        pytest.param((0, 1, 24), 3, True, id="just within a day"),
        pytest.param((0, 1, 24.1), 3, False, id="just not"),
        pytest.param((0, 100, 101, 102), 4, False, id="one long before"),
        pytest.param((0, 1, 2), None, False, id="nobody knows how many there are"),
    ],
)
def test_a_season_in_a_day(hours: tuple[float, ...], count: int | None, is_binge: bool) -> None:
    assert (season_feat(7, 1, season(*hours), count) is not None) is is_binge


def test_a_season_is_done_with_its_last_episode_and_an_episode_twice_is_one() -> None:
    again = [done(0, "s01e01"), done(1, "s01e01", watch=9), done(2, "s01e02"), done(3, "s01e03", watch=3)]

    found = season_feat(7, 1, again, 3)

    assert season_feat(7, 1, again[:3], 3) is None
    assert found is not None
    assert (found.at, found.watch) == (START + timedelta(hours=3), 3)


def test_a_season_that_was_too_slow_at_first_may_be_done_in_a_day_later() -> None:
    slow = [*season(0, 48, 96), *(done(1000 + hour, f"s01e{hour:02}") for hour in (1, 2, 3))]

    found = season_feat(7, 1, slow, 3)

    assert found is not None
    assert found.at == START + timedelta(hours=1003)


def test_the_night_is_that_of_the_clock_on_the_wall() -> None:
    late = Completion("", datetime(2026, 3, 7, 23, 30, tzinfo=UTC), 1, 1, 7)  # 0:30 on the 8th in Berlin

    assert night_feat(date(2026, 3, 8), [late], BERLIN) is not None
    assert night_feat(date(2026, 3, 7), [late], UTC) is None


def test_a_weekend_takes_both_of_its_days() -> None:
    saturday, both = START.date(), [done(0), done(20, watch=2)]

    found = weekend_feat(saturday, both, UTC)

    assert weekend_feat(saturday, both[:1], UTC) is None
    assert found is not None
    assert (found.watch, found.at) == (2, START + timedelta(hours=20))
    assert [saturday_of(saturday + timedelta(days=n)) for n in range(3)] == [saturday, saturday, None]


def test_every_run_of_seven_days_is_a_feat_at_its_seventh_day() -> None:
    days = {START.date() + timedelta(days=n): START + timedelta(days=n) for n in (*range(8), *range(20, 27))}

    found = streak_feats(days)

    assert [(feat.kind, feat.at - START) for feat in found] == [
        ("streak-7", timedelta(days=6)),
        ("streak-7", timedelta(days=26)),
    ]


def test_a_badge_is_earned_by_the_feat_that_makes_its_number_full() -> None:
    films = [Feat(MOVIES, str(n), START + timedelta(days=n), n) for n in range(12)]

    found = earned_by(BY_CODE["movies_10"], reversed(films))

    assert found is not None
    assert (found.watch, found.at) == (9, START + timedelta(days=9))
    assert earned_by(BY_CODE["movies_10"], films[:9]) is None


@given(st.permutations(range(12)), st.integers(1, 3))
def test_the_order_in_which_feats_are_learnt_does_not_matter(order: list[int], hours: int) -> None:
    films = [Feat(MOVIES, str(n), START + timedelta(hours=n // hours), n) for n in range(12)]

    assert earned_by(BY_CODE["movies_10"], [films[n] for n in order]) == earned_by(BY_CODE["movies_10"], films)


def test_the_badges_are_told_apart_and_each_says_in_a_sentence_what_it_takes() -> None:
    assert len({badge.code for badge in BADGES}) == len({badge.name for badge in BADGES}) == len(BADGES)
    assert all(badge.sentence.endswith(".") and badge.kinds and badge.threshold > 0 for badge in BADGES)
    assert {badge.rule for badge in BADGES} == set(Rule)


@pytest.mark.parametrize(("year", "decade"), [(1999, "1990"), (2000, "2000"), (None, "")])
def test_decades(year: int | None, decade: str) -> None:
    assert decade_of(year) == decade


@given(st.sets(st.integers(0, 400)), st.integers(120, 280), st.booleans())
def test_a_window_around_a_day_is_enough_to_tell_what_its_coming_or_going_does(
    offsets: set[int], touched: int, is_gone: bool
) -> None:
    everything = {START.date() + timedelta(days=n): START + timedelta(days=n) for n in offsets | set(range(60, 330))}
    day = START.date() + timedelta(days=touched)
    without = {each: at for each, at in everything.items() if each != day}
    whole = without | {day: START}
    before, now = (streak_feats(whole), without) if is_gone else (streak_feats(without), whole)
    since, until = day - LONGEST_STREAK, day + timedelta(days=1)

    inside = streak_feats(
        {each: at for each, at in now.items() if since - timedelta(days=1) <= each <= until + LONGEST_STREAK},
        since,
        until,
    )

    outside = [feat for feat in before if not since.isoformat() <= feat.name <= until.isoformat()]
    assert sorted([*outside, *inside], key=repr) == sorted(streak_feats(now), key=repr)
