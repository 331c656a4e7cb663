"""Streaks: days in a row on which something was watched for a minute or more."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

ONE_DAY = timedelta(days=1)


class Run(msgspec.Struct, frozen=True):
    """Days in a row, from *first* to *last*."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days that are."""
        return (self.last - self.first).days + 1


class Streaks(msgspec.Struct, frozen=True):
    """Lengths in days. *current* is 0 unless the last run is alive: it goes on until a whole day has been missed."""

    current: int
    longest: int
    last_day: date | None

    @property
    def alive(self) -> bool:
        """Say whether watching today goes on with it."""
        return self.current > 0


def runs(days: Iterable[date]) -> tuple[Run, ...]:
    """Return the runs that *days* make, oldest first."""
    found: list[Run] = []
    for day in sorted(set(days)):
        if found and day - found[-1].last == ONE_DAY:
            found[-1] = Run(found[-1].first, day)
        else:
            found.append(Run(day, day))
    return tuple(found)


def streaks(days: Iterable[date], today: date) -> Streaks:
    """Return the streaks that *days* make for somebody whose calendar says *today*.

    The last run is alive if it ends today or yesterday (facts seerr B5).
    """
    found = runs(days)
    if not found:
        return Streaks(0, 0, None)
    last = found[-1]
    return Streaks(last.days if last.last >= today - ONE_DAY else 0, max(run.days for run in found), last.last)
