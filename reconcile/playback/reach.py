"""What stretches of playing come to: how long, which parts, how far, and when a goal was passed (DESIGN §5)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from reconcile.playback.rules import PLAYED_THROUGH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconcile.playback.coverage import Stretch


def covered(stretches: Iterable[Stretch]) -> tuple[tuple[float, float], ...]:
    """Return the parts of the item that were seen, in seconds, joined and in order."""
    return joined([(stretch.start, stretch.end) for stretch in stretches])


def joined(parts: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Return *parts* without overlaps, in order. Parts closer than a second are one."""
    found: list[tuple[float, float]] = []
    for start, end in sorted(parts):
        if found and start <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif end > start:
            found.append((start, end))
    return tuple(found)


def length(parts: Iterable[tuple[float, float]]) -> float:
    """Return how many seconds *parts* (without overlaps) hold."""
    return sum(end - start for start, end in parts)


class Reach(msgspec.Struct, frozen=True, gc=False):
    """The furthest *position* that was really reached, and when."""

    position: float
    at: datetime


def reached(stretches: Iterable[Stretch], final: Reach) -> Reach:
    """Return the furthest position played through, or *final*, where it ended, whichever is greater.

    Played through is a position at which at least 10 s of playing end: a slip of the finger to the end and back
    reaches nothing, and a stop «at 0» does not undo the film.
    """
    best = final
    for stretch in _played_through(stretches):
        if stretch.end > best.position:
            best = Reach(stretch.end, stretch.ended_at)
    return best


def passed_at(stretches: Iterable[Stretch], goal: float, reach: Reach) -> datetime | None:
    """Return when *goal* (seconds) was passed on the way to *reach*; None if it was not."""
    if reach.position < goal:
        return None
    for stretch in _played_through(stretches):
        if stretch.end >= goal:
            way = stretch.end - stretch.start
            share = max(0.0, goal - stretch.start) / way if way > 0 else 0.0
            return stretch.at + timedelta(seconds=stretch.seconds * min(1.0, share))
    return reach.at


def _played_through(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    """Yield the stretches at whose end at least 10 s had been played without a jump."""
    run = 0.0
    before: Stretch | None = None
    for stretch in stretches:
        run = run + stretch.seconds if before is not None and abs(stretch.start - before.end) < 1 else stretch.seconds
        if run >= PLAYED_THROUGH:
            yield stretch
        before = stretch
