"""The first start: whether the set-up was finished once, and what was decided in it that nothing else tells."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store import settings

_FINISHED = "set_up_finished_at"
_POLLS_ONLY = "set_up_polls_only/"


async def is_finished(db: AsyncConnection) -> bool:
    """Say whether somebody went through the set-up to its end."""
    return await settings.get(db, _FINISHED) is not None


async def finish(db: AsyncConnection, now: datetime) -> None:
    """Keep that the set-up is finished: the next start prints no link to it."""
    await settings.put(db, _FINISHED, now.isoformat())


async def polled_only(db: AsyncConnection) -> frozenset[str]:
    """Return the servers of which somebody said that polls are enough."""
    kept = await settings.everything(db)
    return frozenset(name.removeprefix(_POLLS_ONLY) for name in kept if name.startswith(_POLLS_ONLY))


async def decide(db: AsyncConnection, server_id: str, *, polls_only: bool) -> None:
    """Keep whether polls are enough for a server."""
    name = _POLLS_ONLY + server_id
    await (settings.put(db, name, "true") if polls_only else settings.drop(db, name))
