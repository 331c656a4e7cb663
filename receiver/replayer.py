"""Doing the replays that were asked for, one after another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import structlog

from reconcile.errors import StoreError
from reconcile.replaying import SHOWN, Replayed
from reconcile.store import replays
from reconcile.store.engine import Transactions

log = structlog.get_logger()

Replaying = Callable[[datetime, datetime | None, bool], Awaitable[dict[str, Any]]]
"""Replays what was received from one instant to another, or only tries (dry run); returns what came of it."""

_AGAIN_SECONDS = 10.0


class Replayer:
    """Takes replays from the database. *replay* does one; while it is None, they wait."""

    def __init__(self, store: Transactions, replay: Replaying | None = None) -> None:
        self.replay = replay
        self._store = store
        self._wake = asyncio.Event()
        self._wake.set()

    def wake(self) -> None:
        """Look for a new one."""
        self._wake.set()

    async def run(self) -> None:
        """Replay until cancelled; what was running when a process died runs again."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                while self.replay is not None and await self._one(self.replay):
                    pass
            except StoreError as error:
                log.warning("replays wait for the database", error=str(error))
                await asyncio.sleep(_AGAIN_SECONDS)
                self._wake.set()

    async def _one(self, replay: Replaying) -> bool:
        async with self._store.read() as db:
            row = await replays.next_one(db)
        if row is None:
            return False
        async with self._store.begin() as db:
            await replays.set_state(db, row["id"], replays.RUNNING)
        state, result = replays.DONE, {}
        try:
            result = await replay(row["since"], row["until"], row["dry_run"])
        except StoreError:
            raise
        except Exception as error:
            log.exception("a replay failed", replay=row["id"])
            state, result = replays.FAILED, {"error": f"{type(error).__name__}: the log says more"}
        async with self._store.begin() as db:
            await replays.set_state(db, row["id"], state, result)
        return True


def words_of(done: Replayed) -> dict[str, Any]:
    """Return what a replay did as it is kept, and told by the API."""
    return {
        "read": done.read,
        "recorded": done.recorded,
        "known": done.known,
        "ignored": dict(done.ignored),
        "refused": done.refusals,
        "differences": [each.sentence(is_dry=done.is_dry) for each in done.differences[:SHOWN]],
        "differences_in_all": len(done.differences),
    }
