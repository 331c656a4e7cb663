"""Badges: those that are earned, with the watches that earned them, and how far it is to the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.response import Template
from markupsafe import Markup

from receiver.house import House
from receiver.pages.pictures.medal import medal
from receiver.pages.rendering import AnyRequest
from receiver.pages.saying import local
from receiver.pages.you.whose import shown, theirs, whose
from reconcile.playback.badges import BADGES, Rule
from reconcile.store.earned import Named, Standing, named, standings, watches_of

SHOWN = 5
"""Watches that are named of those that earned a badge, the latest first: the first of them decided."""


class Medal(msgspec.Struct, frozen=True):
    """A badge as it is shown; *watches* are (id, words) of those that earned it."""

    standing: Standing
    picture: Markup
    watches: list[tuple[int, Named]]


@get(theirs("/badges"))
async def badges(request: AnyRequest, house: NamedDependency[House]) -> Template:
    """Show what is earned, the latest first, and what is not, the nearest first."""
    it = whose(request, house)
    today = local(house.clock(), it.zone).date()
    async with house.store.read() as db:
        found = await standings(db, it.account.id, today)
        by = {each.badge.code: await watches_of(db, it.account.id, each.award, SHOWN) for each in found if each.award}
        words = await named(db, {number for numbers in by.values() for number in numbers})
    earned = [each for each in found if each.award is not None]
    earned.sort(key=lambda each: each.award.earned_at if each.award else 0, reverse=True)
    wanted = sorted((each for each in found if each.award is None), key=_left)
    return shown(
        request,
        house,
        it,
        "you/badges.html",
        earned=[_medal(each, by[each.badge.code], words) for each in earned],
        wanted=[_medal(each, (), words) for each in wanted],
        total=len(BADGES),
        early=Rule.EARLY,
    )


def _left(each: Standing) -> float:
    """Return how much of the way is left, as a share; what cannot be worked for comes last."""
    return 2.0 if each.badge.rule is Rule.EARLY else 1 - each.done / each.badge.threshold


def _medal(each: Standing, numbers: Sequence[int], words: Mapping[int, Named]) -> Medal:
    picture = medal(f"badge-{each.badge.code}", each.badge, each.done, earned=each.award is not None)
    return Medal(each, picture, [(number, words[number]) for number in numbers if number in words])


ROUTES = (badges,)
