"""What goes on now and went on today: who told of what is open and when, and how the day stands."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.check_in import Channel
from reconcile.store.channels import channels_of
from reconcile.store.keys import CHUNK
from reconcile.store.tables import account, check_in, daily_activity, look, playback, server, watch


class Told(msgspec.Struct, frozen=True):
    """The latest check-in of a key that just these *channels* told of: *at*, and *shown* until then."""

    channels: frozenset[Channel]
    at: datetime
    shown: datetime


class Day(msgspec.Struct, frozen=True):
    """How many films and episodes were completed on a day, and how many seconds were watched of what is over."""

    completed: int = 0
    watched_seconds: float = 0.0


_TOLD = (
    sa.select(
        check_in.c.key_id,
        check_in.c.channels,
        sa.func.max(check_in.c.at, type_=check_in.c.at.type),
        sa.func.max(check_in.c.sighted_until, type_=check_in.c.sighted_until.type),
    )
    .where(
        check_in.c.key_id.in_(sa.bindparam("ids", expanding=True)),
        check_in.c.at >= sa.bindparam("since", type_=check_in.c.at.type),
    )
    .group_by(check_in.c.key_id, check_in.c.channels)
)


async def told_of(db: AsyncConnection, key_ids: Iterable[int], since: datetime) -> dict[int, list[Told]]:
    """Return who told of each of *key_ids* lately, by check-ins from *since* on."""
    found: dict[int, list[Told]] = {}
    wanted = sorted(set(key_ids))
    for start in range(0, len(wanted), CHUNK):
        asked = {"ids": wanted[start : start + CHUNK], "since": since}
        for key_id, mask, at, shown in await db.execute(_TOLD, asked):
            found.setdefault(key_id, []).append(Told(channels_of(mask), at, shown))
    return found


_LOOKED = sa.select(
    server.c.id,
    sa.select(sa.func.max(look.c.at, type_=look.c.at.type)).where(look.c.server_id == server.c.id).scalar_subquery(),
)


async def looked_at(db: AsyncConnection) -> dict[str, datetime]:
    """Return the latest look at each server that was ever looked at (UTC, its own clock)."""
    return {server_id: at for server_id, at in await db.execute(_LOOKED) if at is not None}


async def day_of(db: AsyncConnection, accounts: Collection[int], day: date, midnight: datetime) -> Day:
    """Return how *day*, which began at *midnight*, stands for *accounts* together."""
    w, d = watch.c, daily_activity.c
    # By the index of each account's latest watches: a day has no index of its own.
    lately = w.watched_at >= midnight - timedelta(days=1)
    completed = sa.select(sa.func.count()).where(
        w.account_id.in_(accounts), lately, w.day == day.isoformat(), w.completed.is_(True)
    )
    seconds = sa.select(sa.func.sum(d.watched_seconds)).where(d.account_id.in_(accounts), d.day == day.isoformat())
    found = (await db.execute(completed)).scalar_one()
    return Day(int(found), float((await db.execute(seconds)).scalar_one() or 0.0))


async def last_began(db: AsyncConnection, accounts: Collection[int]) -> datetime | None:
    """Return when the latest playback of *accounts* began, None where there was none."""
    p = playback.c
    latest = (
        sa.select(sa.func.max(p.started_at, type_=p.started_at.type))
        .where(p.account_id == account.c.id)
        .scalar_subquery()
    )
    query = sa.select(latest).where(account.c.id.in_(accounts))
    return max((at for at in (await db.execute(query)).scalars() if at is not None), default=None)
