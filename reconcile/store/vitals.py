"""Vital signs: how late deliveries came, who told of the latest playbacks, and how much was being played when."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store.tables import delivery, playback

LATEST = 2000
"""Among how many of the newest rows is looked: the answer costs the same in every year."""

Stretch = tuple[str, datetime, float]
"""On which server something began to play when, and for how many seconds it went on."""


async def lags(db: AsyncConnection, since: datetime) -> list[tuple[str, timedelta]]:
    """Return of the newest deliveries received from *since* on the server, and (received − its own UtcTimestamp)."""
    d = delivery.c
    newest = sa.select(d.server_id, d.at, d.received_at).where(d.received_at >= since, d.at.is_not(None))
    newest = newest.order_by(d.received_at.desc()).limit(LATEST)
    return [(row[0] or "", row[2] - row[1]) for row in await db.execute(newest)]


async def told(db: AsyncConnection, since: datetime) -> list[tuple[str, int, int]]:
    """Return of the newest playbacks that began from *since* on (server id, channel mask, how many)."""
    p = playback.c
    newest = sa.select(p.server_id, p.channels, p.started_at).order_by(p.id.desc()).limit(LATEST).subquery()
    n = newest.c
    query = sa.select(n.server_id, n.channels, sa.func.count()).where(n.started_at >= since)
    return [(row[0], row[1], row[2]) for row in await db.execute(query.group_by(n.server_id, n.channels))]


async def stretches(db: AsyncConnection, since: datetime) -> list[Stretch]:
    """Return when the newest playbacks that had a check-in from *since* on were playing."""
    p = playback.c
    newest = sa.select(p.server_id, p.intervals, p.last_at).order_by(p.id.desc()).limit(LATEST).subquery()
    rows = await db.execute(sa.select(newest.c.server_id, newest.c.intervals).where(newest.c.last_at >= since))
    return [(server, datetime.fromisoformat(began), seconds) for server, parts in rows for began, seconds in parts]


async def playing(db: AsyncConnection) -> dict[str, int]:
    """Return how many playbacks are open and not paused, by server."""
    p = playback.c
    query = sa.select(p.server_id, sa.func.count()).where(p.open.is_(True), p.state == "playing")
    return {row[0]: row[1] for row in await db.execute(query.group_by(p.server_id))}


async def server_version(db: AsyncConnection) -> str:
    """Return what the database says of its own version."""
    asked = "SELECT sqlite_version()" if db.dialect.name == "sqlite" else "SHOW server_version"
    return str((await db.execute(sa.text(asked))).scalar_one())
