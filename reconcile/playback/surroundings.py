"""What the check-ins of one key do not say themselves: everything else that `cut` goes by."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.playback.edges import Sibling


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """A dated interval in which a person was recorded; *until* is None while it lasts."""

    since: datetime
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Say whether *at* lies in it."""
        return self.since <= at and (self.until is None or at < self.until)


class Surroundings(msgspec.Struct, frozen=True, gc=False):
    """What the check-ins of one key do not say themselves; every sequence is in order of time.

    *looks* are the server's, *siblings* the beginnings of other items in the session, *elsewhere* the check-ins of
    the same account and media in other sessions, *sightings* the bare ones. Empty *recorded* means: always. *floor*
    is the end of the playback before the first check-in, where the line is not given from its beginning.
    """

    looks: Sequence[datetime] = ()
    siblings: Sequence[Sibling] = ()
    elsewhere: Sequence[datetime] = ()
    sightings: Sequence[datetime] = ()
    recorded: Sequence[Recorded] = ()
    runtime: float | None = None
    floor: datetime | None = None

    def is_recorded(self, since: datetime, until: datetime) -> bool:
        """Say whether one interval holds all from *since* to *until*, which is not before it."""
        for interval in self.recorded:
            if interval.since <= since and (interval.until is None or until < interval.until):
                return True
        return not self.recorded

    def interval_of(self, at: datetime) -> Recorded | None:
        """Return the interval that holds *at*; None where there is none, or they were always recorded."""
        return next((each for each in self.recorded if each.holds(at)), None)

    def is_alone(self, since: datetime, until: datetime) -> bool:
        """Say whether the same was played nowhere else between these instants."""
        return bisect_right(self.elsewhere, since) == bisect_left(self.elsewhere, until)

    def replaced_at(self, since: datetime, until: datetime) -> datetime | None:
        """Return the beginning of the first sibling whose first check-in lies between these instants."""
        index = bisect_right(self.siblings, since, key=lambda sibling: sibling.first_at)
        if index == len(self.siblings) or self.siblings[index].first_at >= until:
            return None
        return self.siblings[index].began_at
