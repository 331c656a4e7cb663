"""What the server itself says of completion is kept beside the verdict, and decides nothing (DESIGN §6)."""

from __future__ import annotations

import msgspec
import pytest

from reconcile.playback.check_in import CheckIn, gathered
from reconcile.playback.cutting import cut
from reconcile.playback.playback import Playback
from reconcile.playback.surroundings import Surroundings
from reconcile.playback.thinning import thinned
from tests.reconcile.playback.evenings import DEFAULTS, HOUR, NEXT_MORNING, RUNTIME, at, idle_stop, line, stop

AROUND = Surroundings(runtime=RUNTIME)


def cut_evening(*told: CheckIn) -> tuple[Playback, ...]:
    """Return the playbacks of *told*, the same as after tidying."""
    evening, morning = gathered(list(told)), at(NEXT_MORNING)
    found = cut(evening, AROUND, DEFAULTS, morning)
    assert cut(thinned(evening, AROUND, DEFAULTS, morning).kept, AROUND, DEFAULTS, morning) == found
    return found


@pytest.mark.parametrize("said", [True, False, None])
def test_a_playback_has_what_the_server_said_at_its_stop_and_is_otherwise_the_same(said: bool | None) -> None:
    (silent,) = cut_evening(*line(0, 600), stop(605))

    (told,) = cut_evening(*line(0, 600), stop(605, completed=said))

    assert told == msgspec.structs.replace(silent, server_completed=said)


@pytest.mark.parametrize(
    ("first", "then", "kept"),
    [(False, True, True), (True, False, False), (True, None, True), (None, None, None)],
    ids=["completed at last", "not at last", "nothing at last", "nothing at all"],
)
def test_of_two_stops_of_one_playback_the_latest_that_says_something_counts(
    first: bool | None, then: bool | None, kept: bool | None
) -> None:
    told = (*line(0, 600), stop(605, completed=first), *line(900, 1200, 605), stop(1205, 910, completed=then))

    (playback,) = cut_evening(*told)

    assert playback.server_completed is kept


def test_whoever_went_on_after_the_stop_still_has_what_the_server_said_at_it() -> None:
    (playback,) = cut_evening(*line(0, 600), stop(605, completed=False), *line(900, 1200, 605))

    assert playback.server_completed is False


def test_the_servers_own_stop_for_a_silent_client_says_it_too() -> None:
    (playback,) = cut_evening(*line(0, 600), idle_stop(1200, completed=True))

    assert playback.server_completed is True


def test_a_stop_without_a_position_says_it_too() -> None:
    (playback,) = cut_evening(*line(0, 600), stop(605, known=False, completed=True))

    assert playback.server_completed is True


def test_a_stop_told_again_a_moment_later_adds_nothing_but_what_the_server_says() -> None:
    (once,) = cut_evening(*line(0, 600), stop(605, completed=False))

    (twice,) = cut_evening(*line(0, 600), stop(605, completed=False), stop(606, known=False, completed=True))

    assert twice == msgspec.structs.replace(once, server_completed=True)


def test_a_stop_long_after_the_end_says_nothing_of_what_was_over() -> None:
    told = (*line(0, 600), stop(605, completed=False), stop(2 * HOUR, known=False, completed=True))

    (playback,) = cut_evening(*told)

    assert playback.server_completed is False


def test_each_viewing_has_its_own() -> None:
    again = 20 * HOUR
    told = (*line(0, 600), stop(605, completed=True), *line(again, again + 600, 0), stop(again + 605, 605))

    assert [each.server_completed for each in cut_evening(*told)] == [True, None]


def test_a_lone_stop_says_it_of_the_playback_that_it_opens() -> None:
    (playback,) = cut_evening(stop(605, completed=True))

    assert playback.server_completed is True
