"""What a transaction did to the history: what follows from it goes by this."""

from __future__ import annotations

from datetime import datetime

import msgspec

Unit = tuple[int, int, str]
"""(account id, media id, unit)."""

Span = tuple[int, datetime, datetime]
"""(account id, from, until): in that time a playback of the account that is over, or was, has changed."""


class Change(msgspec.Struct, frozen=True):
    """The row *number* of the history before and after; None where there was or is none."""

    number: int
    unit: Unit
    day: str
    before: dict[str, object] | None
    after: dict[str, object] | None


class Settled(msgspec.Struct):
    """The watches that changed, the ids of the playbacks that did, and of those the ones that *began* or *ended*.

    *units* are those that were judged anew, *merged* says which media are now which other. *spans* say when something
    changed: of playbacks that are over now, or were before.
    """

    watches: list[Change] = []
    playbacks: list[int] = []
    began: list[int] = []
    ended: list[int] = []
    spans: list[Span] = []
    units: set[Unit] = set()
    merged: dict[int, int] = {}
