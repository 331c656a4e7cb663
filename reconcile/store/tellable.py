"""What can be told of playbacks and watches, read for the messages that tell it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store.keys import CHUNK
from reconcile.store.tables import media, playback, playback_key, watch, watch_playback

Row = dict[str, Any]

_PLAYBACKS = (
    sa.select(
        playback.c.id,
        playback.c.key_id,
        playback.c.server_id,
        playback.c.account_id,
        playback.c.media_id,
        playback.c.unit,
        playback.c.open,
        playback.c.state,
        playback.c.started_at,
        playback.c.first_at,
        playback.c.ended_at,
        playback.c.ended_by,
        playback.c.watched_seconds,
        playback.c.reached_seconds,
        playback.c.position_seconds,
        playback.c.runtime_seconds,
        playback.c.channels,
        playback.c.completed,
        playback.c.verdict,
        playback.c.sentence,
        playback_key.c.session_id,
        playback_key.c.user_id,
        playback_key.c.item_id,
        playback_key.c.facts,
    )
    .join(playback_key, playback_key.c.id == playback.c.key_id)
    .where(playback.c.id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(playback.c.started_at, playback.c.id)
)
_MEDIA = sa.select(media).where(media.c.id.in_(sa.bindparam("ids", expanding=True)))
_WATCHES = sa.select(watch).where(watch.c.id.in_(sa.bindparam("ids", expanding=True)))
_SHOWN_BY = sa.select(watch_playback.c.watch_id).where(
    watch_playback.c.playback_id.in_(sa.bindparam("ids", expanding=True))
)
_SHOWS = sa.select(watch_playback.c.watch_id, watch_playback.c.playback_id).where(
    watch_playback.c.watch_id.in_(sa.bindparam("ids", expanding=True))
)


async def playbacks(db: AsyncConnection, ids: Collection[int]) -> dict[int, Row]:
    """Return playbacks by id, each with its key and what was told of its item, in the order of their beginnings."""
    return {row["id"]: row for row in await _all(db, _PLAYBACKS, ids)}


async def media_of(db: AsyncConnection, ids: Collection[int]) -> dict[int, Row]:
    """Return media by id."""
    return {row["id"]: row for row in await _all(db, _MEDIA, ids)}


async def watches_of(db: AsyncConnection, playback_ids: Collection[int]) -> dict[int, Row]:
    """Return the watches that these playbacks make, by id, each with its ``playbacks``."""
    numbers = {row["watch_id"] for row in await _all(db, _SHOWN_BY, playback_ids)}
    found = {row["id"]: row | {"playbacks": []} for row in await _all(db, _WATCHES, numbers)}
    for row in await _all(db, _SHOWS, found):
        found[row["watch_id"]]["playbacks"].append(row["playback_id"])
    return found


async def _all(db: AsyncConnection, query: sa.Select[Any], ids: Collection[int] | Mapping[int, Any]) -> list[Row]:
    found: list[Row] = []
    wanted = sorted(ids)
    for start in range(0, len(wanted), CHUNK):
        rows = await db.execute(query, {"ids": wanted[start : start + CHUNK]})
        found.extend(dict(row) for row in rows.mappings())
    return found
