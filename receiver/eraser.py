"""Erasing somebody while the program runs: from the database, the spool, and what the parts remember."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from receiver.intake import Intake
from receiver.notes import Notes
from receiver.reception import Reception
from reconcile.erasing import Erased, erase, finish, is_owed
from reconcile.errors import SpoolUnwritable, StoreError
from reconcile.store import erasure
from reconcile.tracker import Tracker

log = structlog.get_logger()

_AGAIN_SECONDS = 4.0
"""How often each process looks for an erasure that is not finished: before `reconcile.erasing.SETTLES` is over."""


class Eraser:
    """Makes the program forget people. *clock* gives UTC."""

    def __init__(
        self, tracker: Tracker, intake: Intake, reception: Reception, notes: Notes, clock: Callable[[], datetime]
    ) -> None:
        self._tracker = tracker
        self._intake = intake
        self._reception = reception
        self._notes = notes
        self._clock = clock

    async def erase(self, account_id: int) -> Erased | None:
        """Erase an account for good; None if there is none of that id. Raises StoreAway, with nothing erased.

        What the database's free pages and another process may still hold goes in the background if it cannot at once.
        """
        tracker = self._tracker
        async with tracker.alone():
            async with tracker.store.begin() as db:
                done = await erase(db, tracker.people.fresh(), account_id, self._clock(), tracker.ahead)
            async with tracker.store.read() as db:
                await tracker.people.load(db)  # what waits in the queue is asked about again
        if done is None:
            return None
        await self._notes.forget(done.mentions.are_in)
        async with tracker.store.begin() as db:
            await erasure.forget_bodies(db, done.mentions)  # one may have been written since
        tracker.events.tell(done.settled)
        log.info("an account was erased", rows=sum(done.rows.values()))
        await self._finish()
        return done

    async def run(self) -> None:
        """Finish what an erasure here, in another process, or before a power cut left to be done; until cancelled."""
        while True:
            try:
                if await is_owed(self._tracker.store):
                    await self._finish()
            except StoreError as error:
                log.warning("an erasure waits for the database", error=str(error))
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _finish(self) -> None:
        try:
            async with self._tracker.alone():
                self._reception.forget()
                await self._intake.forget_unrecorded()
                await finish(self._tracker.store, self._tracker.people, self._clock())
        except SpoolUnwritable as error:
            log.warning("an erasure waits for the spool", error=str(error))
