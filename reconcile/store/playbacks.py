"""Playbacks as kept: derived rows that keep their ids while the evidence under them grows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.edges import Sibling
from reconcile.playback.playback import Playback
from reconcile.store.channels import mask_of
from reconcile.store.keys import CHUNK
from reconcile.store.tables import playback, playback_key, playback_unit
from reconcile.store.types import as_json


class Kept(msgspec.Struct):
    """A playback's row, as far as cutting again needs it. The rest is rewritten whole."""

    id: int
    key_id: int
    account_id: int | None
    media_id: int | None
    units: tuple[str, ...]
    started_at: datetime
    first_at: datetime
    last_at: datetime
    ended_at: datetime
    open: bool
    values: dict[str, Any]


_BORDERS = (
    playback.c.id,
    playback.c.key_id,
    playback.c.account_id,
    playback.c.media_id,
    playback.c.unit,
    playback.c.started_at,
    playback.c.first_at,
    playback.c.last_at,
    playback.c.ended_at,
    playback.c.open,
)


_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_OF_KEYS = (
    sa.select(playback)
    .where(
        playback.c.key_id.in_(sa.bindparam("ids", expanding=True)),
        playback.c.last_at >= sa.bindparam("since", type_=playback.c.last_at.type),
    )
    .order_by(playback.c.first_at)
)


async def of_keys(db: AsyncConnection, ids: Collection[int], since: datetime | None = None) -> dict[int, list[Kept]]:
    """Return the playbacks of the keys numbered *ids* that were not over by *since*, by key, oldest first."""
    found: dict[int, list[Kept]] = {number: [] for number in ids}
    wanted = list(ids)
    for start in range(0, len(wanted), CHUNK):
        asked = {"ids": wanted[start : start + CHUNK], "since": since or _LONG_AGO}
        for row in (await db.execute(_OF_KEYS, asked)).mappings():
            values = dict(row)
            found[values["key_id"]].append(
                Kept(
                    id=values.pop("id"),
                    key_id=values["key_id"],
                    account_id=values["account_id"],
                    media_id=values["media_id"],
                    units=tuple(values["unit"].split()) or ("",),
                    started_at=values["started_at"],
                    first_at=values["first_at"],
                    last_at=values["last_at"],
                    ended_at=values["ended_at"] or values["last_at"],
                    open=values["open"],
                    values=values,
                )
            )
    return found


async def ended_before(db: AsyncConnection, instants: Mapping[int, datetime]) -> dict[int, datetime]:
    """Return the end of the last playback of each key that began before its instant; keys without one are missing."""
    found: dict[int, datetime] = {}
    wanted = sorted(instants)
    for start in range(0, len(wanted), CHUNK):
        part = wanted[start : start + CHUNK]
        asked = {"ids": part, "until": max(instants[number] for number in part)}
        for number, first_at, ended_at in await db.execute(_ENDED_BEFORE, asked):
            if first_at < instants[number]:
                found[number] = max(ended_at, found.get(number, ended_at))
    return found


_ENDED_BEFORE = sa.select(playback.c.key_id, playback.c.first_at, playback.c.ended_at).where(
    playback.c.key_id.in_(sa.bindparam("ids", expanding=True)),
    playback.c.first_at < sa.bindparam("until", type_=playback.c.first_at.type),
    playback.c.ended_at.is_not(None),
)


class Begun(msgspec.Struct, frozen=True):
    """A playback's beginning, its key, and its last check-in."""

    key_id: int
    sibling: Sibling
    last_at: datetime


_BEGUN = (
    sa.select(
        playback.c.key_id,
        playback.c.first_at,
        playback.c.started_at,
        playback.c.last_at,
        playback_key.c.session_id,
        playback_key.c.user_id,
    )
    .join(playback_key, playback_key.c.id == playback.c.key_id)
    .where(
        playback_key.c.server_id == sa.bindparam("server"),
        playback_key.c.session_id.in_(sa.bindparam("sessions", expanding=True)),
        playback.c.last_at >= sa.bindparam("since", type_=playback.c.last_at.type),
    )
)


