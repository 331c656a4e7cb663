"""``/badges``: what can be earned, how far an account is with it, and which watches earned what it has."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import QueryParameter

from receiver.api.pages import LARGEST_ID, Page
from receiver.house import House
from reconcile.playback.badges import BADGES, Badge
from reconcile.playback.days import local_day
from reconcile.store.badges import Award
from reconcile.store.earned import Standing, standings, watches_of

SHOWN = 100
"""How many watches an award names: of a thousand films the latest hundred."""

AnyAccount = Annotated[int | None, QueryParameter(ge=1, le=LARGEST_ID, description="Whose awards are told as well.")]


class AwardWords(msgspec.Struct, frozen=True):
    """That a badge is earned: at the instant of the watch that decided, which is the first of *watches*.

    *watches* are ids of the history, the latest first, at most 100 of them.
    """

    earned_at: datetime
    watches: list[int]


class BadgeWords(msgspec.Struct, frozen=True):
    """A badge. *done* of *threshold* is how far the account is; null without an account. *award*: it has it."""

    badge: str
    name: str
    sentence: str
    category: str
    rule: str
    threshold: int
    done: int | None
    award: AwardWords | None


@get("/badges", tags=["badges"])
async def badge_list(house: NamedDependency[House], account: AnyAccount = None) -> Page[BadgeWords]:
    """Return what can be earned, and with *account* how far they are: only what was played and completed counts."""
    if account is None:
        return Page([_words(badge, None, None) for badge in BADGES])
    if account not in house.people.accounts:
        raise NotFoundException(f"There is no account {account}.")
    today = local_day(house.clock(), house.people.zone_of(account))
    async with house.store.read() as db:
        items = []
        for each in await standings(db, account, today):
            earned = None if each.award is None else await watches_of(db, account, each.award, SHOWN)
            items.append(_words(each.badge, each, earned))
    return Page(items)


def _words(badge: Badge, standing: Standing | None, watches: list[int] | None) -> BadgeWords:
    award: Award | None = None if standing is None else standing.award
    return BadgeWords(
        badge=badge.code,
        name=badge.name,
        sentence=badge.sentence,
        category=badge.category,
        rule=badge.rule.value,
        threshold=badge.threshold,
        done=None if standing is None else standing.done,
        award=None if award is None else AwardWords(award.earned_at, watches or []),
    )
