"""The truth of hand-written programmes adds up."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from receiver.rehearsal.library import DEVICES, USERS, library
from receiver.rehearsal.recording import Recording, record
from receiver.rehearsal.score import true_rows
from receiver.rehearsal.script import Script
from receiver.rehearsal.steps import (
    Close,
    Crash,
    Flap,
    Join,
    Leave,
    Open,
    Pause,
    Play,
    PlayTo,
    Programme,
    Restart,
    Seek,
    SignIn,
    Sleep,
    Stall,
    Step,
    Wait,
)
from reconcile.playback.rules import Rules

WEB, TELEVISION, STICK = DEVICES[0], DEVICES[1], DEVICES[3]
FILM, OTHER = library().films[:2]
VIEWER, GUEST = USERS[:2]
BEGAN = datetime(2026, 3, 2, 19, 0, tzinfo=UTC)


def whole(covered: tuple[tuple[float, float], ...]) -> list[tuple[int, int]]:
    return [(round(start), round(end)) for start, end in covered]


def played(*steps: Step, more: tuple[Programme, ...] = ()) -> Recording:
    return record(Script(1, BEGAN, (Programme(WEB, VIEWER, 60.0, steps), *more)))


def test_pauses_stalls_and_closed_lids_are_not_watched() -> None:
    (truth,) = played(
        Open(FILM), Play(600), Pause(300), Play(100), Stall(10), Play(50), Sleep(7200), Play(250), Close()
    ).truths

    assert truth.watched_seconds == pytest.approx(1000)
    assert whole(truth.covered) == [(0, 1000)]
    assert (truth.ended_at - truth.started_at).total_seconds() == pytest.approx(1000 + 300 + 10 + 7200)


def test_a_seek_forward_leaves_a_gap_and_a_rewind_is_watched_twice_but_covered_once() -> None:
    (truth,) = played(Open(FILM), Play(100), Seek(300), Play(100), Seek(-50), Play(100), Close()).truths

    assert truth.watched_seconds == pytest.approx(300)
    assert whole(truth.covered) == [(0, 100), (400, 550)]
    assert [jump for _, what, jump in truth.corners if what == "seek"] == pytest.approx([300, -50])


def test_a_short_rewind_may_hide_as_buffering_and_a_long_one_may_not() -> None:
    (truth,) = played(Open(FILM), Play(100), Seek(-10), Play(100), Seek(-60), Play(100), Close()).truths

    assert truth.hidden_seconds == pytest.approx(10)


def test_watched_is_by_the_clock_whatever_the_speed() -> None:
    (truth,) = played(Open(FILM, speed=1.5), Play(600), Close()).truths

    assert [truth.watched_seconds, truth.reached] == pytest.approx([600, 900])


def test_playing_ends_with_the_item() -> None:
    (truth,) = played(Open(FILM), Play(99_999), Close()).truths

    assert truth.watched_seconds == pytest.approx(FILM.runtime)
    assert truth.completed


def test_a_slip_of_the_finger_to_the_end_reaches_nothing() -> None:
    (truth,) = played(Open(FILM), Play(100), Seek(FILM.runtime), Play(1), Seek(-5000), Play(20), Close()).truths

    assert truth.reached < 0.5 * FILM.runtime


def test_coming_back_within_eight_hours_near_the_old_place_is_the_same_playback() -> None:
    (truth,) = played(Open(FILM), Play(1000), Close(), Wait(7 * 3600), Open(FILM, 950.0), Play(500), Close()).truths

    assert truth.watched_seconds == pytest.approx(1500)
    assert whole(truth.covered) == [(0, 1450)]
    assert truth.sittings == 2


@pytest.mark.parametrize(
    ("away", "position"),
    [
        pytest.param(9 * 3600.0, 1000.0, id="after the resume window"),
        pytest.param(600.0, 3000.0, id="far from the old place, after a Stop"),
        pytest.param(600.0, 0.0, id="from the start, long before the end"),
    ],
)
def test_coming_back_otherwise_is_a_new_playback(away: float, position: float) -> None:
    truths = played(Open(FILM), Play(1000), Close(), Wait(away), Open(FILM, position), Play(500), Close()).truths

    assert [truth.watched_seconds for truth in truths] == pytest.approx([1000, 500])


def test_a_rewatch_is_a_new_playback_and_the_credits_are_not() -> None:
    again = played(Open(FILM), PlayTo(FILM.runtime), Close(), Wait(60), Open(FILM), Play(100), Close()).truths
    later = played(
        Open(FILM), PlayTo(0.9 * FILM.runtime), Close(), Wait(60), Open(FILM, 0.97 * FILM.runtime), Play(100), Close()
    ).truths

    assert (len(again), len(later)) == (2, 1)


def test_after_an_end_that_nobody_told_what_could_have_been_played_goes_on() -> None:
    (truth,) = played(Open(FILM), Play(1000), Crash(), Wait(900), Open(FILM, 1800.0), Play(100), Close()).truths

    assert truth.watched_seconds == pytest.approx(1100)


def test_each_who_watches_along_has_a_truth_of_their_own() -> None:
    truths = played(Join(GUEST), Open(FILM), Play(600), Leave(GUEST), Play(300), Close()).truths

    watched = {truth.user_id: truth.watched_seconds for truth in truths}
    assert watched == {VIEWER.id: pytest.approx(900), GUEST.id: pytest.approx(600)}


def test_who_joins_in_the_middle_began_there() -> None:
    truths = played(Open(FILM), Play(600), Join(GUEST), Play(300), Close()).truths

    (late,) = (truth for truth in truths if truth.user_id == GUEST.id)
    assert whole(late.covered) == [(600, 900)]
    assert late.unheard


@pytest.mark.parametrize(
    ("steps", "unheard"),
    [
        pytest.param([Close()], False, id="a Stop"),
        pytest.param([Close("null")], False, id="a Stop without position"),
        pytest.param([Close("nothing")], True, id="no Stop"),
        pytest.param([Close("nothing"), Wait(2), Open(OTHER), Play(9), Close()], False, id="no Stop, the next begins"),
        pytest.param([Close("nothing"), Wait(90), Open(OTHER), Play(9), Close()], True, id="no Stop, a later start"),
        pytest.param([Crash()], False, id="the socket closes"),
        pytest.param([Crash(half_open=True)], True, id="the socket stays half open"),
        pytest.param([Restart(60), Play(20), Close()], True, id="a Stop while the server is away"),
        pytest.param([Flap(20), Play(20), Close()], False, id="the socket flaps"),
    ],
)
def test_what_no_rule_can_know_is_marked(steps: list[Step], unheard: bool) -> None:
    truths = played(Open(FILM), Play(1000), *steps).truths

    assert truths[0].unheard is unheard
    assert truths[0].ordinary is (steps == [Close()])


def test_a_crash_is_not_seen_while_another_tab_holds_the_session() -> None:
    tab = Programme(WEB, VIEWER, 90.0, (Open(OTHER), Play(60), Close()))

    first, second = played(Open(FILM), Play(1000), Crash(), more=(tab,)).truths

    assert first.unheard
    assert "two tabs" in second.faults


def test_a_user_switch_gives_the_ghost_to_nobody() -> None:
    (truth,) = played(Open(FILM), Play(600), Close("nothing"), Wait(60), SignIn(GUEST)).truths

    assert (truth.user_id, truth.unheard) == (VIEWER.id, True)
    assert truth.watched_seconds == pytest.approx(600)


@pytest.mark.parametrize(
    "away",
    [
        pytest.param([Wait(60), Open(FILM, FILM.runtime - 30)], id="within one playback"),
        pytest.param([Wait(60), Open(FILM)], id="at a rewatch"),
    ],
)
def test_a_runtime_that_is_told_later_counts_for_what_was_played_before(away: list[Step]) -> None:
    unknown = replace(FILM, runtime_known=False)

    truths = played(Open(unknown), Play(FILM.runtime - 30), Close(), *away, Play(20), Close()).truths
    rows, _close = true_rows(truths, Rules())

    assert [row.item_id for row in rows] == [FILM.id]
