"""The tracker: both channels feed it, and what it has answered is committed.

Arrivals that come in while a transaction runs share the next one (group commit): no timer, no added wait. What is
already known costs no transaction: that a check-in is still shown is kept in memory, and flushed every few seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import structlog

from reconcile.arrivals import Answer, Arrival, Look, Outcome
from reconcile.changes import Settled
from reconcile.errors import StoreError
from reconcile.events import Events
from reconcile.latest import Latest
from reconcile.memory import Draft, Memory, MemoryOutdated
from reconcile.people import People
from reconcile.playback.check_in import Key, Kind, Observation
from reconcile.recording import Batch, Recording
from reconcile.settling import Settling
from reconcile.store import deliveries, playbacks
from reconcile.store.engine import Transactions
from reconcile.strangers import Strangers

log = structlog.get_logger()

FLUSH = timedelta(seconds=5)
"""How long a sighting may stay in memory: what a crash may lose of it."""

SWEEP = timedelta(seconds=5)
"""How often playbacks whose limit has passed are looked for."""

MOST = 256
"""How many arrivals one transaction takes at the most."""

Clock = Callable[[], datetime]


class Tracker:
    """Takes evidence from every channel into one ledger. *clock* gives UTC."""

    def __init__(self, store: Transactions, people: People, clock: Clock) -> None:
        self.store = store
        self.people = people
        self.clock = clock
        self.ahead: dict[str, timedelta] = {}
        self.events = Events()
        self.ignored: dict[str, int] = {}
        self._queue: list[tuple[Arrival, asyncio.Future[Answer]]] = []
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._latest = Latest()
        self._memory = Memory()
        self._strangers = Strangers()
        self._showing: dict[str, dict[Key, datetime]] = {}
        self._closing = False
        self.events.listen(lambda settled: self._memory.forget_units(settled.units))

    # --- what the channels call -----------------------------------------------------------------------------------

    def ignore(self, reason: str, times: int = 1) -> None:
        """Count what is not history, by reason; the counts are kept with the next flush."""
        self.ignored[reason] = self.ignored.get(reason, 0) + times

    def is_recorded(self, told: Observation) -> bool:
        """Say whether anything of *told* may be kept. Whoever keeps a body asks this first.

        What may not be kept of one user is not kept as another's either, to whom the server ascribes it later.
        """
        at = told.check_in.at if told.check_in is not None else told.observed_at
        if not self.people.is_recorded((told.key.server_id, told.key.user_id), at):
            self._strangers.note(told)
            return False
        return not self._strangers.had(told)

    def is_known(self, told: Observation) -> bool:
        """Take in what needs no transaction: a check-in that is known already and is merely still shown.

        Return False if there is more to it than that.
        """
        return self._latest.is_known(told)

    def still_shown(self, key: Key, at: datetime, kind: Kind, until: datetime) -> bool:
        """Note that the check-in of *key* at *at* was still shown *until* then; False if it is not the latest known."""
        return self._latest.still_shown(key, at, kind, until)

    async def record(self, arrival: Arrival) -> Answer:
        """Take *arrival* in; the answer comes after the commit. Raises StoreAway, having kept nothing."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._queue.append((arrival, answer))
        self._wake.set()
        try:
            return await answer
        except asyncio.CancelledError:
            # Whoever waited has gone, and has kept the arrival elsewhere: it need not be taken in twice.
            self._queue = [(a, f) for a, f in self._queue if f is not answer]
            raise

    async def look(
        self, server_id: str, at: datetime, observations: Sequence[Observation], still: Collection[Key] = ()
    ) -> Answer:
        """Take a whole snapshot in: what it showed, what it no longer showed, and what it says of that.

        *still* are keys that it showed without news: `still_shown` has been told of them.
        """
        recorded = [o for o in observations if self.is_recorded(o)]
        news = tuple(o for o in recorded if not self.is_known(o))
        shown = dict.fromkeys((*still, *(o.key for o in recorded if not o.is_farewell)), at)
        before = self._showing.setdefault(server_id, {})
        grace = self.people.global_rules.absence_grace
        missing = {key: last for key, last in before.items() if key not in shown}
        absent = [key for key, last in missing.items() if at - last >= grace]
        vanished = self._latest.ids(absent)
        answer = await self.record(Arrival(news, look=Look(server_id, at, vanished=vanished)))
        # A playback stays on the list until two looks have agreed that it is gone.
        gone = {key for key, last in missing.items() if at - last >= 2 * grace + timedelta(minutes=2)}
        self._showing[server_id] = {key: last for key, last in missing.items() if key not in gone} | shown
        return answer

    @property
    def waiting(self) -> int:
        """How many arrivals wait for the next transaction."""
        return len(self._queue)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Keep everything else from being written meanwhile; then forget all of those who are recorded no longer."""
        async with self._turn:
            try:
                yield
            finally:
                self._memory.forget()
                self._strangers = Strangers()
                self._latest.forget(self._is_gone)
                for keys in self._showing.values():
                    for key in [key for key in keys if self._is_gone(key)]:
                        del keys[key]

    def _is_gone(self, key: Key) -> bool:
        return not self.people.intervals((key.server_id, key.user_id))

    # --- what runs ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Take arrivals in until cancelled; whatever is queued then is finished first by `close`."""
        while not self._closing:
            await self._wake.wait()
            self._wake.clear()
            while self._queue and not self._closing:
                await self.take()

    async def tend(self) -> None:
        """Flush sightings and close what has gone silent, again and again, until cancelled."""
        while True:
            await asyncio.sleep(min(FLUSH, SWEEP).total_seconds())
            try:
                await self.flush()
                await self.sweep()
            except StoreError as error:
                log.warning("tending failed", error=str(error))

    async def close(self) -> None:
        """Take in whatever is queued, and flush. No playback ends because of it."""
        self._closing = True
        self._wake.set()
        while self._queue:
            await self.take()
        await self.flush()

    async def take(self) -> None:
        """Take what is queued into one transaction, and answer."""
        async with self._turn:
            part, self._queue = self._queue[:MOST], self._queue[MOST:]
            if not part:
                return
            try:
                answers = await self._answers([arrival for arrival, _ in part])
            except asyncio.CancelledError:
                # Whoever waits is answered by `close`, which finishes what is queued; taken twice is taken once.
                self._queue = [each for each in part if not each[1].done()] + self._queue
                raise
            for (_arrival, answer), said in zip(part, answers, strict=True):
                if answer.done():
                    continue
                if isinstance(said, StoreError):
                    answer.set_exception(said)
                else:
                    answer.set_result(said)

    async def flush(self) -> None:
        """Keep until when check-ins were shown, and how often something was ignored."""
        if not self._latest.waits and not self.ignored:
            return
        async with self._turn:
            shown = self._latest.take_shown()
            ignored, self.ignored = self.ignored, {}
            try:
                draft = self._memory.draft()
                async with self.store.begin() as db:
                    recording = Recording(db, self.people, self.clock(), self.ahead, draft)
                    settled = (await recording.take([], shown)).settled
                    await deliveries.count(db, ignored)
            except BaseException:
                self._latest.show_again(shown)
                for reason, times in ignored.items():
                    self.ignore(reason, times)
                raise
            self._adopt(draft, settled)

    async def sweep(self, most: int = 500) -> int:
        """Cut again the open playbacks whose limit has passed; return how many keys that were."""
        now = self.clock()
        async with self.store.read() as db:
            due = await playbacks.due(db, now, self.ahead, most)
        if not due:
            return 0
        async with self._turn:
            await self._settle(due, now)
        return len(due)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _adopt(self, draft: Draft, settled: Settled) -> None:
        """Remember what a transaction has committed, and tell of it: what is told of is forgotten, then remembered."""
        self.events.tell(settled)
        self._memory.adopt(draft)

    async def _settle(self, key_ids: Sequence[int], now: datetime) -> None:
        draft = self._memory.draft()
        async with self.store.begin() as db:
            since = {number: each[0].first_at for number, each in (await playbacks.open_of(db, key_ids)).items()}
            settling = Settling(db, self.people, now, ahead=self.ahead, draft=draft)
            settled = await settling.settle(key_ids, since)
        self._adopt(draft, settled)

    async def _transact(self, arrivals: Sequence[Arrival]) -> Batch:
        shown = self._latest.take_shown()
        draft = self._memory.draft()
        recording: Recording | None = None
        try:
            async with self.store.begin() as db:
                recording = Recording(db, self.people, self.clock(), self.ahead, draft)
                batch = await recording.take(arrivals, shown)
        except BaseException:
            if recording is not None:
                recording.take_back()
            self._latest.show_again(shown)
            raise
        self._latest.remember(arrivals, batch.keys)
        self._adopt(draft, batch.settled)
        return batch

    async def _answers(self, arrivals: Sequence[Arrival]) -> Sequence[Answer | StoreError]:
        """Take *arrivals* in together; where that raises, one by one."""
        try:
            return (await self._transact(arrivals)).answers
        except StoreError as error:
            return [error] * len(arrivals)
        except MemoryOutdated:
            # Another process, or an administrator, has changed what was remembered: read it again.
            self._memory.forget()
            return await self._answers(arrivals)
        except Exception:
            log.exception("a batch failed; its arrivals are taken one by one", size=len(arrivals))
            return [await self._alone(arrival) for arrival in arrivals]

    async def _alone(self, arrival: Arrival) -> Answer | StoreError:
        """Take one arrival in by itself; if that raises, set it aside with its error."""
        try:
            return (await self._transact([arrival])).answers[0]
        except StoreError as error:
            return error
        except MemoryOutdated:
            self._memory.forget()
            return await self._alone(arrival)
        except Exception as error:
            log.exception("an arrival failed and is set aside")
            return await self._set_aside(arrival, error)

    async def _set_aside(self, arrival: Arrival, error: Exception) -> Answer | StoreError:
        said = Answer(Outcome.FAILED, "set aside after an error of ours; replay it after an update")
        if arrival.delivery is None:
            return said
        arrival.delivery.outcome, arrival.delivery.reason = said.outcome.value, said.reason
        arrival.delivery.error = f"{type(error).__name__}: {error}"
        try:
            async with self.store.begin() as db:
                number = await deliveries.add(db, arrival.delivery)
        except StoreError as away:
            return away
        return Answer(said.outcome, said.reason, number)
