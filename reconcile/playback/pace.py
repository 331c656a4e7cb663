"""How often a server is asked: the next wait, and when webhooks have proved that they need little help (DESIGN §12)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from reconcile.playback.check_in import Channel

JITTER = 0.25
"""Every wait is longer or shorter by up to this share: a client's own 10 s rhythm must not alias with ours."""

IDLE = 1.5
"""How many times the interval is waited while nothing plays, and no push channel is proven."""

PROVEN = 3.0
"""… while something plays and a push channel is proven,"""

PROVEN_IDLE = 6.0
"""… and while nothing does."""

FIRST_RETRY = timedelta(seconds=1)
"""How soon a server that did not answer is asked again; each further time the wait doubles, up to:"""

LONGEST_WHILE_OPEN = timedelta(seconds=15)
LONGEST = timedelta(seconds=60)

PROVEN_FOR = timedelta(days=1)
"""A push channel that told of a playback is trusted for so long,"""

UNSEEN_FOR = timedelta(minutes=30)
"""… but not for so long after a playback that only looks have shown,"""

NOTICED_FOR = timedelta(hours=1)
"""… which is mentioned for so long."""

PATIENCE = timedelta(seconds=15)
"""How long a push may take: a playback that looks have known for less is not yet one that push has missed."""

_NOTHING = timedelta(0)
_PUSH = frozenset({Channel.WEBHOOK, Channel.SOCKET})


class Told(msgspec.Struct, frozen=True):
    """Which channels told of a playback, and its first and last check-in (UTC, the server's clock)."""

    channels: frozenset[Channel]
    first_at: datetime
    last_at: datetime

    @property
    def is_pushed(self) -> bool:
        """Whether a push channel told of it."""
        return bool(self.channels & _PUSH)


class Proof(msgspec.Struct, frozen=True):
    """Whether a push channel is proven, and how many playbacks of the last hour no push told of."""

    is_proven: bool = False
    unseen: int = 0


def proof(told: Iterable[Told], now: datetime) -> Proof:
    """Return what the playbacks *told* of the last day prove of the push channels; *now* is on the server's clock."""
    playbacks = [each for each in told if each.last_at >= now - PROVEN_FOR]
    unseen = [each for each in playbacks if _is_unseen(each, now)]
    is_heard = any(each.is_pushed for each in playbacks)
    is_back = any(each.last_at >= now - UNSEEN_FOR for each in unseen)
    return Proof(is_heard and not is_back, len(unseen))


def is_proven(told: Iterable[Told], now: datetime) -> bool:
    """Say whether a push channel can be relied on; one playback unseen by it puts the pace back for 30 min."""
    return proof(told, now).is_proven


def _is_unseen(each: Told, now: datetime) -> bool:
    is_due = each.first_at <= now - PATIENCE
    return Channel.POLL in each.channels and not each.is_pushed and is_due and each.last_at >= now - NOTICED_FOR


def next_wait(
    interval: timedelta, *, is_playing: bool, is_proven: bool, chance: float, took: timedelta = _NOTHING
) -> timedelta:
    """Return how long to wait before the next look. *chance* is a random number from 0 to 1.

    It is never less than the last answer *took*: a server that labours has half of its time to itself.
    """
    return max(took, jittered(usual_wait(interval, is_playing=is_playing, is_proven=is_proven), chance))


def usual_wait(interval: timedelta, *, is_playing: bool, is_proven: bool) -> timedelta:
    """Return how long is waited between two looks, on average."""
    playing, idle = (PROVEN, PROVEN_IDLE) if is_proven else (1.0, IDLE)
    return interval * (playing if is_playing else idle)


def next_retry(failures: int, *, is_open: bool, chance: float, took: timedelta = _NOTHING) -> timedelta:
    """Return how long to wait after *failures* in a row (one or more); *is_open*: a playback is still open.

    *took* is how long an answer was waited for in vain that the server may still be making: it is left alone for as
    long, within the same limits.
    """
    longest = LONGEST_WHILE_OPEN if is_open else LONGEST
    return max(min(longest, took), jittered(min(longest, FIRST_RETRY * 2 ** min(failures - 1, 10)), chance))


def jittered(wait: timedelta, chance: float) -> timedelta:
    """Return *wait*, longer or shorter by up to a quarter; *chance* is a random number from 0 to 1."""
    return wait * (1.0 - JITTER + 2.0 * JITTER * chance)
