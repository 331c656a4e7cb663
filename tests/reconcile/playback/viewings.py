"""Ordinary viewings for the verdict: a film of 100 min, seen from 0 to where it was left, at eight."""

from __future__ import annotations

from datetime import datetime, timedelta

from reconcile.playback.check_in import Channel
from reconcile.playback.verdict import Viewing
from tests.reconcile.playback.evenings import EIGHT_PM, RUNTIME

DAY = timedelta(days=1)
WEBHOOK = frozenset({Channel.WEBHOOK})


def viewing(
    reached: float,
    name: str = "a viewing",
    *,
    days: float = 0,
    started_at: datetime = EIGHT_PM,
    watched_seconds: float | None = None,
    runtime: float | None = RUNTIME,
    completed_at: datetime | None = None,
    channels: frozenset[Channel] = WEBHOOK,
) -> Viewing:
    """Return a viewing that *reached* so many seconds, *days* after the first evening."""
    watched = reached if watched_seconds is None else watched_seconds
    began = started_at + days * DAY
    ended = began + timedelta(seconds=watched)
    return Viewing(
        name=name,
        started_at=began,
        ended_at=ended,
        last_watched_at=ended,
        watched_seconds=watched,
        reached_seconds=reached,
        runtime=runtime,
        covered=((reached - watched, reached),),
        completed_at=completed_at,
        channels=channels,
    )
