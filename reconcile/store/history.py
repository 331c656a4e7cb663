"""Reading the history: pages of watches and of playbacks, newest first, each with what it shows.

A page goes on where the last one ended, by (instant, id): rows that arrive meanwhile are newer, and move nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
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

Row = dict[str, Any]
Place = tuple[datetime, int]
"""Where a page ended: the instant and the id of its last row."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows are wanted; None: all. *since* is the first instant, *until* the first that is too late.

    *kind* is ``movie`` or ``episode``; *first_day* and *last_day* are dates as watches bear them.
    """

    account: int | None = None
    media: int | None = None
    kind: str | None = None
    completed: bool | None = None
    open: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    first_day: str | None = None
    last_day: str | None = None


_MEDIA = (
    media.c.kind.label("media_kind"),
    media.c.title.label("media_title"),
    media.c.year,
    media.c.tmdb_id,
    media.c.tvdb_id,
    media.c.imdb_id,
    media.c.seerr_media_id,
)


async def watches(db: AsyncConnection, wanted: Wanted, after: Place | None, most: int) -> list[Row]:
    """Return up to *most* watches, newest first, each with its account, its media, and its ``playbacks`` by id."""
    c = watch.c
    query = (
        sa.select(watch, account.c.name.label("account_name"), *_MEDIA)
        .join(account, account.c.id == c.account_id)
        .join(media, media.c.id == c.media_id)
    )
    query = _narrowed(query, wanted, c.account_id, c.media_id, c.completed, c.watched_at)
    if wanted.first_day is not None:
        query = query.where(c.day >= wanted.first_day)
    if wanted.last_day is not None:
        query = query.where(c.day <= wanted.last_day)
    query = _page(query, c.watched_at, c.id, after, most)
    rows = [dict(row) | {"playbacks": [], "facts": {}} for row in (await db.execute(query)).mappings()]
    await _add_playbacks(db, rows)
    return rows


async def playbacks(db: AsyncConnection, wanted: Wanted, after: Place | None, most: int) -> list[Row]:
    """Return up to *most* playbacks, newest first, each with its key, its media, and what is known of its item."""
    c = playback.c
    query = _narrowed(_playbacks(), wanted, c.account_id, c.media_id, c.completed, c.started_at)
    if wanted.open is not None:
        query = query.where(c.open.is_(wanted.open))
    query = _page(query, c.started_at, c.id, after, most)
    return [dict(row) for row in (await db.execute(query)).mappings()]


async def playing(db: AsyncConnection, most: int = 1000) -> list[Row]:
    """Return the open playbacks, newest first."""
    return await playbacks(db, Wanted(open=True), None, most)


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


def _narrowed(
    query: sa.Select[Any],
    wanted: Wanted,
    account_id: sa.ColumnElement[Any],
    media_id: sa.ColumnElement[Any],
    completed: sa.ColumnElement[Any],
    at: sa.ColumnElement[Any],
) -> sa.Select[Any]:
    if wanted.account is not None:
        query = query.where(account_id == wanted.account)
    if wanted.media is not None:
        query = query.where(media_id == wanted.media)
    if wanted.completed is not None:
        query = query.where(completed.is_(wanted.completed))
    if wanted.kind is not None:
        is_movie = media.c.kind == "movie"
        query = query.where(is_movie if wanted.kind == "movie" else media.c.kind != "movie")
    if wanted.since is not None:
        query = query.where(at >= wanted.since)
    if wanted.until is not None:
        query = query.where(at < wanted.until)
    return query


def _page(
    query: sa.Select[Any], at: sa.ColumnElement[Any], number: sa.ColumnElement[Any], after: Place | None, most: int
) -> sa.Select[Any]:
    if after is not None:
        instant, last = after
        query = query.where(sa.or_(at < instant, sa.and_(at == instant, number < last)))
    return query.order_by(at.desc(), number.desc()).limit(most)


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
