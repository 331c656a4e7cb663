"""Doing the replays that were asked for, one after another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

from receiver.jobs import Jobs, Progress, Row
from reconcile.replaying import SHOWN, Replayed
from reconcile.store import replays
from reconcile.store.engine import Transactions
from reconcile.store.lease import Leases

Read = Callable[[int], None]
Replaying = Callable[[datetime, datetime | None, bool, Read], Awaitable[dict[str, Any]]]
"""Replays what was received from one instant to another, or only tries (dry run), telling how many deliveries it has
read; returns what came of it."""

KINDS = ("added", "changed", "gone")


class Replayer(Jobs):
    """Takes replays from the database. *replay* does one.

    `read` says of the replay that runs how many deliveries it has read so far, by its id.
    """

    def __init__(self, store: Transactions, replay: Replaying, leases: Leases | None = None) -> None:
        super().__init__("replays", store, replays, self._replayed, leases)
        self.read: dict[int, int] = {}
        self._replay = replay

    async def _replayed(self, row: Row, _progress: Progress) -> dict[str, Any]:
        try:
            return await self._replay(row["since"], row["until"], row["dry_run"], partial(self._note_read, row["id"]))
        finally:
            self.read.clear()

    def _note_read(self, number: int, count: int) -> None:
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
