"""Applying what was read of another tool's history, trying it first, and undoing it as one unit.

A row becomes a check-in of the channel «import», on a key of its own: the ledger stays a function of a set, so that the
same file twice changes nothing, and what several imports tell of goes with the last of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.accounts import checked_zone
from reconcile.arrivals import Arrival, Outcome
from reconcile.changes import Settled
from reconcile.difference import Total, differences_of, words_of
from reconcile.errors import SettingRefused, StoreBusy
from reconcile.people import People
from reconcile.playback.check_in import Channel, Key, Observation
from reconcile.playback.imports import Play, session_of, told_of
from reconcile.playback.zones import instant
from reconcile.recording import Recording
from reconcile.settling import Settling
from reconcile.staging import NOT_THEN
from reconcile.store import imports, keys
from reconcile.store.engine import Transactions, away
from reconcile.store.imports import Staged
from reconcile.store.locks import lock_sessions
from reconcile.trial import trial

log = structlog.get_logger()

BATCH = 200
"""How many rows one transaction takes."""

KEYS = 50
"""How many keys one transaction of an undo settles."""

LONGEST_READING = timedelta(hours=1)

NO_ZONE = (
    "zone: the rows are in the wall time of their server, and which time zone that is was not proven; say it, such as "
    "Europe/Berlin."
)
FAILED = "an error of ours: the log says more"

Heard = Callable[[Settled], None]
"""Told what each transaction did, after its commit."""

Progress = Callable[[int, int], Awaitable[None]]
"""Told how much of how much is done; not within a transaction."""


class Work(msgspec.Struct):
    """What an import works with: the database, who is recorded, our clock, how far each server's is ahead of it."""

    store: Transactions
    people: People
    clock: Callable[[], datetime]
    ahead: Mapping[str, timedelta]
    heard: Heard
    progress: Progress


async def ask(store: Transactions, number: int, task: str, zone: str | None = None) -> bool:
    """Ask for a *task* of an import, by the time zone given; False if there is no such import.

    Raises StoreBusy while another task of it is not over, and SettingRefused, which says what is amiss.
    """
    async with store.begin() as db:
        row = await imports.locked(db, number)
        if row is None:
            return False
        is_applied = await imports.count(db, number, is_applied=True) > 0
        if zone is not None:
            checked_zone(zone, "zone")
        if not row["told"].get("wall_times"):
            zone = None  # its times are instants: no time zone is kept with them
        elif task != imports.UNDO:
            if zone is None and row["zone"] is None:
                raise SettingRefused(NO_ZONE)
            if is_applied and zone not in (None, row["zone"]):
                raise SettingRefused(f"zone: it is applied by {row['zone']} already: undo it first.")
        if task == imports.UNDO and not is_applied:
            raise SettingRefused("There is nothing to undo: nothing of it is in the history.")
        if not await imports.ask(db, number, task, zone):
            raise StoreBusy("Another task of this import is not over yet: wait for it.")
    return True


async def discard(store: Transactions, number: int, now: datetime) -> bool:
    """Forget an import of which nothing is in the history; False if there is none. Raises SettingRefused, StoreBusy.

    One that is still being read after an hour is read by nobody any more.
    """
    async with store.begin() as db:
        row = await imports.locked(db, number)
        if row is None:
            return False
        is_stuck = row["state"] == imports.READING and now - row["requested_at"] > LONGEST_READING
        if row["state"] not in (imports.DONE, imports.FAILED) and not is_stuck:
            raise StoreBusy("A task of this import is not over yet: wait for it.")
        if await imports.count(db, number, is_applied=True):
            raise SettingRefused("It is in the history: undo it first.")
        await imports.drop(db, number)
    return True


async def do(work: Work, row: Mapping[str, Any]) -> dict[str, Any]:
    """Do the task that was asked of the import *row*; return what that did. Raises StoreAway.

    Applying and undoing may be stopped and begun again. A trial is one transaction that is taken back: until then
    nothing else can be written, and what comes in waits in the spool.
    """
    if row["task"] == imports.UNDO:
        return await _undo(work, row["id"])
    taking = _Taking(work, row["source"], row["zone"])
    if row["task"] == imports.TRY:
        return await taking.tried(row["id"])
    return await taking.applied(row["id"])


