"""Between two neighbours, only what the clock and the position both allow was watched (DESIGN §5)."""

import pytest

from reconcile.playback.check_in import CheckIn
from reconcile.playback.coverage import Stretch
from reconcile.playback.reach import Reach, covered, joined, length, passed_at, reached
from tests.reconcile.playback.evenings import at, check_in, cut_evening, line, paused, since_eight, stop, watched


@pytest.mark.parametrize(
    ("there", "seconds", "seen"),
    [
        pytest.param(stop(70, 170), 70, 70, id="as fast as the clock"),
        pytest.param(stop(70, 140), 40, 40, id="slower than the clock: the rest was buffering"),
        pytest.param(stop(70, 100), 0, 0, id="not at all"),
        pytest.param(stop(70, 240), 70, 140, id="at twice the speed"),
        pytest.param(stop(70, 172), 70, 72, id="a little ahead of the clock"),
        pytest.param(stop(70, 98), 0, 0, id="a little back"),
        pytest.param(stop(30, 900), 30, 30, id="a skip soon after"),
        pytest.param(stop(30, 20), 30, 20, id="a rewind to near the start is seen from 0"),
        pytest.param(stop(30, 60), 30, 30, id="a rewind soon after"),
        pytest.param(stop(30, 95), 30, 30, id="a small rewind, but no noise"),
        pytest.param(stop(60, 900), 0, 0, id="a skip after longer than a client goes without reporting"),
        pytest.param(stop(200, 900), 0, 0, id="a skip in a time nobody heard of"),
        pytest.param(stop(200, 10), 0, 0, id="a rewind in a time nobody heard of"),
    ],
)
def test_what_two_neighbours_prove(there: CheckIn, seconds: float, seen: float) -> None:
    (playback,) = cut_evening(check_in(0, 100), there, runtime=None)

    assert watched([playback]) == [seconds]
    assert length(playback.covered) == pytest.approx(seen)


def test_a_skip_is_watched_up_to_where_the_client_was_still_shown() -> None:
    shown = check_in(0, 100, until=50)

    assert watched(cut_evening(shown, stop(60, 900))) == [60]
    assert watched(cut_evening(shown, stop(110, 900))) == [50]


def test_what_is_skipped_is_noted() -> None:
    (playback,) = cut_evening(*line(0, 600), check_in(610, 2000), *line(620, 900, 2010), stop(900, 2290))

    assert playback.covered == ((0, 610), (2000, 2290))
    assert playback.skipped == ((610, 2000),)


@pytest.mark.parametrize(
    ("resumed", "seconds"),
    [
        pytest.param([check_in(700, 600), check_in(710, 610)], 610, id="paused, and resumed where it was"),
        pytest.param([check_in(700, 620), check_in(710, 630)], 630, id="resumed a while ago, as the position proves"),
        pytest.param([paused(640, 630), check_in(650, 630), check_in(660, 640)], 610, id="sought while paused"),
        pytest.param([check_in(700, 3000), check_in(710, 3010)], 610, id="sought while paused, and resumed"),
    ],
)
def test_while_paused_nothing_is_watched(resumed: list[CheckIn], seconds: float) -> None:
    assert watched(cut_evening(*line(0, 600), paused(600, 600), *resumed)) == [seconds]


def test_after_a_pause_what_was_played_was_played_at_its_end() -> None:
    (playback,) = cut_evening(*line(0, 600), paused(600, 600), check_in(700, 620))

    assert since_eight(playback.stretches[-1].at) == 680


def test_small_noise_in_many_reports_does_not_add_up() -> None:
    noisy = [check_in(s, s + (1.4 if s % 20 else -1.4)) for s in range(10, 6000, 10)]

    (playback,) = cut_evening(check_in(0), *noisy, stop(6000))

    assert playback.watched_seconds == pytest.approx(6000, abs=3)


def test_a_player_that_drifts_is_followed_from_corner_to_corner() -> None:
    slow = [check_in(s, s * 0.99) for s in range(0, 3000, 10)]

    (playback,) = cut_evening(*slow)

    assert playback.watched_seconds == pytest.approx(2990 * 0.99, abs=1)


def test_a_loop_is_watched_each_time_and_covered_once() -> None:
    loop = [each for n in range(4) for each in line(300.0 * n, 300.0 * n + 290, 0)]

    (playback,) = cut_evening(*loop, stop(1190, 290))

    assert playback.watched_seconds == pytest.approx(1190)
    assert length(playback.covered) == pytest.approx(290, abs=11)


def test_fast_playback_is_watched_by_the_clock_and_covered_by_the_position() -> None:
    (playback,) = cut_evening(*[check_in(s, 1.5 * s) for s in range(0, 1001, 10)], stop(1000, 1500))

    assert watched([playback]) == [1000]
    assert playback.covered == ((0, 1500),)


def test_a_point_without_a_position_is_passed_over() -> None:
    (playback,) = cut_evening(*line(0, 300), check_in(310, known=False), *line(320, 600), stop(600))

    assert watched([playback]) == [600]


def test_parts_that_touch_are_one() -> None:
    assert joined([(10, 20), (0, 5), (19, 30), (30.5, 40), (50, 50)]) == ((0, 5), (10, 40))


def stretch(second: float, start: float, end: float) -> Stretch:
    return Stretch(at(second), end - start, start, end)


def test_reached_is_what_was_played_through() -> None:
    found = reached([stretch(0, 0, 600), stretch(600, 5000, 5009)], Reach(600, at(900)))

    assert found == Reach(600, at(900))


def test_two_stretches_in_one_go_are_one_run() -> None:
    found = reached([stretch(0, 5000, 5006), stretch(10, 5006, 5012)], Reach(100, at(900)))

    assert found == Reach(5012, at(16))


def test_the_final_position_is_reached_however_short_the_look() -> None:
    assert reached([], Reach(5000, at(9))) == Reach(5000, at(9))


def test_a_slip_of_the_finger_to_the_end_reaches_nothing() -> None:
    slip = [check_in(605, 5990), check_in(608, 603)]

    (playback,) = cut_evening(*line(0, 600), *slip, *line(610, 900, 605), stop(900, 895))

    assert playback.reached_seconds < 1000
    assert playback.completed_at is None


def test_a_rewind_over_the_credits_does_not_undo_the_film() -> None:
    (playback,) = cut_evening(*line(0, 5900), check_in(5905, 5000), *line(5910, 5950, 5005), stop(5950, 5045))

    assert playback.reached_seconds >= 5900


def test_the_threshold_is_passed_where_the_line_crosses_it() -> None:
    (playback,) = cut_evening(*line(0, 6000), stop(6000))

    assert playback.completed_at == at(5100)


def test_at_twice_the_speed_the_threshold_is_passed_in_half_the_time() -> None:
    (playback,) = cut_evening(*[check_in(s, 2.0 * s) for s in range(0, 3000, 10)], stop(3000, 6000))

    assert playback.completed_at is not None
    assert since_eight(playback.completed_at) == pytest.approx(2550, abs=1)


def test_a_goal_that_was_not_reached_was_never_passed() -> None:
    assert passed_at([stretch(0, 0, 600)], 700, Reach(600, at(600))) is None


def test_a_goal_that_only_the_final_position_reaches_is_passed_at_the_end() -> None:
    assert passed_at([stretch(0, 0, 600)], 700, Reach(900, at(650))) == at(650)


def test_covered_joins_what_was_seen_twice() -> None:
    assert covered([stretch(0, 0, 600), stretch(600, 300, 900)]) == ((0, 900),)
