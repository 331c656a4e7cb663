"""Servers as kept: the media servers that evidence names, or that we were told to ask."""

from __future__ import annotations

from datetime import datetime
from functools import cache

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store.tables import server
from reconcile.store.upsert import upsert, upsert_of


class Server(msgspec.Struct, frozen=True):
    """A Jellyfin server. *id* is the one it gives itself; its clock is *clock_offset_seconds* ahead of ours."""

    id: str
    name: str | None
    url: str | None
    version: str | None
    first_seen_at: datetime
    clock_offset_seconds: float


async def all_of_them(db: AsyncConnection) -> list[Server]:
    """Return every server."""
    names = Server.__struct_fields__
    rows = await db.execute(sa.select(*(server.c[name] for name in names)).order_by(server.c.first_seen_at))
    return [Server(*row) for row in rows]


async def see(
    db: AsyncConnection,
    server_id: str,
    now: datetime,
    *,
    name: str | None = None,
    url: str | None = None,
    version: str | None = None,
) -> None:
    """Make a server's row at first sight, and keep what else was told of it."""
    told = {key: value for key, value in (("name", name), ("url", url), ("version", version)) if value}
    first = {"id": server_id, "first_seen_at": now, "clock_offset_seconds": 0}
    if told:
        statement = upsert(db, server).values(**first, **told)
        await db.execute(statement.on_conflict_do_update(index_elements=[server.c.id], set_=told))
    else:
        await db.execute(_seen(db.dialect.name), first)


@cache
def _seen(dialect: str) -> sa.Insert:
    return upsert_of(dialect, server).on_conflict_do_nothing()


async def set_clock(db: AsyncConnection, server_id: str, ahead: float) -> None:
    """Keep how many seconds a server's clock is ahead of ours."""
    await db.execute(sa.update(server).where(server.c.id == server_id).values(clock_offset_seconds=ahead))
