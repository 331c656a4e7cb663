"""What stands on a medal: one drawing for each family of badges, as lines in a box of 32 by 32."""

from __future__ import annotations

from reconcile.playback import feats
from reconcile.playback.badges import BADGES, Badge, Rule

BOX = 32.0

ANYTHING = "anything"

GLYPHS = {
    ANYTHING: "M4 11h10v10h-10zM14 14l13 -7v18l-13 -7M7 11v-3M11 11v-3",  # a projector and its light
    feats.MOVIES: "M4 7h24v18h-24zM9 7v18M23 7v18M4 13h5M4 19h5M23 13h5M23 19h5",  # a frame of film
    feats.EPISODES: "M4 9h24v15h-24zM11 28h10M11 4l5 5l5 -5",  # a television
    feats.SERIES: "M16 4l11 5.5l-11 5.5l-11 -5.5zM5 15.5l11 5.5l11 -5.5M5 21.5l11 5.5l11 -5.5",  # layers
    feats.SEASONS: "M18 3l-10 15h7l-2 11l11 -16h-7z",  # a bolt
    Rule.STREAK: "M16 3c1 5 8 9 8 16a8 8 0 0 1 -16 0c0 -4 2 -6 3 -9c2 1 3 3 3 5c2 -4 3 -8 2 -12z",  # a flame
    feats.REWATCHES: "M25 11a10 10 0 1 0 1 7M26 4v7h-7M14 12l6 4l-6 4z",  # round again
    # Two people.
    feats.TOGETHER: (
        "M7 10a4 4 0 1 0 8 0a4 4 0 1 0 -8 0zM3 26c0 -6 4 -8 8 -8s8 2 8 8M19 6.3a4 4 0 1 1 1 7.7M22 18.5c4 .6 7 3 7 7.5"
    ),
    feats.NIGHTS: "M26 19a11 11 0 1 1 -13 -14a9 9 0 0 0 13 14zM23 5v6M20 8h6",  # the moon and a star
    feats.WEEKENDS: "M4 7h24v20h-24zM4 13h24M10 4v6M22 4v6M10 17h4v5h-4zM18 17h4v5h-4z",  # two days of a calendar
    feats.DECADES: "M8 4h16M8 28h16M10 4v5l6 7l-6 7v5M22 4v5l-6 7l6 7v5",  # an hourglass
    Rule.EARLY: "M9 29v-25M9 5h16l-5 5.5l5 5.5h-16",  # a flag
}

STAR = "M16 4l3.5 8l8.5 .8l-6.400 5.7l1.900 8.5l-7.5 -4.5l-7.5 4.5l1.900 -8.5l-6.400 -5.7l8.5 -.8z"
"""For a family that has no drawing yet."""


def family_of(badge: Badge) -> str:
    """Return what *badge* is about: its kind of feat, or its rule."""
    if badge.rule in (Rule.STREAK, Rule.EARLY):
        return badge.rule
    return badge.kinds[0] if len(badge.kinds) == 1 else ANYTHING


def tier_of(badge: Badge) -> int:
    """Return the place of *badge* in its family by what it takes, from 1."""
    family = family_of(badge)
    lower = {other.threshold for other in BADGES if family_of(other) == family and other.threshold < badge.threshold}
    return 1 + len(lower)
