"""What goes on, and what starts anew (DESIGN §4)."""

import pytest

from reconcile.playback.check_in import Channel, CheckIn, Kind
from reconcile.playback.edges import EndedBy
from reconcile.playback.rules import Rules
from tests.reconcile.playback.evenings import (
    HOUR,
    RUNTIME,
    check_in,
    cut_evening,
    line,
    looked,
    paused,
    since_eight,
    stop,
    watched,
)


@pytest.mark.parametrize(
    ("silent", "number"),
    [pytest.param(290, 1, id="within the silence"), pytest.param(1000, 1, id="longer, but the position proves it")],
)
def test_a_gap_that_the_position_proves_is_one_playback_and_watched(silent: float, number: int) -> None:
    playbacks = cut_evening(*line(0, 600), *line(600 + silent, 1200 + silent), stop(1200 + silent))

    assert len(playbacks) == number
    assert watched(playbacks) == [1200 + silent]


def test_a_long_pause_ends_nothing_as_long_as_it_is_reported() -> None:
    hour = [paused(s, 600) for s in range(600, 600 + int(HOUR), 60)]

    (playback,) = cut_evening(*line(0, 600), *hour, *line(600 + HOUR, 1200 + HOUR, 600), stop(1200 + HOUR, 1200))

    assert watched([playback]) == [1200]


@pytest.mark.parametrize(
    ("back_at", "position", "goes_on"),
    [
        pytest.param(1200, 600, True, id="where it was"),
        pytest.param(1200, 490, True, id="near, before"),
        pytest.param(1200, 470, False, id="not near"),
        pytest.param(1200, 715, True, id="near, after"),
        pytest.param(4000, 3900, False, id="as far as it could have played, but it was stopped"),
        pytest.param(600 + 8 * HOUR - 1, 600, True, id="within the resume window"),
        pytest.param(600 + 8 * HOUR + 1, 600, False, id="after the resume window"),
    ],
)
def test_after_a_stop_only_the_old_place_goes_on(back_at: float, position: float, goes_on: bool) -> None:
    playbacks = cut_evening(*line(0, 600), stop(600), *line(back_at, back_at + 300, position))

    assert len(playbacks) == (1 if goes_on else 2)
    assert sum(watched(playbacks)) == 900


@pytest.mark.parametrize(
    ("back_at", "position", "goes_on"),
    [
        pytest.param(2000, 2000, True, id="played on in real time"),
        pytest.param(2000, 600 + 2.05 * 1400, True, id="played at twice the speed"),
        pytest.param(2000, 600 + 2.05 * 1400 + 125, False, id="further than anyone plays"),
        pytest.param(2000, 650, True, id="hardly further"),
        pytest.param(2000, 481, True, id="near, before"),
        pytest.param(2000, 470, False, id="before, and not near"),
        pytest.param(600 + 9 * HOUR, 600, False, id="after the resume window"),
    ],
)
def test_after_a_soft_end_what_could_have_been_played_goes_on(back_at: float, position: float, goes_on: bool) -> None:
    playbacks = cut_evening(*line(0, 600), *line(back_at, back_at + 300, position))

    assert len(playbacks) == (1 if goes_on else 2)


def test_what_went_on_after_a_soft_end_is_credited_by_its_position() -> None:
    (playback,) = cut_evening(*line(0, 600), *line(2000, 2300, 700))

    assert watched([playback]) == [1000]


# --- coming back after a soft end --------------------------------------------------------------------------------

GONE = [float(s) for s in range(8, 600, 10)] + [612.0, 622.0, 632.0, 792.0]
"""Looks of an evening: shown until 598, lacking at 612, agreed at 632."""


def polled(start: int, end: int, position: float) -> list[CheckIn]:
    """Return what looks show of a film that plays from *start* to *end*, at *position* first."""
    return [looked(s, position + s - start, until=s + 8) for s in range(start, end + 1, 10)]


