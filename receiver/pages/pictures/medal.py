"""A badge as a medal, made from its definition: a glyph for its family, a pip for each tier, and how far it is."""

from __future__ import annotations

from math import cos, radians, sin

from markupsafe import Markup

from receiver.pages.pictures.glyphs import BOX, GLYPHS, STAR, family_of, tier_of
from receiver.pages.pictures.progress import arc, share
from receiver.pages.pictures.svg import picture, tag, words
from reconcile.playback.badges import Badge

SIDE = 96.0
_MIDDLE, _RIM, _DISC = SIDE / 2, 43.0, 36.5
_PIPS_APART, _MOST_PIPS = 11.0, 8


def medal(name: str, badge: Badge, done: int, *, earned: bool) -> Markup:
    """Return the medal of *badge*, struck if it is *earned*, else drawn, with a ring for *done* of its threshold."""
    number = badge.threshold if badge.threshold > 1 else None
    return picture(
        name,
        f"pic-medal {'pic-earned' if earned else 'pic-wanted'}",
        (badge.name, f"{badge.sentence} {_standing(badge, done, earned=earned)}"),
        (SIDE, SIDE),
        *_edge(badge, done, earned=earned),
        _glyph(badge, _MIDDLE if number is None else _MIDDLE - 7),
        *([] if number is None else [words(_MIDDLE, 75, f"{number:,}", anchor="middle", class_="pic-number")]),
        *_pips(min(_MOST_PIPS, tier_of(badge))),
    )


def _edge(badge: Badge, done: int, *, earned: bool) -> list[Markup]:
    rim = tag("circle", cx=_MIDDLE, cy=_MIDDLE, r=_RIM, class_="pic-rim")
    disc = tag("circle", cx=_MIDDLE, cy=_MIDDLE, r=_DISC, class_="pic-disc")
    way = Markup("") if earned else arc(_MIDDLE, _MIDDLE, _RIM, share(done, badge.threshold) or 0.0, "pic-way")
    return [rim, way, disc]


def _glyph(badge: Badge, y: float) -> Markup:
    size = 1.15
    x0, y0 = _MIDDLE - BOX * size / 2, y - BOX * size / 2
    place = f"translate({x0:.1f} {y0:.1f}) scale({size})"
    return tag("path", d=GLYPHS.get(family_of(badge), STAR), class_="pic-glyph", transform=place)


def _pips(count: int) -> list[Markup]:
    """Return *count* pips along the lower rim."""
    angles = (radians((index - (count - 1) / 2) * _PIPS_APART) for index in range(count))
    return [
        tag("circle", cx=_MIDDLE + _RIM * sin(angle), cy=_MIDDLE + _RIM * cos(angle), r=3.2, class_="pic-pip")
        for angle in angles
    ]


def _standing(badge: Badge, done: int, *, earned: bool) -> str:
    if earned:
        return "Earned."
    far = f"{max(0, min(done, badge.threshold)):,} of {badge.threshold:,} so far"
    return f"Not yet earned: {far}."
