"""How often a server is asked."""

from datetime import UTC, datetime, timedelta

import pytest

from reconcile.playback.check_in import Channel
from reconcile.playback.pace import Proof, Told, is_proven, jittered, next_retry, next_wait, proof

NOW = datetime(2026, 1, 3, 20, tzinfo=UTC)
TEN = timedelta(seconds=10)
MINUTE = timedelta(minutes=1)
BOTH = (Channel.WEBHOOK, Channel.POLL)


def told(*channels: Channel, ago: timedelta, lasting: timedelta = MINUTE) -> Told:
    return Told(frozenset(channels), NOW - ago - lasting, NOW - ago)


@pytest.mark.parametrize(
    ("playing", "proven", "seconds"),
    [
        pytest.param(True, False, 10, id="the interval while something plays"),
        pytest.param(False, False, 15, id="one and a half while nothing does"),
        pytest.param(True, True, 30, id="three times with proven webhooks"),
        pytest.param(False, True, 60, id="six times with proven webhooks and nothing playing"),
    ],
)
def test_the_pace_follows_what_plays_and_what_is_proven(playing: bool, proven: bool, seconds: int) -> None:
    assert next_wait(TEN, is_playing=playing, is_proven=proven, chance=0.5) == timedelta(seconds=seconds)


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 7.5), (0.5, 10.0), (1.0, 12.5)])
def test_every_wait_is_jittered_by_a_quarter(chance: float, seconds: float) -> None:
    assert jittered(TEN, chance).total_seconds() == pytest.approx(seconds)


def test_a_server_that_is_silent_is_asked_less_and_less() -> None:
    waits = [next_retry(n, is_open=False, chance=0.5).total_seconds() for n in range(1, 10)]

    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_but_four_times_a_minute_while_anything_is_open() -> None:
    waits = [next_retry(n, is_open=True, chance=0.5).total_seconds() for n in (1, 2, 3, 4, 5, 5000)]

    assert waits == [1, 2, 4, 8, 15, 15]


@pytest.mark.parametrize(
    ("took", "seconds"),
    [
        pytest.param(0.2, 10, id="a quick answer changes nothing"),
        pytest.param(20, 20, id="a slow one is rested from for as long as it took"),
        pytest.param(-3600, 10, id="our clock was put back meanwhile"),
    ],
)
def test_a_server_has_at_least_as_long_to_itself_as_its_answer_took(took: float, seconds: float) -> None:
    wait = next_wait(TEN, is_playing=True, is_proven=False, chance=0.5, took=timedelta(seconds=took))

    assert wait.total_seconds() == seconds


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_chance_never_shortens_that_rest(chance: float) -> None:
    wait = next_wait(TEN, is_playing=True, is_proven=False, chance=chance, took=timedelta(seconds=20))

    assert wait >= timedelta(seconds=20)


@pytest.mark.parametrize(
    ("is_open", "waits"),
    [
        pytest.param(True, [15, 15, 15, 15, 15], id="as soon as ever while anything is open"),
        pytest.param(False, [30, 30, 30, 30, 30, 32, 60], id="otherwise for as long as it was waited for"),
    ],
)
def test_a_server_that_still_works_on_the_last_question_is_not_asked_again_at_once(
    is_open: bool, waits: list[float]
) -> None:
    took = timedelta(seconds=30)

    found = [next_retry(n, is_open=is_open, chance=0.5, took=took) for n in range(1, len(waits) + 1)]

    assert [wait.total_seconds() for wait in found] == waits


@pytest.mark.parametrize(
    ("playbacks", "expected"),
    [
        pytest.param([], Proof(), id="nothing played yet"),
        pytest.param([told(*BOTH, ago=MINUTE)], Proof(is_proven=True), id="both told of it"),
        pytest.param([told(Channel.WEBHOOK, ago=23 * 60 * MINUTE)], Proof(is_proven=True), id="told yesterday"),
        pytest.param([told(Channel.SOCKET, ago=MINUTE)], Proof(is_proven=True), id="a socket pushes as well"),
        pytest.param([told(*BOTH, ago=25 * 60 * MINUTE)], Proof(), id="too long ago"),
        pytest.param([told(Channel.POLL, ago=MINUTE)], Proof(unseen=1), id="only looks have shown it"),
        pytest.param([told(Channel.IMPORT, ago=MINUTE)], Proof(), id="an import proves nothing"),
        pytest.param(
            [told(*BOTH, ago=90 * MINUTE), told(Channel.POLL, ago=29 * MINUTE)],
            Proof(unseen=1),
            id="one that webhooks missed puts the pace back",
        ),
        pytest.param(
            [told(*BOTH, ago=90 * MINUTE), told(Channel.POLL, ago=31 * MINUTE)],
            Proof(is_proven=True, unseen=1),
            id="for half an hour, and it is mentioned for longer",
        ),
        pytest.param(
            [told(*BOTH, ago=90 * MINUTE), told(Channel.POLL, ago=61 * MINUTE)],
            Proof(is_proven=True),
            id="but not for ever",
        ),
        pytest.param(
            [told(*BOTH, ago=90 * MINUTE), told(Channel.POLL, ago=timedelta(), lasting=timedelta(seconds=5))],
            Proof(is_proven=True),
            id="a webhook may still be on its way",
        ),
    ],
)
def test_webhooks_are_proven_by_the_playbacks_that_they_told_of(playbacks: list[Told], expected: Proof) -> None:
    assert proof(playbacks, NOW) == expected
    assert is_proven(playbacks, NOW) is expected.is_proven
