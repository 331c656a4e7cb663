"""How servers are reached, as kept: their addresses, and their keys, which only the data folder's key file opens."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store.tables import server


class Connection(msgspec.Struct, frozen=True):
    """The address of a server, and its API key as `Safe.encrypted` made it."""

    server_id: str
    url: str
    sealed_key: bytes


def purpose(server_id: str) -> str:
    """Return what a server's key is encrypted for."""
    return f"server/{server_id}"


async def connections(db: AsyncConnection) -> list[Connection]:
    """Return how each server is reached whose address and key are kept."""
    c = server.c
    query = sa.select(c.id, c.url, c.api_key_encrypted).where(c.url.is_not(None), c.api_key_encrypted.is_not(None))
    return [Connection(*row) for row in await db.execute(query.order_by(c.first_seen_at))]


async def set_key(db: AsyncConnection, server_id: str, sealed: bytes) -> None:
    """Keep a server's key, encrypted."""
    await db.execute(sa.update(server).where(server.c.id == server_id).values(api_key_encrypted=sealed))