async def begun_in(
    db: AsyncConnection, seats: Mapping[tuple[str, str, str], datetime]
) -> dict[tuple[str, str, str], list[Begun]]:
    """Return the playbacks in each of *seats* (server, session, user) that were not over by the instant given."""
    found: dict[tuple[str, str, str], list[Begun]] = {}
    by_server: dict[str, dict[str, datetime]] = {}
    for (server_id, session_id, _user), since in seats.items():
        sessions = by_server.setdefault(server_id, {})
        sessions[session_id] = min(since, sessions.get(session_id, since))
    for server_id, sessions in by_server.items():
        ids = sorted(sessions)
        for start in range(0, len(ids), CHUNK):
            part = ids[start : start + CHUNK]
            asked = {"server": server_id, "sessions": part, "since": min(sessions[each] for each in part)}
            for key_id, first, began, last, session_id, user_id in await db.execute(_BEGUN, asked):
                begun = Begun(key_id, Sibling(first, began), last)
                found.setdefault((server_id, session_id, user_id), []).append(begun)
    return found


def values_of(
    key_id: int, server_id: str, account_id: int | None, media_id: int | None, units: Sequence[str], found: Playback
) -> dict[str, Any]:
    """Return the columns of a playback, without its verdict."""
    return growing(found) | {
        "key_id": key_id,
        "server_id": server_id,
        "account_id": account_id,
        "media_id": media_id,
        "unit": " ".join(units),
        "open": found.is_open,
        "first_at": found.first_at,
        "ended_by": found.ended_by.value if found.ended_by is not None else None,
        "looks": [at.isoformat() for at in found.looks],
        "server_completed": found.server_completed,
    }


def growing(found: Playback) -> dict[str, Any]:
    """Return the columns of a playback that one more check-in may change, and when it began."""
    return {
        "state": "ended" if found.ended_by is not None else found.state.value,
        "started_at": found.started_at,
        "last_at": found.last_at,
        "ended_at": found.ended_at,
        "due_at": found.due_at,
        "watched_seconds": round(found.watched_seconds, 3),
        "reached_seconds": round(found.reached_seconds, 3),
        "position_seconds": None if found.position is None else round(found.position, 3),
        "covered": _rounded(found.covered),
        "skipped": _rounded(found.skipped) if found.skipped else [],
        "intervals": [[as_json(s.at), round(s.seconds, 3)] for s in found.stretches],
        "channels": mask_of(found.channels),
        "completed_at": found.completed_at,
    }


def _rounded(parts: Sequence[tuple[float, float]]) -> list[list[float]]:
    return [[round(start, 3), round(end, 3)] for start, end in parts]


VERDICTLESS: dict[str, Any] = {"completed": False, "verdict": "", "sentence": "", "rules": "", "runtime_seconds": None}


async def add(db: AsyncConnection, values: dict[str, Any]) -> int:
    """Keep a new playback and return its id."""
    return int((await db.execute(_ADD, VERDICTLESS | values)).scalar_one())


_ADD = sa.insert(playback).returning(playback.c.id)


async def change(db: AsyncConnection, rows: Sequence[tuple[int, dict[str, Any]]]) -> None:
    """Rewrite playbacks: (id, columns), of which all name the same."""
    if not rows:
        return
    names = tuple(rows[0][1])
    told = [{"number": number} | {f"new_{name}": values[name] for name in names} for number, values in rows]
    await db.execute(_changed(names), told)


@cache
def _changed(names: tuple[str, ...]) -> sa.Update:
    statement = sa.update(playback).where(playback.c.id == sa.bindparam("number"))
    return statement.values({name: sa.bindparam(f"new_{name}") for name in names})


async def remove(db: AsyncConnection, ids: Collection[int]) -> None:
    """Forget playbacks that the evidence no longer tells of."""
    if ids:
        await db.execute(sa.delete(playback).where(playback.c.id.in_(ids)))


async def set_units(
    db: AsyncConnection, number: int, account_id: int | None, media_id: int | None, units: Sequence[str]
) -> None:
    """Note which units of which media the playback *number* shows, instead of those that it showed."""
    await db.execute(_NO_UNITS, {"number": number})
    await add_units(db, units_of(number, account_id, media_id, units))


