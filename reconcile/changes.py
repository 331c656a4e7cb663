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


class BadgeChange(msgspec.Struct, frozen=True):
    """The badge *code* of an account before and after: when it was earned; None where it was or is not.

    *watch* is the id of the watch that decides now, or that did; None where days in a row decide.
    """

    account: int
    code: str
    before: datetime | None
    after: datetime | None
    watch: int | None

    @property
    def is_earned(self) -> bool:
        """Say whether it is news that the account has it."""
        return self.before is None and self.after is not None

    @property
    def is_revoked(self) -> bool:
        """Say whether the account no longer has it: what earned it is not so."""
        return self.before is not None and self.after is None


class Settled(msgspec.Struct):
    """The watches that changed, the ids of the playbacks that did, and of those the ones that *began* or *ended*.

    *units* are those that were judged anew, *merged* says which media are now which other. *spans* say when something
    changed: of playbacks that are over now, or were before. *badges* came, went, or turn out to have been earned at
    another instant.
    """

    watches: list[Change] = []
    playbacks: list[int] = []
    began: list[int] = []
    ended: list[int] = []
    spans: list[Span] = []
    units: set[Unit] = set()
    merged: dict[int, int] = {}
    badges: list[BadgeChange] = []
