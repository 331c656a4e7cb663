"""Small facts that the program keeps for itself, and settings that the pages change: a name and a text."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store.tables import setting
from reconcile.store.upsert import upsert


async def get(db: AsyncConnection, name: str) -> str | None:
    """Return what is kept under *name*."""
    found: str | None = (await db.execute(sa.select(setting.c.value).where(setting.c.name == name))).scalar()
    return found


async def put(db: AsyncConnection, name: str, value: str) -> None:
    """Keep *value* under *name*."""
    statement = upsert(db, setting).values(name=name, value=value)
    await db.execute(statement.on_conflict_do_update(index_elements=[setting.c.name], set_={"value": value}))