def units_of(number: int, account_id: int | None, media_id: int | None, units: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows that say which units of which media the playback *number* shows."""
    if account_id is None or media_id is None:
        return []
    told = {"playback_id": number, "account_id": account_id, "media_id": media_id, "share": 1.0 / len(units)}
    return [told | {"unit": unit} for unit in units]


async def add_units(db: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep what `units_of` returned of new playbacks."""
    if rows:
        await db.execute(_ADD_UNITS, rows)


_NO_UNITS = sa.delete(playback_unit).where(playback_unit.c.playback_id == sa.bindparam("number"))
_ADD_UNITS = sa.insert(playback_unit)


async def due(db: AsyncConnection, now: datetime, ahead: Mapping[str, timedelta], most: int) -> list[int]:
    """Return the keys of open playbacks whose limit has passed; *ahead* is how far each server's clock is, of *now*."""
    c = playback.c
    passed = [sa.and_(c.server_id == server_id, c.due_at <= now + more) for server_id, more in ahead.items()]
    passed.append(sa.and_(c.server_id.not_in(ahead), c.due_at <= now))
    query = sa.select(c.key_id).where(c.due_at.is_not(None), sa.or_(*passed)).order_by(c.due_at).limit(most)
    return list(dict.fromkeys((await db.execute(query)).scalars()))


async def open_keys(db: AsyncConnection, server_id: str | None = None) -> list[int]:
    """Return the keys of open playbacks, of one server or of all."""
    query = sa.select(playback.c.key_id).where(playback.c.open.is_(True)).distinct()
    if server_id is not None:
        query = query.where(playback.c.server_id == server_id)
    return list((await db.execute(query)).scalars())


async def around(db: AsyncConnection, server_id: str, since: datetime, until: datetime) -> list[int]:
    """Return the keys of a server's playbacks that may have ended between *since* and *until*."""
    return list((await db.execute(_AROUND_IT, {"server": server_id, "since": since, "until": until})).scalars())


_AROUND_IT = (
    sa.select(playback.c.key_id)
    .where(
        playback.c.server_id == sa.bindparam("server"),
        playback.c.last_at >= sa.bindparam("since", type_=playback.c.last_at.type),
        playback.c.last_at < sa.bindparam("until", type_=playback.c.last_at.type),
    )
    .distinct()
)


async def open_of(db: AsyncConnection, ids: Collection[int]) -> dict[int, list[Kept]]:
    """Return the open playbacks of the keys numbered *ids*, by key; keys without one are missing."""
    found = await of_keys(db, ids)
    still = {number: [each for each in kept if each.open] for number, kept in found.items()}
    return {number: kept for number, kept in still.items() if kept}


async def unthinned(db: AsyncConnection, before: datetime, most: int) -> dict[int, datetime]:
    """Return keys whose playbacks were all over *before* then and are not thinned yet, each with its last check-in."""
    c, k = playback.c, playback_key.c
    last = sa.func.max(c.last_at, type_=c.last_at.type)
    query = (
        sa.select(c.key_id, last)
        .join(playback_key, k.id == c.key_id)
        .group_by(c.key_id, k.thinned_until)
        .having(last < before, sa.func.max(c.ended_at) < before)
        .having(sa.or_(k.thinned_until.is_(None), k.thinned_until < last))
        .limit(most)
    )
    return {row[0]: row[1] for row in await db.execute(query)}


async def set_thinned(db: AsyncConnection, key_id: int, until: datetime) -> None:
    """Note up to which check-in a key has been thinned."""
    await db.execute(sa.update(playback_key).where(playback_key.c.id == key_id).values(thinned_until=until))


async def needed_looks(db: AsyncConnection, since: datetime | None, until: datetime) -> set[tuple[str, datetime]]:
    """Return the looks (server, at) that playbacks between *since* and *until* were cut by."""
    c = playback.c
    query = sa.select(c.server_id, c.looks).where(c.started_at < until + _AROUND)
    if since is not None:
        query = query.where(c.ended_at >= since - _AROUND)
    return {(server, datetime.fromisoformat(at)) for server, looks in await db.execute(query) for at in looks}


_AROUND = timedelta(days=1)
"""How far from a playback's ends the looks that it needed lie at the most."""
