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


async def drop(db: AsyncConnection, name: str) -> None:
    """Forget what is kept under *name*."""
    await db.execute(sa.delete(setting).where(setting.c.name == name))


async def everything(db: AsyncConnection) -> dict[str, str]:
    """Return all that is kept, by name."""
    return {row[0]: row[1] for row in await db.execute(_EVERYTHING)}


async def remove(db: AsyncConnection, name: str) -> None:
    """Forget what is kept under *name*."""
    await db.execute(sa.delete(setting).where(setting.c.name == name))


_EVERYTHING = sa.select(setting.c.name, setting.c.value)
