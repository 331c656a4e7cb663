"""New rules over the whole history while the program runs: a few keys at a time, remembering only what changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.changes import Settled
from reconcile.difference import Total, differences_of, words_of
from reconcile.people import People
from reconcile.playback.check_in import Key
from reconcile.settling import Settling
from reconcile.store import resettlings
from reconcile.store.engine import Transactions
from reconcile.store.locks import lock_sessions
from reconcile.trial import trial

BATCH = 50
"""How many keys one transaction settles, more only where a session has more."""

Heard = Callable[[Settled], None]
"""Told what each transaction did, after its commit."""

Progress = Callable[[int, int], Awaitable[None]]
"""Told how many keys are settled, and of how many; not within a transaction, unless it is a trial."""


async def rerule(
    store: Transactions,
    people: People,
    clock: Callable[[], datetime],
    *,
    dry_run: bool,
    ahead: Mapping[str, timedelta],
    heard: Heard,
    progress: Progress,
) -> dict[str, Any]:
    """Settle every key by the rules of *people*; return what that did, as the API tells it. Raises StoreAway.

    It may be stopped and begun again: what is settled already does not change. With *dry_run* all of it is one
    transaction that is taken back; until then nothing else can be written, and what comes in waits in the spool.
    """
    did, place, done = Total(), None, 0
    async with store.read() as db:
        await people.load(db)
        total = await resettlings.count_keys(db)
    if dry_run:
        async with trial(store, dry_run=True) as db:
            while (step := await _step(db, people, clock(), ahead, place)) is not None:
                place, settled, count = step
                did.add(settled)
                done += count
            return words_of(await differences_of(db, did.settled), did, is_dry=True)
    while True:
        async with store.begin() as db:
            await people.load(db)
            step = await _step(db, people, clock(), ahead, place)
        if step is None:
            break
        place, settled, count = step
        did.add(settled)
        heard(settled)
        done += count
        await progress(done, total)
    async with store.read() as db:
        return words_of(await differences_of(db, did.settled), did, is_dry=False)


async def _step(
    db: AsyncConnection, people: People, now: datetime, ahead: Mapping[str, timedelta], place: Key | None
) -> tuple[Key, Settled, int] | None:
    """Settle the keys after *place*; return the last of them, what that did, and how many they are."""
    batch = await resettlings.keys_after(db, place, BATCH)
    if not batch:
        return None
    await lock_sessions(db, {(key.server_id, key.session_id, key.user_id) for _number, key in batch})
    settled = await Settling(db, people, now, ahead=ahead, whole=True).settle([number for number, _key in batch])
    return batch[-1][1], settled, len(batch)
