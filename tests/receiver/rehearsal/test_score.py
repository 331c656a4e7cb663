"""What the score holds against the rules, and what nobody could know."""

from datetime import UTC, datetime, timedelta

import pytest

from receiver.rehearsal.library import DEVICES, USERS, library
from receiver.rehearsal.recording import record
from receiver.rehearsal.score import COUNTED, Found, Hearing, Row, Score, scored
from receiver.rehearsal.script import Script
from receiver.rehearsal.steps import Close, Open, Play, Programme, Seek, Step
from receiver.rehearsal.truth import Truth

VIEWER, FILM = USERS[0], library().films[0]
BEGAN = datetime(2026, 3, 2, 19, 0, tzinfo=UTC)
WHOLE = (Open(FILM), Play(FILM.runtime), Close())


def truth_of(*steps: Step) -> Truth:
    (truth,) = record(Script(1, BEGAN, (Programme(DEVICES[0], VIEWER, 60.0, steps),))).truths
    return truth


def found(truth: Truth, *parts: float) -> list[Found]:
    """Return the *truth* as a ledger has it that knows it in so many *parts* of so many seconds, one after another."""
    place, at, each = (truth.session_id, truth.user_id, truth.item_id), truth.started_at, []
    for seconds in parts:
        each.append(Found(place, at, at + timedelta(seconds=seconds), seconds))
        at += timedelta(seconds=seconds)
    return each


def row(truth: Truth) -> Row:
    return Row(truth.user_id, truth.item_id, truth.ended_at.date(), 1)


def counts(score: Score) -> dict[str, int]:
    """Return what is not 0, but for how many truths there are."""
    return {name: getattr(score, name) for name in COUNTED if name != "true" and getattr(score, name)}


def test_a_ledger_that_is_right_has_nothing_against_it() -> None:
    truth = truth_of(*WHOLE)

    score = scored(1, [truth], found(truth, truth.watched_seconds), [row(truth)], Hearing("webhook"))

    assert counts(score) == {}
    assert [error.seconds for error in score.errors] == [0.0]


def test_a_playback_can_be_missed_or_split_or_made_up() -> None:
    truth = truth_of(*WHOLE)
    half = truth.watched_seconds / 2
    (later,) = found(truth, 600.0)
    made_up = Found(later.place, truth.ended_at + timedelta(hours=3), truth.ended_at + timedelta(hours=4), 3600.0)

    none = scored(1, [truth], [], [row(truth)], Hearing("webhook"))
    two = scored(1, [truth], found(truth, half, half), [row(truth)], Hearing("webhook"))
    more = scored(1, [truth], [*found(truth, 2 * half), made_up], [row(truth)], Hearing("webhook"))

    assert [counts(score) for score in (none, two, more)] == [{"missed": 1}, {"split": 1}, {"doubled": 1}]


def test_a_seek_between_two_reports_excuses_nobody_for_a_playback_missed_or_split() -> None:
    truth = truth_of(Open(FILM), Play(900), Seek(300), Play(900), Close())
    half = truth.watched_seconds / 2

    none = scored(1, [truth], [], [], Hearing("poll"))
    two = scored(1, [truth], found(truth, half, half), [], Hearing("poll"))

    assert [counts(score) for score in (none, two)] == [{"missed": 1}, {"split": 1}]


def test_what_went_on_while_we_were_away_is_counted_apart() -> None:
    truth = truth_of(*WHOLE)
    half, hour = truth.watched_seconds / 2, timedelta(hours=1)
    away = Hearing("webhook", ((truth.started_at - hour, truth.ended_at + hour),))

    none = scored(1, [truth], [], [row(truth)], away)
    two = scored(1, [truth], found(truth, half, half), [row(truth)], away)

    assert [counts(score) for score in (none, two)] == [{"missed_apart": 1}, {"split_apart": 1}]


@pytest.mark.parametrize("mode", ["webhook", "poll", "both"])
def test_a_watch_that_is_lacking_or_too_many_is_wrong(mode: str) -> None:
    whole, part = truth_of(*WHOLE), truth_of(Open(FILM), Play(600), Close())

    lacking = scored(1, [whole], found(whole, whole.watched_seconds), [], Hearing(mode))
    too_many = scored(1, [part], found(part, part.watched_seconds), [row(part)], Hearing(mode))

    assert counts(lacking) == counts(too_many) == {"wrong": 1}


TO_THE_END = [
    pytest.param("webhook", 2.0, {"wrong": 1}, id="a Stop tells it"),
    pytest.param("both", 2.0, {"wrong": 1}, id="a Stop tells it where both hear"),
    pytest.param("poll", 2.0, {"hidden": 1}, id="between two looks"),
    pytest.param("poll", 60.0, {"wrong": 1}, id="a look sees it"),
]


@pytest.mark.parametrize(("mode", "rest", "against"), TO_THE_END)
def test_no_poll_sees_a_jump_to_the_end_just_before_the_stop(mode: str, rest: float, against: dict[str, int]) -> None:
    truth = truth_of(Open(FILM), Play(900), Seek(FILM.runtime - 960), Play(rest), Close())

    score = scored(1, [truth], found(truth, truth.watched_seconds), [], Hearing(mode))

    assert counts(score) == against


def test_a_jump_that_ended_an_earlier_sitting_is_seen_in_the_next() -> None:
    jump = 0.9 * FILM.runtime - 900
    truth = truth_of(
        Open(FILM), Play(900), Seek(jump), Play(2), Close(), Open(FILM, 0.9 * FILM.runtime), Play(300), Close()
    )

    score = scored(1, [truth], found(truth, truth.watched_seconds), [], Hearing("poll"))

    assert counts(score) == {"wrong": 1}
