"""The outbox as kept: messages queued with the fact that they tell, remembered by their ids when they have gone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store.keys import CHUNK
from reconcile.store.tables import outbox, recorded_interval, webhook_target
from reconcile.store.upsert import upsert_of

Row = dict[str, Any]

WAITING, SENT, DEAD = "waiting", "sent", "dead"
STATES = (WAITING, SENT, DEAD)

_INSERTS = {dialect: upsert_of(dialect, outbox).on_conflict_do_nothing() for dialect in ("sqlite", "postgresql")}

Said = tuple[int, str, str, str, str]
"""(target id, subject, kind, message id, body)."""

_SAID = (
    sa.select(outbox.c.target_id, outbox.c.subject, outbox.c.kind, outbox.c.message_id, outbox.c.body)
    .where(outbox.c.subject.in_(sa.bindparam("subjects", expanding=True)))
    .order_by(outbox.c.id)
)


class Message(msgspec.Struct, frozen=True):
    """One message to one target. *subject* is what it is about, *body* the JSON that is sent as it stands."""

    message_id: str
    target_id: int
    account_id: int | None
    kind: str
    subject: str
    body: str


class Due(msgspec.Struct, frozen=True):
    """A message that is this process's to send now."""

    id: int
    message_id: str
    target_id: int
    kind: str
    body: str
    attempts: int
    tried_since: datetime


async def said(db: AsyncConnection, subjects: Collection[str]) -> list[Said]:
    """Return what has been said, or is queued, about *subjects*, oldest first."""
    found: list[Said] = []
    wanted = sorted(subjects)
    for start in range(0, len(wanted), CHUNK):
        rows = await db.execute(_SAID, {"subjects": wanted[start : start + CHUNK]})
        found.extend((row[0], row[1], row[2], row[3], row[4]) for row in rows)
    return found


async def queue(db: AsyncConnection, messages: Sequence[Message], now: datetime) -> None:
    """Queue *messages*; those whose id is known already for their target are not queued again."""
    if messages:
        fixed = {"queued_at": now, "state": WAITING, "tried_since": now, "due_at": now, "attempts": 0}
        await db.execute(_INSERTS[db.dialect.name], [msgspec.structs.asdict(each) | fixed for each in messages])


# --- sending ---------------------------------------------------------------------------------------------------------


def _is_due(now: datetime) -> sa.ColumnElement[bool]:
    c = outbox.c
    is_free = sa.or_(c.claimed_until.is_(None), c.claimed_until <= now)
    return sa.and_(c.state == WAITING, c.due_at <= now, is_free, _may_be_told(now))


def _may_be_told(now: datetime) -> sa.ColumnElement[bool]:
    """Say that the message is about nobody, or about somebody who is recorded *now*: they may have opted out since."""
    i = recorded_interval.c
    holds = sa.and_(i.since <= now, sa.or_(i.until.is_(None), i.until > now))
    return sa.or_(outbox.c.account_id.is_(None), sa.exists().where(i.account_id == outbox.c.account_id, holds))


async def targets_due(db: AsyncConnection, now: datetime) -> list[int]:
    """Return the active targets for which a message is due, and nobody's yet."""
    query = sa.select(outbox.c.target_id).join(webhook_target, webhook_target.c.id == outbox.c.target_id)
    query = query.where(_is_due(now), webhook_target.c.active).distinct().order_by(outbox.c.target_id)
    return list((await db.execute(query)).scalars())


async def claim(
    db: AsyncConnection, target_id: int, now: datetime, until: datetime, most: int, *, only: int | None = None
) -> list[Due]:
    """Make up to *most* messages of a target, or the one numbered *only*, this process's own until then.

    On PostgreSQL those that another process is just claiming are passed over; on SQLite there is one writer.
    """
    c = outbox.c
    query = sa.select(*(c[name] for name in Due.__struct_fields__)).where(_is_due(now), c.target_id == target_id)
    if only is not None:
        query = query.where(c.id == only)
    query = query.order_by(c.due_at, c.id).limit(most).with_for_update(skip_locked=True)
    found = [Due(*row) for row in await db.execute(query)]
    if found:
        mine = sa.update(outbox).where(c.id.in_([each.id for each in found]))
        await db.execute(mine.values(claimed_until=until))
    return found


