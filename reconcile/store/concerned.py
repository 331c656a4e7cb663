"""Which keys concern an item of the catalogue, so that they are settled again when more is known of it."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.check_in import Key
from reconcile.playback.media import LOCAL
from reconcile.store.keys import CHUNK
from reconcile.store.tables import media_alias, playback, playback_key


async def keys_of_items(db: AsyncConnection, server_id: str, item_ids: Collection[str]) -> dict[int, Key]:
    """Return the keys that play one of *item_ids*, or an episode of the series that one of them is."""
    found: dict[int, Key] = {}
    wanted = sorted(item_ids)
    k = playback_key.c
    columns = (k.id, k.server_id, k.session_id, k.user_id, k.item_id)
    for start in range(0, len(wanted), CHUNK):
        part = wanted[start : start + CHUNK]
        # Index by (server, user, item) does not help without a user: an item is found by its playbacks' media, too.
        own = sa.select(*columns).where(k.server_id == server_id, k.item_id.in_(part))
        alias = media_alias.c
        named = sa.select(alias.media_id).where(
            alias.source == LOCAL, alias.value.in_([f"{server_id}:{item_id}" for item_id in part])
        )
        shown = sa.select(playback.c.key_id).where(playback.c.media_id.in_(named))
        series = sa.select(*columns).where(k.server_id == server_id, k.id.in_(shown))
        for query in (own, series):
            for number, *key in await db.execute(query):
                found[number] = Key(*key)
    return found
