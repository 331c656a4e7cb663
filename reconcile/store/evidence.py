"""Evidence as kept: check-ins, bare sightings, looks. Sets: keeping a thing twice keeps it once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.check_in import CheckIn, Key, Kind
from reconcile.store.channels import channels_of, mask_of
from reconcile.store.keys import CHUNK
from reconcile.store.tables import check_in, look, playback_key, sighting
from reconcile.store.types import as_text
from reconcile.store.upsert import upsert, upsert_of

BUCKET = timedelta(seconds=5)
"""Bare sightings are kept one per key and 5 s."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _since(column: sa.ColumnElement[datetime]) -> sa.ColumnElement[bool]:
    return column >= sa.bindparam("since", type_=column.type)


# Asked for every check-in: made once, because making a statement costs more than SQLite takes to answer it.
_LINES = (
    sa.select(
        check_in.c.key_id,
        check_in.c.at,
        check_in.c.kind,
        check_in.c.position,
        check_in.c.reported,
        check_in.c.seen_at,
        check_in.c.sighted_until,
        check_in.c.channels,
        check_in.c.server_completed,
        check_in.c.left_by,
    )
    .where(check_in.c.key_id.in_(sa.bindparam("ids", expanding=True)), _since(check_in.c.at))
    .order_by(check_in.c.key_id, check_in.c.at)
)
_SIGHTINGS = (
    sa.select(sighting.c.key_id, sighting.c.at)
    .where(sighting.c.key_id.in_(sa.bindparam("ids", expanding=True)), _since(sighting.c.at))
    .order_by(sighting.c.key_id, sighting.c.at)
)
_LOOKS = sa.select(look.c.at).where(look.c.server_id == sa.bindparam("server"), _since(look.c.at)).order_by(look.c.at)


async def line(db: AsyncConnection, key_id: int, since: datetime | None) -> list[CheckIn]:
    """Return the check-ins of a key from *since* on, in order of time."""
    return (await lines(db, [key_id], since))[key_id]


async def lines(db: AsyncConnection, ids: Sequence[int], since: datetime | None) -> dict[int, list[CheckIn]]:
    """Return the check-ins of the keys numbered *ids* from *since* on, by key, each in order of time."""
    found: dict[int, list[CheckIn]] = {number: [] for number in ids}
    for start in range(0, len(ids), CHUNK):
        asked = {"ids": ids[start : start + CHUNK], "since": since or _EPOCH}
        for number, at, kind, position, reported, seen_at, until, mask, said, left in await db.execute(_LINES, asked):
            told = CheckIn(at, Kind(kind), position, reported, seen_at, until, channels_of(mask), said, left)
            found[number].append(told)
    return found


async def recent(
    db: AsyncConnection, ids: Collection[int], since: datetime
) -> dict[int, dict[datetime, list[CheckIn]]]:
    """Return the check-ins of the keys numbered *ids* from *since* on, by key and instant."""
    found: dict[int, dict[datetime, list[CheckIn]]] = {}
    for number, known in (await lines(db, list(ids), since)).items():
        for each in known:
            found.setdefault(number, {}).setdefault(each.at, []).append(each)
    return found


async def keep(db: AsyncConnection, told: Mapping[int, Iterable[CheckIn]]) -> None:
    """Keep the check-ins of each key as given: whoever calls has merged them with what was there."""
    rows = [
        {
            "key_id": key_id,
            "at": each.at,
            "kind": each.kind.value,
            "position": each.position,
            "reported": each.reported,
            "seen_at": each.seen_at,
            "sighted_until": each.sighted_until,
            "channels": mask_of(each.channels),
            "server_completed": each.server_completed,
            "left_by": each.left_by,
        }
        for key_id, check_ins in told.items()
        for each in check_ins
    ]
    if not rows:
        return
    await db.execute(_kept_check_in(db.dialect.name), rows)


@cache
def _kept_check_in(dialect: str) -> sa.Insert:
    statement = upsert_of(dialect, check_in)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[check_in.c.key_id, check_in.c.at, check_in.c.kind],
        set_={name: new[name] for name in _TOLD},
    )


_TOLD = ("position", "reported", "seen_at", "sighted_until", "channels", "server_completed", "left_by")


async def extend(db: AsyncConnection, shown: Sequence[tuple[int, datetime, Kind, datetime]]) -> None:
    """Note until when each check-in (key, at, kind) was still shown."""
    if not shown:
        return
    if db.dialect.name == "sqlite":
        # A look may show a thousand: in the driver's own words they cost a third of what SQLAlchemy's types make of it.
        rows = [(said := as_text(until), key, as_text(at), kind.value, said) for key, at, kind, until in shown]
        await db.exec_driver_sql(_EXTEND, rows)
        return
    c = check_in.c
    statement = (
        sa.update(check_in)
        .where(
            c.key_id == sa.bindparam("key"),
            c.at == sa.bindparam("when", type_=c.at.type),
            c.kind == sa.bindparam("what"),
            c.sighted_until < sa.bindparam("until", type_=c.at.type),
        )
        .values(sighted_until=sa.bindparam("until", type_=c.at.type))
    )
    await db.execute(
        statement, [{"key": key, "when": at, "what": kind.value, "until": until} for key, at, kind, until in shown]
    )