class _Taking:
    """Takes the rows of an import in."""

    def __init__(self, work: Work, source: str, zone: str | None) -> None:
        self.work = work
        self.source = source
        self.zone = zone
        self.did = Total()
        self.outcomes: Counter[Outcome] = Counter()
        self.left_out: Counter[str] = Counter()

    async def tried(self, number: int) -> dict[str, Any]:
        async with trial(self.work.store, dry_run=True) as db:
            await self.work.people.load(db)
            after = 0
            while rows := await imports.rows(db, number, after, BATCH):
                self.did.add(await self._take(db, rows))
                after = rows[-1].number
            found = await differences_of(db, self.did.settled)
        return self._words(words_of(found, self.did, is_dry=True))

    async def applied(self, number: int) -> dict[str, Any]:
        store, after, done = self.work.store, 0, 0
        async with store.read() as db:
            total = await imports.count(db, number)
        while True:
            async with store.begin() as db:
                await self.work.people.load(db)  # somebody may have opted out, or been erased, since the batch before
                rows = await imports.rows(db, number, after, BATCH)
                settled = await self._take(db, rows)
            if not rows:
                break
            after, done = rows[-1].number, done + len(rows)
            self.did.add(settled)
            self.work.heard(settled)
            await self.work.progress(done, total)
        async with store.read() as db:
            return self._words(words_of(await differences_of(db, self.did.settled), self.did, is_dry=False))

    def _words(self, changes: dict[str, Any]) -> dict[str, Any]:
        recorded, known = self.outcomes[Outcome.RECORDED], self.outcomes[Outcome.KNOWN]
        return {"recorded": recorded, "known": known, "left_out": dict(self.left_out)} | changes

    async def _take(self, db: AsyncConnection, rows: Sequence[Staged]) -> Settled:
        """Take *rows* in; if our code raises, one by one, so that only the odd one is left out."""
        if not rows:
            return Settled()
        try:
            async with db.begin_nested():
                return await self._record(db, rows)
        except Exception as error:
            if away(error):
                raise
            log.exception("a batch of an import failed; its rows are taken one by one", size=len(rows))
        return await self._one_by_one(db, rows)

    async def _one_by_one(self, db: AsyncConnection, rows: Sequence[Staged]) -> Settled:
        together = Total()
        for row in rows:
            await self.work.people.load(db)
            try:
                async with db.begin_nested():
                    together.add(await self._record(db, [row]))
            except Exception as error:
                if away(error):
                    raise
                log.exception("a row of an import failed", row=row.number)
                self.left_out[FAILED] += 1
        return together.settled

    async def _record(self, db: AsyncConnection, rows: Sequence[Staged]) -> Settled:
        now = self.work.clock()
        told: list[tuple[Staged, Observation]] = []
        left_out: Counter[str] = Counter()
        unkept: list[int] = []
        for row in rows:
            user = (row.server_id, row.user_id)
            said = observation(row, self.source, self._instant(row.play))
            if self.work.people.may_import(user, said.observed_at, now):
                told.append((row, said))
            else:
                is_here = self.work.people.account_of(user, now) is not None
                left_out[NOT_THEN if is_here else self.work.people.unrecorded(user)] += 1
                unkept.append(row.number)
        batch = await Recording(db, self.work.people, now, self.work.ahead).take([Arrival((o,)) for _row, o in told])
        evidence = [(row.number, batch.keys[said.key], said.observed_at) for row, said in told]
        await imports.applied(db, evidence)
        await imports.leave_out(db, unkept)
        self.left_out += left_out
        self.outcomes += Counter(answer.outcome for answer in batch.answers)
        return batch.settled

    def _instant(self, play: Play) -> datetime:
        if play.started_at.tzinfo is not None:
            return play.started_at
        if self.zone is None:
            raise SettingRefused(NO_ZONE)
        return instant(play.started_at, self.zone)


def observation(row: Staged, source: str, at: datetime) -> Observation:
    """Return what a row of *source* says, which began *at* that instant."""
    play = row.play
    return Observation(
        key=Key(row.server_id, session_of(source, play), play.user_id, play.item_id),
        channel=Channel.IMPORT,
        observed_at=at,
        check_in=told_of(play, at),
        item=play.item,
        device=play.device,
        user_name=play.user_name,
    )


async def _undo(work: Work, number: int) -> dict[str, Any]:
    did, done, stay, after = Total(), 0, 0, 0
    async with work.store.read() as db:
        total = await imports.count(db, number, is_applied=True)
    while True:
        async with work.store.begin() as db:
            await work.people.load(db)
            numbers = await imports.keys_of(db, number, after, KEYS)
            if not numbers:
                break
            withdrawn, settled = await _withdraw(db, work, number, numbers)
        did.add(settled)
        work.heard(settled)
        after, done, stay = numbers[-1], done + withdrawn.rows, stay + withdrawn.stay
        await work.progress(done, total)
    async with work.store.read() as db:
        changes = words_of(await differences_of(db, did.settled), did, is_dry=False)
    return {"withdrawn": done, "stay": stay} | changes


async def _withdraw(
    db: AsyncConnection, work: Work, number: int, numbers: Sequence[int]
) -> tuple[imports.Withdrawn, Settled]:
    rows = await keys.by_id(db, numbers)
    await lock_sessions(db, {(row.key.server_id, row.key.session_id, row.key.user_id) for row in rows.values()})
    withdrawn = await imports.withdraw(db, number, numbers)
    await keys.touch(db, numbers)
    settling = Settling(db, work.people, work.clock(), ahead=work.ahead, whole=True)
    return withdrawn, await settling.settle(numbers)
