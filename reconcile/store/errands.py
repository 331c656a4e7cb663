"""Errands to Seerr, as kept: what is to be done there, once, because of something that was watched.

Their keys are the fact's own: (kind, account, media, unit, day). So the same fact, settled again or replayed, is the
same errand, and one that is done stays done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.progress import Status
from reconcile.store.tables import media, playback, seerr_errand, series_progress, watch, watch_playback
from reconcile.store.upsert import upsert

Row = dict[str, Any]

WATCH, WATCHLIST = "watch", "watchlist"
"""Tell the fork of a watch; take something finished from the watchlist."""

WAITING, TRYING, DONE, DROPPED = "waiting", "trying", "done", "dropped"
"""*trying*: it was about to be done, and nobody has noted yet what came of it."""


class Errand(msgspec.Struct, frozen=True):
    """Something to be done at Seerr. *unit* and *day* are the watch's; a series leaves the watchlist without either."""

    kind: str
    account_id: int
    media_id: int
    unit: str
    day: str
    watched_at: datetime
    queued_at: datetime
    attempts: int = 0
    state: str = WAITING


class About(msgspec.Struct, frozen=True):
    """What an errand is about, as things are now. *seconds* is None where it is no completed watch any more."""

    media_kind: str | None
    tmdb_id: str | None
    seerr_media_id: int | None
    seconds: float | None
    is_open: bool


_KEY = ("kind", "account_id", "media_id", "unit", "day")


async def queue(db: AsyncConnection, errands: Sequence[Errand], now: datetime) -> None:
    """Queue *errands*; one that is done is not done again, but a watchlist's for something watched since."""
    c = seerr_errand.c
    statement = upsert(db, seerr_errand)
    again = {
        "watched_at": statement.excluded.watched_at,
        "queued_at": statement.excluded.queued_at,
        # What may have been done is not forgotten: it is asked about before it is done again.
        "state": sa.case((c.state == TRYING, TRYING), else_=WAITING),
        "next_try_at": statement.excluded.next_try_at,
        "attempts": 0,
        "reason": None,
    }
    is_new = sa.and_(c.kind == WATCHLIST, c.watched_at < statement.excluded.watched_at)
    rows = [msgspec.structs.asdict(each) | {"next_try_at": now} for each in errands]
    kept = statement.on_conflict_do_update(
        index_elements=[c[name] for name in _KEY], set_=again, where=sa.or_(c.state != DONE, is_new)
    )
    for row in rows:
        await db.execute(kept, row)


async def move(db: AsyncConnection, merged: Mapping[int, int]) -> None:
    """Let errands about a media that turned out to be another (old id → new id) be about that."""
    for old, new in merged.items():
        query = sa.select(seerr_errand).where(seerr_errand.c.media_id == old)
        for row in [dict(each) for each in (await db.execute(query)).mappings()]:
            await db.execute(sa.delete(seerr_errand).where(_is(row)))
            moved = row | {"media_id": new}
            statement = upsert(db, seerr_errand).values(**moved)
            if row["state"] == DONE:
                told = {name: moved[name] for name in ("state", "seerr_media_id", "done_at", "next_try_at")}
                keys = [seerr_errand.c[name] for name in _KEY]
                await db.execute(statement.on_conflict_do_update(index_elements=keys, set_=told))
            else:
                await db.execute(statement.on_conflict_do_nothing())


async def due(db: AsyncConnection, now: datetime, most: int) -> list[Errand]:
    """Return errands whose time has come, the longest waiting first."""
    c = seerr_errand.c
    names = Errand.__struct_fields__
    query = sa.select(*(c[name] for name in names)).where(c.state.in_((WAITING, TRYING)), c.next_try_at <= now)
    return [Errand(*row) for row in await db.execute(query.order_by(c.next_try_at, c.queued_at).limit(most))]


