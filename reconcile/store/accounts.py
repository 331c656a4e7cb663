"""Accounts as the pages show and change them, with what has to be settled anew when their rules change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.check_in import Key
from reconcile.store.people import Interval
from reconcile.store.tables import account, link, playback_key, playback_unit, recorded_interval, server

Row = dict[str, Any]


async def accounts(db: AsyncConnection, after: int, most: int) -> list[Row]:
    """Return up to *most* accounts after the one numbered *after*."""
    query = sa.select(account).where(account.c.id > after).order_by(account.c.id).limit(most)
    return [dict(row) for row in (await db.execute(query)).mappings()]


async def one(db: AsyncConnection, number: int) -> Row | None:
    """Return one account, None if there is none of that id."""
    row = (await db.execute(sa.select(account).where(account.c.id == number))).mappings().first()
    return None if row is None else dict(row)


async def change(db: AsyncConnection, number: int, values: Mapping[str, object]) -> None:
    """Change an account."""
    if values:
        await db.execute(sa.update(account).where(account.c.id == number).values(**values))


async def keys_of(db: AsyncConnection, number: int) -> dict[int, Key]:
    """Return the keys of every user who was ever recorded for the account."""
    k, i = playback_key.c, recorded_interval.c
    is_theirs = sa.exists().where(i.server_id == k.server_id, i.user_id == k.user_id, i.account_id == number)
    return await _keys(db, is_theirs)


async def keys_of_user(db: AsyncConnection, server_id: str, user_id: str) -> dict[int, Key]:
    """Return the keys of one user."""
    k = playback_key.c
    return await _keys(db, sa.and_(k.server_id == server_id, k.user_id == user_id))


async def units_of(db: AsyncConnection, number: int) -> set[tuple[int, int, str]]:
    """Return the (account, media, unit) triples of an account."""
    c = playback_unit.c
    query = sa.select(c.account_id, c.media_id, c.unit).where(c.account_id == number).distinct()
    return {(row[0], row[1], row[2]) for row in await db.execute(query)}


async def links(db: AsyncConnection, after: tuple[str, str] | None, most: int) -> list[Row]:
    """Return up to *most* links by server and user, each with the name of its account, after the one given."""
    query = sa.select(link, account.c.name.label("account_name")).join(account, account.c.id == link.c.account_id)
    if after is not None:
        server_id, user_id = after
        is_same_server = sa.and_(link.c.server_id == server_id, link.c.user_id > user_id)
        query = query.where(sa.or_(link.c.server_id > server_id, is_same_server))
    query = query.order_by(link.c.server_id, link.c.user_id).limit(most)
    return [dict(row) for row in (await db.execute(query)).mappings()]


async def one_link(db: AsyncConnection, server_id: str, user_id: str) -> Row | None:
    """Return the link of one user, None if there is none."""
    query = sa.select(link, account.c.name.label("account_name")).join(account, account.c.id == link.c.account_id)
    row = (await db.execute(query.where(link.c.server_id == server_id, link.c.user_id == user_id))).mappings().first()
    return None if row is None else dict(row)


async def links_of(db: AsyncConnection, number: int) -> list[Row]:
    """Return the links of an account, each with its server's name and address, by server and user."""
    query = sa.select(link, server.c.name.label("server_name"), server.c.url.label("server_url"))
    query = query.outerjoin(server, server.c.id == link.c.server_id).where(link.c.account_id == number)
    return [dict(row) for row in (await db.execute(query.order_by(link.c.server_id, link.c.user_id))).mappings()]


async def intervals_of(db: AsyncConnection, number: int) -> list[Interval]:
    """Return the intervals in which any user was recorded for an account, oldest first."""
    columns = (recorded_interval.c[name] for name in Interval.__struct_fields__)
    since, until = recorded_interval.c.since, recorded_interval.c.until
    mine = sa.and_(recorded_interval.c.account_id == number, sa.or_(until.is_(None), until > since))
    query = sa.select(*columns).where(mine).order_by(since)
    return [Interval(*row) for row in await db.execute(query)]


async def recorded_since(
    db: AsyncConnection, users: list[tuple[str, str]], now: datetime
) -> dict[tuple[str, str], datetime]:
    """Return since when each of *users* (server, user) is recorded; those who are not are missing."""
    i = recorded_interval.c
    ids = {user for _server, user in users}
    query = sa.select(i.server_id, i.user_id, i.since).where(
        i.user_id.in_(ids), i.since <= now, sa.or_(i.until.is_(None), i.until > now)
    )
    return {(row[0], row[1]): row[2] for row in await db.execute(query) if (row[0], row[1]) in set(users)}


async def _keys(db: AsyncConnection, condition: sa.ColumnElement[bool]) -> dict[int, Key]:
    k = playback_key.c
    query = sa.select(k.id, k.server_id, k.session_id, k.user_id, k.item_id).where(condition).order_by(k.id)
    return {row[0]: Key(*row[1:]) for row in await db.execute(query)}
