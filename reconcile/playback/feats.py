"""Feats: what counts towards a badge, each with the instant at which it was done and the watch that did it.

Only completed watches that were played make feats: partials, imports and manual marks never do. A feat has a *name*
that makes it one of its kind, so that the same film twice is one film seen (facts seerr B9.8, B9.9).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from reconcile.playback.progress import Completion, season_of
from reconcile.playback.streaks import ONE_DAY, runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import tzinfo

MOVIES, EPISODES, REWATCHES, TOGETHER = "movies", "episodes", "rewatches", "together"
SERIES, SEASONS, DECADES, NIGHTS, WEEKENDS = "series", "seasons", "decades", "nights", "weekends"

STREAKS = (7, 30, 100)
"""The lengths of streaks, in days, that are feats."""

LONGEST_STREAK = timedelta(days=max(STREAKS))

SHORTEST_SEASON = 3
"""A season of fewer episodes is no binge, however soon it is over."""

BINGE = timedelta(hours=24)
MORNING = 5
"""The hour at which the night ends."""

SATURDAY, SUNDAY = 5, 6


class Feat(msgspec.Struct, frozen=True):
    """One thing done. *part* is what else it is known by: a film's decade, or with whom it was watched."""

    kind: str
    name: str
    at: datetime
    watch: int | None = None
    media: int | None = None
    part: str = ""

    @property
    def month(self) -> str:
        """The month (UTC) in which it was done, as YYYY-MM."""
        return f"{self.at:%Y-%m}"


def streak_kind(length: int) -> str:
    """Return the kind of feat that *length* days in a row are."""
    return f"streak-{length}"


def unit_name(media_id: int, unit: str) -> str:
    """Return the name of a film or an episode among feats."""
    return f"{media_id}:{unit}"


def decade_of(year: int | None) -> str:
    """Return the decade of *year* as «1980», '' where it is not known."""
    return "" if year is None else str(year // 10 * 10)


def in_order(completions: Iterable[Completion]) -> list[Completion]:
    """Return *completions*, the earliest first."""
    return sorted(completions, key=lambda each: (each.at, each.day, each.unit, each.media))


def unit_feats(completions: Sequence[Completion], *, is_movie: bool, year: int | None) -> list[Feat]:
    """Return the feats of one film or episode: that it was seen, and that it was seen again."""
    if not completions:
        return []
    ordered = in_order(completions)
    first = ordered[0]
    name = unit_name(first.media, first.unit)
    kind, part = (MOVIES, decade_of(year)) if is_movie else (EPISODES, "")
    found = [Feat(kind, name, first.at, first.watch, first.media, part)]
    again = first if first.plays > 1 else ordered[1] if len(ordered) > 1 else None
    if again is not None:
        found.append(Feat(REWATCHES, name, again.at, again.watch, again.media))
    return found


def night_feat(day: date, completions: Iterable[Completion], zone: tzinfo) -> Feat | None:
    """Return the feat of having completed something on *day* between midnight and five."""
    late = [each for each in completions if _is_of(each, day, zone) and each.at.astimezone(zone).hour < MORNING]
    return _feat(NIGHTS, day.isoformat(), in_order(late)[0]) if late else None


def weekend_feat(saturday: date, completions: Sequence[Completion], zone: tzinfo) -> Feat | None:
    """Return the feat of having completed something on both days of a weekend."""
    first = [each for each in completions if _is_of(each, saturday, zone)]
    then = [each for each in completions if _is_of(each, saturday + ONE_DAY, zone)]
    return _feat(WEEKENDS, saturday.isoformat(), in_order(then)[0]) if first and then else None


def saturday_of(day: date) -> date | None:
    """Return the Saturday of the weekend that *day* belongs to, None on a weekday."""
    if day.weekday() not in {SATURDAY, SUNDAY}:
        return None
    return day - timedelta(days=day.weekday() - SATURDAY)


def season_feat(media_id: int, season: int, completions: Iterable[Completion], count: int | None) -> Feat | None:
    """Return the feat of having completed all *count* known episodes of a season within 24 hours.

    The last completion is at most 24 h after the first one; three episodes are enough (facts seerr B9.12).
    """
    if count is None or count < SHORTEST_SEASON or season <= 0:
        return None
    ordered = in_order(each for each in completions if season_of(each.unit) == season)
    start = 0
    for end, each in enumerate(ordered):
        while each.at - ordered[start].at > BINGE:
            start += 1
        if len({seen.unit for seen in ordered[start : end + 1]}) >= count:
            return _feat(SEASONS, f"{media_id}:s{season:02}", each)
    return None


def streak_feats(days: Mapping[date, datetime], since: date | None = None, until: date | None = None) -> list[Feat]:
    """Return the feats of days in a row that begin from *since* to *until*, which is all that decides them.

    *days* are those on which something was watched, each with since when: at least from the day before *since* until
    `LONGEST_STREAK` days after *until*.
    """
    found: list[Feat] = []
    for run in runs(days):
        if (since is not None and run.first < since) or (until is not None and run.first > until):
            continue
        for length in STREAKS:
            if run.days >= length:
                at = days[run.first + timedelta(days=length - 1)]
                found.append(Feat(streak_kind(length), run.first.isoformat(), at))
    return found


def _is_of(each: Completion, day: date, zone: tzinfo) -> bool:
    return each.at.astimezone(zone).date() == day


def _feat(kind: str, name: str, each: Completion) -> Feat:
    return Feat(kind, name, each.at, each.watch, each.media)
