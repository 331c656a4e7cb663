"""What the check-ins of a playback tell, leg by leg: played, paused, jumped, silent. The line and its words say it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

import msgspec

from reconcile.playback.check_in import CheckIn, Kind, gathered
from reconcile.playback.coverage import step
from reconcile.playback.edges import EndedBy
from reconcile.playback.points import Point, points_of
from reconcile.playback.rules import SEEK_WITHIN, TOLERANCE, Rules
from reconcile.store.channels import channels_of

Row = Mapping[str, Any]

EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(7000, 1, 1, tzinfo=UTC)
"""Instants that every zone has, with room on both sides for the ticks of the longest of lines."""

FURTHEST = 1e9
"""Seconds; a position beyond is a mistake, and would flatten all others."""


class Way(StrEnum):
    """What happened between two instants. *away*: stopped, and come back to."""

    PLAYED = "played"
    PAUSED = "paused"
    STOOD = "stood"
    JUMPED = "jumped"
    SILENT = "silent"
    AWAY = "away"


class Leg(msgspec.Struct, frozen=True):
    """From *since* to *until* it went from position *start* to *end* (seconds) in that *way*."""

    way: Way
    since: datetime
    until: datetime
    start: float
    end: float


class Story(msgspec.Struct, frozen=True):
    """A playback as it is shown. *points* all have a position; *began* and *ended* are its edges, with positions.

    *covered* are the parts seen; *runtime* is in seconds, None where it is not known.
    """

    points: tuple[Point, ...]
    began: tuple[datetime, float]
    ended: tuple[datetime, float]
    ended_by: EndedBy | None
    is_open: bool
    completed_at: datetime | None
    runtime: float | None
    covered: tuple[tuple[float, float], ...]
    rules: Rules


def story(row: Row, line: Iterable[Row], rules: Rules) -> Story:
    """Return the story of a playback from its *row* and its *line* of check-ins, as the history reads both.

    *rules* are those of its account. Stops that say nothing are left out, as they are when playbacks are cut.
    """
    runtime = _length(row["runtime_seconds"])
    points = points_of(gathered([_check_in(each) for each in line]), (), runtime, rules)
    placed = tuple(p for p in points if p.position is not None and not p.soft)
    started, ended = _instant(row["started_at"]), _instant(row["ended_at"] or row["last_at"])
    first, last = (placed[0], placed[-1]) if placed else (None, None)
    credit = 0.0 if first is None else max(0.0, (first.at - started).total_seconds())
    where = 0.0 if first is None or first.position is None else max(0.0, first.position - credit)
    left = row["position_seconds"] if row["position_seconds"] is not None else last and last.position
    return Story(
        points=placed,
        began=(started if first is None else min(started, first.at), where),
        ended=(max(started, ended) if last is None else max(ended, last.at), _position(left or 0.0)),
        ended_by=None if row["open"] or not row["ended_by"] else EndedBy(row["ended_by"]),
        is_open=row["open"],
        completed_at=row["completed_at"],
        runtime=runtime,
        covered=tuple((_position(part[0]), _position(part[1])) for part in row["covered"]),
        rules=rules,
    )


def _check_in(row: Row) -> CheckIn:
    return CheckIn(
        at=_instant(row["at"]),
        kind=Kind(row["kind"]),
        position=None if row["position"] is None else _position(row["position"]),
        reported=row["reported"],
        seen_at=_instant(row["seen_at"]),
        sighted_until=_instant(row["sighted_until"]),
        channels=channels_of(row["channels"]),
    )


def _instant(at: datetime) -> datetime:
    return max(EARLIEST, min(LATEST, at))


def _position(seconds: float) -> float:
    return 0.0 if math.isnan(seconds) else max(0.0, min(FURTHEST, seconds))


def _length(seconds: float | None) -> float | None:
    return None if seconds is None or not 0 < seconds <= FURTHEST else seconds


def legs(it: Story, points: Sequence[Point]) -> list[Leg]:
    """Return the legs of *it* by way of *points*, from its beginning to its end."""
    if not points:
        return []
    first, last = points[0], points[-1]
    found = _edge(it.began[0], it.began[1], first.at, _of(first))
    for a, b in pairwise(points):
        found.extend(_between(a, b, it.rules))
    if not last.is_stop:
        found.extend(_edge(last.at, _of(last), it.ended[0], it.ended[1], last.kind))
    return found


def _of(point: Point) -> float:
    return point.position or 0.0


def _edge(since: datetime, start: float, until: datetime, end: float, kind: Kind = Kind.PLAYING) -> list[Leg]:
    """Return the way to the first point, or from the last one: what nobody saw, and was credited."""
    way = Way.PAUSED if kind is Kind.PAUSED else Way.PLAYED
    return [Leg(way, since, until, start, end)] if until > since else []


def _between(a: Point, b: Point, rules: Rules) -> list[Leg]:
    start, end, moved = _of(a), _of(b), _of(b) - _of(a)
    jumps = abs(moved) > TOLERANCE
    if a.is_stop:
        back = [Leg(Way.JUMPED, b.at, b.at, start, end)] if jumps else []
        return [Leg(Way.AWAY, a.at, b.at, start, start), *back]
    if _is_silent(a, b, rules):
        return [Leg(Way.SILENT, a.at, b.at, start, end)]
    found = step(a, b)
    if found.skipped is not None:
        played = 0.0 if found.stretch is None else found.stretch.seconds
        left = a.at + timedelta(seconds=played)
        before = [Leg(Way.PLAYED, a.at, left, start, found.skipped[0])] if played else []
        return [*before, Leg(Way.JUMPED, left, b.at, found.skipped[0], end)]
    if moved < -TOLERANCE or (found.stretch is None and jumps):
        return [Leg(Way.JUMPED, a.at, b.at, start, end)]
    still = Way.PAUSED if a.kind is Kind.PAUSED or b.kind is Kind.PAUSED else Way.STOOD
    if found.stretch is None:
        return [Leg(Way.PAUSED if a.kind is Kind.PAUSED else Way.PLAYED, a.at, b.at, start, end)]
    began, over = found.stretch.at, found.stretch.ended_at
    if (began - a.at) + (b.at - over) <= timedelta(seconds=TOLERANCE):
        return [Leg(Way.PLAYED, a.at, b.at, start, end)]
    parts = (
        Leg(still, a.at, began, start, start),
        Leg(Way.PLAYED, began, over, start, end),
        Leg(still, over, b.at, end, end),
    )
    return [leg for leg in parts if leg.until > leg.since]


def _is_silent(a: Point, b: Point, rules: Rules) -> bool:
    """Say whether nobody heard of the player for longer than one that plays, or one that is paused, is quiet."""
    if a.kind is Kind.PAUSED:
        return b.at - a.shown_until > rules.paused_timeout
    return b.at - a.until > SEEK_WITHIN


def joined(found: Iterable[Leg]) -> list[Leg]:
    """Return *found* with those of one way that meet made one; jumps stay apart."""
    whole: list[Leg] = []
    for leg in found:
        last = whole[-1] if whole else None
        if last is not None and last.way is leg.way and leg.way is not Way.JUMPED and _meets(last, leg):
            whole[-1] = Leg(leg.way, last.since, leg.until, last.start, leg.end)
        else:
            whole.append(leg)
    return whole


def _meets(one: Leg, other: Leg) -> bool:
    return other.since - one.until <= timedelta(seconds=TOLERANCE) and abs(other.start - one.end) <= TOLERANCE
