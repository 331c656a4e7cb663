"""Targets as kept: where messages go, about whom, and the secret that signs them, which only the key file opens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store.tables import outbox, webhook_target


class Target(msgspec.Struct, frozen=True):
    """Somebody who is told. *account_id* None: about everyone who is recorded; *note*: why it was turned off."""

    id: int
    url: str
    events: tuple[str, ...]
    active: bool
    account_id: int | None
    note: str | None
    created_at: datetime


class Tally(msgspec.Struct, frozen=True):
    """How many messages to a target wait, and how many were given up."""

    waiting: int = 0
    dead: int = 0


_COLUMNS = tuple(webhook_target.c[name] for name in Target.__struct_fields__)
_ALL = sa.select(*_COLUMNS).order_by(webhook_target.c.id)
_ACTIVE = _ALL.where(webhook_target.c.active)


def purpose(number: int) -> str:
    """Return what the secret of a target is encrypted for."""
    return f"target/{number}"


def is_about(target: Target, account_id: int) -> bool:
    """Say whether *target* is told of an account."""
    return target.account_id is None or target.account_id == account_id


async def active(db: AsyncConnection) -> tuple[Target, ...]:
    """Return those who are told."""
    return tuple(_target(row) for row in (await db.execute(_ACTIVE)).mappings())


async def targets(db: AsyncConnection, after: int = 0, most: int = 500) -> list[Target]:
    """Return up to *most* targets after the one numbered *after*, oldest first."""
    rows = await db.execute(_ALL.where(webhook_target.c.id > after).limit(most))
    return [_target(row) for row in rows.mappings()]


async def one(db: AsyncConnection, number: int) -> Target | None:
    """Return one target, None if there is none of that id."""
    row = (await db.execute(_ALL.where(webhook_target.c.id == number))).mappings().first()
    return None if row is None else _target(row)


async def tallies(db: AsyncConnection) -> dict[int, Tally]:
    """Return how many messages wait, and how many are dead, by target; those without either are missing."""
    c = outbox.c
    query = sa.select(c.target_id, c.state, sa.func.count()).where(c.state.in_(["waiting", "dead"]))
    found: dict[int, dict[str, int]] = {}
    for number, state, count in await db.execute(query.group_by(c.target_id, c.state)):
        found.setdefault(number, {})[state] = count
    return {number: Tally(**counts) for number, counts in found.items()}


async def add(
    db: AsyncConnection, url: str, events: tuple[str, ...], account_id: int | None, now: datetime, *, active: bool
) -> int:
    """Keep a target, still without its secret, and return its id."""
    values = {"url": url, "events": list(events), "account_id": account_id, "active": active, "created_at": now}
    made = sa.insert(webhook_target).values(**values).returning(webhook_target.c.id)
    return int((await db.execute(made)).scalar_one())


async def set_secret(db: AsyncConnection, number: int, sealed: bytes) -> None:
    """Keep a target's secret, encrypted."""
    await change(db, number, {"secret_encrypted": sealed})


async def secret(db: AsyncConnection, number: int) -> bytes | None:
    """Return a target's secret as it was encrypted."""
    query = sa.select(webhook_target.c.secret_encrypted).where(webhook_target.c.id == number)
    found: bytes | None = (await db.execute(query)).scalar()
    return found


async def change(db: AsyncConnection, number: int, values: Mapping[str, object]) -> None:
    """Change a target."""
    if values:
        await db.execute(sa.update(webhook_target).where(webhook_target.c.id == number).values(**values))


async def remove(db: AsyncConnection, number: int) -> bool:
    """Forget a target and all that it was, or was to be, told; return whether there was one."""
    await db.execute(sa.delete(outbox).where(outbox.c.target_id == number))
    gone = sa.delete(webhook_target).where(webhook_target.c.id == number).returning(webhook_target.c.id)
    return (await db.execute(gone)).first() is not None


def _target(row: sa.RowMapping) -> Target:
    values = {name: row[name] for name in Target.__struct_fields__}
    return Target(**values | {"events": tuple(row["events"])})
