"""Locks of one transaction: whoever settles the same session, or the same watch, waits for the other.

PostgreSQL only: SQLite has one writer, so there is nothing to wait for. Each call takes its locks in one fixed order,
and sessions come before watches, so two batches cannot wait for each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection


async def lock_sessions(db: AsyncConnection, sessions: Iterable[tuple[str, str, str]]) -> None:
    """Lock each (server id, session id, user id) until the transaction ends."""
    await _lock(db, "session", sessions)


async def lock_users(db: AsyncConnection, users: Iterable[tuple[str, str]]) -> None:
    """Lock each (server id, user id) until the transaction ends, so that nobody is linked twice; sessions follow."""
    await _lock(db, "user", users)


async def lock_watches(db: AsyncConnection, watches: Iterable[tuple[int, int]]) -> None:
    """Lock each (account id, media id) until the transaction ends; sessions have been locked before."""
    await _lock(db, "watch", watches)


async def lock_aliases(db: AsyncConnection, aliases: Iterable[tuple[str, str, str]]) -> None:
    """Lock each (kind, source, value) until the transaction ends, so that one media is not made twice."""
    await _lock(db, "alias", aliases)


async def lock_feats(db: AsyncConnection, units: Iterable[tuple[int, str]], accounts: Iterable[int] = ()) -> None:
    """Lock what is made of each (media id, unit), whoever watches it, or of each account, until the transaction ends.

    Units come after watches, and accounts after units. Units share 64 locks: a whole history may be asked for.
    """
    await _lock(db, "shown", ((lock_number(*unit) % 64,) for unit in units))
    await _lock(db, "feats", ((account,) for account in accounts))


async def lock_everyone(db: AsyncConnection) -> None:
    """Lock what is made of all accounts together until the transaction ends; it comes last."""
    await _lock(db, "everyone", [()])


def lock_number(*parts: str | int) -> int:
    """Return the 64-bit number that stands for *parts* among PostgreSQL's advisory locks."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


async def _lock(db: AsyncConnection, what: str, wanted: Iterable[tuple[str | int, ...]]) -> None:
    if db.dialect.name == "sqlite":
        return
    numbers = {lock_number(what, *each) for each in wanted}
    if not numbers:
        return
    array = sa.cast(sorted(numbers), ARRAY(sa.BigInteger))
    number = sa.func.unnest(array).column_valued("number")  # row by row, in the array's order
    await db.execute(sa.select(sa.func.count(sa.func.pg_advisory_xact_lock(number))))
