"""Resettling: the whole history made anew from the evidence, under other rules or under a new version of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.awarding import make_anew, make_anew_in_parts
from reconcile.coming_and_going import BadgeDifference, badge_differences
from reconcile.difference import Difference, differences, rows
from reconcile.people import People
from reconcile.playback.check_in import Key
from reconcile.replaying import RolledBack, undo
from reconcile.settling import Settling
from reconcile.store import badges, evidence
from reconcile.store.engine import Transactions
from reconcile.store.locks import lock_sessions

BATCH = 50
"""How many keys one transaction settles, more only where a session has more."""

Progress = Callable[[int, int], None]
"""Told how many keys are settled, and of how many."""


class Resettled(msgspec.Struct, frozen=True):
    """What resettling did to the history, and to what is made of it."""

    watches: list[Difference]
    badges: list[BadgeDifference]


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
    """Resettle, and return what that did to the rows of the history."""
    found = await resettle_all(store, people, overrides, clock, dry_run=dry_run, ahead=ahead, progress=progress)
    return found.watches


async def resettle_all(
    store: Transactions,
    people: People,
    overrides: Mapping[str, object],
    clock: Callable[[], datetime],
    *,
    dry_run: bool = False,
    ahead: Mapping[str, timedelta] | None = None,
    progress: Progress = lambda _done, _all: None,
) -> Resettled:
    """Cut and judge every key again, with *overrides* over the global rules; return what that did to the history.

    What the history adds up to is made anew from nothing. An account's own rules stay its own. With *dry_run* all of
    it is one transaction that is rolled back.
    """
    changed = People(msgspec.structs.replace(people.global_rules, **overrides), people.zone)
    async with store.read() as db:
        await changed.load(db)
        before, awarded = await rows(db), await badges.everyone(db)
        batches = list(_batches(await evidence.key_ids(db)))
    total, done = sum(len(batch) for batch in batches), 0

    async def settle(db: AsyncConnection, batch: Sequence[tuple[int, Key]]) -> None:
        nonlocal done
        await lock_sessions(db, {(key.server_id, key.session_id, key.user_id) for _number, key in batch})
        await Settling(db, changed, clock(), ahead=ahead, whole=True).settle([number for number, _key in batch])
        done += len(batch)
        progress(done, total)

    async def told(db: AsyncConnection) -> Resettled:
        return Resettled(await differences(db, before), await badge_differences(db, awarded))

    if not dry_run:
        for batch in batches:
            async with store.begin() as db:
                await settle(db, batch)
        for account in changed.accounts:
            await make_anew_in_parts(store, changed, account)
        async with store.read() as db:
            return await told(db)
    found = Resettled([], [])
    try:
        async with store.begin() as db:
            for batch in batches:
                await settle(db, batch)
            for account in changed.accounts:
                await make_anew(db, changed, account)
            found = await told(db)
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
