"""Whose check-ins they are, until when they were alive, and which stops and tails say something (DESIGN §3, §4)."""

import pytest

from reconcile.playback.check_in import CheckIn
from reconcile.playback.edges import EndedBy
from reconcile.playback.points import owned, points_of
from reconcile.playback.rules import Rules
from tests.reconcile.playback.evenings import (
    at,
    check_in,
    cut_evening,
    idle_stop,
    line,
    looked,
    paused,
    since_eight,
    stop,
    watched,
)


def test_a_check_in_belongs_to_whom_it_was_first_seen_with() -> None:
    theirs = looked(10)
    mine = check_in(10, seen=16)

    assert owned([mine], [theirs]) == ()
    assert owned([theirs], [mine]) == (theirs,)


def test_who_watches_along_is_seen_within_five_seconds() -> None:
    mine = check_in(10, seen=14)

    assert owned([mine], [check_in(10, seen=10)]) == (mine,)


def test_after_a_user_switch_ones_own_check_ins_are_ones_own() -> None:
    ghost, mine = check_in(10, seen=70), check_in(80)

    assert owned([ghost, mine], [check_in(10)]) == (mine,)


def test_a_check_in_is_alive_until_it_was_last_shown_if_that_is_fresh() -> None:
    (point,) = points_of([looked(10, until=40)], [], None, Rules())

    assert point.until == at(40)


def test_a_check_in_that_is_shown_for_too_long_was_never_alive_after_it() -> None:
    (point,) = points_of([looked(10, until=300)], [], None, Rules())

    assert (point.until, point.shown_until) == (at(10), at(300))


def test_bare_sightings_extend_the_check_in_before_them_as_long_as_they_follow_closely() -> None:
    first, second = points_of([check_in(0), check_in(50)], [at(s) for s in (5, 20, 45, 55, 90, 400)], None, Rules())

    assert first.shown_until == at(45)
    assert second.shown_until == at(90)


@pytest.mark.parametrize(
    "tail",
    [
        pytest.param([check_in(603)], id="one report that lost a race"),
        pytest.param([check_in(601), check_in(604)], id="two that lost it together"),
        pytest.param([check_in(615)], id="at the last moment"),
    ],
)
def test_a_report_just_after_a_stop_is_the_tail_of_a_race(tail: list[CheckIn]) -> None:
    (playback,) = cut_evening(*line(0, 600), stop(600), *tail)

    assert (playback.ended_by, since_eight(playback.ended_at)) == (EndedBy.STOP, 600)
    assert watched([playback]) == [600]


@pytest.mark.parametrize(
    "after",
    [
        pytest.param([check_in(616, 600)], id="longer after the stop than a race takes"),
        pytest.param([check_in(603, 600), check_in(613, 610)], id="followed by another"),
    ],
)
def test_a_report_after_a_stop_that_is_no_tail_goes_on(after: list[CheckIn]) -> None:
    (playback,) = cut_evening(*line(0, 600), stop(600), *after)

    assert playback.ended_by is EndedBy.SILENCE


def test_what_follows_a_tail_after_the_silence_does_not_make_it_more_than_a_tail() -> None:
    (playback,) = cut_evening(*line(0, 600), stop(600), check_in(603), check_in(1000, 600))

    assert watched([playback]) == [600]


def test_a_report_after_a_stop_that_is_followed_by_another_is_playing() -> None:
    (playback,) = cut_evening(*line(0, 600), stop(600), check_in(603, 600), check_in(613, 610), stop(700, 697))

    assert playback.watched_seconds == pytest.approx(697)


def test_a_second_stop_adds_nothing() -> None:
    (playback,) = cut_evening(*line(0, 600), stop(600), stop(601, 0), stop(900, 900))

    assert watched([playback]) == [600]
    assert since_eight(playback.ended_at) == 600


def test_the_servers_own_clean_up_ends_at_the_last_report_and_its_position_is_worth_nothing() -> None:
    (playback,) = cut_evening(*line(0, 600), idle_stop(1100))

    assert (playback.ended_by, since_eight(playback.ended_at)) == (EndedBy.IDLE, 600)
    assert watched([playback]) == [600]


def test_an_old_plugins_clean_up_shows_in_the_guesses_that_were_heard_all_the_while() -> None:
    guesses = [float(s) for s in range(605, 1100, 5)]

    (playback,) = cut_evening(*line(0, 600), stop(1100, 1100), sightings=guesses)

    assert playback.ended_by is EndedBy.IDLE
    assert playback.watched_seconds <= 600


def test_an_old_plugins_late_stop_without_guesses_is_the_clients_own() -> None:
    (playback,) = cut_evening(*line(0, 600), stop(1100, 1100))

    assert playback.ended_by is EndedBy.STOP
    assert watched([playback]) == [1100]


def test_a_stop_at_zero_after_real_viewing_is_a_stop_without_a_position() -> None:
    (playback,) = cut_evening(*line(0, 600), stop(605, 0))

    assert (playback.position, since_eight(playback.ended_at)) == (605, 605)
    assert watched([playback]) == [605]


def test_a_stop_without_a_position_while_fresh_ran_on_until_then() -> None:
    (playback,) = cut_evening(*line(0, 600), stop(640, known=False))

    assert watched([playback]) == [640]


def test_a_stop_without_a_position_after_a_pause_stayed_where_it_was() -> None:
    (playback,) = cut_evening(*line(0, 600), paused(605, 605), stop(650, known=False))

    assert watched([playback]) == [605]
    assert playback.position == 605


def test_a_stop_without_a_position_that_is_no_longer_fresh_adds_nothing() -> None:
    (playback,) = cut_evening(*line(0, 600), stop(800, known=False))

    assert playback.ended_by is EndedBy.STOP
    assert watched([playback]) == [600]


def test_a_stop_without_a_position_runs_no_further_than_the_item() -> None:
    (playback,) = cut_evening(*line(0, 590), stop(620, known=False), runtime=600)

    assert playback.position == 600


def test_a_lone_stop_with_a_position_opens_and_ends_a_playback() -> None:
    (playback,) = cut_evening(stop(600, 3000))

    assert (playback.ended_by, playback.position) == (EndedBy.STOP, 3000)
    assert watched([playback]) == [0]


@pytest.mark.parametrize(
    "lone",
    [pytest.param(stop(600, known=False), id="without one"), pytest.param(idle_stop(600), id="the server's own")],
)
def test_a_lone_stop_without_a_position_is_no_playback(lone: CheckIn) -> None:
    assert cut_evening(lone) == ()


def test_a_stop_after_nothing_but_guesses_is_the_servers_own() -> None:
    """Plugins before 16: somebody else played, and this one only signed in; the server cleans up after both."""
    guesses = [float(s) for s in range(0, 400, 5)]

    assert cut_evening(stop(400, 2700), sightings=guesses) == ()
    assert len(cut_evening(stop(400, 2700))) == 1
