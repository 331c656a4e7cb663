"""Where a playback began before anyone heard of it, and where it ended when nobody said so (DESIGN §5)."""

import pytest

from reconcile.playback.check_in import Channel, CheckIn, Kind
from reconcile.playback.edges import EndedBy
from reconcile.playback.rules import Rules
from tests.reconcile.playback.evenings import (
    RUNTIME,
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


def polled(end: float, *, shown: float | None = None) -> list[CheckIn]:
    """Return an evening that looks have shown: reports every 10 s until *end*, the last one shown until *shown*."""
    told = [looked(s, until=s + 8) for s in range(0, int(end), 10)]
    return [*told, looked(end, until=end + 8 if shown is None else shown)]


EVERY_TEN = [float(s) for s in range(8, 2000, 10)]


def looks_until(last: float, first_without: float) -> list[float]:
    """Return looks every 10 s until *last*, and from *first_without* on."""
    return [s for s in EVERY_TEN if s <= last] + [first_without + 10 * n for n in range(20)]


def ended(*told: CheckIn, looks: list[float]) -> tuple[EndedBy | None, float, float]:
    (playback,) = cut_evening(*told, looks=looks)
    return playback.ended_by, since_eight(playback.ended_at), playback.watched_seconds


# --- absence ----------------------------------------------------------------------------------------------------


def test_absence_ends_half_way_to_the_first_look_without_it() -> None:
    assert ended(*polled(600), looks=looks_until(608, 618)) == (EndedBy.ABSENCE, 613, 613)


def test_a_gap_of_more_than_75_s_before_the_first_look_without_it_is_credited_nothing() -> None:
    assert ended(*polled(600), looks=looks_until(608, 608 + 76)) == (EndedBy.ABSENCE, 608, 608)
    assert ended(*polled(600), looks=looks_until(608, 608 + 74)) == (EndedBy.ABSENCE, 645, 645)


@pytest.mark.parametrize(
    ("left_by", "end"),
    [(614, 614), (616, 615), (618, 616), (608, 608), (607.5, 608), (619, 613)],
    ids=["6 s", "half of what is more", "with the look", "as last shown", "clocks tell whole seconds", "not after it"],
)
def test_absence_ends_when_it_had_been_left_where_the_look_without_it_says_that(left_by: float, end: float) -> None:
    told = [*polled(590), looked(600, until=608, left_by=left_by)]

    assert ended(*told, looks=looks_until(608, 618)) == (EndedBy.ABSENCE, end, end)


def test_where_another_report_would_have_come_first_something_else_was_asked_since_and_half_counts() -> None:
    told = [*polled(590), looked(600, until=608, left_by=622)]

    assert ended(*told, looks=looks_until(608, 628)) == (EndedBy.ABSENCE, 615, 615)


def test_a_session_that_was_asked_something_after_more_than_75_s_says_nothing_of_the_end() -> None:
    told = [*polled(590), looked(600, until=608, left_by=684)]

    assert ended(*told, looks=looks_until(608, 700)) == (EndedBy.ABSENCE, 608, 608)


def test_a_pause_that_was_left_is_no_viewing() -> None:
    last = check_in(600, 595, Kind.PAUSED, until=608, reported=False, channel=Channel.POLL, left_by=612)

    assert ended(*polled(590), last, looks=looks_until(608, 618))[2] == pytest.approx(595, abs=0.1)


def test_whoever_comes_back_keeps_what_was_seen_until_they_had_left() -> None:
    back = [looked(700 + 10 * n, 605 + 10 * n, until=708 + 10 * n) for n in range(5)]
    looks = [s for s in EVERY_TEN if s <= 748]
    whole, exact = (
        watched(cut_evening(*polled(590), looked(600, until=608, left_by=left_by), *back, looks=looks))
        for left_by in (None, 611)
    )

    # From 0 to half way between the looks, or until they had left; and from 700 on.
    assert (whole, exact) == ([613 + 48], [611 + 48])


@pytest.mark.parametrize(
    ("position", "seconds"),
    [(609, 609), (603.5, 603.5), (602.9, 604), (595, 604)],
    ids=["further on", "where they had left", "before that", "well before"],
)
def test_whoever_resumes_where_they_are_known_to_have_left_was_heard_from_the_start(
    position: float, seconds: float
) -> None:
    told = [*polled(590), looked(600, until=602, left_by=604)]
    (playback,) = cut_evening(*told, looked(700, position), looks=[*EVERY_TEN[:60], 612, 632, 698], now=5000)

    assert playback.watched_seconds == pytest.approx(seconds)


def test_absence_needs_a_second_look_a_while_later() -> None:
    (playback,) = cut_evening(*polled(600), looks=[*looks_until(608, 618)[:61], 618, 637], now=640)
    (later,) = cut_evening(*polled(600), looks=[*looks_until(608, 618)[:61], 618, 638], now=640)

    assert playback.is_open
    assert later.ended_by is EndedBy.ABSENCE


def test_where_automatic_progress_was_heard_the_last_one_is_the_end() -> None:
    last = check_in(600, until=607)

    assert ended(*polled(590), last, looks=looks_until(598, 618)) == (EndedBy.ABSENCE, 607, 607)


def test_what_looks_never_saw_they_cannot_miss() -> None:
    (playback,) = cut_evening(*line(0, 600), looks=EVERY_TEN, now=700)

    assert playback.is_open


def test_an_absence_that_was_followed_by_the_same_playback_is_none() -> None:
    (playback,) = cut_evening(*polled(600), *[looked(s, until=s + 8) for s in range(650, 900, 10)], looks=EVERY_TEN)

    assert playback.watched_seconds == pytest.approx(898, abs=6)


def test_nothing_is_credited_beyond_the_runtime() -> None:
    (playback,) = cut_evening(*polled(590), looks=looks_until(598, 618), runtime=600)

    assert playback.position == 600
    assert watched([playback]) == [600]


def test_while_paused_nothing_is_credited_after_the_last_check_in() -> None:
    (playback,) = cut_evening(
        *polled(590), looked(600), paused(605, 605, until=618), looks=[*EVERY_TEN[:62], 628, 638, 648, 658], now=5000
    )

    assert playback.watched_seconds == 605


def test_an_end_keeps_the_looks_that_prove_it() -> None:
    (playback,) = cut_evening(*polled(600), looks=looks_until(608, 618))

    assert [since_eight(look) for look in playback.looks] == [618, 638]


# --- silence, idle, freshness ----------------------------------------------------------------------------------


def test_silence_ends_it_when_it_was_last_shown() -> None:
    (playback,) = cut_evening(*line(0, 590), check_in(600, until=640))

    assert (playback.ended_by, since_eight(playback.ended_at)) == (EndedBy.SILENCE, 640)
    assert watched([playback]) == [640]


def test_what_was_shown_for_longer_than_is_fresh_was_gone_at_its_check_in() -> None:
    (playback,) = cut_evening(*line(0, 590), check_in(600, until=900))

    assert since_eight(playback.ended_at) == 600
    assert watched([playback]) == [600]


def test_how_long_a_report_is_fresh_is_the_owners_to_set() -> None:
    (playback,) = cut_evening(*line(0, 590), check_in(600, until=900), rules=Rules(freshness=at(301) - at(0)))

    assert watched([playback]) == [900]


def test_the_servers_clean_up_does_not_hide_what_looks_had_seen_before() -> None:
    (playback,) = cut_evening(*polled(600), idle_stop(1100), looks=looks_until(608, 618))

    assert (playback.ended_by, since_eight(playback.ended_at)) == (EndedBy.ABSENCE, 613)


# --- superseded -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("begins", "end", "by"),
    [
        pytest.param(605, 605, EndedBy.SUPERSEDED, id="within 6 s: the whole gap"),
        pytest.param(640, 620, EndedBy.SUPERSEDED, id="within 75 s: half of it"),
        pytest.param(700, 600, EndedBy.SUPERSEDED, id="later: nothing"),
        pytest.param(905, 600, EndedBy.SILENCE, id="after the silence: that had ended it already"),
    ],
)
def test_the_next_item_in_the_session_ends_this_one(begins: float, end: float, by: EndedBy) -> None:
    (playback,) = cut_evening(*line(0, 600), siblings=[(begins, begins)])

    assert (playback.ended_by, since_eight(playback.ended_at)) == (by, end)
    assert watched([playback]) == [end]


