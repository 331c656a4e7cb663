"""Daily activity as kept, and the viewings it is made from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.activity import Activity, Sitting
from reconcile.store.completions import PLAYED
from reconcile.store.keys import CHUNK
from reconcile.store.tables import daily_activity, playback, playback_key

LONGEST = timedelta(days=31)
"""How long a playback lasts at the most: with pauses of up to the resume window it might, in theory, never end.
What one shows after that long belongs to no day."""


class Over(msgspec.Struct, frozen=True):
    """A playback that is over, what was watched of it, and when that completed something, if it did."""

    started_at: datetime
    ended_at: datetime
    completed_at: datetime | None
    sitting: Sitting


_OVER = (
    sa.select(
        playback.c.started_at,
        playback.c.ended_at,
        playback.c.completed,
        playback.c.completed_at,
        playback.c.intervals,
        playback_key.c.server_id,
        playback_key.c.session_id,
        playback_key.c.item_id,
    )
    .join(playback_key, playback_key.c.id == playback.c.key_id)
    .where(
        playback.c.account_id == sa.bindparam("account"),
        playback.c.started_at >= sa.bindparam("earliest", type_=playback.c.started_at.type),
        playback.c.started_at < sa.bindparam("until", type_=playback.c.started_at.type),
        playback.c.ended_at >= sa.bindparam("since", type_=playback.c.ended_at.type),
        playback.c.open.is_(False),
        playback.c.channels.bitwise_and(PLAYED) != 0,
    )
)


async def over(db: AsyncConnection, account: int, since: datetime, until: datetime) -> list[Over]:
    """Return the account's playbacks that are over, were played, and touch the time from *since* until *until*."""
    asked = {"account": account, "earliest": since - LONGEST, "since": since, "until": until}
    return [_over(row) for row in await db.execute(_OVER, asked)]


def _over(row: Sequence[Any]) -> Over:
    """Return a playback; it completes something on the day that its verdict does (DESIGN §7)."""
    started_at, ended_at, is_completed, completed_at, intervals, *seat = row
    sitting = Sitting(_stretches(intervals), tuple(seat))
    if not is_completed:
        completed_at = None
    elif completed_at is None:
        at, seconds = sitting.stretches[-1] if sitting.stretches else (ended_at, 0.0)
        completed_at = at + timedelta(seconds=seconds)
    return Over(started_at, ended_at, completed_at, sitting)


def _stretches(intervals: Iterable[Sequence[Any]]) -> tuple[tuple[datetime, float], ...]:
    return tuple((datetime.fromisoformat(at), float(seconds)) for at, seconds in intervals)


async def times(db: AsyncConnection, account: int) -> list[tuple[datetime, datetime]]:
    """Return when each of the account's playbacks that are over began and ended."""
    c = playback.c
    query = sa.select(c.started_at, c.ended_at).where(c.account_id == account, c.open.is_(False))
    return [(row[0], row[1]) for row in await db.execute(query.where(c.ended_at.is_not(None)))]


async def times_of_media(db: AsyncConnection, media_ids: Collection[int]) -> list[tuple[int, datetime, datetime]]:
    """Return the (account, beginning, end) of every playback of *media_ids*."""
    c = playback.c
    query = sa.select(c.account_id, c.started_at, c.ended_at).where(c.media_id.in_(media_ids))
    query = query.where(c.account_id.is_not(None), c.ended_at.is_not(None))
    return [(row[0], row[1], row[2]) for row in await db.execute(query)]


_COLUMNS = tuple(daily_activity.c[name] for name in ("day", "watched_seconds", "viewings", "completed", "active_at"))
_OF_DAYS = sa.select(*_COLUMNS).where(
    daily_activity.c.account_id == sa.bindparam("account"),
    daily_activity.c.day.in_(sa.bindparam("days", expanding=True)),
)
_DELETE = sa.delete(daily_activity).where(
    daily_activity.c.account_id == sa.bindparam("account"), daily_activity.c.day == sa.bindparam("of_day")
)
_INSERT = sa.insert(daily_activity)


def _activity(row: Sequence[Any]) -> Activity:
    return Activity(date.fromisoformat(row[0]), *row[1:])


async def kept(db: AsyncConnection, account: int, days: Collection[date]) -> dict[date, Activity]:
    """Return what is kept of *days*."""
    found: dict[date, Activity] = {}
    wanted = sorted(day.isoformat() for day in days)
    for start in range(0, len(wanted), CHUNK):
        rows = await db.execute(_OF_DAYS, {"account": account, "days": wanted[start : start + CHUNK]})
        found.update((each.day, each) for each in map(_activity, rows))
    return found


async def write(
    db: AsyncConnection, account: int, before: dict[date, Activity], after: dict[date, Activity]
) -> list[date]:
    """Keep the days *after* instead of those *before*; return the ones that differ."""
    changed = sorted(day for day in before.keys() | after.keys() if before.get(day) != after.get(day))
    gone = [{"account": account, "of_day": day.isoformat()} for day in changed if day in before]
    made = [_values(account, after[day]) for day in changed if day in after]
    if gone:
        await db.execute(_DELETE, gone)
    if made:
        await db.execute(_INSERT, made)
    return changed


def _values(account: int, each: Activity) -> dict[str, object]:
    return {"account_id": account} | msgspec.structs.asdict(each) | {"day": each.day.isoformat()}


async def days(
    db: AsyncConnection, account: int, first: date | None = None, last: date | None = None
) -> list[Activity]:
    """Return the account's days from *first* to *last*, the oldest first."""
    query = sa.select(*_COLUMNS).where(daily_activity.c.account_id == account)
    if first is not None:
        query = query.where(daily_activity.c.day >= first.isoformat())
    if last is not None:
        query = query.where(daily_activity.c.day <= last.isoformat())
    return [_activity(row) for row in await db.execute(query.order_by(daily_activity.c.day))]


_ACTIVE = sa.select(daily_activity.c.day, daily_activity.c.active_at).where(
    daily_activity.c.account_id == sa.bindparam("account"), daily_activity.c.active_at.is_not(None)
)
_WITHIN = _ACTIVE.where(daily_activity.c.day.between(sa.bindparam("first"), sa.bindparam("last")))


async def active_days(db: AsyncConnection, account: int) -> list[date]:
    """Return the days on which something was watched for a minute."""
    return [date.fromisoformat(row[0]) for row in await db.execute(_ACTIVE, {"account": account})]


async def active_within(db: AsyncConnection, account: int, first: date, last: date) -> dict[date, datetime]:
    """Return those from *first* to *last*, each with since when."""
    asked = {"account": account, "first": first.isoformat(), "last": last.isoformat()}
    return {date.fromisoformat(day): at for day, at in await db.execute(_WITHIN, asked)}
