"""Erasing a person: everything of theirs goes in one transaction, then out of the database's free pages.

The transaction is all or nothing. What comes after it, the spool and the free pages, is noted as owed in the same
transaction and done again at the next start if it was interrupted: it needs only the hashes of who was erased.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.awarding import leave
from reconcile.changes import Settled
from reconcile.errors import StoreBusy
from reconcile.people import People
from reconcile.settling import Settling
from reconcile.store import accounts, erasure, keys, settings
from reconcile.store.engine import Transactions
from reconcile.store.erasure import Mentions, Person
from reconcile.store.locks import lock_sessions, lock_users

SETTLES = timedelta(seconds=10)
"""How long another process may go on writing about somebody whom it does not know to be erased; what it wrote goes."""

_OWED = "erasure owed since"


class Erased(msgspec.Struct, frozen=True):
    """What an erasure removed: rows by table, and by whom the person was known. *settled* is what it did to others."""

    rows: dict[str, int]
    mentions: Mentions
    settled: Settled


async def erase(
    db: AsyncConnection, people: People, number: int, now: datetime, ahead: Mapping[str, timedelta]
) -> Erased | None:
    """Delete all of the account *number*, and remember by hash who its users were; None if there is no such account.

    Users who were linked to another account since keep what is of that time. Raises StoreBusy while a replay, a
    resettling or an import runs.
    """
    who = await erasure.person(db, number)
    if who is None:
        return None
    if await erasure.is_at_work(db):
        raise StoreBusy(
            "A replay, a resettling or an import runs, which has read what is to go: erase when it is done."
        )
    await lock_users(db, {*who.users, *who.moved})
    await _lock_sessions(db, number, who)
    touched: set[int] = set()
    for pair, times in who.moved.items():
        touched.update(await erasure.forget_time(db, pair, times))
    touched.update(await erasure.keys_of_others(db, number))
    await leave(db, number)
    found = Mentions(who.names, who.users)
    rows = Counter({"bodies that named them": await erasure.forget_bodies(db, found)})
    rows.update(await erasure.forget_users(db, who.users))
    await erasure.forget_recording(db, number)
    # What others' evidence said of this account is settled while there still is one: everything derived follows.
    await people.load(db)
    settling = Settling(db, people, now, ahead=ahead, whole=True)
    settled = await settling.settle(await keys.by_id(db, touched))
    rows.update(await erasure.forget_account(db, number))
    await erasure.forget_sentences(db, found, number)
    await erasure.unsign(db, who.names)
    await erasure.note(db, [hashed for user in who.users if (hashed := people.hash_of(user)) is not None], now)
    await settings.put(db, _OWED, now.isoformat())
    await people.load(db)
    return Erased(dict(rows), found, settled)


async def _lock_sessions(db: AsyncConnection, number: int, who: Person) -> None:
    """Lock the sessions of all whom the erasure touches."""
    found = await accounts.keys_of(db, number)
    for pair in who.users:
        found |= await accounts.keys_of_user(db, *pair)
    await lock_sessions(db, {(key.server_id, key.session_id, key.user_id) for key in found.values()})


async def is_owed(store: Transactions) -> bool:
    """Say whether an erasure is not finished. Raises StoreAway."""
    async with store.read() as db:
        return await settings.get(db, _OWED) is not None


async def finish(store: Transactions, people: People, now: datetime) -> bool:
    """Delete what came of the erased meanwhile, and make the database forget its free pages.

    Return whether that was all. It is not while another process may still write what it had in hand. Raises StoreAway.
    """
    async with store.begin() as db:
        await people.load(db)
        late = {user for user in await erasure.users(db) if people.is_erased(user)}
        if late:
            await lock_users(db, late)
            await erasure.forget_users(db, late)
        told = await settings.get(db, _OWED)
    is_clean = await store.compact()
    is_over = told is None or store.dialect == "sqlite" or now - datetime.fromisoformat(told) >= SETTLES
    if is_clean and is_over:
        async with store.begin() as db:
            await settings.drop(db, _OWED)
    return is_clean and is_over
