"""The whole program but for the network, on the rehearsal's stage: it can be killed, redeployed and left alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta, tzinfo

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.notification import notification_of, observed
from receiver.rehearsal.library import SERVER_ID, User
from receiver.rehearsal.recording import Delivery, Recording
from receiver.rehearsal.rehearsing import Stage
from reconcile.arrivals import Answer, Arrival, Outcome
from reconcile.errors import StoreAway, StoreError
from reconcile.jellyfin.snapshot import decode_snapshot
from reconcile.people import People
from reconcile.playback.check_in import Observation, Rejected
from reconcile.playback.rules import Rules
from reconcile.recording import link_new
from reconcile.snapshots import Snapshots
from reconcile.store.deliveries import Delivery as Kept
from reconcile.store.engine import Transactions
from reconcile.tracker import Tracker

NAP = timedelta(minutes=2)
LONGEST_NAP = timedelta(hours=2)


class Glance(msgspec.Struct, frozen=True):
    """One answer to ``GET /Sessions``, given *at* that instant of the server's clock."""

    at: datetime
    body: bytes


class Refusing(Transactions):
    """A store that can be made to refuse the next few writes."""

    refusals = 0

    @asynccontextmanager
    async def begin(self, patience: timedelta | None = None) -> AsyncIterator[AsyncConnection]:
        if self.refusals:
            self.refusals -= 1
            raise StoreAway("The test has taken the database away.")
        async with super().begin(patience) as db:
            yield db


class Program(Stage):
    """Reader, snapshots, tracker and store under a virtual clock (`now` is ours)."""

    def __init__(self, url: str, recording: Recording, rules: Rules, zone: tzinfo, *, auto_link: bool) -> None:
        super().__init__(url, recording)
        self.store: Refusing = Refusing(url)
        self.people = People(rules, zone, auto_link=auto_link)
        self.answers: list[Answer] = []
        self.malformed = 0
        self._new_tracker()

    async def start(self, linked: Iterable[User]) -> None:
        """Read who is recorded; *linked* are people who opted in long ago."""
        async with self.store.begin() as db:
            for user in linked:
                await link_new(db, SERVER_ID, user.id, user.name, "the test", self.now)
            await self.people.load(db)

    def _new_tracker(self) -> None:
        self.tracker = Tracker(self.store, self.people, lambda: self.now)
        self.tracker.ahead[SERVER_ID] = timedelta(seconds=self.recording.clock_offset)
        self.snapshots = Snapshots(SERVER_ID, self.tracker)

    async def restart(self, until: datetime, *, in_order: bool) -> None:
        """End this process, in good order or not, and start another at *until*: it knows what the database knows."""
        if in_order:
            await self.tracker.close()
        self._new_tracker()
        self.now = max(self.now, until)
        async with self.store.read() as db:
            await self.people.load(db)
        await self.tend()

    async def tend(self) -> None:
        """Do what the program does every few seconds."""
        with suppress(StoreError):
            await self.tracker.flush()
            while await self.tracker.sweep():
                pass

    async def sleep_until(self, at: datetime) -> None:
        """Let time pass, tending the ledger as it goes."""
        nap = NAP
        while self.now + nap < at:
            self.now += nap
            await self.tend()
            nap = min(2 * nap, LONGEST_NAP)
        self.now = max(self.now, at)
        if nap > NAP:
            await self.tend()

    async def hear(self, heard: Sequence[Delivery | Glance]) -> None:
        """Take in what came within moments of each other."""
        arrivals = [each if isinstance(each, Glance) else self._told(each) for each in heard]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._record(each)) for each in arrivals if each is not None]
            await asyncio.sleep(0)
            while not all(task.done() for task in tasks):
                await self.tracker.take()
                await asyncio.sleep(0)
        with suppress(StoreError):
            await self.tracker.sweep()

    async def _record(self, arrival: Arrival | Glance) -> None:
        """Take *arrival* in; if the database is away, do so when it is back, as the spool and the backlog do."""
        for _ in range(5):
            try:
                await self._record_once(arrival)
            except StoreAway:
                await asyncio.sleep(0)
            else:
                return
        raise AssertionError("the database did not come back")

    async def _record_once(self, arrival: Arrival | Glance) -> None:
        if isinstance(arrival, Arrival):
            self._answered(await self.tracker.record(arrival))
            return
        snapshot = decode_snapshot(arrival.body)
        news = self.snapshots.news(snapshot, arrival.at)
        self.malformed = self.snapshots.malformed
        self._answered(await self.tracker.look(SERVER_ID, arrival.at, news.observations, news.still))

    def _answered(self, answer: Answer) -> None:
        assert answer.outcome is not Outcome.FAILED, answer.reason
        self.answers.append(answer)

    def _told(self, delivery: Delivery) -> Arrival | None:
        """Read a delivery as the webhook does: what need not be kept is counted, or known."""
        told = notification_of(delivery.body, delivery.content_type)
        if isinstance(told, Rejected):
            self.answers.append(Answer(Outcome.REJECTED, told.reason))
            return None
        found = observed(told, delivery.arrives_at)
        if not isinstance(found, Observation):
            self.tracker.ignore(found.reason)
            return None
        if not self.tracker.is_recorded(found):
            self.tracker.ignore("not a recorded user")
            return None
        is_automated = told.notification_type == "PlaybackProgress" and not (found.check_in and found.check_in.reported)
        if is_automated:
            return None if self.tracker.is_known(found) else Arrival((found,))
        kept = Kept(
            received_at=delivery.arrives_at,
            content_type=delivery.content_type,
            body=delivery.body,
            kind=told.notification_type,
            server_id=found.key.server_id,
            user_id=found.key.user_id,
            at=found.observed_at,
        )
        return Arrival((found,), kept)