_EXTEND = "UPDATE check_in SET sighted_until = ? WHERE key_id = ? AND at = ? AND kind = ? AND sighted_until < ?"


async def sightings(db: AsyncConnection, ids: Sequence[int], since: datetime | None) -> dict[int, list[datetime]]:
    """Return the bare sightings of the keys numbered *ids* from *since* on, by key."""
    found: dict[int, list[datetime]] = {number: [] for number in ids}
    for start in range(0, len(ids), CHUNK):
        asked = {"ids": ids[start : start + CHUNK], "since": since or _EPOCH}
        for number, at in await db.execute(_SIGHTINGS, asked):
            found[number].append(at)
    return found


async def keep_sightings(db: AsyncConnection, told: Iterable[tuple[int, datetime]]) -> None:
    """Keep bare sightings (key, at): of each 5 s the last."""
    latest: dict[tuple[int, int], datetime] = {}
    for key_id, at in told:
        place = (key_id, (at - _EPOCH) // BUCKET)
        latest[place] = max(at, latest.get(place, at))
    if not latest:
        return
    statement = upsert(db, sighting)
    await db.execute(
        statement.on_conflict_do_update(
            index_elements=[sighting.c.key_id, sighting.c.bucket],
            set_={"at": statement.excluded.at},
            where=sighting.c.at < statement.excluded.at,
        ),
        [{"key_id": key_id, "bucket": bucket, "at": at} for (key_id, bucket), at in latest.items()],
    )


def bucket_start(at: datetime) -> datetime:
    """Return the beginning of the 5 s that *at* lies in."""
    return _EPOCH + (at - _EPOCH) // BUCKET * BUCKET


async def looks(db: AsyncConnection, server_id: str, since: datetime | None) -> list[datetime]:
    """Return a server's looks from *since* on, in order of time."""
    return list((await db.execute(_LOOKS, {"server": server_id, "since": since or _EPOCH})).scalars())


async def keep_looks(db: AsyncConnection, taken: Collection[tuple[str, datetime]]) -> None:
    """Keep looks (server, at)."""
    if taken:
        await db.execute(_kept_look(db.dialect.name), [{"server_id": server, "at": at} for server, at in sorted(taken)])


@cache
def _kept_look(dialect: str) -> sa.Insert:
    return upsert_of(dialect, look).on_conflict_do_nothing()


async def told_to_others(db: AsyncConnection, ids: Collection[int], since: datetime | None) -> list[CheckIn]:
    """Return the check-ins of the keys numbered *ids* from *since* on: another user's of the same session and item."""
    return [check_in for told in (await lines(db, list(ids), since)).values() for check_in in told]


async def key_ids(db: AsyncConnection, *, user: tuple[str, str] | None = None) -> list[tuple[int, Key]]:
    """Return every key, or one user's (server, user)."""
    c = playback_key.c
    query = sa.select(c.id, c.server_id, c.session_id, c.user_id, c.item_id).order_by(c.id)
    if user is not None:
        query = query.where(c.server_id == user[0], c.user_id == user[1])
    return [(row[0], Key(*row[1:])) for row in await db.execute(query)]


async def latest_look(db: AsyncConnection, server_id: str) -> datetime | None:
    """Return when a server was last looked at."""
    found: datetime | None = (await db.execute(_LATEST_LOOK, {"server": server_id})).scalar()
    return found


_LATEST_LOOK = sa.select(sa.func.max(look.c.at)).where(look.c.server_id == sa.bindparam("server"))


async def drop(db: AsyncConnection, key_id: int, gone: Sequence[tuple[datetime, Kind]]) -> None:
    """Forget check-ins (at, kind) of a key: they lie on the line between others."""
    if not gone:
        return
    c = check_in.c
    statement = sa.delete(check_in).where(
        c.key_id == key_id, c.at == sa.bindparam("when", type_=c.at.type), c.kind == sa.bindparam("what")
    )
    await db.execute(statement, [{"when": at, "what": kind.value} for at, kind in gone])


async def drop_looks(
    db: AsyncConnection, since: datetime | None, until: datetime, needed: Collection[tuple[str, datetime]]
) -> int:
    """Forget the looks from *since* up to *until* that are not *needed* (server, at); return how many."""
    query = sa.select(look.c.server_id, look.c.at).where(look.c.at < until)
    if since is not None:
        query = query.where(look.c.at >= since)
    gone = [(server, at) for server, at in await db.execute(query) if (server, at) not in needed]
    statement = sa.delete(look).where(
        look.c.server_id == sa.bindparam("server"), look.c.at == sa.bindparam("when", type_=look.c.at.type)
    )
    for start in range(0, len(gone), CHUNK):
        part = gone[start : start + CHUNK]
        await db.execute(statement, [{"server": server, "when": at} for server, at in part])
    return len(gone)
