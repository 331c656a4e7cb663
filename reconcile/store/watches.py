"""Watches as kept: one row per account, media, unit and day, always computed anew from its playbacks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.days import Watch
from reconcile.store.channels import mask_of
from reconcile.store.keys import CHUNK
from reconcile.store.tables import watch, watch_playback
from reconcile.store.verdicts import by_account

Row = dict[str, Any]

Unit = tuple[int, int, str]
"""(account id, media id, unit)."""


_OF_UNITS = sa.select(watch).where(
    watch.c.account_id == sa.bindparam("account"),
    watch.c.media_id.in_(sa.bindparam("media", expanding=True)),
    watch.c.unit.in_(sa.bindparam("units", expanding=True)),
)


_PLAYBACKS = sa.select(watch_playback.c.watch_id, watch_playback.c.playback_id).where(
    watch_playback.c.watch_id.in_(sa.bindparam("ids", expanding=True))
)


async def of_units(db: AsyncConnection, units: Collection[Unit]) -> dict[Unit, dict[str, Row]]:
    """Return the kept rows of *units* (account, media, unit) by day, each with its ``playbacks``."""
    found: dict[Unit, dict[str, Row]] = {unit: {} for unit in units}
    by_id: dict[int, Row] = {}
    for account_id, media_ids, names in by_account(units):
        asked = {"account": account_id, "media": media_ids, "units": names}
        for row in (await db.execute(_OF_UNITS, asked)).mappings():
            days = found.get((account_id, row["media_id"], row["unit"]))
            if days is not None:
                days[row["day"]] = by_id[row["id"]] = dict(row) | {"playbacks": []}
    ids = sorted(by_id)
    for start in range(0, len(ids), CHUNK):
        for watch_id, number in await db.execute(_PLAYBACKS, {"ids": ids[start : start + CHUNK]}):
            by_id[watch_id]["playbacks"].append(number)
    for each in by_id.values():
        each["playbacks"].sort()
    return found


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


async def add(db: AsyncConnection, row: Row, now: datetime) -> int:
    """Keep a new watch and return its id."""
    number = int((await db.execute(_ADD, _told(row) | {"updated_at": now})).scalar_one())
    await _set_playbacks(db, number, row["playbacks"])
    return number


async def change(db: AsyncConnection, number: int, row: Row, now: datetime, *, before: Row) -> None:
    """Rewrite the watch *number*, kept as *before* until now."""
    told = {f"new_{name}": value for name, value in (_told(row) | {"updated_at": now}).items()}
    await db.execute(_changed(tuple(told)), told | {"number": number})
    if before["playbacks"] != row["playbacks"]:
        await db.execute(_NO_PLAYBACKS, {"number": number})
        await _set_playbacks(db, number, row["playbacks"])


def _told(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "playbacks"}


_ADD = sa.insert(watch).returning(watch.c.id)
_ADD_PLAYBACKS = sa.insert(watch_playback)
_NO_PLAYBACKS = sa.delete(watch_playback).where(watch_playback.c.watch_id == sa.bindparam("number"))
_REMOVE = sa.delete(watch).where(watch.c.id == sa.bindparam("number"))


@cache
def _changed(names: tuple[str, ...]) -> sa.Update:
    statement = sa.update(watch).where(watch.c.id == sa.bindparam("number"))
    return statement.values({name.removeprefix("new_"): sa.bindparam(name) for name in names})


async def _set_playbacks(db: AsyncConnection, number: int, playbacks: Iterable[int]) -> None:
    rows = [{"watch_id": number, "playback_id": each} for each in playbacks]
    if rows:
        await db.execute(_ADD_PLAYBACKS, rows)


async def remove(db: AsyncConnection, number: int) -> None:
    """Forget the watch *number*: its playbacks no longer make one."""
    await db.execute(_REMOVE, {"number": number})