async def let_go(db: AsyncConnection, numbers: Collection[int]) -> None:
    """Give messages back that were claimed and are not done."""
    if numbers:
        theirs = sa.update(outbox).where(outbox.c.id.in_(sorted(numbers)), outbox.c.state == WAITING)
        await db.execute(theirs.values(claimed_until=None))


async def done(db: AsyncConnection, number: int, now: datetime, status: int) -> None:
    """Note that a message was received."""
    values = {"state": SENT, "sent_at": now, "status": status, "error": None, "due_at": None, "claimed_until": None}
    await db.execute(sa.update(outbox).where(outbox.c.id == number).values(**values, attempts=outbox.c.attempts + 1))


async def failed(db: AsyncConnection, number: int, again_at: datetime | None, status: int | None, error: str) -> None:
    """Note that an attempt failed: it is tried again at that instant; None: never, it is dead."""
    values = {"state": DEAD if again_at is None else WAITING, "due_at": again_at, "status": status, "error": error}
    own = sa.update(outbox).where(outbox.c.id == number, outbox.c.state == WAITING)
    await db.execute(own.values(**values, claimed_until=None, attempts=outbox.c.attempts + 1))


# --- reading and tending ---------------------------------------------------------------------------------------------


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages are wanted; None: all."""

    state: str | None = None
    target: int | None = None
    account: int | None = None
    kind: str | None = None


async def messages(db: AsyncConnection, sought: Sought, before: int | None, most: int) -> list[Row]:
    """Return up to *most* messages, newest first, queued before the one numbered *before*."""
    c = outbox.c
    wanted = {c.state: sought.state, c.target_id: sought.target, c.account_id: sought.account, c.kind: sought.kind}
    query = sa.select(outbox).order_by(c.id.desc()).limit(most)
    query = query.where(*(column == value for column, value in wanted.items() if value is not None))
    if before is not None:
        query = query.where(c.id < before)
    return [dict(row) for row in (await db.execute(query)).mappings()]


async def one(db: AsyncConnection, number: int) -> Row | None:
    """Return one message, None if there is none of that id."""
    row = (await db.execute(sa.select(outbox).where(outbox.c.id == number))).mappings().first()
    return None if row is None else dict(row)


async def retry(db: AsyncConnection, number: int, now: datetime) -> bool:
    """Try a message again from now on, for as long as a new one; return False if it has been received."""
    values = {"state": WAITING, "due_at": now, "tried_since": now, "error": None}
    own = sa.update(outbox).where(outbox.c.id == number, outbox.c.state != SENT)
    return (await db.execute(own.values(**values).returning(outbox.c.id))).first() is not None


async def prune(db: AsyncConnection, now: datetime, tried_for: timedelta, remembered: timedelta) -> int:
    """Give up what waited in vain, for a target that is off or about somebody who has opted out since.

    What was told long ago is forgotten. Return how many messages went.
    """
    c = outbox.c
    is_on = sa.exists().where(webhook_target.c.id == c.target_id, webhook_target.c.active)
    is_late = sa.and_(c.state == WAITING, c.tried_since < now - tried_for)
    for why, error in ((~is_on, "its target is turned off"), (~_may_be_told(now), "they are no longer recorded")):
        await db.execute(sa.update(outbox).where(is_late, why).values(state=DEAD, due_at=None, error=error))
    is_orphan = ~sa.exists().where(webhook_target.c.id == c.target_id)
    is_old = sa.and_(c.state != WAITING, c.queued_at < now - remembered, c.tried_since < now - remembered)
    gone = sa.delete(outbox).where(sa.or_(is_old, is_orphan))
    return (await db.execute(gone)).rowcount
