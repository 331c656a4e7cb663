"""Doing the replays that were asked for, one after another."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from reconcile.errors import StoreError
from reconcile.replaying import SHOWN, Replayed
from reconcile.store import replays
from reconcile.store.engine import Transactions

log = structlog.get_logger()

Progress = Callable[[int], None]
Replaying = Callable[[datetime, datetime | None, bool, Progress], Awaitable[dict[str, Any]]]
"""Replays what was received from one instant to another, or only tries (dry run), telling how many deliveries it has
read; returns what came of it."""

KINDS = ("added", "changed", "gone")

_AGAIN_SECONDS = 10.0


class Replayer:
    """Takes replays from the database. *replay* does one; while it is None, they wait.

    `read` says of the replay that runs how many deliveries it has read so far, by its id.
    """

    def __init__(self, store: Transactions, replay: Replaying | None = None) -> None:
        self.replay = replay
        self.read: dict[int, int] = {}
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
            result = await replay(row["since"], row["until"], row["dry_run"], partial(self._note, row["id"]))
        except StoreError:
            raise
        except Exception as error:
            log.exception("a replay failed", replay=row["id"])
            state, result = replays.FAILED, {"error": f"{type(error).__name__}: the log says more"}
        finally:
            self.read.clear()
        async with self._store.begin() as db:
            await replays.set_state(db, row["id"], state, result)
        return True

    def _note(self, number: int, count: int) -> None:
        self.read[number] = count


def words_of(done: Replayed) -> dict[str, Any]:
    """Return what a replay did as it is kept, and told by the API.

    People are named in sentences alone, which an erasure finds; else they are the numbers of their accounts.
    """
    people: dict[str, Counter[str]] = {}
    for each in done.differences:
        people.setdefault(str(each.account_id), Counter())[each.kind] += 1
    said = [(each.kind, each.sentence(is_dry=done.is_dry)) for each in done.differences]
    return {
        "read": done.read,
        "recorded": done.recorded,
        "known": done.known,
        "ignored": dict(done.ignored),
        "refused": done.refusals,
        "differences": [sentence for _kind, sentence in said[:SHOWN]],
        "differences_in_all": len(said),
        "rows": {kind: [sentence for which, sentence in said if which == kind][:SHOWN] for kind in KINDS},
        "people": {number: {kind: counts[kind] for kind in KINDS} for number, counts in people.items()},
    }