@pytest.mark.parametrize(
    ("runtime", "begins", "end"),
    [(618, 620, 618), (622, 620, 610), (618, 640, 618), (RUNTIME, 620, 610)],
    ids=["it came to its end", "there was more of it", "its end was near anyway", "far from its end"],
)
def test_an_item_that_came_to_its_end_before_the_next_one_was_played_to_its_end(
    runtime: float, begins: float, end: float
) -> None:
    (playback,) = cut_evening(*line(0, 600), siblings=[(begins, begins)], runtime=runtime)

    assert (playback.ended_by, since_eight(playback.ended_at)) == (EndedBy.SUPERSEDED, end)
    assert watched([playback]) == [end]


def test_the_next_item_began_before_its_first_check_in() -> None:
    (playback,) = cut_evening(*line(0, 600), siblings=[(625, 604)])

    assert since_eight(playback.ended_at) == 604


def test_an_item_that_began_before_the_last_check_in_ends_nothing() -> None:
    (playback,) = cut_evening(*line(0, 600), siblings=[(300, 300)])

    assert playback.ended_by is EndedBy.SILENCE


def test_a_stop_is_an_end_whatever_comes_next() -> None:
    (playback,) = cut_evening(*line(0, 600), stop(603), siblings=[(604, 604)])

    assert (playback.ended_by, since_eight(playback.ended_at)) == (EndedBy.STOP, 603)


