"""Scales of a picture: round instants and round positions to write beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, time, timedelta, tzinfo

from receiver.pages.saying import DAY, HOUR, MINUTE, local

_STEPS = (
    *(n * MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * HOUR for n in (1, 2, 3, 6, 12)),
    *(n * DAY for n in (1, 2, 7)),
)


def round_step(length: float, most: int) -> float:
    """Return a step in seconds, as clocks are divided, of which *length* holds at most *most*."""
    fitting = (step for step in _STEPS if length / step <= most)
    return next(fitting, math.ceil(length / most / DAY) * DAY)


def round_instants(since: datetime, until: datetime, zone: tzinfo, most: int) -> Iterator[datetime]:
    """Yield the round instants, by the clocks of *zone*, from *since* to *until*: about *most* at the most."""
    step = timedelta(seconds=round_step((until - since).total_seconds(), most))
    there = local(since, zone).replace(tzinfo=None)
    past = (there - datetime.combine(there.date(), time())) % min(step, timedelta(days=1))
    instant = since - past
    while instant <= until:
        if instant >= since:
            yield instant
        instant += step
