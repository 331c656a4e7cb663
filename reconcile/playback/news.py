"""What is news: which facts others are told, when they are too old for it, and when it is tried again."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconcile.playback.rules import Rules


class Kind(StrEnum):
    """What can be told. *test* is asked for by hand, the others follow from the ledger."""

    WATCH_COMPLETED = "watch.completed"
    WATCH_UPDATED = "watch.updated"
    PLAYBACK_STARTED = "playback.started"
    PLAYBACK_ENDED = "playback.ended"
    BADGE_EARNED = "badge.earned"
    TEST = "test"


FACTS = tuple(kind for kind in Kind if kind is not Kind.TEST)
"""What a target may ask for."""

NOTICED = timedelta(hours=1)
"""How late the beginning of a playback may be found and still be news: the spool or a balancer may have held it."""

LATELY = timedelta(days=7)
"""How old a watch or a badge may be: a weekend's outage is caught up with, a replay of last year tells nobody."""

TRIED_FOR = timedelta(days=3)
"""How long a message is tried."""

REMEMBERED = timedelta(days=30)
"""How long it is known what was told. It outlasts LATELY and TRIED_FOR together: what has been forgotten is too old to
be news, so it cannot be told again."""

WENT_ON = timedelta(minutes=1)
"""A playback that was told to have ended and went on for longer than this is told again when it ends."""

_FIRST_WAIT, _LONGEST_WAIT, _FACTOR = timedelta(seconds=5), timedelta(hours=6), 4
_JITTER = 0.25
_LARGEST_POWER = 10


class Seen(msgspec.Struct, frozen=True):
    """What a reader sees of a row of the history. *place* is (media, unit, day); *percent* is whole."""

    completed: bool
    partial: bool
    plays: int
    percent: int
    place: tuple[int, str, str]
    removed: bool = False


def is_news(kind: Kind, at: datetime, now: datetime, rules: Rules) -> bool:
    """Say whether what happened *at* that instant is still to be told *now*.

    That a playback has ended may be noticed only when a pause has lasted too long.
    """
    if kind is Kind.PLAYBACK_STARTED:
        return now - at <= NOTICED
    if kind is Kind.PLAYBACK_ENDED:
        return now - at <= NOTICED + max(rules.paused_timeout, rules.silence)
    return now - at <= LATELY


def watch_news(told: Seen | None, seen: Seen, *, is_open: bool, was_completed: bool) -> Kind | None:
    """Return what a reader who was *told* that is to hear of a row as it is *seen* now; None: nothing.

    How far a playback has come is told when it is over (*is_open*: it is not), that it completes is told at once.
    *was_completed*: the reader has heard of a completion already; whatever comes later changes it.
    """
    if told is None or told.removed:
        if seen.removed or (is_open and not seen.completed):
            return None
    elif not _differs(told, seen, is_open=is_open):
        return None
    return Kind.WATCH_COMPLETED if seen.completed and not was_completed else Kind.WATCH_UPDATED


def _differs(told: Seen, seen: Seen, *, is_open: bool) -> bool:
    now = (seen.completed, seen.plays, seen.place, seen.removed)
    if now != (told.completed, told.plays, told.place, told.removed):
        return True
    return not is_open and (seen.percent, seen.partial) != (told.percent, told.partial)


def chosen(kind: Kind, events: Collection[str]) -> Kind | None:
    """Return as what somebody who asked for *events* hears of *kind*; None: not at all.

    Who asked for changes only hears of a completion as a change.
    """
    if kind in events:
        return kind
    if kind is Kind.WATCH_COMPLETED and Kind.WATCH_UPDATED in events:
        return Kind.WATCH_UPDATED
    return None


def next_try(attempts: int, since: datetime, now: datetime, chance: float) -> datetime | None:
    """Return when a message is tried again after *attempts* (one or more) since then; None: it is dead.

    Waits grow from 5 s to 6 h, each longer or shorter by up to a quarter (*chance* is from 0 to 1), so that many
    messages do not come back at once; the last attempt is when three days are over.
    """
    if now >= since + TRIED_FOR:
        return None
    factor: int = _FACTOR ** min(attempts - 1, _LARGEST_POWER)
    wait = min(_LONGEST_WAIT, _FIRST_WAIT * factor)
    return min(now + wait * (1.0 - _JITTER + 2.0 * _JITTER * chance), since + TRIED_FOR)
