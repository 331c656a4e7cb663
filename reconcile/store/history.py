"""Reading the history: pages of watches and of playbacks, newest first, each with what it shows.

A page goes on where the last one ended, by (instant, id): rows that arrive meanwhile are newer, and move nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store.tables import (
    account,
    check_in,
    link,
    media,
    playback,
    playback_key,
    watch,
    watch_playback,
)
from reconcile.store.wanted import Place, Wanted, narrowed, paged

__all__ = [
    "DaySum",
    "Place",
    "Row",
    "Wanted",
    "day_sums",
    "lately_over",
    "line_of",
    "one_playback",
    "one_watch",
    "playbacks",
    "playbacks_of",
    "playing",
    "watches",
]

Row = dict[str, Any]


class DaySum(msgspec.Struct, frozen=True):
    """How many rows a day has, how many of them are completed, and the seconds that were watched."""

    rows: int
    completed: int
    watched_seconds: float


_MEDIA = (
    media.c.kind.label("media_kind"),
    media.c.title.label("media_title"),
    media.c.year,
    media.c.tmdb_id,
    media.c.tvdb_id,
    media.c.imdb_id,
    media.c.seerr_media_id,
)


async def watches(
    db: AsyncConnection, wanted: Wanted, after: Place | None, most: int, *, newer: bool = False
) -> list[Row]:
    """Return up to *most* watches, newest first, each with its account, its media, and its ``playbacks`` by id.

    With *newer* they are those next to *after* on its other side, the nearest first.
    """
    query = paged(narrowed(_watches(), wanted, watch, watch.c.watched_at), watch.c.watched_at, after, newer=newer)
    rows = [dict(row) | {"playbacks": [], "facts": {}} for row in (await db.execute(query.limit(most))).mappings()]
    await _add_playbacks(db, rows)
    return rows


async def playbacks(
    db: AsyncConnection, wanted: Wanted, after: Place | None, most: int, *, newer: bool = False
) -> list[Row]:
    """Return up to *most* playbacks, newest first, each with its key, its media, and what is known of its item.

    With *newer* they are those next to *after* on its other side, the nearest first.
    """
    at = playback.c.started_at
    query = paged(narrowed(_playbacks(), wanted, playback, at), at, after, newer=newer)
    return [dict(row) for row in (await db.execute(query.limit(most))).mappings()]


async def one_watch(db: AsyncConnection, number: int) -> Row | None:
    """Return one watch as `watches` does, None if there is none of that id."""
    row = (await db.execute(_watches().where(watch.c.id == number))).mappings().first()
    if row is None:
        return None
    found = dict(row) | {"playbacks": [], "facts": {}}
    await _add_playbacks(db, [found])
    return found


async def playbacks_of(db: AsyncConnection, watch_id: int, most: int) -> list[Row]:
    """Return the first *most* playbacks that make a watch, oldest first."""
    shown = sa.select(watch_playback.c.playback_id).where(watch_playback.c.watch_id == watch_id)
    query = _playbacks().where(playback.c.id.in_(shown)).order_by(playback.c.started_at, playback.c.id).limit(most)
    return [dict(row) for row in (await db.execute(query)).mappings()]


async def day_sums(db: AsyncConnection, wanted: Wanted, days: Collection[str]) -> dict[str, DaySum]:
    """Return what the *wanted* watches of each of some *days* add up to. They are to lie near each other."""
    if not days:
        return {}
    c = watch.c
    done = sa.func.sum(sa.case((c.completed, 1), else_=0))
    query = sa.select(c.day, sa.func.count(), done, sa.func.sum(c.watched_seconds)).where(c.day.in_(days))
    query = query.join(media, media.c.id == c.media_id).group_by(c.day)
    first, last = max(min(days), wanted.first_day or min(days)), min(max(days), wanted.last_day or max(days))
    within = msgspec.structs.replace(wanted, first_day=first, last_day=last)
    found = await db.execute(narrowed(query, within, watch, c.watched_at))
    return {day: DaySum(int(rows), int(completed), float(seconds)) for day, rows, completed, seconds in found}


async def playing(db: AsyncConnection, most: int = 1000) -> list[Row]:
    """Return the open playbacks, newest first."""
    return await playbacks(db, Wanted(open=True), None, most)


async def lately_over(db: AsyncConnection, accounts: Collection[int], since: datetime, most: int) -> list[Row]:
    """Return up to *most* playbacks of *accounts* that were over after *since*, the latest first."""
    c = playback.c
    # By an index of each account: what is over is nearly all there is, so that the index of what is open is no help.
    mine = (c.account_id.in_(accounts), c.started_at >= since - _LONGEST, c.ended_by.is_not(None), c.ended_at >= since)
    query = _playbacks().where(*mine).order_by(c.ended_at.desc(), c.id.desc()).limit(most)
    return [dict(row) for row in (await db.execute(query)).mappings()]


_LONGEST = timedelta(days=1)
"""How long before it was over a playback may have begun, to be found among those that were lately."""


async def one_playback(db: AsyncConnection, number: int) -> Row | None:
    """Return one playback, None if there is none of that id."""
    row = (await db.execute(_playbacks().where(playback.c.id == number))).mappings().first()
    return None if row is None else dict(row)


async def line_of(db: AsyncConnection, row: Row, most: int = 5000) -> list[Row]:
    """Return the check-ins that a playback was cut from, in order of time."""
    c = check_in.c
    within = (c.key_id == row["key_id"], c.at >= row["first_at"], c.at <= row["last_at"])
    query = sa.select(check_in).where(*within).order_by(c.at, c.kind).limit(most)
    return [dict(each) for each in (await db.execute(query)).mappings()]


def _watches() -> sa.Select[Any]:
    return (
        sa.select(watch, account.c.name.label("account_name"), *_MEDIA)
        .join(account, account.c.id == watch.c.account_id)
        .join(media, media.c.id == watch.c.media_id)
    )


def _playbacks() -> sa.Select[Any]:
    c, k = playback.c, playback_key.c
    of_user = sa.and_(link.c.server_id == k.server_id, link.c.user_id == k.user_id)
    return (
        sa.select(
            playback,
            k.session_id,
            k.user_id,
            k.item_id,
            k.facts,
            link.c.user_name,
            account.c.name.label("account_name"),
            *_MEDIA,
        )
        .join(playback_key, k.id == c.key_id)
        .outerjoin(media, media.c.id == c.media_id)
        .outerjoin(account, account.c.id == c.account_id)
        .outerjoin(link, of_user)
    )


async def _add_playbacks(db: AsyncConnection, rows: Sequence[Row]) -> None:
    """Give each watch the ids of its playbacks, oldest first, and what the latest of them knows of the item."""
    by_id = {row["id"]: row for row in rows}
    if not by_id:
        return
    query = (
        sa.select(watch_playback.c.watch_id, playback.c.id, playback_key.c.facts)
        .join(playback, playback.c.id == watch_playback.c.playback_id)
        .join(playback_key, playback_key.c.id == playback.c.key_id)
        .where(watch_playback.c.watch_id.in_(by_id))
        .order_by(playback.c.started_at, playback.c.id)
    )
    for number, playback_id, facts in await db.execute(query):
        by_id[number]["playbacks"].append(playback_id)
        by_id[number]["facts"] = {**by_id[number]["facts"], **facts}
