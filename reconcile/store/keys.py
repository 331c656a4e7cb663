"""Keys: the small integers that stand for (server, session, user, item), and what is known of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.check_in import Key
from reconcile.playback.facts import Facts
from reconcile.store.tables import playback_key
from reconcile.store.upsert import upsert

CHUNK = 400
"""How many values one statement carries: SQLite allows 32,766 parameters, and long lists plan badly."""


class KeyRow(msgspec.Struct):
    """A key as kept. *version* grows with its evidence, *facts* are merged over the channels."""

    id: int
    key: Key
    version: int
    facts: Facts


_COLUMNS = (
    playback_key.c.id,
    playback_key.c.server_id,
    playback_key.c.session_id,
    playback_key.c.user_id,
    playback_key.c.item_id,
    playback_key.c.version,
    playback_key.c.facts,
)


def _row(row: Sequence[object]) -> KeyRow:
    number, server, session, user, item, version, facts = row
    told = msgspec.convert(facts, Facts)
    return msgspec.convert(
        {"id": number, "key": Key(str(server), str(session), str(user), str(item)), "version": version, "facts": told},
        KeyRow,
    )


def _is_one_of(keys: Iterable[Key]) -> sa.ColumnElement[bool]:
    c = playback_key.c
    return sa.or_(
        *(
            sa.and_(
                c.server_id == k.server_id,
                c.session_id == k.session_id,
                c.user_id == k.user_id,
                c.item_id == k.item_id,
            )
            for k in keys
        )
    )


async def find(db: AsyncConnection, keys: Collection[Key]) -> dict[Key, KeyRow]:
    """Return the rows of those *keys* that are known."""
    found: dict[Key, KeyRow] = {}
    wanted = list(keys)
    for start in range(0, len(wanted), CHUNK // 4):
        rows = await db.execute(sa.select(*_COLUMNS).where(_is_one_of(wanted[start : start + CHUNK // 4])))
        for row in rows:
            known = _row(row)
            found[known.key] = known
    return found


async def find_or_add(db: AsyncConnection, keys: Collection[Key]) -> dict[Key, KeyRow]:
    """Return the rows of *keys*; those not known yet are made."""
    found = await find(db, keys)
    missing = [key for key in keys if key not in found]
    if missing:
        statement = upsert(db, playback_key).on_conflict_do_nothing()
        await db.execute(statement, [{**msgspec.structs.asdict(key), "version": 0, "facts": {}} for key in missing])
        found.update(await find(db, missing))
    return found


async def by_id(db: AsyncConnection, ids: Collection[int]) -> dict[int, KeyRow]:
    """Return the rows of the keys numbered *ids*."""
    found: dict[int, KeyRow] = {}
    wanted = list(ids)
    for start in range(0, len(wanted), CHUNK):
        rows = await db.execute(sa.select(*_COLUMNS).where(playback_key.c.id.in_(wanted[start : start + CHUNK])))
        for row in rows:
            known = _row(row)
            found[known.id] = known
    return found


async def relatives(db: AsyncConnection, keys: Collection[Key]) -> dict[Key, KeyRow]:
    """Return the keys of the same session and item (other users), and of the same user and item (other sessions)."""
    c = playback_key.c
    found: dict[Key, KeyRow] = {}
    wanted = list(keys)
    for start in range(0, len(wanted), CHUNK // 8):
        part = wanted[start : start + CHUNK // 8]
        condition = sa.or_(
            *(
                sa.and_(c.server_id == k.server_id, c.item_id == k.item_id, mine)
                for k in part
                for mine in (c.session_id == k.session_id, c.user_id == k.user_id)
            )
        )
        for row in await db.execute(sa.select(*_COLUMNS).where(condition)):
            known = _row(row)
            if known.key not in keys:
                found[known.key] = known
    return found


async def save(db: AsyncConnection, rows: Sequence[KeyRow]) -> None:
    """Keep the facts of *rows*, and note that the evidence of each has changed."""
    if not rows:
        return
    statement = (
        sa.update(playback_key)
        .where(playback_key.c.id == sa.bindparam("key"))
        .values(version=playback_key.c.version + 1, facts=sa.bindparam("told"))
    )
    await db.execute(statement, [{"key": row.id, "told": row.facts} for row in rows])
