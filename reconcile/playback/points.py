"""Check-ins made ready for cutting: whose they are, until when they were alive, and which stops say something."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from reconcile.playback.check_in import SWITCH, Channel, CheckIn, Kind
from reconcile.playback.rules import ECHO, IDLE, RACE, RACE_PROVED_BY, TOLERANCE, Rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Point(msgspec.Struct, frozen=True, gc=False):
    """One check-in on the line of a key.

    *until* is the last instant at which it was shown alive (never before *at*); *shown_until* the last instant at
    which it was shown at all. *soft* marks the Stop that the server sent by itself. *position* of a stop is where the
    playback stopped, run on from the point before where the player gave none; None where nobody can say. *reported*
    marks the client's own words, which a webhook has brought; *server_completed* is what the server itself said of the
    play at a stop. *left_by* is an instant by which the player had been left, if a look has shown it.
    """

    at: datetime
    kind: Kind
    position: float | None
    until: datetime
    shown_until: datetime
    soft: bool
    reported: bool
    channels: frozenset[Channel]
    server_completed: bool | None = None
    left_by: datetime | None = None

    @property
    def is_stop(self) -> bool:
        """Say whether this is the end that somebody told of."""
        return self.kind is Kind.STOPPED


def owned(check_ins: Sequence[CheckIn], others: Iterable[CheckIn]) -> tuple[CheckIn, ...]:
    """Return the *check_ins* that no other user of the session was seen with more than 5 s earlier.

    After a user switch the server goes on guessing for whoever touched the session last (facts F14).
    *others* are the check-ins of the same session and item under other users.
    """
    first_seen: dict[datetime, datetime] = {}
    for other in others:
        first_seen[other.at] = min(other.seen_at, first_seen.get(other.at, other.seen_at))
    return tuple(c for c in check_ins if c.seen_at - first_seen.get(c.at, c.seen_at) <= SWITCH)


def disowning(check_ins: Sequence[CheckIn], others: Iterable[CheckIn]) -> frozenset[datetime]:
    """Return the instants at which one of *check_ins* keeps another user's from being theirs, as in `owned`."""
    seen = {each.at: each.seen_at for each in check_ins}
    return frozenset(other.at for other in others if other.at in seen and other.seen_at - seen[other.at] > SWITCH)


def points_of(
    check_ins: Sequence[CheckIn], sightings: Sequence[datetime], runtime: float | None, rules: Rules
) -> list[Point]:
    """Return the line of *check_ins* (in order of time), without the stops and tails that say nothing."""
    points: list[Point] = []
    bare = sorted(sightings)
    for index, check_in in enumerate(check_ins):
        before = points[-1] if points else None
        following = check_ins[index + 1] if index + 1 < len(check_ins) else None
        if check_in.kind is Kind.STOPPED:
            if before is not None and not before.is_stop:
                points.append(_stop(check_in, before, bare, runtime, rules))
            elif check_in.reported and _opens(check_in, before, bare, rules):
                points.append(point_of(check_in, check_in.at, rules))
            elif before is not None and check_in.server_completed is not None and check_in.at - before.at <= RACE:
                points[-1] = msgspec.structs.replace(before, server_completed=check_in.server_completed)
        elif not (before is not None and before.is_stop and _is_tail(check_in, before, check_ins[index + 1 :], rules)):
            shown = _shown_until(check_in, following, bare, rules)
            points.append(point_of(check_in, shown, rules))
    return points


def _opens(stop: CheckIn, before: Point | None, bare: Sequence[datetime], rules: Rules) -> bool:
    """Say whether a stop without anything before it, or long after an end, opens and ends a playback of its own.

    Where the server had only been guessing, it is the server's own, for whoever touched the session last (facts F14).
    """
    guessed = bisect_right(bare, stop.at) > bisect_left(bare, stop.at - 2 * IDLE)
    is_alone = before is None or stop.at - before.at > rules.resume_window
    return bool(stop.position) and is_alone and not guessed