async def about(db: AsyncConnection, errand: Errand) -> About:
    """Return what *errand* is about."""
    row = (
        await db.execute(
            sa.select(media.c.kind, media.c.tmdb_id, media.c.seerr_media_id).where(media.c.id == errand.media_id)
        )
    ).first()
    kind, tmdb_id, seerr_media_id = row or (None, None, None)
    w = watch.c
    of_it = [w.account_id == errand.account_id, w.media_id == errand.media_id, w.completed]
    if errand.day:
        of_it += [w.day == errand.day, w.unit == errand.unit]
    seconds = await db.scalar(sa.select(sa.func.max(w.watched_seconds)).where(*of_it))
    going = (
        sa.select(playback.c.id)
        .join(watch_playback, watch_playback.c.playback_id == playback.c.id)
        .join(watch, w.id == watch_playback.c.watch_id)
        .where(*of_it, playback.c.open)
    )
    is_open = (await db.execute(going.limit(1))).first() is not None
    return About(kind, tmdb_id, seerr_media_id, seconds, is_open)


async def was_told(db: AsyncConnection, errand: Errand, seerr_media_id: int) -> bool:
    """Say whether the same watch was told already under another day or media of ours, which has changed since."""
    c = seerr_errand.c
    query = sa.select(c.kind).where(
        c.kind == WATCH,
        c.state == DONE,
        c.account_id == errand.account_id,
        c.seerr_media_id == seerr_media_id,
        c.unit == errand.unit,
        sa.or_(c.day == errand.day, c.watched_at == errand.watched_at),
    )
    return (await db.execute(query.limit(1))).first() is not None


async def done(db: AsyncConnection, errand: Errand, now: datetime, seerr_media_id: int | None, reason: str) -> None:
    """Note that *errand* is done."""
    told = {"state": DONE, "done_at": now, "next_try_at": None, "seerr_media_id": seerr_media_id, "reason": reason}
    await _set(db, errand, told)


async def drop(db: AsyncConnection, errand: Errand, now: datetime, reason: str) -> None:
    """Note that *errand* is not to be done, and why."""
    await _set(db, errand, {"state": DROPPED, "done_at": now, "next_try_at": None, "reason": reason})


async def postpone(db: AsyncConnection, errand: Errand, again_at: datetime, reason: str) -> None:
    """Note that *errand* could not be done, why, and when to try again."""
    told = {"next_try_at": again_at, "attempts": errand.attempts + 1, "reason": reason}
    await _set(db, errand, told)


async def begin(db: AsyncConnection, errand: Errand) -> None:
    """Note that *errand* is about to be done."""
    await _set(db, errand, {"state": TRYING})


async def not_done(db: AsyncConnection, errand: Errand) -> None:
    """Note that *errand*, which was about to be done, certainly was not."""
    await _set(db, errand, {"state": WAITING})


async def is_finished(db: AsyncConnection, account_id: int, media_id: int) -> bool:
    """Say whether an account has completed a series (DESIGN §10): being caught up with a running one is not enough."""
    c = series_progress.c
    query = sa.select(c.status).where(c.account_id == account_id, c.media_id == media_id)
    return bool(await db.scalar(query) == Status.COMPLETED)


async def listed(db: AsyncConnection, after: tuple[datetime, int] | None, most: int) -> list[Row]:
    """Return up to *most* errands, the latest queued first; the number of a place is how many came before it."""
    c = seerr_errand.c
    query = sa.select(seerr_errand, media.c.title.label("title")).outerjoin(media, media.c.id == c.media_id)
    query = query.order_by(c.queued_at.desc(), *(c[name] for name in _KEY)).limit(most)
    if after is not None:
        query = query.offset(after[1])
    return [dict(row) for row in (await db.execute(query)).mappings()]


async def waiting(db: AsyncConnection) -> int:
    """Return how many errands wait."""
    query = sa.select(sa.func.count()).select_from(seerr_errand).where(seerr_errand.c.state.in_((WAITING, TRYING)))
    return await db.scalar(query) or 0


def _is(row: Mapping[str, Any]) -> sa.ColumnElement[bool]:
    return sa.and_(*(seerr_errand.c[name] == row[name] for name in _KEY))


async def _set(db: AsyncConnection, errand: Errand, values: Mapping[str, Any]) -> None:
    """Change *errand*, unless something newer has been queued in its place meanwhile."""
    is_same = seerr_errand.c.watched_at == errand.watched_at
    where = sa.and_(_is(msgspec.structs.asdict(errand)), is_same)
    await db.execute(sa.update(seerr_errand).where(where).values(**values))
