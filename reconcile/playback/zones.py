"""Which time zone a server's wall times are of, found by matching them with starts whose instants are known."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import msgspec

NEAR = timedelta(seconds=90)
"""How far a wall time may lie from the start that it tells of: twenty seconds are already taken off (facts E)."""

FEWEST = 3
SHARE = 0.6
CLEARLY = 0.2
"""A zone is proven by that many matches, that share of what could match, and so much more than any other zone has."""

ALIKE = 0.05
"""Zones that differ for no more than this share of the wall times say the same: an hour now and then is at stake."""

WIDEST = timedelta(hours=26)
"""How far a wall time, of whatever zone, may lie from the same figures in UTC, and a little more."""

_KNOWN = (
    *("UTC", "Europe/London", "Europe/Berlin", "Europe/Athens", "America/New_York", "America/Chicago"),
    *("America/Denver", "America/Los_Angeles", "America/Sao_Paulo", "Asia/Kolkata", "Asia/Shanghai", "Asia/Tokyo"),
    *("Australia/Sydney", "Pacific/Auckland"),
)
"""Which name is given of several that say the same."""


class Fit(msgspec.Struct, frozen=True):
    """The *zone* that fits best: *matched* of the *possible* wall times, those within the span of the known starts.

    *is_proven* says whether it may be taken without asking.
    """

    zone: str
    matched: int
    possible: int
    is_proven: bool


class _Wall:
    """A wall time, and which offsets from UTC make it one of the known starts of the same user."""

    def __init__(self, at: datetime, starts: Sequence[datetime]) -> None:
        """Take *starts* in order, aware."""
        self.at, self.again = at, at.replace(fold=1)
        self._utc = at.replace(tzinfo=UTC)
        low = bisect_left(starts, self._utc - WIDEST)
        self._near = starts[low : bisect_left(starts, self._utc + WIDEST)]
        self._span = (starts[0] - NEAR, starts[-1] + NEAR) if starts else None
        self._known: dict[timedelta, tuple[bool, bool]] = {}

    def under(self, offset: timedelta) -> tuple[bool, bool]:
        """Say whether at *offset* it matches a start, and whether it could."""
        known = self._known.get(offset)
        if known is None:
            known = self._known[offset] = self._looked(self._utc - offset)
        return known

    def _looked(self, at: datetime) -> tuple[bool, bool]:
        if self._span is None:
            return False, False
        return is_near(at, self._near), self._span[0] <= at <= self._span[1]


class _Tried(msgspec.Struct, frozen=True):
    name: str
    offsets: tuple[timedelta, ...]
    matched: int
    possible: int

    def differs(self, other: _Tried) -> bool:
        unlike = sum(mine != theirs for mine, theirs in zip(self.offsets, other.offsets, strict=True))
        return unlike > ALIKE * len(self.offsets)


def fitting(
    walls: Sequence[tuple[str, datetime]],
    starts: Mapping[str, Sequence[datetime]],
    zones: Iterable[str],
    preferred: Sequence[str] = (),
) -> Fit | None:
    """Return the zone of *zones* and *preferred* in which most of *walls* are known starts; None if none is in any.

    *walls* are (user id, naive beginning), *starts* the UTC instants at which each user is known to have begun. Of
    zones that fit as well the earliest of *preferred* is taken, then a well-known name, then the first by name. A
    zone is proven by three matches that are 60 % of those that could be, where the best zone with other offsets has
    far fewer; one that was preferred is not put in doubt by another that fits no better and that nobody named.
    """
    seen = [_Wall(at, sorted(starts.get(user_id, ()))) for user_id, at in walls]
    tried = [each for name in dict.fromkeys((*preferred, *zones)) if (each := _tried(name, seen)) is not None]
    rank = {name: place for place, name in enumerate(dict.fromkeys((*preferred, *_KNOWN)))}
    tried.sort(key=lambda each: (-each.matched, rank.get(each.name, len(rank)), _is_short(each.name), each.name))
    if not tried or not tried[0].matched:
        return None
    best = tried[0]
    rival = next((other for other in tried[1:] if other.differs(best)), None)
    return Fit(best.name, best.matched, best.possible, _is_proven(best, rival, preferred))


def _tried(name: str, walls: Sequence[_Wall]) -> _Tried | None:
    zone = _zone(name)
    if zone is None:
        return None
    offsets, matched, possible = [], 0, 0
    for wall in walls:
        offset = zone.utcoffset(wall.at) or timedelta(0)
        offsets.append(offset)
        fits, could = wall.under(offset)
        if not fits and (again := zone.utcoffset(wall.again) or timedelta(0)) < offset:
            fits, could_again = wall.under(again)
            could = could or could_again
        matched += fits
        possible += could
    return _Tried(name, tuple(offsets), matched, possible)


def _is_proven(best: _Tried, rival: _Tried | None, preferred: Sequence[str]) -> bool:
    if best.matched < FEWEST or best.matched < SHARE * best.possible:
        return False
    if rival is None or (best.name in preferred and rival.name not in preferred):
        return True
    return best.matched - rival.matched >= max(2.0, CLEARLY * best.matched)


def instant(wall: datetime, zone: str, starts: Sequence[datetime] = ()) -> datetime:
    """Return the UTC instant of *wall*, a naive time in *zone*.

    In the hour that autumn has twice it is the one near which a start is known (*starts*, of the same user), else the
    earlier. A time that spring leaves out is read as zoneinfo does: with the offset of before. Raises
    zoneinfo.ZoneInfoNotFoundError (a KeyError) or ValueError for what is no zone.
    """
    found = ZoneInfo(zone)
    first = wall.replace(tzinfo=found, fold=0).astimezone(UTC)
    second = wall.replace(tzinfo=found, fold=1).astimezone(UTC)
    ordered = sorted(starts)
    if second > first and is_near(second, ordered) and not is_near(first, ordered):
        return second
    return first


def is_near(at: datetime, starts: Sequence[datetime]) -> bool:
    """Say whether one of *starts*, in order, is no more than 90 s from *at*."""
    place = bisect_left(starts, at - NEAR)
    return place < len(starts) and starts[place] <= at + NEAR


def _is_short(name: str) -> bool:
    """Say whether a zone's name is an abbreviation that is kept for old systems, such as ``Australia/LHI``."""
    return name.rpartition("/")[2].isupper()


def _zone(name: str) -> tzinfo | None:
    """Return the zone of that name, None where this machine has none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
