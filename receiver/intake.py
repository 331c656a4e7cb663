"""Taking deliveries in: within 80 ms into the ledger, else into the spool, and from there into the ledger later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from receiver.notification import Notification, notification_of, observed
from receiver.spool import Spool, Spooled
from reconcile.arrivals import Answer, Arrival, Outcome
from reconcile.errors import SpoolUnwritable, StoreError
from reconcile.jellyfin.instants import instant
from reconcile.people import People
from reconcile.playback.check_in import Key, Kind, Observation, Rejected
from reconcile.playback.identity import normalised_id
from reconcile.store.deliveries import Delivery
from reconcile.tracker import Tracker

log = structlog.get_logger()

PATIENCE = timedelta(milliseconds=80)
"""How long a viewer's player waits with us for the database."""

TEND_EVERY = timedelta(seconds=5)
"""How often it is tried to write the sightings that wait in memory."""

_DRAINED_AT_ONCE = 64
_DRAIN_SECONDS = 30.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0

_SPOOLED = Answer(Outcome.SPOOLED, "the database does not answer: kept in the spool until it does")
_SIGHTED = Answer(Outcome.KNOWN, "still shown")


class Intake:
    """The way of what the webhook brings, into *tracker* or *spool*. *clock* gives UTC."""

    def __init__(self, tracker: Tracker, spool: Spool, clock: Callable[[], datetime]) -> None:
        self.patience = PATIENCE
        self.with_marks = False
        self.is_away = False
        self.away_since: datetime | None = None
        self._tracker = tracker
        self._spool = spool
        self._clock = clock
        self._wake = asyncio.Event()
        self._spooled: set[tuple[Key, datetime, Kind]] = set()
        self._drained = 0
        self._sightings: dict[Key, Observation] = {}

    async def take(self, told: Notification, found: Observation, raw: Spooled) -> Answer:
        """Take in what *raw* tells of a recorded user. Raises SpoolUnwritable: then it is kept nowhere."""
        is_kept = is_delivery(told, found)
        if not is_kept and self._tracker.is_known(found):
            return _SIGHTED
        if not is_kept and self.is_away and self._may_wait(found):
            self._hold(found)
            return _SIGHTED
        if not self.is_away:
            try:
                async with asyncio.timeout(self.patience.total_seconds()):
                    return await self._tracker.record(arrival_of(told, found, raw) if is_kept else Arrival((found,)))
            except (StoreError, TimeoutError) as error:
                self._go_away(error)
        await self._spool.append(raw)
        if found.check_in is not None:
            self._spooled.add((found.key, *found.check_in.identity))
        self._wake.set()
        return _SPOOLED

    def wake(self) -> None:
        """Have the spool drained: something may wait in it since the last run."""
        self._wake.set()

    async def drain(self) -> None:
        """Bring what waits in the spool into the ledger, in order, whenever the database answers; until cancelled."""
        pause = _FIRST_PAUSE
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self.is_away or self._drained or not self._spool.is_empty:
                try:
                    await self._drain_segment()
                    pause = _FIRST_PAUSE
                except (StoreError, TimeoutError, SpoolUnwritable) as error:
                    log.warning("the spool waits", error=str(error), bytes=self._spool.waiting_bytes)
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)

    async def tend(self) -> None:
        """Write the latest bare sightings every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(TEND_EVERY.total_seconds())
            try:
                await self.flush()
            except StoreError as error:
                log.warning("sightings wait for the database", error=str(error))

    async def flush(self) -> None:
        """Write the bare sightings that wait. Raises StoreAway, with nothing forgotten."""
        if not self._sightings or self.is_away:
            return
        waiting = dict(self._sightings)
        await self._tracker.record(Arrival(tuple(waiting.values())))
        for key, found in waiting.items():
            if self._sightings.get(key) is found:
                del self._sightings[key]

    async def forget_unrecorded(self) -> None:
        """Forget what waits, here and in the spool, of those who are recorded no longer. Raises SpoolUnwritable."""
        people = self._tracker.people
        self._spooled = {each for each in self._spooled if people.intervals(_user(each[0]))}
        self._sightings = {key: told for key, told in self._sightings.items() if people.intervals(_user(key))}
        await self._spool.purge(lambda record: is_of_erased(record, people))

    # --- inside ---------------------------------------------------------------------------------------------------

    def _may_wait(self, found: Observation) -> bool:
        """Say whether *found* may wait in memory: a bare sighting, or what repeats a check-in of the spool."""
        return found.check_in is None or (found.key, *found.check_in.identity) in self._spooled

    def _hold(self, found: Observation) -> None:
        latest = self._sightings.get(found.key)
        if latest is None or found.observed_at >= latest.observed_at:
            self._sightings[found.key] = found

    def _go_away(self, error: BaseException) -> None:
        if not self.is_away:
            log.warning("the database does not answer: deliveries are spooled", error=str(error) or "it took too long")
            self.is_away, self.away_since = True, self._clock()
        self._wake.set()

    async def _drain_segment(self) -> None:
        segment = await self._spool.oldest()
        if segment is None:
            async with self._tracker.store.begin():
                pass  # the probe: the database can be written
            self._come_back()
            self._spooled.clear()
            log.info("the spool is in the ledger", deliveries=self._drained)
            self._drained = 0
            return
        records = segment.records
        for start in range(0, len(records), _DRAINED_AT_ONCE):
            await self._record(records[start : start + _DRAINED_AT_ONCE])
            self._come_back()
            await asyncio.sleep(0)
        await self._spool.discard(segment)
        self._drained += len(records)

    def _come_back(self) -> None:
        """Record again what comes in, whatever still waits: the ledger does not depend on the order."""
        if self.is_away:
            self.is_away, self.away_since = False, None
            log.info("the database answers again")

    async def _record(self, records: Sequence[Spooled]) -> None:
        arrivals = [arrival for record in records if (arrival := self._arrival(record)) is not None]
        async with asyncio.timeout(_DRAIN_SECONDS):
            said = await asyncio.gather(*map(self._tracker.record, arrivals), return_exceptions=True)
        for answer in said:
            if isinstance(answer, BaseException):
                raise answer

    def _arrival(self, record: Spooled) -> Arrival | None:
        """Read *record* again. It was read once; only who is recorded may have changed."""
        told = notification_of(record.body, record.content_type)
        if isinstance(told, Rejected):
            return None
        found = observed(told, record.received_at, record.server_id, with_marks=self.with_marks)
        if not isinstance(found, Observation):
            return None
        if not self._tracker.is_recorded(found):
            self._tracker.ignore(self._tracker.people.unrecorded((found.key.server_id, found.key.user_id)))
            return None
        return arrival_of(told, found, record) if is_delivery(told, found) else Arrival((found,))


def is_of_erased(record: Spooled, people: People) -> bool:
    """Say whether a spooled delivery is about somebody who was erased."""
    told = notification_of(record.body, record.content_type)
    if isinstance(told, Rejected):
        return False
    server, user = normalised_id(told.server_id or record.server_id or ""), normalised_id(told.user_id or "")
    return people.is_erased((server, user))


def _user(key: Key) -> tuple[str, str]:
    return (key.server_id, key.user_id)


def is_delivery(told: Notification, found: Observation) -> bool:
    """Say whether the body is kept: every one but the Progress that the server sends by itself, one a second."""
    if told.notification_type != "PlaybackProgress":
        return True
    return found.check_in is not None and found.check_in.reported


def arrival_of(told: Notification, found: Observation, raw: Spooled) -> Arrival:
    """Return what *raw* tells, with its body to be kept."""
    return Arrival(
        (found,),
        Delivery(
            received_at=raw.received_at,
            content_type=raw.content_type,
            body=raw.body,
            kind=told.notification_type,
            server_id=found.key.server_id,
            user_id=found.key.user_id,
            at=instant(told.utc_timestamp),
        ),
    )
