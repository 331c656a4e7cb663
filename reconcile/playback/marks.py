"""Marks by hand: that somebody told Jellyfin «I have seen this», without playing it (facts D2, DESIGN §7).

A set like all evidence: each mark and each unmark with its instant. The latest one holds.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from reconcile.playback.check_in import Channel, Mark
from reconcile.playback.days import Watch, local_day
from reconcile.playback.verdict import Code

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import tzinfo

SESSION = "manual"
"""The session of a mark's key: it is made in none."""


def standing(marks: Iterable[Mark]) -> datetime | None:
    """Return when the mark was made that still stands, None if the latest one took it away."""
    last = max(marks, key=lambda mark: (mark.at, not mark.played), default=None)
    return last.at if last is not None and last.played else None


def with_marks(made: Sequence[Watch], marks: Iterable[datetime], zone: tzinfo) -> tuple[Watch, ...]:
    """Return the rows *made* of a unit's playbacks, and one for each day on which it was only marked.

    Such a row counts nothing: not completed, no plays, no seconds; its channel is ``manual``.
    """
    played = {watch.day for watch in made}
    days = {local_day(at, zone): at for at in sorted(marks)}
    return (*made, *(_watch(at, zone) for day, at in sorted(days.items()) if day not in played))


def _watch(at: datetime, zone: tzinfo) -> Watch:
    return Watch(
        day=local_day(at, zone),
        watched_at=at,
        started_at=at,
        completed=False,
        partial=False,
        plays=0,
        percent=0.0,
        watched_seconds=0.0,
        channels=frozenset({Channel.MANUAL}),
        verdict=Code.MARKED,
        sentence="marked as played by hand: nothing was played",
        playbacks=(),
    )
