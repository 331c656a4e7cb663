"""Time and coverage: what a line of points proves to have been watched (DESIGN §5)."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from reconcile.playback.check_in import Kind
from reconcile.playback.points import Point
from reconcile.playback.rules import FASTEST, PAUSE_WITHIN, REPORTS_EVERY, SEEK_WITHIN, TOLERANCE


class Stretch(msgspec.Struct, frozen=True, gc=False):
    """*seconds* of playing from *at* on, which covered the positions *start* to *end* (seconds)."""

    at: datetime
    seconds: float
    start: float
    end: float

    @property
    def ended_at(self) -> datetime:
        """The instant at which it was over."""
        return self.at + timedelta(seconds=self.seconds)


def stretch_from(point: Point, seconds: float) -> Stretch:
    """Return the *seconds* that were played from *point* on."""
    position = point.position or 0.0
    return Stretch(point.at, seconds, position, position + seconds)


def stretch_to(point: Point, seconds: float) -> Stretch:
    """Return the *seconds* that had been played by *point*."""
    position = point.position or 0.0
    return Stretch(point.at - timedelta(seconds=seconds), seconds, position - seconds, position)


class Step(msgspec.Struct, frozen=True, gc=False):
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


class Walk(msgspec.Struct, frozen=True, gc=False):
    """A line of points on the way from corner to corner: what it has proved, and where it stands.

    *stretches* and *skipped* are what lies behind the last *corner*; *turns* are the instants of the points that say
    it: the others lie on the line between them.
    """

    stretches: tuple[Stretch, ...] = ()
    skipped: tuple[tuple[float, float], ...] = ()
    turns: tuple[datetime, ...] = ()
    corner: Point | None = None
    last: Point | None = None

    def to(self, point: Point) -> Walk:
        """Return the walk to *point*: on the line since the last corner it says nothing new."""
        corner, last = self.corner, self.last
        if point.position is None:
            return self
        if corner is None or last is None:
            return Walk(self.stretches, self.skipped, (*self.turns, point.at), point, point)
        if _is_on_line(corner, last, point):
            return Walk(self.stretches, self.skipped, self.turns, corner, point)
        turned = self if last is corner else self._credited(last)
        turned = Walk(turned.stretches, turned.skipped, (*turned.turns, last.at, point.at), last, last)
        turned = turned if _is_on_line(last, last, point) else turned._credited(point)
        return Walk(turned.stretches, turned.skipped, turned.turns, turned.corner, point)

    def interrupted(self, *played: Stretch) -> Walk:
        """Return the walk at the end of its line: on the way to whatever follows nothing was *played* but this."""
        done = self.done()
        return Walk((*done.stretches, *played), done.skipped, self.bends())

    def noting(self, *instants: datetime) -> Walk:
        """Return the walk with *instants* among its turns."""
        return Walk(self.stretches, self.skipped, (*self.turns, *instants), self.corner, self.last)

    def done(self) -> Walk:
        """Return the walk with all credited that led to its last point."""
        return self if self.last is None or self.last is self.corner else self._credited(self.last)

    def bends(self) -> tuple[datetime, ...]:
        """Return the instants of the points that say it: its turns, and where it stands."""
        return self.turns if self.last is None else (*self.turns, self.last.at)

    def still_at(self, last: Point) -> Walk:
        """Return the walk whose last point is *last*: the same check-in, shown for longer."""
        corner = last if self.corner is self.last else self.corner
        return Walk(self.stretches, self.skipped, self.turns, corner, last)

    def _credited(self, point: Point) -> Walk:
        """Return the walk with *point* as its corner, and what the way there proves."""
        if self.corner is None:
            return self
        found = step(self.corner, point)
        stretches, skipped = self.stretches, self.skipped
        if found.stretch is not None and found.stretch.seconds > 0:
            stretches = (*stretches, found.stretch)
        if found.skipped is not None:
            skipped = (*skipped, found.skipped)
        return Walk(stretches, skipped, self.turns, point, point)


def _is_on_line(corner: Point, last: Point, point: Point) -> bool:
    if corner.position is None or point.position is None:
        return False
    if {corner.kind, last.kind, point.kind} == {Kind.PAUSED}:
        return corner.position == point.position  # who is away all night says one thing, however often
    if corner.kind is not Kind.PLAYING or last.kind is not Kind.PLAYING:
        return False
    ahead = (point.position - corner.position) - (point.at - corner.at).total_seconds()
    return abs(ahead) <= TOLERANCE
