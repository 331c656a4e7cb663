"""Series progress as kept, what is known of how long series are, and what people have given up."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.media import LOCAL
from reconcile.playback.progress import Progress, Status, Totals
from reconcile.store.keys import CHUNK
from reconcile.store.tables import media, media_alias, series_abandoned, series_progress, series_total
from reconcile.store.upsert import upsert

Row = dict[str, Any]

# --- totals ----------------------------------------------------------------------------------------------------------

_TOTALS = sa.select(
    series_total.c.media_id,
    series_total.c.source,
    series_total.c.total_episodes,
    series_total.c.seasons,
    series_total.c.is_running,
).where(
    series_total.c.media_id.in_(sa.bindparam("ids", expanding=True)),
    sa.or_(series_total.c.total_episodes.is_not(None), series_total.c.is_running.is_not(None)),
)


async def totals_of(db: AsyncConnection, media_ids: Collection[int]) -> dict[int, Totals]:
    """Return what is known of each of *media_ids*; of several sources the one that knows the most episodes is right.

    Whether a series runs is what that source says, else any other. Those of which nothing is known are missing.
    """
    told: dict[int, list[tuple[int, str, Totals]]] = {}
    wanted = sorted(media_ids)
    for start in range(0, len(wanted), CHUNK):
        rows = await db.execute(_TOTALS, {"ids": wanted[start : start + CHUNK]})
        for number, source, total, seasons, is_running in rows:
            known = Totals(total, {int(season): count for season, count in seasons.items()}, is_running)
            told.setdefault(number, []).append((total or 0, source, known))
    return {number: _chosen([known for *_place, known in sorted(each, key=_place)]) for number, each in told.items()}


def _place(told: tuple[int, str, Totals]) -> tuple[int, str]:
    total, source, _known = told
    return (-total, source)


def _chosen(known: list[Totals]) -> Totals:
    is_running = next((each.is_running for each in known if each.is_running is not None), None)
    return msgspec.structs.replace(known[0], is_running=is_running)


async def set_totals(
    db: AsyncConnection,
    media_id: int,
    total_episodes: int | None,
    seasons: Mapping[int, int],
    is_running: bool | None,  # noqa: FBT001 - it is one of the things told
    source: str,
) -> bool:
    """Keep what *source* says of a series: episodes without specials, by season too, and whether more will come.

    *source* names who says it («seerr», «jellyfin:» and the server's id). Return whether what is known of the series
    has changed by it: then `reconcile.awarding.count_again` is to be called in the same transaction.
    """
    before = await totals_of(db, [media_id])
    told = {"total_episodes": total_episodes, "seasons": _keyed(seasons), "is_running": is_running}
    statement = upsert(db, series_total).values(media_id=media_id, source=source, attempts=0, **told)
    await db.execute(statement.on_conflict_do_update(index_elements=["media_id", "source"], set_=told))
    return await totals_of(db, [media_id]) != before


def _keyed(seasons: Mapping[int, int]) -> dict[str, int]:
    return {str(season): count for season, count in sorted(seasons.items())}


def source_of(server_id: str) -> str:
    """Return the name of a Jellyfin server as a source of totals."""
    return f"jellyfin:{server_id}"


async def due(db: AsyncConnection, server_id: str, now: datetime, most: int) -> dict[int, tuple[str, int]]:
    """Return the series that somebody watches and whose time to be counted at a server has come.

    Each with its item id there, and with how often that has failed.
    """
    t, a = series_total.c, media_alias.c
    is_asked = sa.and_(t.media_id == a.media_id, t.source == source_of(server_id))
    is_watched = sa.exists().where(series_progress.c.media_id == a.media_id)
    query = (
        sa.select(a.media_id, a.value, sa.func.coalesce(t.attempts, 0))
        .outerjoin(series_total, is_asked)
        .where(a.kind == "series", a.source == LOCAL, a.value.startswith(f"{server_id}:", autoescape=True), is_watched)
        .where(sa.or_(t.next_try_at.is_(None), t.next_try_at <= now))
        .order_by(a.media_id, a.value)
        .limit(most)
    )
    found: dict[int, tuple[str, int]] = {}
    for number, value, attempts in await db.execute(query):
        found.setdefault(number, (value.partition(":")[2], attempts))
    return found


async def plan(
    db: AsyncConnection, media_id: int, server_id: str, now: datetime, again_at: datetime, error: str | None = None
) -> None:
    """Note that a series was counted at a server, or why not, and when to try again."""
    told: dict[str, object] = {"next_try_at": again_at, "error": error}
    news = {"attempts": 0, "fetched_at": now} if error is None else {"attempts": series_total.c.attempts + 1}
    first = {"attempts": 0, "fetched_at": now} if error is None else {"attempts": 1}
    statement = upsert(db, series_total).values(media_id=media_id, source=source_of(server_id), **told | first)
    await db.execute(statement.on_conflict_do_update(index_elements=["media_id", "source"], set_=told | news))


# --- progress --------------------------------------------------------------------------------------------------------

_COLUMNS = tuple(series_progress.c[name] for name in Progress.__struct_fields__)
_OF_SERIES = sa.select(series_progress.c.media_id, *_COLUMNS).where(
    series_progress.c.account_id == sa.bindparam("account"),
    series_progress.c.media_id.in_(sa.bindparam("ids", expanding=True)),
)
_DELETE = sa.delete(series_progress).where(
    series_progress.c.account_id == sa.bindparam("account"), series_progress.c.media_id == sa.bindparam("number")
)
_INSERT = sa.insert(series_progress)


async def kept(db: AsyncConnection, account: int, media_ids: Collection[int]) -> dict[int, Progress]:
    """Return what is kept of an account's progress with *media_ids*."""
    found: dict[int, Progress] = {}
    wanted = sorted(media_ids)
    for start in range(0, len(wanted), CHUNK):
        rows = await db.execute(_OF_SERIES, {"account": account, "ids": wanted[start : start + CHUNK]})
        found.update((number, Progress(Status(status), *rest)) for number, status, *rest in rows)
    return found


async def write(
    db: AsyncConnection, account: int, before: Mapping[int, Progress], after: Mapping[int, Progress]
) -> None:
    """Keep the progress *after* instead of the one *before*."""
    changed = sorted(n for n in before.keys() | after.keys() if before.get(n) != after.get(n))
    gone = [{"account": account, "number": number} for number in changed if number in before]
    made = [_values(account, number, after[number]) for number in changed if number in after]
    if gone:
        await db.execute(_DELETE, gone)
    if made:
        await db.execute(_INSERT, made)


def _values(account: int, number: int, each: Progress) -> dict[str, object]:
    said = msgspec.structs.asdict(each) | {"status": each.status.value}
    return {"account_id": account, "media_id": number} | said


async def accounts_of(db: AsyncConnection, media_ids: Collection[int]) -> set[tuple[int, int]]:
    """Return the (account, media) pairs that have progress with *media_ids*."""
    c = series_progress.c
    query = sa.select(c.account_id, c.media_id).where(c.media_id.in_(media_ids))
    return {(account, number) for account, number in await db.execute(query)}


async def series_of(db: AsyncConnection, account: int) -> set[int]:
    """Return the series that an account has progress with."""
    query = sa.select(series_progress.c.media_id).where(series_progress.c.account_id == account)
    return set((await db.execute(query)).scalars())


_WORDS = ("title", "year", "tmdb_id", "tvdb_id", "imdb_id", "seerr_media_id")
_SHOWN = sa.select(series_progress, *(media.c[name] for name in _WORDS)).join(
    media, media.c.id == series_progress.c.media_id
)


async def one(db: AsyncConnection, account: int, media_id: int) -> Row | None:
    """Return an account's progress with one series as `shown` does, None if it has completed nothing of it."""
    c = series_progress.c
    row = (await db.execute(_SHOWN.where(c.account_id == account, c.media_id == media_id))).mappings().first()
    return None if row is None else dict(row)


async def shown(
    db: AsyncConnection, account: int, status: str | None, after: tuple[datetime, int] | None, most: int
) -> list[Row]:
    """Return up to *most* of an account's series with what is known of them, the last watched first."""
    c = series_progress.c
    query = _SHOWN.where(c.account_id == account)
    if status is not None:
        query = query.where(c.status == status)
    if after is not None:
        at, number = after
        query = query.where(sa.or_(c.last_watched_at < at, sa.and_(c.last_watched_at == at, c.media_id < number)))
    query = query.order_by(c.last_watched_at.desc(), c.media_id.desc()).limit(most)
    return [dict(row) for row in (await db.execute(query)).mappings()]


# --- given up --------------------------------------------------------------------------------------------------------

_ABANDONED = sa.select(series_abandoned.c.media_id, series_abandoned.c.at).where(
    series_abandoned.c.account_id == sa.bindparam("account"),
    series_abandoned.c.media_id.in_(sa.bindparam("ids", expanding=True)),
)


async def abandoned(db: AsyncConnection, account: int, media_ids: Collection[int]) -> dict[int, datetime]:
    """Return when an account gave up which of *media_ids*."""
    found: dict[int, datetime] = {}
    wanted = sorted(media_ids)
    for start in range(0, len(wanted), CHUNK):
        rows = await db.execute(_ABANDONED, {"account": account, "ids": wanted[start : start + CHUNK]})
        found.update((number, at) for number, at in rows)
    return found


async def abandon(db: AsyncConnection, account: int, media_id: int, at: datetime) -> None:
    """Note that an account gave a series up."""
    statement = upsert(db, series_abandoned).values(account_id=account, media_id=media_id, at=at)
    await db.execute(statement.on_conflict_do_update(index_elements=["account_id", "media_id"], set_={"at": at}))


async def resume(db: AsyncConnection, account: int, media_id: int) -> None:
    """Take that back."""
    c = series_abandoned.c
    await db.execute(sa.delete(series_abandoned).where(c.account_id == account, c.media_id == media_id))


async def merge(db: AsyncConnection, merged: Mapping[int, int]) -> None:
    """Let what was said of media that are now others be said of those."""
    a, t = series_abandoned.c, series_total.c
    for old, new in sorted(merged.items()):
        given_up = (await db.execute(sa.select(a.account_id, a.at).where(a.media_id == old))).all()
        for account, at in given_up:
            known = (await abandoned(db, account, [new])).get(new, at)
            await abandon(db, account, new, max(known, at))
        await db.execute(sa.delete(series_abandoned).where(a.media_id == old))
        mine = sa.select(t.source).where(t.media_id == new).scalar_subquery()
        moved = sa.update(series_total).where(t.media_id == old, t.source.not_in(mine))
        await db.execute(moved.values(media_id=new))
        await db.execute(sa.delete(series_total).where(t.media_id == old))
