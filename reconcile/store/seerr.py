"""What Seerr knows, as mirrored: media, users, watchlists and series; and what accounts wish to be done there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store.keys import CHUNK
from reconcile.store.tables import link, media, seerr_listed, seerr_media, seerr_series, seerr_user, seerr_wish, watch
from reconcile.store.upsert import upsert

Row = dict[str, Any]

_MEDIA = ("id", "media_type", "tmdb_id", "tvdb_id", "imdb_id", "item_id", "item_id_4k", "status", "updated_at")


class Wish(msgspec.Struct, frozen=True):
    """Since when an account has wished for what; None: it does not.

    *watchlist_since*: what is finished leaves its watchlist. *watches_since*: what is completed is told to the fork.
    """

    account_id: int
    watchlist_since: datetime | None = None
    watches_since: datetime | None = None


# --- media -----------------------------------------------------------------------------------------------------------


async def mirrored(db: AsyncConnection) -> dict[int, Row]:
    """Return all media of the mirror, by Seerr's id."""
    rows = await db.execute(sa.select(*(seerr_media.c[name] for name in _MEDIA)))
    return {row["id"]: dict(row) for row in rows.mappings()}


async def mirrored_until(db: AsyncConnection) -> datetime | None:
    """Return the latest change that the mirror has seen."""
    found: datetime | None = (await db.execute(sa.select(sa.func.max(seerr_media.c.updated_at)))).scalar()
    return found


async def mirror(db: AsyncConnection, rows: Sequence[Row]) -> None:
    """Keep *rows* as Seerr tells them."""
    if rows:
        statement = upsert(db, seerr_media)
        told = {name: statement.excluded[name] for name in _MEDIA if name != "id"}
        await db.execute(statement.on_conflict_do_update(index_elements=[seerr_media.c.id], set_=told), rows)


async def unmirror(db: AsyncConnection, ids: Collection[int]) -> None:
    """Forget media that Seerr has no more."""
    gone = sorted(ids)
    for start in range(0, len(gone), CHUNK):
        await db.execute(sa.delete(seerr_media).where(seerr_media.c.id.in_(gone[start : start + CHUNK])))


# --- users -----------------------------------------------------------------------------------------------------------


async def users(db: AsyncConnection) -> dict[int, Row]:
    """Return the users of Seerr that have an account here, by Seerr's id."""
    return {row["id"]: dict(row) for row in (await db.execute(sa.select(seerr_user))).mappings()}


async def keep_user(db: AsyncConnection, number: int, account_id: int, server_id: str, user_id: str) -> None:
    """Keep whose account a user of Seerr is, and the Jellyfin user that they are linked to now."""
    told = {"account_id": account_id, "server_id": server_id, "user_id": user_id, "gone_at": None}
    statement = upsert(db, seerr_user).values(id=number, **told)
    await db.execute(statement.on_conflict_do_update(index_elements=[seerr_user.c.id], set_=told))


async def lose_users(db: AsyncConnection, ids: Collection[int], now: datetime) -> None:
    """Note that users are gone from Seerr, or are linked no more."""
    c = seerr_user.c
    await db.execute(sa.update(seerr_user).where(c.id.in_(ids), c.gone_at.is_(None)).values(gone_at=now))


async def user_of(db: AsyncConnection, account_id: int) -> int | None:
    """Return the user of Seerr that an account is, by its links as they are now; the lowest of several."""
    u = seerr_user.c
    is_theirs = sa.and_(link.c.server_id == u.server_id, link.c.user_id == u.user_id, link.c.account_id == account_id)
    query = sa.select(sa.func.min(u.id)).join(link, is_theirs).where(u.gone_at.is_(None))
    found: int | None = (await db.execute(query.select_from(seerr_user))).scalar()
    return found


# --- wishes ----------------------------------------------------------------------------------------------------------


