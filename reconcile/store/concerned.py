"""Which keys an item of the catalogue concerns, so that they are settled again when more is known of it."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.check_in import Key
from reconcile.playback.media import LOCAL
from reconcile.store.keys import CHUNK
from reconcile.store.tables import marked_unit, media_alias, playback, playback_key


async def keys_of_items(db: AsyncConnection, server_id: str, item_ids: Collection[str]) -> dict[int, Key]:
    """Return the keys that play one of *item_ids*, or an episode of a series that is one of them."""
    found: dict[int, Key] = {}
    k, alias = playback_key.c, media_alias.c
    wanted = sorted(item_ids)
    for start in range(0, len(wanted), CHUNK):
        part = wanted[start : start + CHUNK]
        local = [f"{server_id}:{item_id}" for item_id in part]
        named = sa.select(alias.media_id).where(alias.source == LOCAL, alias.value.in_(local))
        shown = sa.select(playback.c.key_id).where(playback.c.media_id.in_(named))
        query = sa.select(k.id, k.server_id, k.session_id, k.user_id, k.item_id).where(k.server_id == server_id)
        for condition in (k.item_id.in_(part), k.id.in_(shown)):
            found.update((number, Key(*key)) for number, *key in await db.execute(query.where(condition)))
    return found


async def keys_of_media(db: AsyncConnection, media_ids: Collection[int]) -> dict[int, Key]:
    """Return the keys with a playback, or a mark by hand, of one of *media_ids*."""
    k = playback_key.c
    found: dict[int, Key] = {}
    for table in (playback, marked_unit):
        shown = sa.select(table.c.key_id).where(table.c.media_id.in_(media_ids))
        query = sa.select(k.id, k.server_id, k.session_id, k.user_id, k.item_id).where(k.id.in_(shown))
        found.update((number, Key(*key)) for number, *key in await db.execute(query))
    return found
