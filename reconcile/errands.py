"""Errands to Seerr that follow from a change of the history, queued within the same transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.changes import Change, Settled
from reconcile.store import errands, seerr
from reconcile.store.channels import IMPORT_ALONE
from reconcile.store.errands import WATCH, WATCHLIST, Errand
from reconcile.store.seerr import Wish


async def queue(db: AsyncConnection, now: datetime, settled: Settled) -> None:
    """Queue what accounts wish to be done at Seerr because of what they have completed since they wish it.

    What is known by an import alone is no news: undoing the import could not take an errand back.
    """
    if settled.merged:
        await errands.move(db, settled.merged)
    completed = [each for each in settled.watches if _is_completed(each)]
    if not completed:
        return
    wishes = await seerr.wishes(db, {each.unit[0] for each in completed})
    found = [errand for each in completed if (w := wishes.get(each.unit[0])) for errand in _errands(each, w, now)]
    if found:
        await errands.queue(db, found, now)


def _is_completed(each: Change) -> bool:
    return each.after is not None and bool(each.after["completed"]) and each.after["channels"] != IMPORT_ALONE


def _errands(each: Change, wish: Wish, now: datetime) -> list[Errand]:
    account_id, media_id, unit = each.unit
    watched_at = (each.after or {}).get("watched_at")
    if not isinstance(watched_at, datetime):
        return []
    found = []
    if wish.watches_since is not None and watched_at >= wish.watches_since:
        found.append(Errand(WATCH, account_id, media_id, unit, each.day, watched_at, now))
    if wish.watchlist_since is not None and watched_at >= wish.watchlist_since:
        # A series is finished or not as a whole, whichever episode was the last, on whatever day.
        day = "" if unit else each.day
        found.append(Errand(WATCHLIST, account_id, media_id, "", day, watched_at, now))
    return found
