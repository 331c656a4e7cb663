"""What people said which media an item is: recorded facts, never changed, only undone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.media import Match
from reconcile.store.keys import CHUNK
from reconcile.store.tables import media_match

Row = dict[str, Any]

Item = tuple[str, str]
"""(server id, item id)."""

_SAID = tuple(Match.__struct_fields__)
_OF_ITEMS = (
    sa.select(media_match.c.server_id, media_match.c.item_id, *(media_match.c[name] for name in _SAID))
    .where(media_match.c.undone_at.is_(None), media_match.c.item_id.in_(sa.bindparam("items", expanding=True)))
    .order_by(media_match.c.id)
)


async def matches(db: AsyncConnection, local_names: Collection[str]) -> dict[str, Match]:
    """Return what holds for each of *local_names* (``server:item``): the last that was said and not undone."""
    found: dict[str, Match] = {}
    wanted = sorted({name.partition(":")[2] for name in local_names})
    for start in range(0, len(wanted), CHUNK):
        for server_id, item_id, *said in await db.execute(_OF_ITEMS, {"items": wanted[start : start + CHUNK]}):
            found[f"{server_id}:{item_id}"] = Match(*said)
    return {name: found[name] for name in local_names if name in found}


async def say(db: AsyncConnection, items: Sequence[Item], match: Match, by: str, now: datetime) -> list[int]:
    """Keep that *items* are *match*; return the ids of what was said."""
    said = msgspec.structs.asdict(match) | {"said_by": by, "said_at": now}
    made = sa.insert(media_match).returning(media_match.c.id)
    numbers = []
    for server_id, item_id in sorted(items):
        told = made.values(server_id=server_id, item_id=item_id, **said)
        numbers.append(int((await db.execute(told)).scalar_one()))
    return numbers


async def undo(db: AsyncConnection, number: int, by: str, now: datetime) -> Row | None:
    """Take back what was said under *number*; return it, None if there is no such thing, or it is undone already."""
    c = media_match.c
    undone = sa.update(media_match).where(c.id == number, c.undone_at.is_(None)).values(undone_at=now, undone_by=by)
    row = (await db.execute(undone.returning(*c))).mappings().first()
    return None if row is None else dict(row)


async def said(db: AsyncConnection, before: int | None, most: int) -> list[Row]:
    """Return up to *most* of what was said, the undone too, newest first, from before the one numbered *before*."""
    query = sa.select(media_match).order_by(media_match.c.id.desc()).limit(most)
    if before is not None:
        query = query.where(media_match.c.id < before)
    return [dict(row) for row in (await db.execute(query)).mappings()]


async def of_numbers(db: AsyncConnection, numbers: Collection[int]) -> list[Row]:
    """Return what was said under *numbers*."""
    query = sa.select(media_match).where(media_match.c.id.in_(numbers)).order_by(media_match.c.id)
    return [dict(row) for row in (await db.execute(query)).mappings()]
