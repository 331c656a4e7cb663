"""Copying what Seerr knows into the mirror, in small transactions: the ledger never waits for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.awarding import count_again
from reconcile.changes import Settled
from reconcile.errors import SeerrError, SeerrMissing, SeerrUnreadable
from reconcile.people import People
from reconcile.playback.pace import jittered
from reconcile.seerr.answers import SeerrMedia, SeriesTotals
from reconcile.seerr.client import SeerrClient
from reconcile.store import progress, seerr
from reconcile.store.engine import Transactions
from reconcile.telling import tell

log = structlog.get_logger()

WRITTEN_AT_ONCE = 200
"""How many rows one transaction writes: others write too."""

SERIES_AT_ONCE = 10
KNOWN_FOR = timedelta(days=3)
FIRST_RETRY, LONGEST_RETRY = timedelta(hours=1), timedelta(days=7)

SOURCE = "seerr"


async def copy_all_media(client: SeerrClient, store: Transactions) -> bool:
    """Copy all media, and forget what Seerr has no more; say whether the list was whole.

    While it is read, it may change, and pages shift. What was read is kept; only a list that has as many media as
    Seerr says there are shows what is gone.
    """
    found: dict[int, SeerrMedia] = {}
    total = 0
    async for told, page in client.media():
        total = told
        found |= {each.id: each for each in page}
    rows = [_row(each) for each in found.values()]
    async with store.read() as db:
        kept = await seerr.mirrored(db)
    await _write(store, seerr.differing(rows, kept))
    is_whole = len(found) == total
    gone = sorted(kept.keys() - found.keys()) if is_whole else []
    for start in range(0, len(gone), WRITTEN_AT_ONCE):
        async with store.begin() as db:
            await seerr.unmirror(db, gone[start : start + WRITTEN_AT_ONCE])
    log.info("Seerr's media are mirrored", media=len(found), gone=len(gone), is_whole=is_whole)
    return is_whole


async def copy_changed_media(client: SeerrClient, store: Transactions) -> int:
    """Copy what has changed since the mirror's latest change; return how many differed."""
    async with store.read() as db:
        since = await seerr.mirrored_until(db)
        kept = await seerr.mirrored(db)
    changed: dict[int, dict[str, Any]] = {}
    async for _total, page in client.media(latest_first=True):
        rows = seerr.differing((_row(each) for each in page), kept)
        changed |= {row["id"]: row for row in rows}
        is_older = since is not None and any(each.updated_at is not None and each.updated_at < since for each in page)
        if is_older or not rows:
            break
    await _write(store, list(changed.values()))
    return len(changed)


async def copy_watchlists(client: SeerrClient, store: Transactions, clock: Callable[[], datetime]) -> None:
    """Note what stands on the watchlists of those who wish to have it removed, and since when at the latest."""
    async with store.read() as db:
        wishes = await seerr.wishes(db)
        users = {
            account_id: await seerr.user_of(db, account_id)
            for account_id, each in wishes.items()
            if each.watchlist_since is not None
        }
    for account_id, user_id in users.items():
        if user_id is None:
            continue
        entries = {each.id: (each.media_type, each.tmdb_id) for each in await client.watchlist(user_id)}
        async with store.begin() as db:
            await seerr.list_entries(db, user_id, account_id, entries, clock())


async def copy_series(
    client: SeerrClient,
    store: Transactions,
    people: People,
    clock: Callable[[], datetime],
    chance: Callable[[], float],
) -> int:
    """Ask for the totals of some watched series whose time has come; return how many. Raises SeerrUnreachable.

    Seerr asks TMDB for this. Where it cannot, it answers 500, so one such answer ends the round (facts A5).
    """
    async with store.read() as db:
        due = await seerr.series_due(db, clock(), SERIES_AT_ONCE)
    for each in due:
        error: SeerrError | None = None
        told = None
        try:
            told = await client.series(each.tmdb_id)
        except SeerrError as refused:
            error = refused
        wait = KNOWN_FOR if error is None else min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(each.attempts, 10))
        async with store.begin() as db:
            words = None if error is None else str(error)
            await seerr.keep_series(db, each, clock() + jittered(wait, chance()), words)
            if told is not None:
                await _count(db, people, clock(), each.media_id, told)
        if error is not None and not isinstance(error, SeerrMissing | SeerrUnreadable):
            raise error
    return len(due)


async def _count(db: AsyncConnection, people: People, now: datetime, media_id: int, told: SeriesTotals) -> None:
    """Keep how long a series is, with what follows from it."""
    if await progress.set_totals(db, media_id, told.episodes, told.seasons, told.is_running, SOURCE):
        settled = Settled(badges=await count_again(db, people, [media_id]))
        await tell(db, people, now, settled)


async def _write(store: Transactions, rows: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(rows), WRITTEN_AT_ONCE):
        async with store.begin() as db:
            await seerr.mirror(db, rows[start : start + WRITTEN_AT_ONCE])


def _row(each: SeerrMedia) -> dict[str, Any]:
    return msgspec.structs.asdict(each)
