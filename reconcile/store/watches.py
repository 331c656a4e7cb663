"""Watches as kept: one row per account, media, unit and day, always computed anew from its playbacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.days import Watch
from reconcile.store.channels import mask_of
from reconcile.store.tables import watch, watch_playback

Row = dict[str, Any]


_OF_UNIT = sa.select(watch).where(
    watch.c.account_id == sa.bindparam("account"),
    watch.c.media_id == sa.bindparam("media"),
    watch.c.unit == sa.bindparam("shown"),
)


async def of_unit(db: AsyncConnection, account_id: int, media_id: int, unit: str) -> dict[str, Row]:
    """Return the kept rows of one unit by day, each with its ``playbacks``."""
    asked = {"account": account_id, "media": media_id, "shown": unit}
    rows = {row["day"]: dict(row) | {"playbacks": []} for row in (await db.execute(_OF_UNIT, asked)).mappings()}
    by_id = {row["id"]: row for row in rows.values()}
    if by_id:
        told = sa.select(watch_playback.c.watch_id, watch_playback.c.playback_id)
        for watch_id, number in await db.execute(told.where(watch_playback.c.watch_id.in_(by_id))):
            by_id[watch_id]["playbacks"].append(number)
    for row in rows.values():
        row["playbacks"].sort()
    return rows


def values_of(found: Watch) -> Row:
    """Return the columns of a watch, and its ``playbacks`` by id."""
    return {
        "day": found.day.isoformat(),
        "watched_at": found.watched_at,
        "started_at": found.started_at,
        "completed": found.completed,
        "partial": found.partial,
        "plays": found.plays,
        "percent": round(found.percent, 2),
        "watched_seconds": round(found.watched_seconds, 3),
        "verdict": found.verdict.value,
        "sentence": found.sentence,
        "channels": mask_of(found.channels),
        "playbacks": sorted(int(name) for name in found.playbacks),
    }


def differs(kept: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Say whether what is *kept* is not what *row* says."""
    return any(kept[name] != value for name, value in row.items())


async def add(db: AsyncConnection, row: Row, now: datetime) -> None:
    """Keep a new watch."""
    values = {name: value for name, value in row.items() if name != "playbacks"} | {"updated_at": now}
    number = int((await db.execute(sa.insert(watch).values(**values).returning(watch.c.id))).scalar_one())
    await _set_playbacks(db, number, row["playbacks"])


async def change(db: AsyncConnection, number: int, row: Row, now: datetime) -> None:
    """Rewrite the watch *number*."""
    values = {name: value for name, value in row.items() if name != "playbacks"} | {"updated_at": now}
    await db.execute(sa.update(watch).where(watch.c.id == number).values(**values))
    await db.execute(sa.delete(watch_playback).where(watch_playback.c.watch_id == number))
    await _set_playbacks(db, number, row["playbacks"])


async def _set_playbacks(db: AsyncConnection, number: int, playbacks: Iterable[int]) -> None:
    rows = [{"watch_id": number, "playback_id": each} for each in playbacks]
    if rows:
        await db.execute(sa.insert(watch_playback), rows)


async def remove(db: AsyncConnection, number: int) -> None:
    """Forget the watch *number*: its playbacks no longer make one."""
    await db.execute(sa.delete(watch).where(watch.c.id == number))
