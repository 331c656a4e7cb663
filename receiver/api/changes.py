"""What a change did to the history, row by row, as the API says it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from receiver.api.words import struct_of
from reconcile.changes import Change, Settled


class WatchState(msgspec.Struct, frozen=True):
    """A row of the history before or after."""

    watched_at: datetime
    completed: bool
    partial: bool
    plays: int
    percent: float
    watched_seconds: float
    verdict: str
    sentence: str


class WatchChange(msgspec.Struct, frozen=True):
    """What became of one row: null before means that it came, null after that it went."""

    account_id: int
    media_id: int
    unit: str
    day: str
    before: WatchState | None
    after: WatchState | None


def changes_of(settled: Settled) -> list[WatchChange]:
    """Return what became of each row that changed."""
    return [_change(each) for each in settled.watches]


def _change(each: Change) -> WatchChange:
    account_id, media_id, unit = each.unit
    before = None if each.before is None else struct_of(WatchState, each.before)
    after = None if each.after is None else struct_of(WatchState, each.after)
    return WatchChange(account_id, media_id, unit, each.day, before, after)