@pytest.mark.parametrize(
    ("position", "seconds"),
    [
        pytest.param(600, 600 + 108, id="where it was left: by the position"),
        pytest.param(597.9, 605 + 108, id="before what had been seen: until half way to the look without it"),
        pytest.param(560, 605 + 108, id="well before"),
    ],
)
def test_who_resumes_before_the_place_they_left_has_seen_what_was_seen(position: float, seconds: float) -> None:
    (playback,) = cut_evening(*polled(0, 590, 0), *polled(800, 900, position), looks=GONE)

    assert watched([playback]) == [seconds]


def test_a_resumption_too_may_have_gone_unseen_by_one_report() -> None:
    (playback,) = cut_evening(*polled(0, 590, 0), *polled(803, 903, 560), looks=GONE)

    assert watched([playback]) == [605 + 5 + 108]
    assert [since_eight(look) for look in playback.looks] == [612, 632, 792]


def test_a_webhook_that_tells_of_the_resumption_tells_when_it_was() -> None:
    told = check_in(803, 560)

    (playback,) = cut_evening(*polled(0, 590, 0), told, *polled(803, 903, 560), looks=GONE)

    assert watched([playback]) == [605 + 108]


def test_a_look_that_showed_it_paused_did_not_lack_it() -> None:
    looks = [*range(8, 2600, 12), 2608]
    pause = check_in(600, 600, Kind.PAUSED, reported=False, until=2588, channel=Channel.POLL)

    (playback,) = cut_evening(*polled(0, 590, 0), pause, *polled(2600, 2700, 599.97), looks=looks)

    assert watched([playback]) == [600 + 108]


def test_who_pauses_and_resumes_before_that_place_was_paused_until_then() -> None:
    evening = [*polled(0, 580, 0), paused(590, 590, until=598), *polled(800, 900, 560)]

    assert watched(cut_evening(*evening, looks=GONE)) == [590 + 108]


def test_a_late_stop_says_itself_where_it_was_left() -> None:
    (playback,) = cut_evening(*polled(0, 590, 0), stop(700, 593), looks=GONE)

    assert watched([playback]) == [593]


def test_what_was_seen_before_a_stop_without_a_position_counts_though_it_goes_on() -> None:
    told = [check_in(590, until=598), stop(660, known=False)]

    assert watched(cut_evening(*line(0, 580), *told, *line(900, 1000, 560))) == [598 + 100]


def test_what_was_seen_before_the_same_was_played_elsewhere_counts() -> None:
    evening = [*polled(0, 590, 0), *polled(1600, 1700, 650)]

    assert watched(cut_evening(*evening, looks=GONE, elsewhere=[1000])) == [605 + 108]


def test_the_looks_that_it_had_been_missing_in_are_kept_also_where_it_went_on() -> None:
    """Without them it would not have ended, and a position back at the start would be a rewatch."""
    first = [looked(s, s, until=s) for s in range(0, 81, 10)]
    again = [looked(234 + s, 80 + s, until=238 + s) for s in range(0, 31, 10)]
    looks = [*range(0, 81, 10), 90.0, 110.0, 229.0, 238.0]

    whole = cut_evening(*first, *again, runtime=120, looks=looks)
    kept = [since_eight(look) for each in whole for look in each.looks]

    assert cut_evening(*first, *again, runtime=120, looks=kept) == whole


# --- reports without a position ------------------------------------------------------------------------------


def untold(second: float) -> CheckIn:
    """Return a report of which the player gave no position."""
    return check_in(second, known=False)


@pytest.mark.parametrize("back_to", [200, 500])
def test_a_report_without_a_position_carries_nothing_over_a_stop(back_to: float) -> None:
    playbacks = cut_evening(*line(0, 100), stop(100), untold(700), *line(710, 800, back_to))

    assert sum(watched(playbacks)) == 190


def test_a_report_without_a_position_carries_nothing_over_what_was_played_elsewhere() -> None:
    elsewhere = [float(s) for s in range(500, 1500, 10)]

    (playback,) = cut_evening(*line(0, 100), untold(2000), *line(2010, 2100, 1000), elsewhere=elsewhere)

    assert watched([playback]) == [190]


