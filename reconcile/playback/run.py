"""One playback while its points are gathered."""

from __future__ import annotations

import msgspec

from reconcile.playback.check_in import Channel
from reconcile.playback.coverage import Walk
from reconcile.playback.edges import Beginning
from reconcile.playback.points import Point


class Run(msgspec.Struct, frozen=True, gc=False):
    """The points of one playback while they are gathered: its first, its last, how it was left, and the walk there."""

    begun: Beginning
    first: Point
    last: Point
    stop: Point | None
    channels: frozenset[Channel]
    walk: Walk

    @classmethod
    def of(cls, first: Point, begun: Beginning) -> Run:
        """Return the run that *first* opens."""
        return cls(begun, first, first, first if first.is_stop else None, first.channels, Walk().to(first))

    def to(self, point: Point, *, counts: bool) -> Run:
        """Return the run with *point*; the way to it is credited only if it *counts*."""
        channels = self.channels if point.channels <= self.channels else self.channels | point.channels
        stop = point if point.is_stop else None
        if stop is not None and (point.soft or point.position is None):
            return Run(self.begun, self.first, self.last, stop, channels, self.walk)
        walk = (self.walk if counts else self.walk.interrupted()).to(point)
        return Run(self.begun, self.first, point, stop, channels, walk)

    def still_at(self, last: Point) -> Run:
        """Return the run whose last point is *last*: the same check-in, shown for longer."""
        first = last if self.first is self.last else self.first
        walk = self.walk.still_at(last) if self.walk.last is self.last else self.walk
        return Run(self.begun, first, last, self.stop, self.channels, walk)
