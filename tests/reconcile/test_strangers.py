"""Whose a check-in was, where they are not recorded."""

from datetime import UTC, datetime, timedelta

from reconcile.playback.check_in import Channel, CheckIn, Key, Kind, Observation
from reconcile.strangers import REMEMBERED, Strangers

NINE_PM = datetime(2026, 3, 2, 21, 0, tzinfo=UTC)


def seen(user: str, second: float, *, at: float = 0.0, item: str = "film") -> Observation:
    """Return what shows a check-in of *at* seconds after nine, *second* seconds after nine, under *user*."""
    observed = NINE_PM + timedelta(seconds=second)
    reported = NINE_PM + timedelta(seconds=at)
    poll = Channel.POLL
    check_in = CheckIn(reported, Kind.PLAYING, 100.0, False, observed, observed, frozenset({poll}))
    return Observation(Key("server", "session", user, item), poll, observed, check_in)


def test_what_a_stranger_was_seen_with_first_is_not_the_next_ones() -> None:
    strangers = Strangers()
    strangers.note(seen("stranger", 1))

    assert strangers.had(seen("next", 20))


def test_who_watches_along_is_seen_within_moments() -> None:
    strangers = Strangers()
    strangers.note(seen("stranger", 1))

    assert not strangers.had(seen("companion", 2))
    assert not strangers.had(seen("companion", 6))


def test_who_is_recorded_from_then_on_was_no_stranger_to_themselves() -> None:
    strangers = Strangers()
    strangers.note(seen("viewer", 1))

    assert not strangers.had(seen("viewer", 20))


def test_what_is_reported_later_is_whose_it_is() -> None:
    strangers = Strangers()
    strangers.note(seen("stranger", 1))

    assert not strangers.had(seen("next", 30, at=25))
    assert not strangers.had(seen("next", 30, item="another film"))


def test_it_is_the_first_sight_that_counts_however_often_it_is_seen() -> None:
    strangers = Strangers()
    for second in range(1, 30):
        strangers.note(seen("stranger", second))

    assert strangers.had(seen("next", 30))


def test_no_more_is_remembered_than_a_bound() -> None:
    strangers = Strangers()
    for number in range(REMEMBERED + 1):
        strangers.note(seen("stranger", 1, item=f"film {number}"))

    assert not strangers.had(seen("next", 20, item="film 0"))
    assert strangers.had(seen("next", 20, item="film 1"))