# --- beginnings -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("position", "credit"),
    [
        pytest.param(0, 0, id="at the very start"),
        pytest.param(7, 7, id="a few seconds in"),
        pytest.param(60, 60, id="within the opening"),
        pytest.param(61, 0, id="beyond it: resumed there"),
    ],
)
def test_the_first_check_in_near_the_start_began_at_zero(position: float, credit: float) -> None:
    (playback,) = cut_evening(check_in(0, position), stop(100, position + 100))

    assert since_eight(playback.started_at) == -credit
    assert watched([playback]) == [100 + credit]


def test_the_opening_of_a_short_item_is_a_twentieth() -> None:
    (playback,) = cut_evening(check_in(0, 40), stop(100, 140), runtime=600)

    assert watched([playback]) == [100]


@pytest.mark.parametrize(
    ("look", "credit"),
    [
        pytest.param(-45, 40, id="a look lacked it long enough ago"),
        pytest.param(-38, 40, id="just about"),
        pytest.param(-30, 0, id="a look lacked it when it would have been playing"),
        pytest.param(-70, 0, id="the last look was too long ago to say"),
    ],
)
def test_a_look_that_lacked_it_proves_that_it_began_at_zero(look: float, credit: float) -> None:
    (playback,) = cut_evening(check_in(0, 40, channel=Channel.POLL), stop(100, 140), runtime=600, looks=[look])

    assert watched([playback]) == [100 + credit]


def test_the_look_that_decided_where_it_began_is_kept_also_where_it_proves_nothing() -> None:
    """Of the looks of an old day only those stay that a playback needs: an earlier one would prove too much."""
    begun = (check_in(0, 40, channel=Channel.POLL), stop(100, 140))

    (playback,) = cut_evening(*begun, runtime=600, looks=[-45, -30])
    (later,) = cut_evening(*begun, runtime=600, looks=[since_eight(look) for look in playback.looks])

    assert later == playback


