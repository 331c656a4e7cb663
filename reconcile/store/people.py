"""People as kept: accounts, the Jellyfin users linked to them, and the dated intervals in which they are recorded."""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store.tables import account, consent, link, recorded_interval
from reconcile.store.upsert import upsert


class Account(msgspec.Struct, frozen=True):
    """A person of this service. What is None follows the global setting."""

    id: int
    name: str
    threshold: float | None = None
    min_seconds: float | None = None
    partial_min_seconds: float | None = None
    record_partials: bool | None = None
    require_coverage: bool | None = None
    time_zone: str | None = None


class Link(msgspec.Struct, frozen=True):
    """A Jellyfin user of one server, tied to an account."""

    server_id: str
    user_id: str
    account_id: int
    user_name: str | None
    source: str


class Interval(msgspec.Struct, frozen=True):
    """A user is recorded for an account from *since* to *until* (None: still)."""

    id: int
    server_id: str
    user_id: str
    account_id: int
    since: datetime
    until: datetime | None


async def accounts(db: AsyncConnection) -> list[Account]:
    """Return all accounts."""
    names = Account.__struct_fields__
    rows = await db.execute(sa.select(*(account.c[name] for name in names)).order_by(account.c.id))
    return [Account(*row) for row in rows]


async def links(db: AsyncConnection) -> list[Link]:
    """Return all links."""
    names = Link.__struct_fields__
    rows = await db.execute(sa.select(*(link.c[name] for name in names)).order_by(link.c.created_at))
    return [Link(*row) for row in rows]


async def intervals(db: AsyncConnection) -> list[Interval]:
    """Return all intervals in which somebody was recorded, oldest first."""
    names = Interval.__struct_fields__
    query = sa.select(*(recorded_interval.c[name] for name in names)).order_by(recorded_interval.c.since)
    rows = await db.execute(query)
    return [Interval(*row) for row in rows]


async def opted_out(db: AsyncConnection) -> set[tuple[str, str]]:
    """Return the (server, user) pairs that want no recording, whatever else is set."""
    query = sa.select(consent.c.server_id, consent.c.user_id).where(consent.c.opted_out)
    return {(row[0], row[1]) for row in await db.execute(query)}


async def add_account(db: AsyncConnection, name: str, now: datetime) -> int:
    """Make an account and return its id."""
    made = sa.insert(account).values(name=name, created_at=now).returning(account.c.id)
    return int((await db.execute(made)).scalar_one())


async def tie(
    db: AsyncConnection,
    server_id: str,
    user_id: str,
    account_id: int,
    user_name: str | None,
    source: str,
    now: datetime,
) -> bool:
    """Link a Jellyfin user to an account; return whether that was news. A user has one account at a time."""
    statement = upsert(db, link).values(
        server_id=server_id, user_id=user_id, account_id=account_id, user_name=user_name, source=source, created_at=now
    )
    kept = statement.on_conflict_do_update(
        index_elements=[link.c.server_id, link.c.user_id],
        set_={"account_id": statement.excluded.account_id, "user_name": statement.excluded.user_name},
        where=link.c.account_id != statement.excluded.account_id,
    ).returning(link.c.account_id)
    return (await db.execute(kept)).first() is not None


async def untie(db: AsyncConnection, server_id: str, user_id: str, now: datetime) -> bool:
    """Take a link away, and stop recording; return whether there was one."""
    await close(db, server_id, user_id, now)
    gone = sa.delete(link).where(link.c.server_id == server_id, link.c.user_id == user_id).returning(link.c.user_id)
    return (await db.execute(gone)).first() is not None


async def open_interval(db: AsyncConnection, server_id: str, user_id: str, account_id: int, since: datetime) -> bool:
    """Record the user for the account from *since* on; return whether that was news."""
    c = recorded_interval.c
    query = sa.select(c.id).where(
        c.server_id == server_id, c.user_id == user_id, c.account_id == account_id, c.until.is_(None)
    )
    if (await db.execute(query)).first() is not None:
        return False
    values = {"server_id": server_id, "user_id": user_id, "account_id": account_id, "since": since}
    await db.execute(sa.insert(recorded_interval).values(**values))
    await set_opted_out(db, server_id, user_id, opted_out=False)
    return True


async def note_asked(db: AsyncConnection, server_id: str, user_id: str, account_id: int, now: datetime) -> None:
    """Note by an empty interval that the user was asked, whatever they said: unless something tells of it already.

    What another tool kept of the time before may be imported, and of the time after only where they are recorded.
    """
    c = recorded_interval.c
    query = sa.select(c.id).where(c.server_id == server_id, c.user_id == user_id).limit(1)
    if (await db.execute(query)).first() is None:
        values = {"server_id": server_id, "user_id": user_id, "account_id": account_id, "since": now, "until": now}
        await db.execute(sa.insert(recorded_interval).values(**values))


async def close(db: AsyncConnection, server_id: str, user_id: str, until: datetime) -> bool:
    """Stop recording the user at *until*; return whether they were recorded."""
    c = recorded_interval.c
    ended = (
        sa.update(recorded_interval)
        .where(c.server_id == server_id, c.user_id == user_id, c.until.is_(None))
        .values(until=until)
        .returning(c.id)
    )
    return (await db.execute(ended)).first() is not None


async def set_opted_out(db: AsyncConnection, server_id: str, user_id: str, *, opted_out: bool) -> None:
    """Note what the user wants."""
    statement = upsert(db, consent).values(server_id=server_id, user_id=user_id, opted_out=opted_out)
    keys = [consent.c.server_id, consent.c.user_id]
    await db.execute(statement.on_conflict_do_update(index_elements=keys, set_={"opted_out": opted_out}))
