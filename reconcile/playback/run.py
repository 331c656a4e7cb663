"""One playback while its points are gathered."""

from __future__ import annotations

from datetime import datetime

import msgspec

from reconcile.playback.check_in import Channel
from reconcile.playback.coverage import Stretch, Walk
from reconcile.playback.edges import Beginning
from reconcile.playback.points import Point


class Run(msgspec.Struct, frozen=True, gc=False):
    """The points of one playback while they are gathered: its first, its last, how it was left, and the walk there.

    *looks* are those that said how it had been left, and when it went on. *server_completed* is what the server said of
    it at the latest stop that says anything.
    """

    begun: Beginning
    first: Point
    last: Point
    stop: Point | None
    channels: frozenset[Channel]
    walk: Walk
    looks: tuple[datetime, ...] = ()
    server_completed: bool | None = None

    @classmethod
    def of(cls, first: Point, begun: Beginning) -> Run:
        """Return the run that *first* opens."""
        stop, walk = first if first.is_stop else None, Walk().to(first)
        return cls(begun, first, first, stop, first.channels, walk, server_completed=first.server_completed)

    @property
    def is_stopped(self) -> bool:
        """Say whether the client has said that it is over."""
        return self.stop is not None and not self.stop.soft

    def to(self, point: Point) -> Run:
        """Return the run with *point*, and with what the way to it proves."""
        return self._with(point, self.walk)

    def after_all_at(self, point: Point) -> Run:
        """Return the run with *point*, as `to` does, where it had seemed to be over."""
        return self._with(point, self.walk.noting(self.last.at, point.at))

    def back_at(self, point: Point, *played: Stretch) -> Run:
        """Return the run with *point*; on the way to it nothing was *played* but this."""
        return self._with(point, self.walk.interrupted(*played))

    def having(self, *looks: datetime) -> Run:
        """Return the run with *looks* that said something of it."""
        return msgspec.structs.replace(self, looks=(*self.looks, *looks))

    def _with(self, point: Point, walk: Walk) -> Run:
        channels = self.channels if point.channels <= self.channels else self.channels | point.channels
        stop = point if point.is_stop else None
        said = self.server_completed if point.server_completed is None else point.server_completed
        if stop is not None and (point.soft or point.position is None):
            return Run(self.begun, self.first, self.last, stop, channels, self.walk, self.looks, said)
        return Run(self.begun, self.first, point, stop, channels, walk.to(point), self.looks, said)

    def still_at(self, last: Point) -> Run:
        """Return the run whose last point is *last*: the same check-in, shown for longer."""
        first = last if self.first is self.last else self.first
        walk = self.walk.still_at(last) if self.walk.last is self.last else self.walk
        return Run(self.begun, first, last, self.stop, self.channels, walk, self.looks, self.server_completed)
