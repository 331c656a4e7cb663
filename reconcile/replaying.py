"""Replaying: deliveries of the past through the same readers and rules, and what that does to the history.

A replay keeps evidence, never deliveries. As evidence is a set, replaying what was recorded changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NoReturn, Protocol

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.arrivals import Arrival, Outcome
from reconcile.bygones import Bygone, Told
from reconcile.difference import Difference, differences, rows
from reconcile.people import People
from reconcile.playback.check_in import Ignored, Observation, Rejected
from reconcile.recording import Recording
from reconcile.store import deliveries
from reconcile.store.engine import Transactions, away

log = structlog.get_logger()

BATCH = 200
"""How many deliveries one transaction takes."""

SHOWN = 100
"""How many refusals are told one by one."""

Progress = Callable[[int], None]
"""Told how many deliveries have been read so far."""


class Read(Protocol):
    """Reads a notification: `receiver.notification.read`, handed in by who knows it."""

    def __call__(
        self, body: bytes, content_type: str | None, received_at: datetime
    ) -> Observation | Ignored | Rejected:
        """Return what the body says."""


class Replayed(msgspec.Struct):
    """What a replay did, or with *is_dry* would do. *ignored* counts by reason, *refused* are the first of many."""

    is_dry: bool
    read: int = 0
    recorded: int = 0
    known: int = 0
    restored: int = 0
    ignored: Counter[str] = msgspec.field(default_factory=Counter)
    refused: list[Rejected] = msgspec.field(default_factory=list)
    refusals: int = 0
    differences: list[Difference] = msgspec.field(default_factory=list)

    def refuse(self, told: Rejected, place: str) -> None:
        """Count what could not be replayed, and remember the first of them with its *place*."""
        self.refusals += 1
        if len(self.refused) < SHOWN:
            where = f"{place}, {told.place}" if told.place and told.place != place else place
            self.refused.append(Rejected(told.reason, where))


class RolledBack(Exception):
    """Raised to leave a transaction without a trace."""


def undo() -> NoReturn:
    """Leave the transaction around without a trace."""
    raise RolledBack


async def replay(  # noqa: PLR0913 - what is replayed, into what, how, and when
    store: Transactions,
    people: People,
    source: AsyncIterator[Told],
    clock: Callable[[], datetime],
    read: Read,
    *,
    dry_run: bool = False,
    ahead: Mapping[str, timedelta] | None = None,
    progress: Progress = lambda _read: None,
    is_compared: bool = True,
) -> Replayed:
    """Take the deliveries of *source* in once more, in batches; return what that did to the history.

    With *dry_run* all of it is one transaction that is rolled back: the database is locked for that long. *ahead* is
    how far each server's clock is ahead of *clock*. Comparing reads the whole history twice: where it is not asked
    for, no differences are told. Raises StoreAway; the batches before it are kept.
    """
    work = _Replay(people, clock, read, ahead or {}, Replayed(dry_run))
    async with store.read() as db:
        await people.load(db)
        before = await rows(db) if is_compared else {}
    if not dry_run:
        async for batch in _batches(source, progress):
            async with store.begin() as db:
                await people.load(db)  # somebody may have opted out, or been erased, since the batch before
                await work.take(db, batch)
        if is_compared:
            async with store.read() as db:
                work.report.differences = await differences(db, before)
        return work.report
    try:
        async with store.begin() as db:
            async for batch in _batches(source, progress):
                await work.take(db, batch)
            work.report.differences = await differences(db, before)
            undo()
    except RolledBack:
        async with store.read() as db:
            await people.load(db)
    return work.report


async def _batches(source: AsyncIterator[Told], progress: Progress) -> AsyncIterator[list[Told]]:
    batch: list[Told] = []
    count = 0
    async for told in source:
        batch.append(told)
        if len(batch) == BATCH:
            yield batch
            count += len(batch)
            progress(count)
            batch = []
    if batch:
        yield batch
        progress(count + len(batch))


class _Replay(msgspec.Struct):
    """One replay under way."""

    people: People
    clock: Callable[[], datetime]
    reading: Read
    ahead: Mapping[str, timedelta]
    report: Replayed

    async def take(self, db: AsyncConnection, batch: Sequence[Told]) -> None:
        """Take *batch* in; if our code raises, one by one, so that only the odd one is left out."""
        found = [each for told in batch if (each := self._read(told)) is not None]
        try:
            async with db.begin_nested():
                await self._record(db, found)
        except Exception as error:
            if away(error):
                raise
            log.exception("a batch failed; its deliveries are replayed one by one", size=len(found))
            await self.people.load(db)
            for each in found:
                await self._alone(db, each)

    def _read(self, told: Told) -> tuple[Bygone, Observation | None] | None:
        self.report.read += 1
        if isinstance(told, Rejected):
            self.report.refuse(told, told.place)
            return None
        said = self.reading(told.body, told.content_type, told.received_at)
        if isinstance(said, Rejected):
            self.report.refuse(said, told.place)
            return None
        if isinstance(said, Observation):
            at = said.check_in.at if said.check_in is not None else said.observed_at
            if self.people.is_recorded((said.key.server_id, said.key.user_id), at):
                return told, said
            self.report.ignored[self.people.unrecorded((said.key.server_id, said.key.user_id))] += 1
            return told, None
        self.report.ignored[said.reason] += 1
        return told, None

    async def _record(self, db: AsyncConnection, found: Sequence[tuple[Bygone, Observation | None]]) -> None:
        told = [(bygone, said) for bygone, said in found if said is not None]
        arrivals = [Arrival((said,)) for _bygone, said in told]
        answers = (await Recording(db, self.people, self.clock(), self.ahead).take(arrivals)).answers
        for (bygone, _said), answer in zip(told, answers, strict=True):
            if bygone.failed is not None:
                await deliveries.outcome(db, bygone.failed, answer.outcome.value, "replayed")
        restored = [bygone.example for bygone, _said in found if bygone.example is not None]
        for number in restored:
            await deliveries.drop_rejected(db, number)
        self.report.restored += len(restored)
        self.report.recorded += sum(answer.outcome is Outcome.RECORDED for answer in answers)
        self.report.known += sum(answer.outcome is Outcome.KNOWN for answer in answers)

    async def _alone(self, db: AsyncConnection, one: tuple[Bygone, Observation | None]) -> None:
        try:
            async with db.begin_nested():
                await self._record(db, [one])
        except Exception as error:
            if away(error):
                raise
            self.report.refuse(Rejected(f"an error of ours: {type(error).__name__}: {error}"), one[0].place)
            await self.people.load(db)
