"""Keys: the small integers that stand for (server, session, user, item), and what is known of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.check_in import Key
from reconcile.playback.facts import Facts
from reconcile.store.tables import playback_key
from reconcile.store.upsert import upsert_of

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


def _row(row: Sequence[Any]) -> KeyRow:
    number, server, session, user, item, version, facts = row
    return KeyRow(number, Key(server, session, user, item), version, msgspec.convert(facts, Facts))


_FIND = sa.select(*_COLUMNS).where(
    playback_key.c.server_id == sa.bindparam("server_id"),
    playback_key.c.session_id == sa.bindparam("session_id"),
    playback_key.c.user_id == sa.bindparam("user_id"),
    playback_key.c.item_id == sa.bindparam("item_id"),
)


_PAIRS = 25
"""How many keys are looked for at once: every item in every session, which the index answers one by one."""

_FIND_SOME = sa.select(*_COLUMNS).where(
    playback_key.c.server_id == sa.bindparam("server"),
    playback_key.c.item_id.in_(sa.bindparam("items", expanding=True)),
    playback_key.c.session_id.in_(sa.bindparam("sessions", expanding=True)),
)


async def find(db: AsyncConnection, keys: Collection[Key]) -> dict[Key, KeyRow]:
    """Return the rows of those *keys* that are known."""
    found: dict[Key, KeyRow] = {}
    wanted = list(keys)
    if len(wanted) == 1:
        rows = [*await db.execute(_FIND, msgspec.structs.asdict(wanted[0]))]
        return {known.key: known for known in map(_row, rows)}
    by_server: dict[str, list[Key]] = {}
    for key in sorted(wanted, key=lambda key: (key.server_id, key.item_id)):
        by_server.setdefault(key.server_id, []).append(key)
    for server_id, mine in by_server.items():
        for start in range(0, len(mine), _PAIRS):
            part = set(mine[start : start + _PAIRS])
            asked = {"items": sorted({k.item_id for k in part}), "sessions": sorted({k.session_id for k in part})}
            for row in await db.execute(_FIND_SOME, asked | {"server": server_id}):
                if (key := Key(*row[1:5])) in part:
                    found[key] = _row(row)
    return found


@cache
def _added(dialect: str) -> sa.Insert:
    return upsert_of(dialect, playback_key).on_conflict_do_nothing()


async def find_or_add(db: AsyncConnection, keys: Collection[Key]) -> dict[Key, KeyRow]:
    """Return the rows of *keys*; those not known yet are made."""
    found = await find(db, keys)
    missing = [key for key in keys if key not in found]
    if missing:
        await db.execute(
            _added(db.dialect.name), [{**msgspec.structs.asdict(key), "version": 0, "facts": {}} for key in missing]
        )
        found.update(await find(db, missing))
    return found


_BY_ID = sa.select(*_COLUMNS).where(playback_key.c.id.in_(sa.bindparam("ids", expanding=True)))


async def by_id(db: AsyncConnection, ids: Collection[int]) -> dict[int, KeyRow]:
    """Return the rows of the keys numbered *ids*."""
    found: dict[int, KeyRow] = {}
    wanted = list(ids)
    for start in range(0, len(wanted), CHUNK):
        for row in await db.execute(_BY_ID, {"ids": wanted[start : start + CHUNK]}):
            known = _row(row)
            found[known.id] = known
    return found


_OF_ITEMS = sa.select(*_COLUMNS).where(
    playback_key.c.server_id == sa.bindparam("server"),
    playback_key.c.item_id.in_(sa.bindparam("items", expanding=True)),
)


async def relatives(db: AsyncConnection, keys: Collection[Key]) -> dict[Key, list[KeyRow]]:
    """Return for each of *keys* those of the same item in its session (other users) or of its user (other sessions)."""
    items: dict[str, set[str]] = {}
    for key in keys:
        items.setdefault(key.server_id, set()).add(key.item_id)
    seats: dict[tuple[str, str, str], list[KeyRow]] = {}
    for server_id, wanted in items.items():
        ids = sorted(wanted)
        for start in range(0, len(ids), CHUNK):
            for row in await db.execute(_OF_ITEMS, {"server": server_id, "items": ids[start : start + CHUNK]}):
                known = _row(row)
                for place in (known.key.session_id, known.key.user_id):
                    seats.setdefault((server_id, known.key.item_id, place), []).append(known)
    found: dict[Key, list[KeyRow]] = {}
    for key in keys:
        near = [
            row for place in (key.session_id, key.user_id) for row in seats.get((key.server_id, key.item_id, place), ())
        ]
        others = {row.id: row for row in near if row.key != key}
        if others:
            found[key] = list(others.values())
    return found


async def save(db: AsyncConnection, rows: Sequence[KeyRow]) -> None:
    """Keep the facts of *rows*."""
    if not rows:
        return
    await db.execute(_SAVE, [{"key": row.id, "told": row.facts} for row in rows])


async def touch(db: AsyncConnection, ids: Collection[int]) -> dict[int, int]:
    """Note that the evidence of the keys numbered *ids* has changed; return the new version of each."""
    found: dict[int, int] = {}
    wanted = sorted(ids)
    for start in range(0, len(wanted), CHUNK):
        for row in await db.execute(_TOUCH, {"ids": wanted[start : start + CHUNK]}):
            found[row[0]] = row[1]
    return found


_SAVE = sa.update(playback_key).where(playback_key.c.id == sa.bindparam("key")).values(facts=sa.bindparam("told"))
_TOUCH = (
    sa.update(playback_key)
    .where(playback_key.c.id.in_(sa.bindparam("ids", expanding=True)))
    .values(version=playback_key.c.version + 1)
    .returning(playback_key.c.id, playback_key.c.version)
)
