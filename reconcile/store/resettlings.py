"""Resettlings as kept: which rules were changed, how far the history is settled by them, and what that did."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.check_in import Key
from reconcile.store.tables import playback_key, resettling

Row = dict[str, Any]

QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"

_IN_ORDER = (
    playback_key.c.server_id,
    playback_key.c.session_id,
    playback_key.c.user_id,
    playback_key.c.item_id,
)
_KEYS = sa.select(playback_key.c.id, *_IN_ORDER).order_by(*_IN_ORDER)


async def add(db: AsyncConnection, now: datetime, changes: Mapping[str, object], *, dry_run: bool) -> Row:
    """Ask for a resettling by *changes* of settings, and return its row."""
    values = {"requested_at": now, "changes": dict(changes), "dry_run": dry_run, "state": QUEUED}
    row = (await db.execute(sa.insert(resettling).values(**values).returning(*resettling.c))).mappings().one()
    return dict(row)


async def resettlings(db: AsyncConnection, before: int | None, most: int) -> list[Row]:
    """Return up to *most* resettlings, newest first, asked for before the one numbered *before*."""
    query = sa.select(resettling).order_by(resettling.c.id.desc()).limit(most)
    if before is not None:
        query = query.where(resettling.c.id < before)
    return [dict(row) for row in (await db.execute(query)).mappings()]


async def one(db: AsyncConnection, number: int) -> Row | None:
    """Return one resettling, None if there is none of that id."""
    row = (await db.execute(sa.select(resettling).where(resettling.c.id == number))).mappings().first()
    return None if row is None else dict(row)


async def next_one(db: AsyncConnection) -> Row | None:
    """Return the oldest one that is not over: one that was running when the process died runs again."""
    is_open = resettling.c.state.in_([QUEUED, RUNNING])
    row = (await db.execute(sa.select(resettling).where(is_open).order_by(resettling.c.id).limit(1))).mappings().first()
    return None if row is None else dict(row)


async def note(db: AsyncConnection, number: int, **values: object) -> None:
    """Note how far it is: ``state``, ``done``, ``total`` or ``result``."""
    await db.execute(sa.update(resettling).where(resettling.c.id == number).values(**values))


async def count_keys(db: AsyncConnection) -> int:
    """Return how many keys there are."""
    return int((await db.execute(sa.select(sa.func.count()).select_from(playback_key))).scalar_one())


async def keys_after(db: AsyncConnection, place: Key | None, most: int) -> list[tuple[int, Key]]:
    """Return about *most* keys after *place*, in order; those of one session, which end one another, together."""
    query = _KEYS.limit(most)
    if place is not None:
        query = query.where(sa.tuple_(*_IN_ORDER) > sa.tuple_(*(sa.literal(part) for part in _parts(place))))
    found = [(row[0], Key(*row[1:])) for row in await db.execute(query)]
    if len(found) < most:
        return found
    last = found[-1][1]
    k = playback_key.c
    rest = _KEYS.where(
        k.server_id == last.server_id,
        k.session_id == last.session_id,
        sa.tuple_(k.user_id, k.item_id) > sa.tuple_(sa.literal(last.user_id), sa.literal(last.item_id)),
    )
    return found + [(row[0], Key(*row[1:])) for row in await db.execute(rest)]


def _parts(key: Key) -> tuple[str, str, str, str]:
    return (key.server_id, key.session_id, key.user_id, key.item_id)
