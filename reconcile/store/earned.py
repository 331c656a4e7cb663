"""Reading badges: how far an account is with each, and which watches earned those it has."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback import feats as pure
from reconcile.playback.badges import BADGES, BY_CODE, Badge, Rule
from reconcile.playback.feats import BINGE
from reconcile.playback.streaks import streaks
from reconcile.store import activity, badges, feats
from reconcile.store.badges import Award
from reconcile.store.completions import counts
from reconcile.store.keys import CHUNK
from reconcile.store.tables import media, watch


class Standing(msgspec.Struct, frozen=True):
    """How an account stands with a badge: *done* of its threshold, and the award, if it has it."""

    badge: Badge
    done: int
    award: Award | None


async def standings(db: AsyncConnection, account: int, today: date) -> list[Standing]:
    """Return how an account stands with every badge there is; *today* is its own date.

    Of streaks *done* is the longest one where the badge has been earned, else the current one.
    """
    awards = await badges.awards(db, account)
    totals: dict[tuple[str, ...], int] = {}
    rows = streaks(await activity.active_days(db, account), today)
    found: list[Standing] = []
    for badge in BADGES:
        award = awards.get(badge.code)
        if badge.rule is Rule.STREAK:
            done = rows.longest if award is not None else rows.current
        else:
            if badge.kinds not in totals:
                totals[badge.kinds] = (await feats.ranking(db, account, badge.kinds)).total
            done = totals[badge.kinds]
        if badge.rule is Rule.EARLY:
            done = int(award is not None) * badge.threshold
        found.append(Standing(badge, min(done, badge.threshold), award))
    return found


async def watches_of(db: AsyncConnection, account: int, award: Award, most: int) -> list[int]:
    """Return the ids of up to *most* watches that earned an award, the latest first."""
    badge = BY_CODE[award.badge]
    if badge.rule is Rule.STREAK:
        first = date.fromisoformat(award.name)
        return await _of_days(db, account, first, first + timedelta(days=badge.threshold - 1), most)
    if badge.kinds == (pure.SEASONS,):
        return await _of_season(db, account, award, most)
    needed = min(most, badge.needed)
    done = await feats.up_to(db, account, badge.kinds, (award.earned_at, award.name), needed)
    return [each.watch for each in done if each.watch is not None]


class Named(msgspec.Struct, frozen=True):
    """A row of the history in the words in which people know it."""

    title: str
    unit: str
    day: str


async def named(db: AsyncConnection, watches: Collection[int]) -> dict[int, Named]:
    """Return what *watches* are called, by id."""
    found: dict[int, Named] = {}
    wanted = sorted(watches)
    for start in range(0, len(wanted), CHUNK):
        query = sa.select(watch.c.id, media.c.title, watch.c.unit, watch.c.day).join(
            media, media.c.id == watch.c.media_id
        )
        for number, *words in await db.execute(query.where(watch.c.id.in_(wanted[start : start + CHUNK]))):
            found[number] = Named(*words)
    return found


async def _of_days(db: AsyncConnection, account: int, first: date, last: date, most: int) -> list[int]:
    """Return what was watched on days in a row; some of them may have a viewing only, and no watch."""
    since, until = first - timedelta(days=2), last + timedelta(days=2)
    c = watch.c
    query = sa.select(c.id).where(c.account_id == account, c.day.between(first.isoformat(), last.isoformat()))
    near = sa.and_(c.watched_at >= _noon(since), c.watched_at < _noon(until))  # there is an index for that
    query = query.where(near).order_by(c.watched_at.desc(), c.id.desc()).limit(most)
    return list((await db.execute(query)).scalars())


async def _of_season(db: AsyncConnection, account: int, award: Award, most: int) -> list[int]:
    number, _, season = award.name.partition(":")
    c = watch.c
    query = sa.select(c.id).where(c.account_id == account, c.media_id == int(number), counts(watch))
    query = query.where(c.unit.startswith(f"{season}e"), c.watched_at.between(award.earned_at - BINGE, award.earned_at))
    return list((await db.execute(query.order_by(c.watched_at.desc(), c.id.desc()).limit(most))).scalars())


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)
