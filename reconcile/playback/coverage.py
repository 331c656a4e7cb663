"""Time and coverage: what a line of points proves to have been watched (DESIGN §5)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from reconcile.playback.check_in import Kind
from reconcile.playback.points import Point
from reconcile.playback.rules import FASTEST, PAUSE_WITHIN, PLAYED_THROUGH, REPORTS_EVERY, SEEK_WITHIN, TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Stretch(msgspec.Struct, frozen=True):
    """*seconds* of playing from *at* on, which covered the positions *start* to *end* (seconds)."""

    at: datetime
    seconds: float
    start: float
    end: float

    @property
    def ended_at(self) -> datetime:
        """The instant at which it was over."""
        return self.at + timedelta(seconds=self.seconds)


class Step(msgspec.Struct, frozen=True):
    """What lies between two neighbours: a stretch that was played, and a part that was skipped."""

    stretch: Stretch | None = None
    skipped: tuple[float, float] | None = None


def step(a: Point, b: Point) -> Step:
    """Return what the way from *a* to *b* proves. Both have a position."""
    if a.position is None or b.position is None:
        return Step()
    elapsed = (b.at - a.at).total_seconds()
    moved = b.position - a.position
    paused = a.kind is Kind.PAUSED
    if paused and (moved <= TOLERANCE or (b.kind is Kind.PAUSED and b.at - a.at <= PAUSE_WITHIN)):
        return Step()
    if 0 <= moved <= elapsed:
        # Where in the gap it was played nobody knows: after a pause at its end, else at its beginning.
        began = b.at - timedelta(seconds=moved) if paused else a.at
        return Step(Stretch(began, moved, a.position, b.position))
    if elapsed < moved <= max(FASTEST * elapsed, elapsed + TOLERANCE):
        return Step(Stretch(a.at, elapsed, a.position, b.position))
    watched = _around_a_seek(a, b)
    if moved > elapsed:
        played_to = a.position + watched
        return Step(Stretch(a.at, watched, a.position, played_to), (played_to, b.position))
    if -TOLERANCE <= moved < 0:
        return Step()
    return Step(Stretch(a.at, watched, max(0.0, b.position - watched), b.position))


def _around_a_seek(a: Point, b: Point) -> float:
    """Return the seconds played between *a* and *b* where their positions prove nothing.

    Over a longer time than a seek takes, or than a client goes without reporting, only what *a* was still shown alive
    for is sure.
    """
    if a.kind is not Kind.PLAYING:
        return 0.0
    heard = b.at - a.at <= SEEK_WITHIN and b.at - a.until <= REPORTS_EVERY
    return ((b.at if heard else a.until) - a.at).total_seconds()


class Measure(msgspec.Struct):
    """All that a line of points proves. *corners* are the points that say it: the others lie on the line between."""

    stretches: list[Stretch]
    skipped: list[tuple[float, float]]
    corners: list[Point]

    def add(self, found: Step) -> None:
        """Take *found* in."""
        if found.stretch is not None and found.stretch.seconds > 0:
            self.stretches.append(found.stretch)
        if found.skipped is not None:
            self.skipped.append(found.skipped)


def measured(lines: Iterable[Sequence[Point]]) -> Measure:
    """Return what *lines* prove. Between two lines nothing was played, whatever the positions say."""
    measure = Measure([], [], [])
    for line in lines:
        _measure(measure, [point for point in line if point.position is not None])
    return measure


def _measure(measure: Measure, line: Sequence[Point]) -> None:
    """Walk *line* from corner to corner: a point on the line since the last corner says nothing new."""
    if not line:
        return
    corner = last = line[0]
    measure.corners.append(corner)
    for point in line[1:]:
        if not _is_on_line(corner, last, point):
            measure.corners += (last, point)
            if last is not corner:
                measure.add(step(corner, last))
                corner = last
            if not _is_on_line(corner, last, point):
                measure.add(step(corner, point))
                corner = point
        last = point
    if last is not corner:
        measure.add(step(corner, last))
    measure.corners.append(last)


def _is_on_line(corner: Point, last: Point, point: Point) -> bool:
    if corner.position is None or point.position is None:
        return False
    if corner.kind is not Kind.PLAYING or last.kind is not Kind.PLAYING:
        return False
    ahead = (point.position - corner.position) - (point.at - corner.at).total_seconds()
    return abs(ahead) <= TOLERANCE


def watched_seconds(stretches: Iterable[Stretch]) -> float:
    """Return the seconds spent playing."""
    return sum(stretch.seconds for stretch in stretches)


def covered(stretches: Iterable[Stretch]) -> tuple[tuple[float, float], ...]:
    """Return the parts of the item that were seen, in seconds, joined and in order."""
    return joined((stretch.start, stretch.end) for stretch in stretches)


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


class Reach(msgspec.Struct, frozen=True):
    """The furthest *position* that was really reached, and when."""

    position: float
    at: datetime


def reached(stretches: Iterable[Stretch], final: Reach) -> Reach:
    """Return the furthest position played through, or *final*, where it ended, whichever is greater.

    Played through is a position at which at least 10 s of playing end: a slip of the finger to the end and back
    reaches nothing, and a stop «at 0» does not undo the film.
    """
    best = final
    run = 0.0
    before: Stretch | None = None
    for stretch in stretches:
        run = run + stretch.seconds if before is not None and abs(stretch.start - before.end) < 1 else stretch.seconds
        if run >= PLAYED_THROUGH and stretch.end > best.position:
            best = Reach(stretch.end, stretch.ended_at)
        before = stretch
    return best


def passed_at(stretches: Iterable[Stretch], goal: float, reach: Reach) -> datetime | None:
    """Return when *goal* (seconds) was passed on the way to *reach*; None if it was not."""
    if reach.position < goal:
        return None
    run = 0.0
    before: Stretch | None = None
    for stretch in stretches:
        run = run + stretch.seconds if before is not None and abs(stretch.start - before.end) < 1 else stretch.seconds
        if run >= PLAYED_THROUGH and stretch.end >= goal:
            way = stretch.end - stretch.start
            share = max(0.0, goal - stretch.start) / way if way > 0 else 0.0
            return stretch.at + timedelta(seconds=stretch.seconds * min(1.0, share))
        before = stretch
    return reach.at
