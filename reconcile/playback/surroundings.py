"""What the check-ins of one key do not say themselves: everything else that `cut` goes by."""

from __future__ import annotations

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
