"""Who is said to see a playback, and how much of a day is its own: pure rules of the live page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.pages.now.cards import Heard, heard_by
from receiver.pages.now.view import watched_since
from reconcile.playback.check_in import Channel
from reconcile.store.channels import mask_of
from reconcile.store.lately import Told

NINE = datetime(2026, 11, 22, 21, tzinfo=UTC)
WEBHOOK, POLL = frozenset({Channel.WEBHOOK}), frozenset({Channel.POLL})
BOTH = WEBHOOK | POLL


def at(seconds: float) -> datetime:
    """Return nine o'clock and so many seconds."""
    return NINE + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("channels", "told", "looked", "heard"),
    [
        (WEBHOOK, [Told(WEBHOOK, at(10), at(14))], None, {"webhook": 14}),
        (POLL, [Told(POLL, at(10), at(18))], at(18), {"poll": 18}),
        (BOTH, [Told(BOTH, at(10), at(18))], at(18), {"poll": 18, "webhook": 10}),
        (BOTH, [Told(BOTH, at(10), at(19))], at(18), {"poll": 18, "webhook": 19}),
        (BOTH, [Told(BOTH, at(10), at(12)), Told(WEBHOOK, at(20), at(20))], at(12), {"poll": 12, "webhook": 20}),
        (POLL, [Told(POLL, at(10), at(18))], at(28), {"poll": 10}),
        (BOTH, [Told(WEBHOOK, at(20), at(20))], at(18), {"poll": None, "webhook": 20}),
    ],
    ids=[
        "a webhook that is still sent",
        "a look that still shows it",
        "the look was the last to show what both told",
        "after the look a webhook showed it",
        "the webhook told of more since",
        "the latest look lacks it",
        "the poll has not shown it for long",
    ],
)
def test_each_channel_is_said_with_when_it_last_saw_it(
    channels: frozenset[Channel], told: list[Told], looked: datetime | None, heard: dict[str, float | None]
) -> None:
    found = heard_by({"channels": mask_of(channels)}, told, looked, timedelta())

    assert list(found) == [Heard(name, None if when is None else at(when)) for name, when in heard.items()]


def test_instants_are_said_on_our_clock() -> None:
    found = heard_by({"channels": mask_of(WEBHOOK)}, [Told(WEBHOOK, at(10), at(14))], None, timedelta(seconds=9))

    assert list(found) == [Heard("webhook", at(5))]


@given(st.floats(-7200, 7200), st.floats(0, 7200))
def test_of_what_was_watched_across_midnight_only_the_rest_is_today_s(began: float, seconds: float) -> None:
    row = {"intervals": [[at(began).isoformat(), seconds]]}

    today = watched_since(row, NINE)

    assert 0 <= today <= seconds
    assert today == pytest.approx(max(0.0, min(seconds, began + seconds)), abs=1e-3)
