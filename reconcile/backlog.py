"""What looks saw while the database was away: kept in memory, in order and within bounds, until there is room."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import datetime

import msgspec

from reconcile.playback.check_in import CheckIn, Key, Kind, Observation, merged

MOST_OBSERVATIONS = 20_000
MOST_SHOWN = 500_000
"""How many entries of «this key was shown» are held, over all looks."""

_Identity = tuple[Key, datetime, Kind]
Taking = Callable[[datetime, Sequence[Observation], Collection[Key]], Awaitable[object]]
"""Takes a look in: its instant, what it showed that was news, and the keys that it showed without any."""


class _Held(msgspec.Struct):
    at: datetime
    told: list[_Identity]
    shown: tuple[Key, ...]


class Backlog:
    """Looks in the order in which they were taken; a check-in that several of them showed is held once."""

    def __init__(self, most_observations: int = MOST_OBSERVATIONS, most_shown: int = MOST_SHOWN) -> None:
        self._most_observations = most_observations
        self._most_shown = most_shown
        self._looks: deque[_Held] = deque()
        self._told: dict[_Identity, Observation] = {}
        self._shown = 0

    def __len__(self) -> int:
        """Return how many looks are waiting."""
        return len(self._looks)

    def add(self, at: datetime, observations: Iterable[Observation], still: Iterable[Key]) -> int:
        """Hold the look *at*; return how many of the oldest looks had to be let go for it."""
        shown = list(still)
        fresh: list[_Identity] = []
        for told in observations:
            if not told.is_farewell:
                shown.append(told.key)
            if told.check_in is None:
                continue
            identity = (told.key, *told.check_in.identity)
            known = self._told.get(identity)
            self._told[identity] = told if known is None else _together(known, told.check_in)
            if known is None:
                fresh.append(identity)
        self._looks.append(_Held(at, fresh, tuple(shown)))
        self._shown += len(shown)
        return self._let_go()

    async def drain(self, take: Taking, most: int = 200) -> None:
        """Hand up to *most* looks to *take*, oldest first; one for which it raises stays, with all after it."""
        for _ in range(min(most, len(self._looks))):
            held = self._looks[0]
            told = [self._told[identity] for identity in held.told]
            await take(held.at, told, held.shown)
            self._drop(self._looks.popleft())

    def _let_go(self) -> int:
        gone = 0
        while len(self._looks) > 1 and (len(self._told) > self._most_observations or self._shown > self._most_shown):
            self._drop(self._looks.popleft())
            gone += 1
        return gone

    def _drop(self, held: _Held) -> None:
        self._shown -= len(held.shown)
        for identity in held.told:
            del self._told[identity]


def _together(known: Observation, check_in: CheckIn) -> Observation:
    both = check_in if known.check_in is None else merged(known.check_in, check_in)
    return msgspec.structs.replace(known, check_in=both)