def test_a_film_begun_again_without_a_position_two_days_later_is_another_playback() -> None:
    two_days = 48 * HOUR

    playbacks = cut_evening(*line(0, 5990), stop(6000), untold(two_days), *line(two_days + 10, two_days + 300, 10))

    assert len(playbacks) == 2


def test_a_rewatch_is_known_by_where_the_next_report_is() -> None:
    playbacks = cut_evening(*line(0, 6000), stop(6000), untold(6060), *line(6070, 6660, 10))

    assert len(playbacks) == 2


def test_who_comes_back_without_telling_where_goes_on_where_the_next_report_is() -> None:
    (playback,) = cut_evening(*line(0, 600), stop(600), untold(900), *line(910, 1000, 610))

    assert watched([playback]) == [690]


def test_near_is_a_tenth_of_a_short_item() -> None:
    far = cut_evening(*line(0, 300), stop(300), *line(900, 960, 360), runtime=500)
    near = cut_evening(*line(0, 300), stop(300), *line(900, 960, 340), runtime=500)

    assert (len(far), len(near)) == (2, 1)


def test_the_resume_window_is_the_owners_to_set() -> None:
    evening = [*line(0, 600), stop(600), *line(4000, 4300, 600)]

    assert len(cut_evening(*evening)) == 1
    assert len(cut_evening(*evening, rules=Rules(resume_window=Rules().silence))) == 2


def test_the_credits_belong_to_the_film_however_far_they_are() -> None:
    (playback,) = cut_evening(*line(0, 5200), stop(5200), *line(6000, 6100, 5800), stop(6100, 5900))

    assert watched([playback]) == [5300]
    assert playback.reached_seconds == 5900


def test_a_completed_film_back_at_its_start_is_a_rewatch() -> None:
    first, second = cut_evening(*line(0, 6000), stop(6000), *line(6060, 6660, 0), stop(6660, 600))

    assert watched([first, second]) == [6000, 600]


def test_a_rewatch_needs_no_stop_in_between() -> None:
    first, second = cut_evening(*line(0, 5990), *line(6000, 6600, 0))

    assert (first.ended_by, since_eight(first.ended_at)) == (EndedBy.RESTART, 5995)
    assert watched([first, second]) == [5995, 600]


def test_a_rewatch_of_which_the_start_was_not_heard_is_known_by_what_could_have_been_played() -> None:
    first, second = cut_evening(*line(0, 5990), *line(6400, 6600, 390))

    assert first.completed_at is not None
    assert second.reached_seconds == 590


@pytest.mark.parametrize(
    ("back_to", "number"),
    [
        pytest.param(0, 2, id="to the start"),
        pytest.param(60, 2, id="to the opening"),
        pytest.param(100, 1, id="to a scene near the start"),
        pytest.param(3000, 1, id="to the middle"),
    ],
)
def test_only_back_at_the_start_is_a_rewatch(back_to: float, number: int) -> None:
    assert len(cut_evening(*line(0, 5900), *line(5910, 6100, back_to))) == number


@pytest.mark.parametrize(
    ("rewound_to", "number"),
    [
        pytest.param(2500, 2, id="from far enough into the film"),
        pytest.param(1500, 1, id="from nearer than 30 % of it"),
    ],
)
def test_a_rewatch_is_a_drop_of_at_least_thirty_percent(rewound_to: float, number: int) -> None:
    rewound = line(5510, 5600, rewound_to)

    assert len(cut_evening(*line(0, 5500), *rewound, *line(5610, 5900, 0))) == number


def test_an_unfinished_film_back_at_its_start_is_rewound() -> None:
    (playback,) = cut_evening(*line(0, 1000), *line(1010, 1510, 0), stop(1510, 500))

    assert watched([playback]) == [1510]


