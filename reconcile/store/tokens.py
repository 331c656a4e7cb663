"""Tokens as kept: only their fingerprints, with what each opens."""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store.tables import api_token as kept_token
from reconcile.store.tables import webhook_token
from reconcile.store.upsert import upsert


class ApiToken(msgspec.Struct, frozen=True):
    """A token for the API. *scopes* are words of `receiver.access`."""

    id: int
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None


class WebhookToken(msgspec.Struct, frozen=True):
    """A token for webhooks as it is listed; *fingerprint* opens nothing."""

    fingerprint: str
    server_id: str | None
    created_at: datetime


async def webhook_tokens(db: AsyncConnection) -> dict[str, str | None]:
    """Return the fingerprints of all webhook tokens, each with the server that it is bound to."""
    rows = await db.execute(sa.select(webhook_token.c.hash, webhook_token.c.server_id))
    return {row[0]: row[1] for row in rows}


async def listed_webhook_tokens(db: AsyncConnection) -> list[WebhookToken]:
    """Return the webhook tokens, oldest first."""
    c = webhook_token.c
    rows = await db.execute(sa.select(c.hash, c.server_id, c.created_at).order_by(c.created_at, c.hash))
    return [WebhookToken(*row) for row in rows]


async def add_webhook_token(db: AsyncConnection, fingerprint: str, server_id: str | None, now: datetime) -> None:
    """Keep a webhook token, bound to a server or to none."""
    statement = upsert(db, webhook_token).values(hash=fingerprint, server_id=server_id, created_at=now)
    await db.execute(statement.on_conflict_do_nothing())


async def api_token(db: AsyncConnection, fingerprint: str) -> ApiToken | None:
    """Return the API token with that fingerprint."""
    c = kept_token.c
    query = sa.select(c.id, c.name, c.scopes, c.created_at, c.last_used_at).where(c.hash == fingerprint)
    row = (await db.execute(query)).first()
    return None if row is None else ApiToken(row[0], row[1], tuple(row[2]), row[3], row[4])


async def add_api_token(
    db: AsyncConnection, name: str, fingerprint: str, scopes: tuple[str, ...], now: datetime
) -> int:
    """Keep an API token and return its id."""
    values = {"name": name, "hash": fingerprint, "scopes": list(scopes), "created_at": now}
    return int((await db.execute(sa.insert(kept_token).values(**values).returning(kept_token.c.id))).scalar_one())


async def used(db: AsyncConnection, number: int, now: datetime) -> None:
    """Note that the API token *number* was used."""
    await db.execute(sa.update(kept_token).where(kept_token.c.id == number).values(last_used_at=now))


async def api_tokens(db: AsyncConnection) -> list[ApiToken]:
    """Return the API tokens, oldest first."""
    c = kept_token.c
    rows = await db.execute(sa.select(c.id, c.name, c.scopes, c.created_at, c.last_used_at).order_by(c.id))
    return [ApiToken(row[0], row[1], tuple(row[2]), row[3], row[4]) for row in rows]


async def remove_api_token(db: AsyncConnection, number: int) -> bool:
    """Forget an API token; return whether there was one."""
    gone = sa.delete(kept_token).where(kept_token.c.id == number).returning(kept_token.c.id)
    return (await db.execute(gone)).first() is not None


async def remove_webhook_token(db: AsyncConnection, fingerprint: str) -> None:
    """Forget a webhook token."""
    await db.execute(sa.delete(webhook_token).where(webhook_token.c.hash == fingerprint))
