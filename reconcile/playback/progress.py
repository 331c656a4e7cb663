"""How far somebody is with a series: what of its known episodes they have completed (DESIGN §10)."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_UNIT = re.compile(r"s(\d+)e(\d+)")


class Status(StrEnum):
    """How it stands in a word."""

    IN_PROGRESS = "in_progress"
    CAUGHT_UP = "caught_up"
    COMPLETED = "completed"
    ABANDONED = "abandoned"


class Totals(msgspec.Struct, frozen=True):
    """What is known of a series: how many episodes it has, specials apart, by season too, and whether more will come.

    None is «not known». *seasons* is empty where only the sum is known.
    """

    total_episodes: int | None = None
    seasons: dict[int, int] = {}
    is_running: bool | None = None

    @property
    def parts(self) -> tuple[tuple[int | None, int], ...]:
        """The (season, number of episodes) pairs that make the whole; one pair without a season if it has no parts."""
        known = {season: count for season, count in self.seasons.items() if season > 0 and count > 0}
        if known and sum(known.values()) == self.total_episodes:
            return tuple(sorted(known.items()))
        return ((None, self.total_episodes),) if self.total_episodes else ()


class Completion(msgspec.Struct, frozen=True):
    """A day's row of the history that counts as played: *plays* completions of *unit*, the last one *at* then."""

    unit: str
    at: datetime
    plays: int
    watch: int
    media: int
    day: str = ""
    started_at: datetime | None = None


class Progress(msgspec.Struct, frozen=True):
    """How an account stands with a series. *completions* is how often every known episode has been completed."""

    status: Status
    watched_episodes: int
    watched_specials: int
    total_episodes: int | None
    is_running: bool | None
    completions: int
    completed_at: datetime | None
    last_watched_at: datetime


class _Seen(msgspec.Struct):
    first_at: datetime
    plays: int


def season_of(unit: str) -> int | None:
    """Return the season of *unit*, 0 for specials; None where the unit does not tell."""
    found = _UNIT.fullmatch(unit)
    return None if found is None else int(found[1])


def progress(
    completions: Sequence[Completion], totals: Totals, abandoned_at: datetime | None = None
) -> Progress | None:
    """Return how far an account is with a series; None if it has completed nothing of it.

    It is *completed* once every known episode has been completed, and no more will come: while the series runs, or
    nobody knows whether it does, that is *caught up*; while nobody knows how many there are, it is in progress
    (facts seerr B9.15). *Abandoned* is said by the account, and holds until it takes that back or completes another
    episode after *abandoned_at*: whoever goes on watching has not abandoned it, and what has been completed is not.
    """
    if not completions:
        return None
    last = max(each.at for each in completions)
    episodes, specials = _seen(completions)
    parts = [_standing(episodes, season, count) for season, count in totals.parts]
    is_all = bool(parts) and all(part.done for part in parts)
    is_over = is_all and totals.is_running is False
    if is_over:
        status = Status.COMPLETED
    elif abandoned_at is not None and last <= abandoned_at:
        status = Status.ABANDONED
    else:
        status = Status.CAUGHT_UP if is_all else Status.IN_PROGRESS
    return Progress(
        status=status,
        watched_episodes=sum(part.watched for part in parts) if parts else _count(episodes),
        watched_specials=specials,
        total_episodes=totals.total_episodes,
        is_running=totals.is_running,
        completions=min((part.passes for part in parts), default=0) if is_over else 0,
        completed_at=max(part.done_at or last for part in parts) if is_over else None,
        last_watched_at=last,
    )


def _seen(completions: Iterable[Completion]) -> tuple[dict[int, dict[str, _Seen]], int]:
    """Return the episodes by season, each once, and how many specials there are."""
    seasons: dict[int, dict[str, _Seen]] = {}
    for each in completions:
        season = season_of(each.unit)
        if season is None:
            continue  # an episode without numbers may be a special: it says nothing of the whole
        seen = seasons.setdefault(season, {}).setdefault(each.unit, _Seen(each.at, 0))
        seen.first_at = min(seen.first_at, each.at)
        seen.plays += each.plays
    specials = seasons.pop(0, {})
    return seasons, len(specials)


class _Part(msgspec.Struct, frozen=True):
    watched: int
    done: bool
    done_at: datetime | None
    passes: int


def _standing(seasons: Mapping[int, Mapping[str, _Seen]], season: int | None, count: int) -> _Part:
    """Return how far one part of the whole is: a season, or without one all of them."""
    chosen = seasons.values() if season is None else [seasons.get(season, {})]
    seen = [each for part in chosen for each in part.values()]
    if len(seen) < count:
        return _Part(len(seen), done=False, done_at=None, passes=0)
    done_at = sorted(each.first_at for each in seen)[count - 1]
    return _Part(count, done=True, done_at=done_at, passes=sorted((e.plays for e in seen), reverse=True)[count - 1])


def _count(seasons: Mapping[int, Mapping[str, _Seen]]) -> int:
    return sum(len(part) for part in seasons.values())