def test_two_tabs_of_one_browser_take_turns_without_splitting() -> None:
    """The session shows whichever tab reported last: between them this item vanishes from the looks."""
    one = [looked(s, until=s + 5) for s in range(0, 600, 10)]
    two = [looked(s, until=s + 5) for s in range(700, 1200, 10)]

    (playback,) = cut_evening(*one, *two, looks=[float(s) for s in range(5, 1300, 10)], siblings=[(605, 600)])

    assert watched([playback])[0] == pytest.approx(1190, abs=10)


def test_a_gap_is_not_credited_where_the_same_was_played_elsewhere() -> None:
    evening = [*line(0, 600), *line(1600, 2000)]

    assert watched(cut_evening(*evening)) == [2000]
    assert watched(cut_evening(*evening, elsewhere=[1000])) == [1000]


def test_a_silence_too_short_to_end_it_is_not_credited_where_the_same_was_played_elsewhere() -> None:
    phone = [float(s) for s in range(605, 835, 10)]

    assert watched(cut_evening(*line(0, 600), *line(840, 1000))) == [1000]
    assert watched(cut_evening(*line(0, 600), *line(840, 1000), elsewhere=phone)) == [760]


def test_two_devices_that_play_the_same_at_once_are_each_credited() -> None:
    other = [float(s) for s in range(5, 1000, 10)]

    assert watched(cut_evening(*line(0, 1000), elsewhere=other)) == [1000]


def test_nothing_crosses_a_time_in_which_the_person_was_not_recorded() -> None:
    first, second = cut_evening(*line(0, 2000), recorded=[(0, 605), (995, None)])

    assert watched([first, second]) == [600, 1000]
    assert since_eight(first.ended_at) <= 605
    assert since_eight(second.started_at) >= 995


def test_an_interval_ends_where_it_says_and_begins_where_it_says() -> None:
    assert cut_evening(*line(0, 600), recorded=[(600.5, None)]) == ()
    assert watched(cut_evening(*line(0, 600), recorded=[(600, None)])) == [0]
    assert watched(cut_evening(*line(0, 600), recorded=[(0, 600)])) == [590]


def test_what_was_playing_at_the_opt_in_is_not_reached_back_for() -> None:
    (playback,) = cut_evening(*line(0, 600), recorded=[(25, None)])

    assert since_eight(playback.started_at) == 30
    assert watched([playback]) == [570]


def test_a_playback_is_open_until_its_silence_is_over() -> None:
    (then,) = cut_evening(*line(0, 600), now=899)
    (later,) = cut_evening(*line(0, 600), now=900)

    assert then.is_open
    assert then.due_at is not None
    assert since_eight(then.due_at) == 900
    assert then.state is Kind.PLAYING
    assert (later.ended_by, since_eight(later.ended_at), later.due_at) == (EndedBy.SILENCE, 600, None)


def test_a_paused_playback_may_be_silent_for_longer() -> None:
    (then,) = cut_evening(*line(0, 600), paused(600, 600), now=2399)
    (later,) = cut_evening(*line(0, 600), paused(600, 600), now=2401)

    assert (then.is_open, then.state) == (True, Kind.PAUSED)
    assert later.ended_by is EndedBy.SILENCE


def test_a_film_longer_than_the_window_is_one_playback() -> None:
    (playback,) = cut_evening(*line(0, 9 * HOUR, every=20), stop(9 * HOUR), runtime=10 * HOUR)

    assert watched([playback]) == [9 * HOUR]


def test_without_a_runtime_nothing_is_completed_and_nothing_is_a_rewatch() -> None:
    playbacks = cut_evening(*line(0, RUNTIME), *line(RUNTIME + 10, RUNTIME + 300, 0), runtime=None)

    assert [each.completed_at for each in playbacks] == [None]


def test_the_same_evidence_gives_the_same_playbacks_whenever_it_is_cut() -> None:
    evening = [*line(0, 600), paused(605, 605), *line(900, 1500, 605), stop(1500, 1205), check_in(1503, 1205)]

    assert cut_evening(*evening, now=10_000) == cut_evening(*reversed(evening), *evening, now=90_000)
