"""What was heard of each server by webhook since this process started: when, how often, and by what clock."""

from __future__ import annotations

from collections import Counter, deque
from datetime import datetime, timedelta
from statistics import median

import msgspec

MINUTES = 60
"""For how many minutes it is remembered how much was heard in each."""

_SAMPLES = 15
_FEWEST = 5
_AGREE = timedelta(seconds=30)
_RIGHT = timedelta(seconds=2)
"""A clock that is off by less than this is right: the difference is the way."""


class Heard(msgspec.Struct):
    """What one server's webhooks told. *flags* count what its template lacks."""

    last_at: datetime
    count: int = 0
    flags: Counter[str] = msgspec.field(default_factory=Counter)
    samples: deque[timedelta] = msgspec.field(default_factory=lambda: deque(maxlen=_SAMPLES))
    minutes: dict[int, int] = msgspec.field(default_factory=dict)
    """How many in each of the last minutes, by the minute's number since 1970."""


class Hearing:
    """What was heard, by server id."""

    def __init__(self) -> None:
        self.servers: dict[str, Heard] = {}

    def hear(self, server_id: str, received_at: datetime) -> Heard:
        """Note that a server was heard."""
        heard = self.servers.get(server_id)
        if heard is None:
            heard = self.servers[server_id] = Heard(received_at)
        heard.last_at = received_at
        heard.count += 1
        minute = int(received_at.timestamp()) // 60
        if minute not in heard.minutes:
            heard.minutes = {each: n for each, n in heard.minutes.items() if minute - each < MINUTES}
        heard.minutes[minute] = heard.minutes.get(minute, 0) + 1
        return heard


def ahead_of_us(samples: deque[timedelta]) -> timedelta | None:
    """Return by how much a server's clock is ahead of ours: the median of (its time − time of receipt).

    None where that is not known: too few, or so far apart that they were not sent as they happened.
    """
    if len(samples) < _FEWEST or max(samples) - min(samples) > _AGREE:
        return None
    middle = timedelta(seconds=median(each.total_seconds() for each in samples))
    return timedelta() if abs(middle) < _RIGHT else middle
