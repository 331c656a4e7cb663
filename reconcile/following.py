"""What follows from a change of the history, within the same transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.awarding import award
from reconcile.changes import Settled
from reconcile.errands import queue
from reconcile.people import People
from reconcile.telling import tell


async def follow(db: AsyncConnection, people: People, now: datetime, settled: Settled) -> None:
    """Bring what is derived from watches and playbacks up to date with what *settled* says of them."""
    await award(db, people, settled)
    await queue(db, now, settled)
    await tell(db, people, now, settled)
