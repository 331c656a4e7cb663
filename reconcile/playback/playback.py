"""What cutting makes of evidence: playbacks."""

from __future__ import annotations

from datetime import datetime

import msgspec

from reconcile.playback.check_in import Channel, Kind
from reconcile.playback.coverage import Stretch
from reconcile.playback.edges import EndedBy
from reconcile.playback.run import Run


class Playback(msgspec.Struct, frozen=True, gc=False):
    """One item playing in one session for one user, from its first check-in to its end.

    *started_at* and *first_at* differ by what was played before the first check-in; *ended_at* is the time that the
    evidence supports, also while it is open. Positions and lengths are seconds. *completed_at* is when the threshold
    was passed, None if it was not, or the runtime is not known. *due_at* is when silence will have ended it.
    *looks* are the snapshots without which it would be cut otherwise. *server_completed* is what the server itself said
    at its latest stop that says anything (facts A7), kept beside the verdict: it decides nothing (DESIGN §6).
    """

    started_at: datetime
    first_at: datetime
    last_at: datetime
    ended_at: datetime
    ended_by: EndedBy | None
    state: Kind
    due_at: datetime | None
    position: float | None
    reached_seconds: float
    completed_at: datetime | None
    stretches: tuple[Stretch, ...]
    covered: tuple[tuple[float, float], ...]
    skipped: tuple[tuple[float, float], ...]
    channels: frozenset[Channel]
    looks: tuple[datetime, ...]
    server_completed: bool | None = None

    @property
    def is_open(self) -> bool:
        """Say whether it has not ended yet."""
        return self.ended_by is None

    @property
    def watched_seconds(self) -> float:
        """The seconds really spent playing."""
        return sum([stretch.seconds for stretch in self.stretches])


class Cut(msgspec.Struct, frozen=True, gc=False):
    """The *playbacks* of a key; *run* is the last one's, *turns* are where their lines bend."""

    playbacks: tuple[Playback, ...]
    run: Run | None
    turns: frozenset[datetime]
