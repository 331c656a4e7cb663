"""Resettling: the whole history made anew from the evidence, under other rules or under a new version of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.difference import Difference, differences, rows
from reconcile.people import People
from reconcile.playback.check_in import Key
from reconcile.replaying import RolledBack, undo
from reconcile.settling import Settling
from reconcile.store import evidence
from reconcile.store.engine import Transactions
from reconcile.store.locks import lock_sessions

BATCH = 50
"""How many keys one transaction settles, more only where a session has more."""

Progress = Callable[[int, int], None]
"""Told how many keys are settled, and of how many."""


async def resettle(
    store: Transactions,
    people: People,
    overrides: Mapping[str, object],
    clock: Callable[[], datetime],
    *,
    dry_run: bool = False,
    ahead: Mapping[str, timedelta] | None = None,
    progress: Progress = lambda _done, _all: None,
) -> list[Difference]:
    """Cut and judge every key again, with *overrides* over the global rules; return what that did to the history.

    An account's own rules stay its own. With *dry_run* all of it is one transaction that is rolled back.
    """
    changed = People(msgspec.structs.replace(people.global_rules, **overrides), people.zone)
    async with store.read() as db:
        await changed.load(db)
        before = await rows(db)
        batches = list(_batches(await evidence.key_ids(db)))
    total, done = sum(len(batch) for batch in batches), 0

    async def settle(db: AsyncConnection, batch: Sequence[tuple[int, Key]]) -> None:
        nonlocal done
        await lock_sessions(db, {(key.server_id, key.session_id, key.user_id) for _number, key in batch})
        await Settling(db, changed, clock(), ahead=ahead, whole=True).settle([number for number, _key in batch])
        done += len(batch)
        progress(done, total)

    if not dry_run:
        for batch in batches:
            async with store.begin() as db:
                await settle(db, batch)
        async with store.read() as db:
            return await differences(db, before)
    found: list[Difference] = []
    try:
        async with store.begin() as db:
            for batch in batches:
                await settle(db, batch)
            found = await differences(db, before)
            undo()
    except RolledBack:
        return found


def _batches(keys: Sequence[tuple[int, Key]]) -> Iterator[list[tuple[int, Key]]]:
    """Yield the keys so that those of one session, which end one another, are settled together."""
    batch: list[tuple[int, Key]] = []
    for number, key in sorted(keys, key=lambda each: (each[1], each[0])):
        last = batch[-1][1] if batch else None
        is_other = last is None or (last.server_id, last.session_id) != (key.server_id, key.session_id)
        if len(batch) >= BATCH and is_other:
            yield batch
            batch = []
        batch.append((number, key))
    if batch:
        yield batch
