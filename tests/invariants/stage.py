"""The whole program but for the network and the readers, on a database of its own, under a virtual clock."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.rehearsal.library import SERVER_ID
from reconcile.arrivals import Answer, Arrival
from reconcile.people import People
from reconcile.playback.rules import Rules
from reconcile.settling import Settling
from reconcile.store import evidence as kept_evidence
from reconcile.store import playbacks
from reconcile.store.engine import Transactions
from reconcile.tracker import Tracker
from tests.invariants.hearing import Evening, Heard, Told
from tests.invariants.ledger import Ledger, evidence, ledger


class Batches(msgspec.Struct, frozen=True):
    """How arrivals fall together: so many a batch, again and again; after every so many batches there is tending."""

    sizes: tuple[int, ...] = (40,)
    tending: int = 1


class Stage:
    """One process: its store, its people, its tracker, its clock."""

    def __init__(self, store: Transactions, evening: Evening) -> None:
        self.store = store
        self.evening = evening
        self.people = People(Rules(), UTC, auto_link=True)
        self.now = datetime.min.replace(tzinfo=UTC)
        self.tracker = Tracker(store, self.people, lambda: self.now)
        self.tracker.ahead[SERVER_ID] = evening.ahead

    async def start(self) -> None:
        """Read who is recorded, as a process does when it starts."""
        async with self.store.read() as db:
            await self.people.load(db)

    async def play(self, heard: Sequence[Heard], batches: Batches) -> None:
        """Take everything *heard* in, whatever its order, and let the night pass."""
        for number, part in enumerate(split(heard, batches), start=1):
            await self.take(part)
            if number % batches.tending == 0:
                await self.tend()
        await self.settle()

    async def take(self, part: Sequence[Heard]) -> None:
        """Take a batch in at the time of its latest arrival."""
        waiting = self.told(part)
        await self.take_waiting()
        await asyncio.gather(*waiting)

    def told(self, part: Sequence[Heard]) -> list[asyncio.Future[Answer | None]]:
        """Bring *part* to the tracker; the answers come later: None to what needed no transaction."""
        self.now = max([self.now, *(each.arrives_at for each in part)])
        return [asyncio.ensure_future(self._hear(each)) for each in part]

    async def take_waiting(self) -> None:
        """Take in what waits."""
        await asyncio.sleep(0)
        while self.tracker.waiting:
            await self.tracker.take()
            await asyncio.sleep(0)

    async def _hear(self, heard: Heard) -> Answer | None:
        if not isinstance(heard, Told):
            return await self.tracker.look(SERVER_ID, heard.at, heard.observations)
        if self.tracker.is_known(heard.observation):
            return None
        return await self.tracker.record(Arrival((heard.observation,)))

    async def tend(self) -> None:
        """Flush and sweep, as every few seconds."""
        await self.tracker.flush()
        while await self.tracker.sweep():
            pass

    async def settle(self) -> None:
        """Let the night pass."""
        self.now = max(self.now, self.evening.over_at)
        await self.tend()

    async def ledger(self) -> Ledger:
        """Return what the ledger says, and the evidence under it."""
        async with self.store.read() as db:
            return await ledger(db) | await evidence(db)

    async def current(self) -> Ledger:
        """Return what the ledger says once the open playbacks have been cut again, as at their limit; nothing is kept.

        What a look merely still shows is not cut anew at once (its next check-in, or its limit, brings that), so what
        is open lags behind its evidence.
        """
        async with undone(self.store) as db:
            found = await playbacks.open_of(db, await playbacks.open_keys(db))
            since = {number: each[0].first_at for number, each in found.items()}
            await Settling(db, self.people, self.now, ahead=self.tracker.ahead).settle(since, since)
            return await ledger(db)

    async def cut_anew(self) -> Ledger:
        """Return what the ledger would say if every key were cut again from its first check-in on; nothing is kept."""
        async with undone(self.store) as db:
            numbers = [number for number, _key in await kept_evidence.key_ids(db)]
            await Settling(db, self.people, self.now, ahead=self.tracker.ahead, whole=True).settle(numbers)
            return await ledger(db)


def split(heard: Sequence[Heard], batches: Batches) -> Iterator[Sequence[Heard]]:
    """Yield *heard* in parts of the sizes given."""
    start = 0
    for size in cycle(batches.sizes):
        if start >= len(heard):
            return
        yield heard[start : start + size]
        start += size


class _Undone(Exception):
    pass


def _undo() -> None:
    raise _Undone


@asynccontextmanager
async def undone(store: Transactions) -> AsyncIterator[AsyncConnection]:
    """Open a transaction of which nothing is kept."""
    try:
        async with store.begin() as db:
            yield db
            _undo()
    except _Undone:
        pass


@contextmanager
def copied(template: Path) -> Iterator[str]:
    """Copy a migrated SQLite file for one example; yield its URL."""
    with tempfile.TemporaryDirectory(prefix="playledger-") as folder:
        file = shutil.copy(template, Path(folder) / "playledger.db")
        yield f"sqlite+aiosqlite:///{file}"


@asynccontextmanager
async def staged(url: str, evening: Evening) -> AsyncIterator[Stage]:
    """Start a process on the database at *url*, and let go of it at the end."""
    stage = Stage(Transactions(url), evening)
    try:
        await stage.start()
        yield stage
    finally:
        await stage.store.close()


async def played(url: str, evening: Evening, heard: Sequence[Heard], batches: Batches) -> Ledger:
    """Play *heard* on the database at *url*, and return its ledger."""
    async with staged(url, evening) as stage:
        await stage.play(heard, batches)
        return await stage.ledger()
