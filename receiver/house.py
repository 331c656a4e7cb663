"""The house: everything that lives as long as the program does, and the order in which it comes up and goes down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx
import structlog

from receiver.access import Access
from receiver.canary import Canary
from receiver.doorways import Doorways
from receiver.elsewhere import Elsewhere
from receiver.eraser import Eraser
from receiver.hearing import Hearing
from receiver.importer import Importer
from receiver.intake import Intake
from receiver.jobs import Jobs, Progress
from receiver.live import Live
from receiver.metrics import Metrics
from receiver.notes import Notes
from receiver.notification import read
from receiver.posters import Posters
from receiver.reception import Reception
from receiver.replayer import Replayer, words_of
from receiver.rights import Rights
from receiver.sign_in import SignIns
from receiver.spool import Spool
from receiver.tasks import Tasks, Work
from receiver.warming import warm_up
from receiver.webhook import Webhook
from receiver.wires import Wires
from reconcile.adjusting import adjusted
from reconcile.awarding import catch_up
from reconcile.bygones import kept
from reconcile.changes import Settled
from reconcile.errors import FolderHeld, StoreAway, StoreError
from reconcile.housekeeping import tidy
from reconcile.people import People
from reconcile.playback.rules import Rules
from reconcile.replaying import Read, replay
from reconcile.reruling import rerule
from reconcile.secrets import Safe
from reconcile.sending import Sender
from reconcile.settings import Settings
from reconcile.store import resettlings, servers
from reconcile.store import settings as kept_settings
from reconcile.store.engine import Transactions
from reconcile.store.lease import FolderLease, Leases, ServerLeases
from reconcile.store.migrations import migrate
from reconcile.tracker import Tracker

log = structlog.get_logger()

Clock = Callable[[], datetime]

_AGAIN_SECONDS = 2.0
_REFRESH_SECONDS = 3.0
_SETTLED_IN_SECONDS = 60.0
_CATCH_UP_SECONDS = 60.0
_TIDY_SECONDS = 24 * 3600.0
_LAST_WORD_SECONDS = 5.0
_SPOOLS = 16


def rules_of(settings: Settings) -> Rules:
    """Return the rules that *settings* make; accounts may have their own."""
    return Rules(
        silence=settings.silence,
        paused_timeout=settings.paused_timeout,
        resume_window=settings.resume_window,
        freshness=settings.freshness,
        absence_grace=settings.absence_grace,
        threshold=settings.threshold,
        min_seconds=settings.min_seconds,
        record_partials=settings.record_partials,
    )


class House:
    """All parts, made once and handed on. `waits_for` says why this process does not record, None if it does."""

    def __init__(self, settings: Settings, clock: Clock, http: httpx.AsyncClient | None = None) -> None:
        self.settings = settings
        self.clock = clock
        self.started_at = clock()
        self.store = Transactions(settings.database_url)
        self.safe = Safe.of_folder(settings.data_dir)
        self.people = People(
            rules_of(settings), settings.time_zone, auto_link=settings.auto_link, hashed=self.safe.hashed
        )
        self.tracker = Tracker(self.store, self.people, clock)
        self.access = Access(settings.webhook_token, settings.admin_token)
        self.sign_ins = SignIns(self.store, settings.admin_token, clock)
        self.metrics = Metrics()
        self.hearing = Hearing()
        self.notes = Notes(self.store, clock)
        self.folder = FolderLease(settings.data_dir)
        self.leases: Leases = self.folder if self.is_one_file else ServerLeases(settings.database_url)
        self.spool, self._spool_lease = _spool_of(settings)
        self.intake = Intake(self.tracker, self.spool, clock)
        self.reception = Reception(self.tracker, self.intake, self.notes, self.metrics, self.hearing, clock)
        self.webhook = Webhook(self.reception, self.tracker, self.access, self.metrics, is_on=settings.monitor_enabled)
        self.reception.with_marks = self.intake.with_marks = settings.record_manual
        self.eraser = Eraser(self.tracker, self.intake, self.reception, self.notes, clock)
        self.live = Live(self.store, self.tracker.events)
        self.wires = Wires(settings, self.safe, self.tracker, self.leases, clock, http)
        self.reception.polled = self.wires.polls
        self.doorways = Doorways(self.wires, self.store, clock)
        self.rights = Rights(self.store, self.wires, self.people, clock)
        self.canary = Canary(settings.data_dir / "canary", clock)
        self.posters = Posters(settings.data_dir / "posters", self.wires.picture, clock)
        self.elsewhere = Elsewhere(settings, self.wires, self.tracker, self.leases, clock)
        shared = None if self.is_one_file else self.leases
        self.replayer = Replayer(self.store, self._replay, shared)
        self.resettler = Jobs("resettlings", self.store, resettlings, self._resettle, shared)
        self.importer = Importer(self.tracker, self.wires, self.refresh, shared)
        self.sender = Sender(self.store, self.safe, lambda: self.wires.http, clock)
        self.tracker.events.listen(self._wake_sender)
        self._kept: dict[str, str] = {}
        self.works: list[tuple[str, Work]] = []

    @property
    def is_one_file(self) -> bool:
        """Say whether the database is a SQLite file, which one process alone may record into."""
        return self.store.dialect == "sqlite"

    def _wake_sender(self, settled: Settled) -> None:
        """Have sent what may have been queued; an ordinary check-in queues nothing."""
        if self.people.targets and (settled.began or settled.ended or settled.watches or settled.badges):
            self.sender.wake()

    @property
    def waits_for(self) -> str | None:
        """Return why this process does not record."""
        return self.webhook.waits_for

    @asynccontextmanager
    async def lifespan(self, _app: object) -> AsyncIterator[None]:
        """Come up, stay, and go down: whatever was accepted by then is in the database or in the spool."""
        async with asyncio.TaskGroup() as group:
            channels, heart = Tasks(group), Tasks(group)
            try:
                await self.spool.open()
                if not await self._is_taken_up(channels, heart):
                    channels.start("taking up", lambda: self._take_up(channels, heart))
                yield
            finally:
                await self._close(channels, heart)

    async def refresh(self) -> None:
        """Read anew what is held in memory: another process may have changed it. Raises StoreAway."""
        async with self.store.read() as db:
            await self.people.load(db)
            await self.access.load(db)
            self.reception.servers |= {server.id for server in await servers.all_of_them(db)}
            self._kept = await kept_settings.everything(db)
        await self._adjust(adjusted(self.settings, self._kept))

    async def _adjust(self, settings: Settings) -> None:
        """Go by *settings* from now on."""
        if settings == self.settings:
            return
        self.settings = settings
        self.people.auto_link = settings.auto_link
        self.webhook.is_on = settings.monitor_enabled
        self.wires.adjust(settings)
        rules = rules_of(settings)
        if rules != self.people.global_rules:
            async with self.tracker.alone():  # what it remembers was judged by the old ones
                self.people.change_rules(rules)

    async def _resettle(self, row: dict[str, Any], progress: Progress) -> dict[str, Any]:
        """Settle the history by the rules as they are, or in a dry run by those that were asked about."""
        people, is_dry = self.people.fresh(), row["dry_run"]
        if is_dry:
            wished = {name: change["after"] for name, change in row["changes"].items()}
            kept = {name: text for name, text in (self._kept | wished).items() if text is not None}
            people.change_rules(rules_of(adjusted(self.settings, kept)))
        elif not self.is_one_file:
            await asyncio.sleep(2 * _REFRESH_SECONDS)  # by then every other process goes by the new rules, too
        ahead, heard = self.tracker.ahead, self.tracker.events.tell
        return await rerule(self.store, people, self.clock, dry_run=is_dry, ahead=ahead, heard=heard, progress=progress)

    async def _replay(
        self,
        since: datetime,
        until: datetime | None,
        is_dry: bool,  # noqa: FBT001 - as it is kept
        progress: Callable[[int], None],
    ) -> dict[str, Any]:
        """Take kept deliveries in once more. Whom it links is told to everyone at the end."""
        ahead, found = self.tracker.ahead, kept(self.store, since, until)
        people, clock = self.people.fresh(), self.clock
        done = await replay(
            self.store, people, found, clock, self.reading(), dry_run=is_dry, ahead=ahead, progress=progress
        )
        await self.refresh()
        return words_of(done)

    def reading(self) -> Read:
        """Return what reads the bodies of webhooks as they are to be read now."""
        return partial(read, sole_server=self.reception.sole_server(), with_marks=self.settings.record_manual)

    # --- coming up ------------------------------------------------------------------------------------------------

    async def _take_up(self, channels: Tasks, heart: Tasks) -> None:
        """Try again until this process may record: the other one has gone, the database answers."""
        await asyncio.sleep(_AGAIN_SECONDS)
        while not await self._is_taken_up(channels, heart):  # noqa: ASYNC110 - nobody tells when a lock is free
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _is_taken_up(self, channels: Tasks, heart: Tasks) -> bool:
        try:
            if self.is_one_file:
                self.folder.take()
            await migrate(self.settings.database_url)
            await self.refresh()
            await self.importer.forget_half_read()
            await warm_up(self.store, self.people, self.clock())
        except (FolderHeld, StoreAway) as error:
            if self.waits_for != str(error):
                log.warning("this process does not record", reason=str(error))
            self.webhook.waits_for = str(error)
            return False
        await self._start(channels, heart)
        return True

    async def _start(self, channels: Tasks, heart: Tasks) -> None:
        heart.start("tracker", self.tracker.run)
        heart.start("tending", self.tracker.tend)
        heart.start("notes", self.notes.run)
        channels.start("spool", self.intake.drain)
        channels.start("sightings", self.intake.tend)
        channels.start("refreshing", self._refresh_again)
        channels.start("tidying", self._tidy_again)
        channels.start("adding up", self._catch_up_again)
        channels.start("replays", self.replayer.run)
        channels.start("resettlings", self.resettler.run)
        channels.start("imports", self.importer.jobs.run)
        channels.start("sending", self.sender.run)
        channels.start("erasures", self.eraser.run)
        channels.start("rights", self.rights.run)
        channels.start("canary", self.canary.run)
        for name, work in self.works:
            channels.start(name, work)
        if not self.settings.monitor_enabled:
            log.warning("recording is off: JELLYFIN_ACTIVITY_MONITOR_ENABLED is false")
        await self.wires.open(channels)
        await self.elsewhere.open(channels)
        self.intake.wake()
        self.webhook.waits_for = None

    async def _refresh_again(self) -> None:
        await _again(_REFRESH_SECONDS, self.refresh)

    async def _catch_up_again(self) -> None:
        await _again(_CATCH_UP_SECONDS, self._catch_up)

    async def _catch_up(self) -> None:
        behind = await catch_up(self.store, self.people)
        if behind:
            log.info("activity, progress and badges were made anew", accounts=behind)

    async def _tidy_again(self) -> None:
        await asyncio.sleep(_SETTLED_IN_SECONDS)  # at first there are more urgent things to write
        await self._tidy()
        await _again(_TIDY_SECONDS, self._tidy)

    async def _tidy(self) -> None:
        try:
            done = await tidy(self.store, self.people, self.clock(), timedelta(days=self.settings.retention_days))
        except StoreError as error:
            log.warning("tidying waits for the next time", error=str(error))
        else:
            log.info("tidied", check_ins=done.check_ins, looks=done.looks, bodies=done.bodies)

    # --- going down -----------------------------------------------------------------------------------------------

    async def _close(self, channels: Tasks, heart: Tasks) -> None:
        self.live.close()
        await channels.stop()
        for last_word in (self.intake.flush, self.notes.write, self.tracker.close, self.sender.close):
            try:
                async with asyncio.timeout(_LAST_WORD_SECONDS):
                    await last_word()
            except (StoreError, TimeoutError) as error:
                log.warning("not everything could be written at the end", error=str(error))
            except Exception:
                log.exception("an error of ours at the end")
        self.webhook.waits_for = "shutting down"
        await heart.stop()
        await self.spool.close()
        await self.wires.close()
        await self.leases.release()
        await self.folder.release()
        if self._spool_lease is not None:
            await self._spool_lease.release()
        await self.store.close()


async def _again(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        with suppress(StoreError):
            await work()


def _spool_of(settings: Settings) -> tuple[Spool, FolderLease | None]:
    """Return a spool that no other process writes: the first folder that is free."""
    for number in range(_SPOOLS):
        folder = settings.data_dir / ("spool" if number == 0 else f"spool-{number}")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lease = FolderLease(folder)
            lease.take()
        except FolderHeld:
            continue
        except OSError:
            return Spool(folder), None
        return Spool(folder), lease
    raise FolderHeld(f"All {_SPOOLS} spools in {settings.data_dir} are held by other processes.")
