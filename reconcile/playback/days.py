"""Watches: one row per account, media, unit and local day (DESIGN §7)."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import msgspec

from reconcile.playback.verdict import IMPORT_ALONE, Code, Verdict, Viewing, believed, judged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import tzinfo

    from reconcile.playback.check_in import Channel, ItemFacts
    from reconcile.playback.rules import Rules


_TOLD_BY_ANOTHER = frozenset({Code.SAME_SEAT, Code.TOLD_TWICE})


class Watch(msgspec.Struct, frozen=True):
    """A day's row of one media unit. *playbacks* are the names of its viewings, oldest first; seconds are watched."""

    day: date
    watched_at: datetime
    started_at: datetime
    completed: bool
    partial: bool
    plays: int
    percent: float
    watched_seconds: float
    channels: frozenset[Channel]
    verdict: Code
    sentence: str
    playbacks: tuple[str, ...]


def local_day(at: datetime, zone: tzinfo) -> date:
    """Return the date of *at* on the clocks of *zone*."""
    return at.astimezone(zone).date()


def units(item: ItemFacts, item_id: str) -> tuple[str, ...]:
    """Return the units that *item* holds: ('',) for a film, one for each episode of a file.

    Where season or number is missing: the episode's public id, else its item id.
    """
    if item.kind == "movie":
        return ("",)
    if item.season is None or item.episode is None:
        for source, value in (("tmdb", item.tmdb_id), ("tvdb", item.tvdb_id), ("imdb", item.imdb_id)):
            if value:
                return (f"{source}:{value}",)
        return (f"item:{item_id}",)
    last = item.episode_end if item.episode_end is not None and item.episode_end > item.episode else item.episode
    return tuple(f"s{item.season:02}e{number:02}" for number in range(item.episode, last + 1))


def watches(
    viewings: Sequence[Viewing], shares: Mapping[str, float], rules: Rules, zone: tzinfo
) -> tuple[tuple[Watch, ...], dict[str, Verdict]]:
    """Return an account's rows for one media unit, by day, and the verdict on each viewing.

    *shares* tells, by viewing, which part of its time is this unit's (a file with two episodes: a half).
    """
    viewings = believed(viewings)
    verdicts = judged(viewings, rules)
    days: dict[date, list[Viewing]] = {}
    for viewing in sorted(viewings, key=lambda v: (v.started_at, v.name)):
        if verdicts[viewing.name].code in _TOLD_BY_ANOTHER:
            continue
        days.setdefault(local_day(verdicts[viewing.name].at, zone), []).append(viewing)
    rows = (_watch(day, found, verdicts, shares, rules) for day, found in sorted(days.items()))
    return tuple(row for row in rows if row is not None), verdicts


def _watch(
    day: date, viewings: Sequence[Viewing], verdicts: dict[str, Verdict], shares: Mapping[str, float], rules: Rules
) -> Watch | None:
    """Return the row of *day*; None if nothing of it is history."""
    completed = [v for v in viewings if verdicts[v.name].completed]
    partial = [v for v in viewings if verdicts[v.name].code is Code.PARTIAL and rules.record_partials]
    counted = completed or partial
    if not counted:
        return None
    latest = max((verdicts[v.name] for v in counted), key=lambda verdict: verdict.at)
    return Watch(
        day=day,
        watched_at=latest.at,
        started_at=min(v.started_at for v in viewings),
        completed=bool(completed),
        partial=not completed,
        plays=len(completed),
        percent=max(verdicts[v.name].percent or 0.0 for v in counted),
        watched_seconds=sum(v.watched_seconds * shares.get(v.name, 1.0) for v in viewings),
        channels=_told_by(counted, viewings),
        verdict=latest.code,
        sentence=latest.sentence,
        playbacks=tuple(v.name for v in viewings),
    )


def _told_by(counted: Iterable[Viewing], all_of_it: Iterable[Viewing]) -> frozenset[Channel]:
    """Return the channels that tell of the day; what counts by an import alone is an import, whatever else was on."""
    imported = _channels(counted)
    return imported if imported == IMPORT_ALONE else _channels(all_of_it)


def _channels(viewings: Iterable[Viewing]) -> frozenset[Channel]:
    return frozenset().union(*(each.channels for each in viewings))
