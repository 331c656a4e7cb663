"""How far a server's clock is from ours, told by the ``Date`` headers of its answers (DESIGN §12)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import msgspec

_COARSE = timedelta(seconds=2)
"""How far behind its server's clock a ``Date`` may be: it has whole seconds, and Kestrel renews it once a second."""


class Answered(msgspec.Struct, frozen=True):
    """One exchange: when we asked and when we had the headers, by our clock (UTC), and the *date* they bore."""

    asked_at: datetime
    heard_at: datetime
    date: datetime


def date_of(header: str | None) -> datetime | None:
    """Return the UTC instant in a ``Date`` header, None where there is none that can be read."""
    if header is None:
        return None
    try:
        told = parsedate_to_datetime(header)
    except (ValueError, TypeError, OverflowError):
        return None
    return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)


def clock_offset(exchanges: Sequence[Answered]) -> timedelta:
    """Return what to add to our clock to have the server's, from its latest *exchanges*, oldest first.

    Each one bounds the offset; together they bound it better, as far back as they agree (an older one that does not
    was before somebody set a clock). Inside the bounds zero is the best guess, as clocks are mostly right; else the
    middle. No exchange at all: zero.
    """
    lowest, highest = timedelta.min, timedelta.max
    for exchange in reversed(exchanges):
        low = max(lowest, exchange.date - exchange.heard_at)
        high = min(highest, exchange.date + _COARSE - exchange.asked_at)
        if low > high:
            break
        lowest, highest = low, high
    if lowest <= timedelta(0) <= highest:
        return timedelta(0)
    return lowest + (highest - lowest) / 2
