"""What belongs to an account, read for its export, a page at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store.engine import Transactions
from reconcile.store.history import Row, one_playback
from reconcile.store.tables import (
    account,
    badge_award,
    check_in,
    correction,
    delivery,
    link,
    metadata,
    outbox,
    playback,
    playback_key,
    playback_unit,
    recorded_interval,
    watch,
    webhook_target,
)

PAGE = 500

_TOLD_OTHERWISE = {account, link, recorded_interval, playback, playback_unit, watch, correction}
_NOT_TOLD = {outbox, webhook_target}
"""Copies of what is told anyway, on their way to somebody; and secrets."""


async def rows_of(store: Transactions, table: sa.Table, number: int) -> AsyncIterator[Row]:
    """Yield the rows of a *table* that bear the account's number, without what is binary."""
    columns = [column for column in table.c if not isinstance(column.type, sa.LargeBinary)]
    query = sa.select(*columns).where(table.c.account_id == number).order_by(*table.primary_key.columns)
    start = 0
    while True:
        async with store.read() as db:
            rows = [dict(row) for row in (await db.execute(query.offset(start).limit(PAGE))).mappings()]
        for row in rows:
            yield row
        if len(rows) < PAGE:
            return
        start += PAGE


def other_tables() -> list[sa.Table]:
    """Return every other table whose rows bear the number of an account: badges, activity, progress, and so on."""
    known = _TOLD_OTHERWISE | _NOT_TOLD
    return [table for table in metadata.sorted_tables if "account_id" in table.c and table not in known]


class Kept(msgspec.Struct, frozen=True):
    """How many of each there are, none counted further than asked."""

    watches: int
    playbacks: int
    check_ins: int
    deliveries: int
    badges: int
    corrections: int


async def kept_of(db: AsyncConnection, number: int, most: int) -> Kept:
    """Return what is kept of an account; where it is *most*, there may be more."""
    k, i = playback_key.c, recorded_interval.c
    rows = await db.execute(sa.select(i.server_id, i.user_id).where(i.account_id == number).distinct())
    users = [(row[0], row[1]) for row in rows]
    d = delivery.c
    keys = sa.select(k.id).where(_one_of(users, k.server_id, k.user_id))

    async def up_to(*conditions: sa.ColumnElement[bool]) -> int:
        few = sa.select(sa.literal(1)).where(*conditions).limit(most).subquery()
        return int((await db.execute(sa.select(sa.func.count()).select_from(few))).scalar_one())

    return Kept(
        watches=await up_to(watch.c.account_id == number),
        playbacks=await up_to(playback.c.account_id == number),
        check_ins=await up_to(check_in.c.key_id.in_(keys)),
        deliveries=await up_to(_one_of(users, d.server_id, d.user_id)),
        badges=await up_to(badge_award.c.account_id == number),
        corrections=await up_to(correction.c.account_id == number),
    )


def _one_of(
    users: Iterable[tuple[str, str]], server_id: sa.ColumnElement[Any], user_id: sa.ColumnElement[Any]
) -> sa.ColumnElement[bool]:
    """Return that a row is of one of *users*, in a way that an index answers."""
    return sa.or_(sa.false(), *(sa.and_(server_id == server, user_id == user) for server, user in users))


async def corrected_away(store: Transactions, number: int) -> AsyncIterator[Row]:
    """Yield the playbacks that were the account's and count for nobody since they were corrected."""
    c, k, p = correction.c, playback_key.c, playback.c
    same_item = sa.and_(k.server_id == c.server_id, k.user_id == c.user_id, k.item_id == c.item_id)
    query = (
        sa.select(p.id)
        .join(playback_key, k.id == p.key_id)
        .join(correction, same_item)
        .where(c.account_id == number, c.undone_at.is_(None), p.account_id.is_(None))
        .where(sa.or_(c.session_id.is_(None), c.session_id == k.session_id))
        .where(sa.or_(c.since.is_(None), p.last_at >= c.since), sa.or_(c.until.is_(None), p.first_at <= c.until))
        .distinct()
    )
    async with store.read() as db:
        numbers = list((await db.execute(query.order_by(p.id))).scalars())
    for each in numbers:
        async with store.read() as db:
            row = await one_playback(db, each)
        if row is not None:
            yield row
