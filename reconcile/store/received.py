"""Reading what came in: pages of deliveries, and what could not be read, counted."""

from __future__ import annotations

import zlib
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store.tables import delivery, rejected, rejected_count

Row = dict[str, Any]


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """Which deliveries are wanted; None: all."""

    server: str | None = None
    user: str | None = None
    kind: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def deliveries(db: AsyncConnection, sought: Sought, before: int | None, most: int) -> list[Row]:
    """Return up to *most* deliveries without their bodies, newest first, kept before the one numbered *before*."""
    c = delivery.c
    query = sa.select(*(each for each in c if each.name != "body")).order_by(c.id.desc()).limit(most)
    equal = ((c.server_id, sought.server), (c.user_id, sought.user), (c.kind, sought.kind), (c.outcome, sought.outcome))
    for column, value in equal:
        if value is not None:
            query = query.where(column == value)
    if sought.since is not None:
        query = query.where(c.received_at >= sought.since)
    if sought.until is not None:
        query = query.where(c.received_at < sought.until)
    if before is not None:
        query = query.where(c.id < before)
    return [dict(row) for row in (await db.execute(query)).mappings()]


async def one_delivery(db: AsyncConnection, number: int) -> Row | None:
    """Return a delivery with its body as it was received."""
    return await _with_body(db, sa.select(delivery).where(delivery.c.id == number))


async def rejections(db: AsyncConnection, skip: int, most: int) -> list[Row]:
    """Return kinds of bodies that could not be read, the latest first, each with the ids of its ``examples``."""
    c = rejected_count.c
    order = (c.last_at.desc(), c.reason, c.place)
    query = sa.select(rejected_count).order_by(*order).offset(skip).limit(most)
    rows = [dict(row) | {"examples": []} for row in (await db.execute(query)).mappings()]
    by_kind = {(row["reason"], row["place"]): row for row in rows}
    examples = sa.select(rejected.c.id, rejected.c.reason, rejected.c.place).order_by(rejected.c.id)
    for number, reason, place in await db.execute(examples):
        if (reason, place) in by_kind:
            by_kind[reason, place]["examples"].append(number)
    return rows


async def rejected_reasons(db: AsyncConnection, most: int) -> list[tuple[str, int]]:
    """Return how often bodies could not be read, by reason, the most frequent first."""
    c = rejected_count.c
    times = sa.func.sum(c.count)
    query = sa.select(c.reason, times).group_by(c.reason).order_by(times.desc(), c.reason).limit(most)
    return [(row[0], int(row[1])) for row in await db.execute(query)]


async def one_rejected(db: AsyncConnection, number: int) -> Row | None:
    """Return an example of what could not be read."""
    return await _with_body(db, sa.select(rejected).where(rejected.c.id == number))


async def _with_body(db: AsyncConnection, query: sa.Select[Any]) -> Row | None:
    row = (await db.execute(query)).mappings().first()
    return None if row is None else dict(row) | {"body": zlib.decompress(row["body"]).decode("utf-8", "replace")}