# --- resumed in the middle ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("look", "credit"),
    [
        pytest.param(-9, 0, id="no report fits in between"),
        pytest.param(-9.9, 5, id="one does: timers run a little early"),
        pytest.param(-10, 5, id="one does: half of it"),
        pytest.param(-19, 5, id="still one"),
        pytest.param(-74, 35, id="seven"),
        pytest.param(-76, 0, id="the last look was too long ago to say"),
    ],
)
def test_of_reports_that_looks_may_have_missed_at_a_resumption_half_is_credited(look: float, credit: float) -> None:
    (playback,) = cut_evening(*[looked(s, s + 2000, until=s + 8) for s in range(0, 101, 10)], looks=[look])

    assert since_eight(playback.started_at) == -credit
    assert watched([playback]) == [108 + credit]
    assert playback.covered == ((2000 - credit, 2108),)


@pytest.mark.parametrize("late", [0, 0.003], ids=["as the same check-in", "by a plugin before 16, dated later"])
def test_a_webhook_that_tells_of_a_resumption_tells_when_it_was(late: float) -> None:
    seen = [looked(s, s + 2000, until=s + 8) for s in range(0, 101, 10)]

    (playback,) = cut_evening(*seen, check_in(late, 2000), looks=[-12])

    assert since_eight(playback.started_at) == 0


def test_a_look_that_showed_the_playback_before_did_not_lack_this_one() -> None:
    seen = [looked(s, s + 3000, until=s + 8) for s in range(0, 101, 10)]

    _first, second = cut_evening(looked(-500, 500, until=-12), *seen, looks=[-12])

    assert since_eight(second.started_at) == 0


def test_a_resumption_does_not_reach_back_over_a_stop_without_a_position() -> None:
    seen = [looked(s, s, until=s + 8) for s in range(0, 31, 10)]
    anew = [looked(135 + s, 3000 + s, until=143 + s) for s in range(0, 71, 10)]

    _first, second = cut_evening(*seen, stop(130, known=False), *anew, looks=[8, 18, 28, 38, 70, 143])

    assert since_eight(second.started_at) == 135


def test_an_end_is_no_later_than_the_stop_that_told_of_it() -> None:
    seen = [looked(s, 1000 + s, until=s + 8) for s in range(0, 100, 10)]
    looks = [*range(8, 159, 10), 230, 250]

    (playback,) = cut_evening(*seen, looked(100, 1100, until=158), stop(161, known=False), looks=looks)

    assert since_eight(playback.ended_at) <= 161


def test_what_was_paused_when_looks_first_saw_it_is_credited_nothing() -> None:
    (playback,) = cut_evening(
        check_in(0, 2000, Kind.PAUSED, channel=Channel.POLL), looked(30, 2000), stop(100, 2070), looks=[-12]
    )

    assert watched([playback]) == [70]


@pytest.mark.parametrize(("opted_in", "credit"), [(-6, 5), (-2, 0)])
def test_a_beginning_does_not_reach_back_over_the_opt_in(opted_in: float, credit: float) -> None:
    (playback,) = cut_evening(check_in(0, 5), stop(100, 105), recorded=[(opted_in, None)])

    assert since_eight(playback.started_at) == -credit


@pytest.mark.parametrize(("opted_in", "credit"), [(-6, 5), (-4, 0)])
def test_a_resumption_does_not_reach_back_over_the_opt_in(opted_in: float, credit: float) -> None:
    seen = [looked(s, s + 2000, until=s + 8) for s in range(0, 101, 10)]

    (playback,) = cut_evening(*seen, looks=[-12], recorded=[(opted_in, None)])

    assert since_eight(playback.started_at) == -credit


def test_a_beginning_does_not_reach_back_into_the_playback_before() -> None:
    first, second = cut_evening(*line(0, 5990), stop(6000), *line(6020, 6300, 50), runtime=6000)

    assert since_eight(second.started_at) == 6020
    assert watched([first, second]) == [6000, 280]


def test_a_beginning_does_not_reach_back_over_a_line_that_was_read_in_part() -> None:
    (playback,) = cut_evening(check_in(0, 50), stop(100, 150), floor=-20)

    assert watched([playback]) == [100]
