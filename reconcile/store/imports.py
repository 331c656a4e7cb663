"""Imports as kept: what another tool's history said of those who are recorded, row by row, and what came of it.

An applied row names the check-in that it is the evidence of. Evidence is a set: a check-in of which several imports
tell goes with the last of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.imports import Play
from reconcile.playback.zones import WIDEST
from reconcile.store.channels import IMPORT_ALONE
from reconcile.store.tables import check_in, import_row, import_run, playback, playback_key

Row = dict[str, Any]

READ, TRY, APPLY, UNDO = "read", "try", "apply", "undo"
READING, QUEUED, RUNNING, DONE, FAILED = "reading", "queued", "running", "done", "failed"

_r, _i = import_run.c, import_row.c
_AT_ONCE = 1000


Time = tuple[datetime | None, datetime | None]
"""(from, until); None: from the beginning of time, to its end."""


class Staged(msgspec.Struct, frozen=True):
    """A row of an import: its number, whose it is, and what it says; *is_applied*: it is evidence already."""

    number: int
    server_id: str
    user_id: str
    play: Play
    is_applied: bool


class Withdrawn(msgspec.Struct, frozen=True):
    """How many *rows* are evidence no longer; of *stay* of them another import tells too, so that they stay."""

    rows: int
    stay: int


# --- imports ---------------------------------------------------------------------------------------------------------


async def add(db: AsyncConnection, now: datetime, server_id: str, source: str, zone: str | None) -> Row:
    """Begin an import, whose rows are still being read; return its row."""
    values = {"server_id": server_id, "source": source, "requested_at": now, "zone": zone}
    values |= {"task": READ, "state": READING}
    made = await db.execute(sa.insert(import_run).values(**values).returning(*_r))
    return dict(made.mappings().one())


async def imports(db: AsyncConnection, before: int | None, most: int) -> list[Row]:
    """Return up to *most* imports, newest first, begun before the one numbered *before*."""
    query = sa.select(import_run).order_by(_r.id.desc()).limit(most)
    if before is not None:
        query = query.where(_r.id < before)
    return [dict(row) for row in (await db.execute(query)).mappings()]


async def is_anything_applied(db: AsyncConnection) -> bool:
    """Say whether some import is in the history, as far as their last tasks tell."""
    query = sa.select(_r.id).where(_r.task == APPLY, _r.state == DONE).limit(1)
    return (await db.execute(query)).first() is not None


async def one(db: AsyncConnection, number: int) -> Row | None:
    """Return one import, None if there is none of that id."""
    row = (await db.execute(sa.select(import_run).where(_r.id == number))).mappings().first()
    return None if row is None else dict(row)


async def locked(db: AsyncConnection, number: int) -> Row | None:
    """Return one import, whose row nobody else changes until the transaction ends; None if there is none."""
    query = sa.select(import_run).where(_r.id == number).with_for_update()
    row = (await db.execute(query)).mappings().first()
    return None if row is None else dict(row)


async def next_one(db: AsyncConnection) -> Row | None:
    """Return the oldest import with a task that is not over."""
    query = sa.select(import_run).where(_r.state.in_([QUEUED, RUNNING])).order_by(_r.id).limit(1)
    row = (await db.execute(query)).mappings().first()
    return None if row is None else dict(row)


async def note(db: AsyncConnection, number: int, **values: object) -> None:
    """Keep columns of an import."""
    await db.execute(sa.update(import_run).where(_r.id == number).values(**values))


async def ask(db: AsyncConnection, number: int, task: str, zone: str | None = None) -> bool:
    """Ask for a *task*, by the time zone given if one is; return False if another one is not over yet."""
    values: Row = {"task": task, "state": QUEUED, "done": 0, "total": 0, "result": None}
    if zone is not None:
        values["zone"] = zone
    is_free = sa.and_(_r.id == number, _r.state.in_([DONE, FAILED]))
    return (await db.execute(sa.update(import_run).where(is_free).values(**values))).rowcount == 1


async def drop(db: AsyncConnection, number: int) -> None:
    """Forget an import and its rows; what they are the evidence of stays."""
    await db.execute(sa.delete(import_row).where(_i.import_id == number))
    await db.execute(sa.delete(import_run).where(_r.id == number))


async def drop_half_read(db: AsyncConnection, before: datetime | None = None) -> int:
    """Forget the imports that were being read when a process died, those begun *before*; return how many."""
    query = sa.select(_r.id).where(_r.state == READING)
    if before is not None:
        query = query.where(_r.requested_at <= before)
    numbers = (await db.execute(query)).scalars().all()
    for number in numbers:
        await drop(db, number)
    return len(numbers)


# --- rows ------------------------------------------------------------------------------------------------------------


async def keep(db: AsyncConnection, number: int, server_id: str, plays: Sequence[Play]) -> None:
    """Keep rows of an import."""
    rows = [
        {"import_id": number, "server_id": server_id, "user_id": play.user_id, "play": msgspec.to_builtins(play)}
        for play in plays
    ]
    if rows:
        await db.execute(sa.insert(import_row), rows)


async def count(db: AsyncConnection, number: int, *, is_applied: bool | None = None) -> int:
    """Return how many rows an import has; only those that are evidence, or that are not, where that is asked."""
    query = sa.select(sa.func.count()).where(_i.import_id == number)
    if is_applied is not None:
        query = query.where(_i.key_id.is_not(None) if is_applied else _i.key_id.is_(None))
    return (await db.execute(query)).scalar_one()


async def is_applied(db: AsyncConnection, number: int) -> bool:
    """Say whether any row of an import is evidence."""
    query = sa.select(_i.id).where(_i.import_id == number, _i.key_id.is_not(None)).limit(1)
    return (await db.execute(query)).first() is not None


async def rows(db: AsyncConnection, number: int, after: int, most: int) -> list[Staged]:
    """Return up to *most* rows of an import, by number, after the one numbered *after*."""
    query = sa.select(_i.id, _i.server_id, _i.user_id, _i.play, _i.key_id).where(_i.import_id == number, _i.id > after)
    found = await db.execute(query.order_by(_i.id).limit(most))
    return [Staged(row[0], row[1], row[2], msgspec.convert(row[3], Play), row[4] is not None) for row in found]


async def leave_out(db: AsyncConnection, numbers: Collection[int]) -> None:
    """Delete rows, by number, that may not be kept."""
    if numbers:
        await db.execute(sa.delete(import_row).where(_i.id.in_(numbers)))


_APPLIED = (
    sa.update(import_row)
    .where(_i.id == sa.bindparam("row"))
    .values(key_id=sa.bindparam("key"), at=sa.bindparam("began", type_=_i.at.type))
)


async def applied(db: AsyncConnection, evidence: Sequence[tuple[int, int, datetime]]) -> None:
    """Note of which check-in (key, at) each row, by its number, is the evidence."""
    if evidence:
        await db.execute(_APPLIED, [{"row": row, "key": key, "began": at} for row, key, at in evidence])


async def keys_of(db: AsyncConnection, number: int, after: int, most: int) -> list[int]:
    """Return up to *most* keys, after the one numbered *after*, of which rows of an import are the evidence."""
    query = sa.select(_i.key_id).where(_i.import_id == number, _i.key_id > after).distinct()
    return [int(key) for key in (await db.execute(query.order_by(_i.key_id).limit(most))).scalars() if key is not None]


async def withdraw(db: AsyncConnection, number: int, keys: Collection[int]) -> Withdrawn:
    """Let an import's rows be the evidence of *keys* no longer; return how many they were, and of how many others tell.

    What nobody else tells of is deleted; what others tell of lasts as long as they say.
    """
    mine = sa.and_(_i.import_id == number, _i.key_id.in_(keys))
    told = [(row[0], row[1]) for row in await db.execute(sa.select(_i.key_id, _i.at).where(mine))]
    done = (await db.execute(sa.update(import_row).where(mine).values(key_id=None, at=None))).rowcount
    others = sa.select(_i.key_id, _i.at, _i.play).where(_i.key_id.in_(keys))
    still: dict[tuple[Any, Any], float] = {}
    for key, at, play in await db.execute(others):
        still[key, at] = max(play["seconds"], still.get((key, at), 0.0))
    gone = [{"key": key, "began": at} for key, at in sorted(set(told) - still.keys())]
    if gone:
        await db.execute(_GONE, gone)
    left = [
        {"key": key, "began": at, "shown": at + timedelta(seconds=still[key, at])}
        for key, at in sorted(set(told) & still.keys())
    ]
    if left:
        await db.execute(_LEFT, left)
    return Withdrawn(done, sum(each in still for each in told))


_MEANT = sa.and_(
    check_in.c.key_id == sa.bindparam("key"), check_in.c.at == sa.bindparam("began", type_=check_in.c.at.type)
)
_GONE = sa.delete(check_in).where(_MEANT)
_LEFT = (
    sa.update(check_in).where(_MEANT).values(sighted_until=sa.bindparam("shown", type_=check_in.c.sighted_until.type))
)


async def forget(db: AsyncConnection, pair: tuple[str, str], times: Sequence[Time]) -> None:
    """Delete what imports told of a user (server, user) at these *times*, or may have, where it is no evidence yet."""
    query, last = sa.select(_i.id, _i.play, _i.at).where(_i.server_id == pair[0], _i.user_id == pair[1]), 0
    while True:
        found = (await db.execute(query.where(_i.id > last).order_by(_i.id).limit(_AT_ONCE))).all()
        gone = [number for number, play, at in found if any(_may_be_of(play, at, time) for time in times)]
        if gone:
            await db.execute(sa.delete(import_row).where(_i.id.in_(gone)))
        if len(found) < _AT_ONCE:
            return
        last = found[-1][0]


def _may_be_of(play: object, at: datetime | None, time: Time) -> bool:
    began, (since, until) = at or msgspec.convert(play, Play).started_at, time
    slack = timedelta(0)
    if began.tzinfo is None:
        began, slack = began.replace(tzinfo=UTC), WIDEST
    return (since is None or began + slack >= since) and (until is None or began - slack < until)


async def telling_of(db: AsyncConnection, key: int, at: datetime) -> list[tuple[int, str]]:
    """Return (number, source) of the imports of which rows are the evidence of a check-in, oldest first."""
    query = sa.select(_r.id, _r.source).join(import_row, _i.import_id == _r.id).where(_i.key_id == key, _i.at == at)
    return [(row[0], row[1]) for row in await db.execute(query.distinct().order_by(_r.id))]


# --- what is there already -------------------------------------------------------------------------------------------


async def begun(db: AsyncConnection, server_id: str, most: int) -> list[tuple[str, datetime]]:
    """Return (user id, instant) of the latest *most* playbacks of a server that were seen to begin."""
    p, k = playback.c, playback_key.c
    query = sa.select(k.user_id, p.started_at).join(playback_key, k.id == p.key_id)
    query = query.where(p.server_id == server_id, p.channels != IMPORT_ALONE)
    return [(row[0], row[1]) for row in await db.execute(query.order_by(p.started_at.desc()).limit(most))]


async def span(db: AsyncConnection, server_id: str) -> tuple[datetime, datetime] | None:
    """Return when the first and the last playback of a server that was seen began; None if none was."""
    p = playback.c
    began = sa.func.min(p.started_at, type_=p.started_at.type), sa.func.max(p.started_at, type_=p.started_at.type)
    row = (await db.execute(sa.select(*began).where(p.server_id == server_id, p.channels != IMPORT_ALONE))).one()
    return None if row[0] is None else (row[0], row[1])


async def seen_in(db: AsyncConnection, server_id: str, since: datetime, until: datetime) -> int:
    """Return how many playbacks of a server were seen to begin from *since* to *until*."""
    p = playback.c
    mine = sa.and_(p.server_id == server_id, p.channels != IMPORT_ALONE, p.started_at >= since, p.started_at < until)
    return (await db.execute(sa.select(sa.func.count()).where(mine))).scalar_one()
