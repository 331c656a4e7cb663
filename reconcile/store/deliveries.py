"""Deliveries as received, so that they can be replayed; what could not be read; and what was ignored, counted."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store.tables import delivery, rejected, rejected_count, tally
from reconcile.store.upsert import upsert

EXAMPLES = 20
"""How many bodies are kept of each kind of rejection."""

EXAMPLES_FOR = timedelta(days=7)
EXAMPLE_BYTES = 50 * 1024 * 1024

PROGRESS_FOR = timedelta(days=3)
"""How long the bodies of Progress are kept; all others as long as the owner says."""


class Delivery(msgspec.Struct):
    """One HTTP request that brought a notification. *body* is as received; *at* is its UtcTimestamp."""

    received_at: datetime
    content_type: str
    body: bytes
    kind: str = ""
    server_id: str | None = None
    user_id: str | None = None
    at: datetime | None = None
    outcome: str = ""
    reason: str = ""
    error: str | None = None
    id: int | None = None


async def add(db: AsyncConnection, found: Delivery) -> int:
    """Keep a delivery and return its id."""
    values = {n: getattr(found, n) for n in found.__struct_fields__ if n not in ("id", "body")}
    return int((await db.execute(_ADD, values | {"body": zlib.compress(found.body, 1)})).scalar_one())


_ADD = sa.insert(delivery).returning(delivery.c.id)


async def outcome(db: AsyncConnection, number: int, said: str, reason: str) -> None:
    """Note what came of the delivery *number*."""
    await db.execute(sa.update(delivery).where(delivery.c.id == number).values(outcome=said, reason=reason))


async def between(
    db: AsyncConnection, since: datetime | None, until: datetime | None, most: int = 500
) -> AsyncIterator[Delivery]:
    """Yield the kept deliveries received from *since* to *until*, oldest first."""
    c = delivery.c
    last = 0
    while True:
        query = sa.select(delivery).where(c.id > last).order_by(c.id).limit(most)
        if since is not None:
            query = query.where(c.received_at >= since)
        if until is not None:
            query = query.where(c.received_at < until)
        rows = (await db.execute(query)).mappings().all()
        for row in rows:
            yield Delivery(**dict(row) | {"body": zlib.decompress(row["body"])})
        if len(rows) < most:
            return
        last = rows[-1]["id"]


async def reject(db: AsyncConnection, found: Delivery, place: str) -> None:
    """Count a body that could not be read, and keep it as an example if there are few of its kind."""
    statement = upsert(db, rejected_count).values(reason=found.reason, place=place, count=1, last_at=found.received_at)
    keys = [rejected_count.c.reason, rejected_count.c.place]
    counted = {"count": rejected_count.c.count + 1, "last_at": statement.excluded.last_at}
    await db.execute(statement.on_conflict_do_update(index_elements=keys, set_=counted))
    c = rejected.c
    many = sa.select(sa.func.count()).where(c.reason == found.reason, c.place == place)
    size = sa.select(sa.func.coalesce(sa.func.sum(sa.func.length(c.body)), 0))
    if (await db.execute(many)).scalar_one() >= EXAMPLES or (await db.execute(size)).scalar_one() >= EXAMPLE_BYTES:
        return
    await db.execute(
        sa.insert(rejected).values(
            reason=found.reason,
            place=place,
            received_at=found.received_at,
            content_type=found.content_type,
            body=zlib.compress(found.body, 1),
        )
    )


async def rejected_bodies(db: AsyncConnection, number: int | None = None, most: int | None = None) -> list[Delivery]:
    """Return the examples of what could not be read, or only that of one *number*; at most *most* of them."""
    query = sa.select(rejected).order_by(rejected.c.id).limit(most)
    if number is not None:
        query = query.where(rejected.c.id == number)
    rows = (await db.execute(query)).mappings()
    return [
        Delivery(
            id=row["id"],
            received_at=row["received_at"],
            content_type=row["content_type"],
            body=zlib.decompress(row["body"]),
            outcome="rejected",
            reason=row["reason"],
        )
        for row in rows
    ]


async def drop_rejected(db: AsyncConnection, number: int) -> None:
    """Forget an example: it can be read now."""
    await db.execute(sa.delete(rejected).where(rejected.c.id == number))


async def count(db: AsyncConnection, reasons: Mapping[str, int]) -> None:
    """Add to how often something was ignored, by reason."""
    for reason, more in reasons.items():
        statement = upsert(db, tally).values(reason=reason, count=more)
        await db.execute(
            statement.on_conflict_do_update(index_elements=[tally.c.reason], set_={"count": tally.c.count + more})
        )


async def tallies(db: AsyncConnection) -> dict[str, int]:
    """Return how often something was ignored, by reason."""
    return {row[0]: row[1] for row in await db.execute(sa.select(tally.c.reason, tally.c.count))}


async def prune(db: AsyncConnection, now: datetime, keep_for: timedelta) -> int:
    """Forget bodies that are older than they are kept for; return how many."""
    c = delivery.c
    old = sa.or_(
        c.received_at < now - keep_for,
        sa.and_(c.kind == "PlaybackProgress", c.received_at < now - min(PROGRESS_FOR, keep_for)),
    )
    gone = await db.execute(sa.delete(delivery).where(old))
    examples = await db.execute(sa.delete(rejected).where(rejected.c.received_at < now - EXAMPLES_FOR))
    return gone.rowcount + examples.rowcount
