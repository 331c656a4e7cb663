"""Replays as kept: what was asked for, how far it is, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store.tables import replay

Row = dict[str, Any]

QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"


async def add(db: AsyncConnection, now: datetime, since: datetime, until: datetime | None, *, dry_run: bool) -> Row:
    """Ask for a replay, and return its row."""
    values = {"requested_at": now, "since": since, "until": until, "dry_run": dry_run, "state": QUEUED}
    row = (await db.execute(sa.insert(replay).values(**values).returning(*replay.c))).mappings().one()
    return dict(row)


async def replays(db: AsyncConnection, before: int | None, most: int) -> list[Row]:
    """Return up to *most* replays, newest first, asked for before the one numbered *before*."""
    query = sa.select(replay).order_by(replay.c.id.desc()).limit(most)
    if before is not None:
        query = query.where(replay.c.id < before)
    return [dict(row) for row in (await db.execute(query)).mappings()]


async def one(db: AsyncConnection, number: int) -> Row | None:
    """Return one replay, None if there is none of that id."""
    row = (await db.execute(sa.select(replay).where(replay.c.id == number))).mappings().first()
    return None if row is None else dict(row)


async def next_one(db: AsyncConnection) -> Row | None:
    """Return the oldest replay that is not over: one that was running when the process died runs again."""
    query = sa.select(replay).where(replay.c.state.in_([QUEUED, RUNNING])).order_by(replay.c.id).limit(1)
    row = (await db.execute(query)).mappings().first()
    return None if row is None else dict(row)


async def note(db: AsyncConnection, number: int, **values: object) -> None:
    """Note how far a replay is: ``state`` or ``result``."""
    await db.execute(sa.update(replay).where(replay.c.id == number).values(**values))
