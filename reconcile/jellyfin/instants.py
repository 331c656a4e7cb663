"""Jellyfin's timestamps: .NET's, with up to seven digits, ``0001-01-01`` for never, and an end of time."""

from __future__ import annotations

from datetime import UTC, datetime

_SHORTEST = len("2026-11-22T20:00:00")
_EPOCH_YEAR = 1970
_END_OF_TIME = 9999


def instant(text: str | None) -> datetime | None:
    """Return the UTC instant that *text* tells, truncated to microseconds, or None where it tells none.

    None stands for text that is no timestamp, for .NET's ``DateTime.MinValue`` («never», facts B6), and for its
    ``MaxValue``. A timestamp without a zone is UTC: every one that is read here is (facts A3, B6). Truncating, not
    rounding, gives the webhook and the snapshot the same microsecond.
    """
    if text is None or len(text) < _SHORTEST:
        return None
    try:
        told = datetime.fromisoformat(text)
        if told.tzinfo is not UTC:
            told = told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return told if _EPOCH_YEAR <= told.year < _END_OF_TIME else None
