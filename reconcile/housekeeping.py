"""Housekeeping: what may be forgotten without changing the ledger, forgotten a little at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.people import People
from reconcile.playback.thinning import thinned
from reconcile.settling import Settling
from reconcile.store import deliveries, evidence, playbacks, settings
from reconcile.store.engine import Transactions

OVER = timedelta(days=1)
"""How long a playback must be over before its line is thinned, and how long every look is kept."""

_AT_ONCE = 20
_PRUNED = "looks pruned until"


class Tidied(msgspec.Struct):
    """How much was forgotten."""

    check_ins: int = 0
    looks: int = 0
    bodies: int = 0


async def tidy(store: Transactions, people: People, now: datetime, keep_for: timedelta) -> Tidied:
    """Thin lines, drop looks that no playback needs, and bodies kept longer than *keep_for*. Raises StoreAway."""
    done = Tidied()
    while (found := await _thin_some(store, people, now)) is not None:
        done.check_ins += found
    async with store.begin() as db:
        done.looks = await _prune_looks(db, now)
        done.bodies = await deliveries.prune(db, now, keep_for)
    return done


async def _thin_some(store: Transactions, people: People, now: datetime) -> int | None:
    """Thin a few keys in a transaction of their own; return how many check-ins went, None if no key was left."""
    async with store.begin() as db:
        due = await playbacks.unthinned(db, now - OVER, _AT_ONCE)
        if not due:
            return None
        gone = 0
        settling = Settling(db, people, now, whole=True)
        for key_id, until in due.items():
            each = await settling.line(key_id)
            found = thinned(each.check_ins, each.around, people.rules(each.account_id), now, each.others)
            await evidence.keep(db, {key_id: found.extended})
            await evidence.drop(db, key_id, [(check_in.at, check_in.kind) for check_in in found.gone])
            await playbacks.set_thinned(db, key_id, until)
            gone += len(found.gone)
        return gone


async def _prune_looks(db: AsyncConnection, now: datetime) -> int:
    """Forget looks older than a day, but for those that a playback needed."""
    until = now - OVER
    told = await settings.get(db, _PRUNED)
    since = datetime.fromisoformat(told) if told else None
    needed = await playbacks.needed_looks(db, since, until)
    gone = await evidence.drop_looks(db, since, until, needed)
    await settings.put(db, _PRUNED, until.isoformat())
    return gone
