"""A transaction that may be only a trial: what it would do is known, and then taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store.engine import Transactions


class _OnlyTriedError(Exception):
    """Takes the transaction back."""


@asynccontextmanager
async def trial(store: Transactions, *, dry_run: bool) -> AsyncIterator[AsyncConnection]:
    """Open a transaction that writes; with *dry_run* it leaves no trace. Raises StoreAway."""
    try:
        async with store.begin() as db:
            yield db
            if dry_run:
                raise _OnlyTriedError  # noqa: TRY301 - it takes the transaction back
    except _OnlyTriedError:
        return