def point_of(check_in: CheckIn, shown_until: datetime, rules: Rules) -> Point:
    """Return *check_in* as a point that was shown until then."""
    at, kind = check_in.at, check_in.kind
    shown_until = max(shown_until, at)
    return Point(
        at=at,
        kind=kind,
        position=check_in.position,
        until=shown_until if shown_until - at <= rules.freshness else at,
        shown_until=shown_until,
        soft=kind is Kind.STOPPED and not check_in.reported,
        reported=check_in.reported,
        channels=check_in.channels,
        server_completed=check_in.server_completed,
        left_by=check_in.left_by,
    )


def is_told(point: Point, following: Point | None) -> bool:
    """Say whether the client's own report of *point* was heard, perhaps as the one *following* it at once.

    Plugins before 16 do not tell when the client reported, so what they say is dated a moment later.
    """
    is_echo = following is not None and following.reported and following.at - point.at <= ECHO
    return point.reported or is_echo


def placed(point: Point, rest: Iterable[Point], rules: Rules) -> Point:
    """Return *point*, whose player gave no position, where the next one of the *rest* that has one says it was."""
    for other in rest:
        if other.at - point.at > rules.silence:
            break
        if other.position is not None:
            played = (other.at - point.at).total_seconds() if point.kind is Kind.PLAYING else 0.0
            return msgspec.structs.replace(point, position=max(0.0, other.position - played))
    return point


def _shown_until(check_in: CheckIn, following: CheckIn | None, bare: Sequence[datetime], rules: Rules) -> datetime:
    """Return until when *check_in* was shown, bare sightings included, as long as they follow each other closely."""
    shown = check_in.sighted_until
    if not bare:
        return shown
    for sighting in bare[bisect_right(bare, check_in.at) :]:
        if following is not None and sighting >= following.at:
            break
        if sighting > shown + rules.freshness:
            break
        shown = max(shown, sighting)
    return shown


def _stop(stop: CheckIn, before: Point, bare: Sequence[datetime], runtime: float | None, rules: Rules) -> Point:
    """Read a stop against the point *before* it."""
    point = point_of(stop, stop.at, rules)
    silent = stop.at - before.at
    # Plugins before 16 do not say when the client last reported: the server's own clean-up shows in its guesses,
    # heard all the while that the client was silent.
    guessed_on = bool(bare) and bisect_right(bare, stop.at) > bisect_right(bare, before.at)
    if point.soft or (silent > IDLE and guessed_on and Channel.WEBHOOK in before.channels):
        return msgspec.structs.replace(point, soft=True, position=None)
    if before.position is None or (stop.position is not None and not _is_lost(stop.position, before.position)):
        return point
    return msgspec.structs.replace(point, position=_run_on(before, silent, runtime, rules))


def _is_lost(position: float, before: float) -> bool:
    """A Stop at 0 after real viewing is a Stop without a position (facts F2)."""
    return position < 1 and before > TOLERANCE


def _run_on(before: Point, silent: timedelta, runtime: float | None, rules: Rules) -> float | None:
    """Return where the player was *silent* later, if it was still fresh by then."""
    if before.position is None or before.kind is Kind.PAUSED:
        return before.position
    if silent > rules.freshness:
        return None
    position = before.position + silent.total_seconds()
    return position if runtime is None else max(before.position, min(position, runtime))


def _is_tail(check_in: CheckIn, stop: Point, rest: Sequence[CheckIn], rules: Rules) -> bool:
    """Say whether *check_in* is a report that lost a race against the *stop* (facts F22)."""
    if stop.soft or check_in.at - stop.at > RACE:
        return False
    for other in rest:
        if other.at - check_in.at > rules.silence:
            return True
        if other.kind is not Kind.STOPPED and other.at - check_in.at >= RACE_PROVED_BY:
            return False
    return True
