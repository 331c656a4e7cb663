"""Marks by hand as kept: the set of them by key, and the units that they mark, which are derived."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.check_in import Mark
from reconcile.store.keys import CHUNK
from reconcile.store.tables import manual_mark, marked_unit
from reconcile.store.upsert import upsert
from reconcile.store.verdicts import by_account

Unit = tuple[int, int, str]
"""(account id, media id, unit)."""

Placed = tuple[int, int, datetime, tuple[str, ...]]
"""For which account, as which media, when and as which units a key is marked."""


async def keep(db: AsyncConnection, told: Iterable[tuple[int, Mark]]) -> dict[int, datetime]:
    """Keep marks (key id, mark); return the keys for which one was news, each with its earliest instant."""
    fresh: dict[int, datetime] = {}
    for key_id, mark in sorted(told, key=lambda each: (each[0], each[1].at, each[1].played)):
        statement = upsert(db, manual_mark).values(key_id=key_id, at=mark.at, played=mark.played)
        kept = statement.on_conflict_do_nothing().returning(manual_mark.c.key_id)
        if (await db.execute(kept)).first() is not None:
            fresh[key_id] = min(mark.at, fresh.get(key_id, mark.at))
    return fresh


async def of_keys(db: AsyncConnection, ids: Collection[int]) -> dict[int, list[Mark]]:
    """Return the marks of the keys numbered *ids*; keys without any are missing."""
    found: dict[int, list[Mark]] = {}
    wanted, c = sorted(ids), manual_mark.c
    for start in range(0, len(wanted), CHUNK):
        query = sa.select(c.key_id, c.at, c.played).where(c.key_id.in_(wanted[start : start + CHUNK]))
        for number, at, played in await db.execute(query):
            found.setdefault(number, []).append(Mark(at, played))
    return found


async def place(db: AsyncConnection, key_id: int, placed: Placed | None) -> set[Unit]:
    """Note what a key marks (None: nothing any longer); return the units that this changes."""
    c = marked_unit.c
    query = sa.select(c.account_id, c.media_id, c.unit, c.at).where(c.key_id == key_id)
    before = {(row[0], row[1], row[2], row[3]) for row in await db.execute(query)}
    after: set[tuple[int, int, str, datetime]] = set()
    if placed is not None:
        account_id, media_id, at, units = placed
        after = {(account_id, media_id, unit, at) for unit in units}
    if before == after:
        return set()
    await db.execute(sa.delete(marked_unit).where(c.key_id == key_id))
    names = ("account_id", "media_id", "unit", "at")
    rows = [{"key_id": key_id} | dict(zip(names, each, strict=True)) for each in sorted(after)]
    if rows:
        await db.execute(sa.insert(marked_unit), rows)
    return {(account_id, media_id, unit) for account_id, media_id, unit, _at in before ^ after}


_OF_UNITS = sa.select(marked_unit.c.account_id, marked_unit.c.media_id, marked_unit.c.unit, marked_unit.c.at).where(
    marked_unit.c.account_id == sa.bindparam("account"),
    marked_unit.c.media_id.in_(sa.bindparam("media", expanding=True)),
    marked_unit.c.unit.in_(sa.bindparam("units", expanding=True)),
)


async def of_units(db: AsyncConnection, units: Collection[Unit]) -> dict[Unit, list[datetime]]:
    """Return when each of *units* (account, media, unit) was marked; those that were not are missing."""
    found: dict[Unit, list[datetime]] = {}
    for account_id, media_ids, names in by_account(units):
        asked = {"account": account_id, "media": media_ids, "units": names}
        for account, number, unit, at in await db.execute(_OF_UNITS, asked):
            if (account, number, unit) in units:
                found.setdefault((account, number, unit), []).append(at)
    return found
