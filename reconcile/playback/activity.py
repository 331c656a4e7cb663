"""Activity by day: what somebody watched between two of their own midnights (DESIGN §10).

A day begins when the clocks of the account's zone say 0:00, so it lasts 23, 24 or 25 hours, and a zone west of UTC has
days of its own: nothing here ever takes a date for an instant of UTC (facts seerr B9.11).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import msgspec

from reconcile.playback.days import local_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import tzinfo

LEAST = 60.0
"""Seconds that a viewing must have lasted within a day to be counted (facts seerr B3: minActivitySeconds)."""

ONE_DAY = timedelta(days=1)

Stretch = tuple[datetime, float]
"""(when, for how many seconds) something was really watched."""


class Sitting(msgspec.Struct, frozen=True):
    """The watched stretches of one playback that is over, none of which overlap.

    *seat* is where it was watched (server, session, item): two users of one account in one seat are one viewer.
    """

    stretches: tuple[Stretch, ...]
    seat: tuple[str, ...] = ()


class Activity(msgspec.Struct, frozen=True):
    """A day of one account: seconds watched, viewings of a minute or more, whether anything was completed.

    *active_at* is the instant at which the first viewing of the day had lasted a minute, None while none has.
    """

    day: date
    watched_seconds: float
    viewings: int
    completed: bool
    active_at: datetime | None


def day_begins(day: date, zone: tzinfo) -> datetime:
    """Return the instant (UTC) at which *day* begins in *zone*; where 0:00 is skipped, that is when it is skipped."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def days_between(since: datetime, until: datetime, zone: tzinfo) -> list[date]:
    """Return the local days from that of *since* to that of *until*."""
    first, last = local_day(since, zone), local_day(until, zone)
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def activity(day: date, sittings: Iterable[Sitting], zone: tzinfo, *, completed: bool) -> Activity | None:
    """Return the *day* of an account from its *sittings*; None if nothing happened on it.

    The time is the union of what was watched: two screens at once are one viewer's minute.
    """
    since, until = day_begins(day, zone), day_begins(day + ONE_DAY, zone)
    parts = [Sitting(clipped(each.stretches, since, until), each.seat) for each in sittings]
    seconds = round(union([stretch for part in parts for stretch in part.stretches]), 3)
    lasted = [at for part in seated_once(parts) if (at := lasted_at(part.stretches)) is not None]
    if seconds <= 0 and not completed:
        return None
    return Activity(day, seconds, len(lasted), completed, min(lasted, default=None))


def seated_once(sittings: Iterable[Sitting]) -> list[Sitting]:
    """Return *sittings* with those that overlap in one seat made one."""
    found: list[Sitting] = []
    for each in sorted((s for s in sittings if s.stretches), key=lambda s: (s.seat, s.stretches)):
        last = found[-1] if found else None
        if last is not None and each.seat and last.seat == each.seat and each.stretches[0][0] < _end(last):
            longer = max(last, each, key=lambda sitting: sum(seconds for _at, seconds in sitting.stretches))
            found[-1] = longer
        else:
            found.append(each)
    return found


def _end(sitting: Sitting) -> datetime:
    at, seconds = sitting.stretches[-1]
    return at + timedelta(seconds=seconds)


def clipped(stretches: Iterable[Stretch], since: datetime, until: datetime) -> tuple[Stretch, ...]:
    """Return what of *stretches* lies between *since* and *until*."""
    found: list[Stretch] = []
    for at, seconds in stretches:
        start, end = max(at, since), min(at + timedelta(seconds=seconds), until)
        if start < end:
            found.append((start, (end - start).total_seconds()))
    return tuple(found)


def union(stretches: Sequence[Stretch]) -> float:
    """Return the seconds in which at least one of *stretches* was watched."""
    total = 0.0
    reached: datetime | None = None
    for at, seconds in sorted(stretches):
        end = at + timedelta(seconds=seconds)
        start = at if reached is None else max(at, reached)
        if start < end:
            total += (end - start).total_seconds()
            reached = end
    return total


def lasted_at(stretches: Iterable[Stretch], least: float = LEAST) -> datetime | None:
    """Return the instant at which *stretches* had added up to *least* seconds, None if they never do."""
    missing = least
    for at, seconds in sorted(stretches):
        if seconds >= missing:
            return at + timedelta(seconds=missing)
        missing -= seconds
    return None
