"""What the pace of polls goes by: which channels told of a server's latest playbacks, and whether one is open."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.pace import Told
from reconcile.store.channels import channels_of
from reconcile.store.tables import playback

LATEST = 1000
"""Among how many of the newest playbacks is looked: by id, so that the question costs the same in every year."""


async def lately_told(db: AsyncConnection, server_id: str, since: datetime) -> list[Told]:
    """Return what told of a server's playbacks that had a check-in from *since* on."""
    c = playback.c
    columns = (c.server_id, c.channels, c.first_at, c.last_at)
    newest = sa.select(*columns).order_by(c.id.desc()).limit(LATEST).subquery()
    query = sa.select(newest.c.channels, newest.c.first_at, newest.c.last_at)
    rows = await db.execute(query.where(newest.c.server_id == server_id, newest.c.last_at >= since))
    return [Told(channels_of(mask), first_at, last_at) for mask, first_at, last_at in rows]


async def is_anything_open(db: AsyncConnection, server_id: str) -> bool:
    """Say whether a playback of the server is still open."""
    c = playback.c
    query = sa.select(c.id).where(c.open.is_(True), c.server_id == server_id).limit(1)
    return (await db.execute(query)).first() is not None
