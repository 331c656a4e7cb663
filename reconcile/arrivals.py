"""What the channels bring, and what they are answered."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from reconcile.playback.check_in import Key, Kind, Observation
from reconcile.store.deliveries import Delivery


class Outcome(StrEnum):
    """What became of an arrival."""

    RECORDED = "recorded"
    KNOWN = "known"
    SPOOLED = "spooled"
    FAILED = "failed"
    IGNORED = "ignored"
    REJECTED = "rejected"


class Answer(msgspec.Struct, frozen=True):
    """What became of an arrival, why, and the id under which it is kept."""

    outcome: Outcome
    reason: str = ""
    delivery: int | None = None


class Look(msgspec.Struct, frozen=True):
    """One successful snapshot. *still* are the check-ins (key, at, kind) that it showed and that are known already."""

    server_id: str
    at: datetime
    still: tuple[tuple[Key, datetime, Kind], ...] = ()
    vanished: tuple[int, ...] = ()


class Shown(msgspec.Struct, frozen=True, gc=False):
    """A sighting of what is known: the check-in of *key* at *at* was shown *until* then; bare without a *kind*."""

    key: Key
    key_id: int
    at: datetime
    kind: Kind | None
    until: datetime


class Arrival(msgspec.Struct):
    """What came in at once: a delivery's observation, or a look with all that it showed."""

    observations: tuple[Observation, ...]
    delivery: Delivery | None = None
    look: Look | None = None
