"""Badges: what can be earned, as data, and which feat earns it (facts seerr B5, its mistakes of B9 mended).

A badge is earned by the feat that makes its number full, at that feat's instant: never «now». So whatever order the
history was learnt in, and however often, the award is the same, and it goes again with the watch that earned it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from reconcile.playback import feats
from reconcile.playback.feats import Feat, streak_kind

if TYPE_CHECKING:
    from collections.abc import Iterable


class Rule(StrEnum):
    """How the threshold is meant."""

    FEATS = "feats"
    STREAK = "streak"
    EARLY = "early"


class Badge(msgspec.Struct, frozen=True):
    """What can be earned: *threshold* feats of *kinds*, or so many days in a row, or being among so many accounts."""

    code: str
    name: str
    sentence: str
    category: str
    kinds: tuple[str, ...]
    threshold: int
    rule: Rule = Rule.FEATS

    @property
    def needed(self) -> int:
        """How many feats of its kinds earn it."""
        return self.threshold if self.rule is Rule.FEATS else 1


ANYTHING = (feats.EPISODES, feats.MOVIES)


def _row(code: str, name: str, sentence: str, category: str, kind: str, threshold: int) -> Badge:
    return Badge(code, name, sentence, category, (kind,), threshold)


def _streak(length: int, name: str) -> Badge:
    sentence = f"Watched something on {length} days in a row."
    return Badge(f"streak_{length}", name, sentence, "streaks", (streak_kind(length),), length, Rule.STREAK)


EARLY_ADOPTER = Badge(
    "early_adopter",
    "Early Adopter",
    "Was among the first 10 here who ever completed something.",
    "special",
    ANYTHING,
    10,
    Rule.EARLY,
)

BADGES: tuple[Badge, ...] = (
    Badge("first_watch", "Lights Down", "Completed something for the first time.", "watching", ANYTHING, 1),
    _row("movies_10", "Movie Starter", "Completed 10 different films.", "watching", feats.MOVIES, 10),
    _row("movies_50", "Movie Buff", "Completed 50 different films.", "watching", feats.MOVIES, 50),
    _row("movies_100", "Century Club", "Completed 100 different films.", "watching", feats.MOVIES, 100),
    _row("movies_250", "Movie Marathon Master", "Completed 250 different films.", "watching", feats.MOVIES, 250),
    _row("movies_500", "Cinephile", "Completed 500 different films.", "watching", feats.MOVIES, 500),
    _row("movies_1000", "Movie Legend", "Completed 1,000 different films.", "watching", feats.MOVIES, 1000),
    _row("episodes_100", "Episode Explorer", "Completed 100 different episodes.", "watching", feats.EPISODES, 100),
    _row("episodes_500", "Series Regular", "Completed 500 different episodes.", "watching", feats.EPISODES, 500),
    _row("episodes_1000", "Episode Master", "Completed 1,000 different episodes.", "watching", feats.EPISODES, 1000),
    _row("episodes_5000", "Episode Legend", "Completed 5,000 different episodes.", "watching", feats.EPISODES, 5000),
    _row("series_1", "Series Finisher", "Saw a series through to its end.", "series", feats.SERIES, 1),
    _row("series_5", "Series Collector", "Saw 5 series through to their ends.", "series", feats.SERIES, 5),
    _row("series_10", "Series Enthusiast", "Saw 10 series through to their ends.", "series", feats.SERIES, 10),
    _row("series_25", "Series Master", "Saw 25 series through to their ends.", "series", feats.SERIES, 25),
    _row("series_50", "Series Legend", "Saw 50 series through to their ends.", "series", feats.SERIES, 50),
    _streak(7, "Week Warrior"),
    _streak(30, "Monthly Master"),
    _streak(100, "Century Streaker"),
    _row("binge", "Binge Watcher", "Completed a whole season within 24 hours.", "special", feats.SEASONS, 1),
    _row("rewatch", "Rewatch Royalty", "Completed 20 films or episodes again.", "special", feats.REWATCHES, 20),
    EARLY_ADOPTER,
    _row("together_1", "Better Together", "Completed something in company.", "company", feats.TOGETHER, 1),
    _row("together_25", "Regular Company", "Completed 25 things in company.", "company", feats.TOGETHER, 25),
    _row("night_owl", "Night Owl", "Completed something after midnight in 10 nights.", "special", feats.NIGHTS, 10),
    _row("weekend", "Weekender", "Completed something on both days of 10 weekends.", "special", feats.WEEKENDS, 10),
    _row("decades_5", "Time Traveller", "Completed films of 5 different decades.", "special", feats.DECADES, 5),
)

BY_CODE = {badge.code: badge for badge in BADGES}

VERSION = 1
"""Grows when what feats or badges mean changes: what was derived before is then made anew."""


def concerned(kinds: Iterable[str]) -> tuple[Badge, ...]:
    """Return the badges that feats of *kinds* may earn."""
    touched = set(kinds)
    return tuple(b for b in BADGES if b.rule is not Rule.EARLY and not touched.isdisjoint(b.kinds))


def earned_by(badge: Badge, done: Iterable[Feat]) -> Feat | None:
    """Return the feat among *done* that earns *badge*, None if there are too few; not for what others decide too."""
    ordered = sorted((each for each in done if each.kind in badge.kinds), key=lambda feat: (feat.at, feat.name))
    return ordered[badge.needed - 1] if len(ordered) >= badge.needed else None