async def wishes(db: AsyncConnection, account_ids: Collection[int] | None = None) -> dict[int, Wish]:
    """Return what accounts wish, of *account_ids* or of all; those that wish nothing are missing."""
    query = sa.select(seerr_wish.c.account_id, seerr_wish.c.watchlist_since, seerr_wish.c.watches_since)
    if account_ids is not None:
        query = query.where(seerr_wish.c.account_id.in_(account_ids))
    found = (Wish(*row) for row in await db.execute(query))
    return {each.account_id: each for each in found if each.watchlist_since or each.watches_since}


async def wish(db: AsyncConnection, each: Wish) -> None:
    """Keep what an account wishes from now on."""
    told = {"watchlist_since": each.watchlist_since, "watches_since": each.watches_since}
    statement = upsert(db, seerr_wish).values(account_id=each.account_id, **told)
    await db.execute(statement.on_conflict_do_update(index_elements=[seerr_wish.c.account_id], set_=told))


# --- watchlists ------------------------------------------------------------------------------------------------------


async def list_entries(
    db: AsyncConnection, user_id: int, account_id: int, entries: Mapping[int, tuple[str, str]], now: datetime
) -> dict[int, datetime]:
    """Keep a watchlist, entries (media type, TMDB id) by their ids; return when each was first seen on it."""
    c = seerr_listed.c
    await db.execute(sa.delete(seerr_listed).where(c.seerr_user_id == user_id, c.entry_id.not_in(entries)))
    if entries:
        who = {"seerr_user_id": user_id, "account_id": account_id, "listed_at": now}
        rows = [
            {**who, "entry_id": number, "media_type": kind, "tmdb_id": tmdb_id}
            for number, (kind, tmdb_id) in entries.items()
        ]
        await db.execute(upsert(db, seerr_listed).on_conflict_do_nothing(), rows)
    query = sa.select(c.entry_id, c.listed_at).where(c.seerr_user_id == user_id)
    return {row[0]: row[1] for row in await db.execute(query)}


# --- series ----------------------------------------------------------------------------------------------------------


class SeriesDue(msgspec.Struct, frozen=True):
    """A watched series whose totals are to be asked for, and how often that has failed."""

    media_id: int
    tmdb_id: str
    attempts: int


async def series_due(db: AsyncConnection, now: datetime, most: int) -> list[SeriesDue]:
    """Return series whose time to be asked for has come, or that are another one now."""
    m, s = media.c, seerr_series.c
    is_watched = sa.exists().where(watch.c.media_id == m.id)
    query = (
        sa.select(m.id, m.tmdb_id, sa.func.coalesce(s.attempts, 0))
        .select_from(media)
        .outerjoin(seerr_series, s.media_id == m.id)
        .where(m.kind == "series", m.tmdb_id.is_not(None), is_watched)
        .where(sa.or_(s.media_id.is_(None), s.next_try_at <= now, s.tmdb_id != m.tmdb_id))
        .order_by(m.id)
        .limit(most)
    )
    return [SeriesDue(*row) for row in await db.execute(query)]


async def keep_series(db: AsyncConnection, each: SeriesDue, again_at: datetime, error: str | None) -> None:
    """Note that a series was asked for, with what error if any, and when to ask again."""
    attempts = 0 if error is None else each.attempts + 1
    values = {"tmdb_id": each.tmdb_id, "next_try_at": again_at, "attempts": attempts, "error": error}
    statement = upsert(db, seerr_series).values(media_id=each.media_id, **values)
    await db.execute(statement.on_conflict_do_update(index_elements=[seerr_series.c.media_id], set_=values))


async def counts(db: AsyncConnection) -> tuple[int, int]:
    """Return how many media are mirrored, and how many users of Seerr have an account here."""
    media_count = await db.scalar(sa.select(sa.func.count()).select_from(seerr_media))
    still_there = sa.select(sa.func.count()).select_from(seerr_user).where(seerr_user.c.gone_at.is_(None))
    return media_count or 0, await db.scalar(still_there) or 0


def differing(told: Iterable[Row], kept: Mapping[int, Row]) -> list[Row]:
    """Return the rows of *told* that are not *kept* just so."""
    return [row for row in told if kept.get(row["id"]) != row]
