"""Thinning: which check-ins of a playback that is long over may be forgotten without changing what it says."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from reconcile.playback.check_in import CheckIn, Kind
from reconcile.playback.cutting import cut_whole
from reconcile.playback.points import disowning
from reconcile.playback.rules import ECHO, RACE, Rules
from reconcile.playback.surroundings import Surroundings

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


class Thinned(msgspec.Struct, frozen=True):
    """What stays: *kept* in order of time, of which *extended* were shown longer than before; and what may *go*."""

    kept: tuple[CheckIn, ...]
    extended: tuple[CheckIn, ...]
    gone: tuple[CheckIn, ...]


def thinned(
    check_ins: Sequence[CheckIn],
    around: Surroundings,
    rules: Rules,
    now: datetime,
    others: Collection[CheckIn] = (),
) -> Thinned:
    """Return the part of *check_ins* (gathered) that `cut` needs: cut(thinned) = cut(all).

    That holds for the lines around it too: what keeps the check-ins of *others* (other users of the session) from being
    theirs stays, and so does what tells that a gap of another line was played here.
    """
    turns = cut_whole(check_ins, around, rules, now).turns
    return without_the_rest(check_ins, turns | disowning(check_ins, others) | _beside(check_ins, around), rules)


def _beside(check_ins: Sequence[CheckIn], around: Surroundings) -> frozenset[datetime]:
    """Return the instants of the check-ins on both sides of one elsewhere: they say whether a gap lies between."""
    instants = [each.at for each in check_ins]
    places = {bisect_right(instants, at) for at in around.elsewhere}
    return frozenset(instants[near] for place in places for near in (place - 1, place) if 0 <= near < len(instants))


def without_the_rest(check_ins: Sequence[CheckIn], turns: Collection[datetime], rules: Rules) -> Thinned:
    """Return the part of *check_ins* that `cut` needs, *turns* being the instants where their line bends.

    Kept are the corners of the line, each playback's first and last check-in, every pause's edges, what lies close to
    a stop, the echo of a corner by another channel, and a point at least every half silence. A kept check-in takes over
    until when those behind it were shown, so that the looks of that time do not seem to have missed the playback, and
    the channels that told of them.
    """
    kept: list[CheckIn] = []
    gone: list[CheckIn] = []
    extended: dict[int, CheckIn] = {}
    for number, check_in in enumerate(check_ins):
        before = check_ins[number - 1] if number else None
        after = check_ins[number + 1] if number + 1 < len(check_ins) else None
        is_echo = bool(kept) and kept[-1].at in turns and check_in.at - kept[-1].at <= ECHO
        if check_in.at in turns or is_echo or _stays(check_in, before, after, kept, rules):
            kept.append(check_in)
            continue
        gone.append(check_in)
        heir = _taking_over(kept[-1], check_in)
        if heir != kept[-1]:
            kept[-1] = extended[len(kept) - 1] = heir
    return Thinned(tuple(kept), tuple(extended.values()), tuple(gone))


def _taking_over(kept: CheckIn, gone: CheckIn) -> CheckIn:
    until, channels = max(kept.sighted_until, gone.sighted_until), kept.channels | gone.channels
    return msgspec.structs.replace(kept, sighted_until=until, channels=channels)


def _stays(
    check_in: CheckIn, before: CheckIn | None, after: CheckIn | None, kept: Sequence[CheckIn], rules: Rules
) -> bool:
    if before is None or after is None or check_in.position is None or before.position is None:
        return True
    if any(each.kind is not check_in.kind for each in (before, after)):
        return True
    if _is_near_stop(check_in, kept):
        return True
    if check_in.kind is Kind.PAUSED and check_in.position != kept[-1].position:
        return True
    return after.at - kept[-1].at > rules.silence / 2 - timedelta(seconds=1)


def _is_near_stop(check_in: CheckIn, kept: Sequence[CheckIn]) -> bool:
    stops = (each for each in reversed(kept) if each.kind is Kind.STOPPED)
    latest = next(stops, None)
    return latest is not None and check_in.at - latest.at <= 2 * RACE
