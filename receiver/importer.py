"""Imports: reading what another tool kept, and doing with it what was asked, one after another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import structlog

from receiver.jobs import Jobs, Progress, Row
from receiver.wires import Wire, Wires
from reconcile import importing, jellystat
from reconcile.errors import JellyfinError, SettingRefused
from reconcile.jellyfin import activity_log, playback_reporting
from reconcile.jellyfin.client import JellyfinClient
from reconcile.people import People
from reconcile.playback.check_in import Rejected
from reconcile.playback.identity import normalised_id
from reconcile.playback.imports import Told
from reconcile.staging import Known, Source, read
from reconcile.store import imports, servers
from reconcile.store.lease import Leases
from reconcile.tracker import Tracker
from reconcile.unpacking import unpacked

log = structlog.get_logger()

LARGEST = 64 * 1024 * 1024
"""Bytes of a file as it is uploaded."""

TOO_LARGE = "The file is larger than 64 MiB: compress it with gzip, or import a part of it."

PAGE = 500
"""How many rows of a file are taken apart at once, in a thread of their own."""

LOOKS_BACK = timedelta(days=365)
"""How far back known starts are asked for; a server keeps 30 days of them unless told otherwise."""

_LOG_SECONDS = 20.0
_FORGOTTEN_AFTER = timedelta(days=1)
NO_WIRE = (
    "server_id: the address and API key of this server are not known. Add them first, or import a backup of Playback "
    "Reporting as a file."
)
NO_FILE = "A file is needed: Jellystat can only be imported from a backup of it."


class Importer:
    """Reads, and has its `jobs` do what is asked of an import. *refresh* is awaited when one has been done."""

    def __init__(
        self, tracker: Tracker, wires: Wires, refresh: Callable[[], Awaitable[None]], leases: Leases | None = None
    ) -> None:
        self.jobs = Jobs("imports", tracker.store, imports, self._do, leases)
        self._tracker = tracker
        self._wires = wires
        self._refresh = refresh
        self._turn = asyncio.Lock()

    async def begin(self, server_id: str, source: Source, body: bytes | None) -> int:
        """Read what *source* kept of a server's people, and return the number of the import: nothing counts yet.

        *body* is a backup as a file, gzip or not; without it Playback Reporting is asked at the server itself. One is
        read at a time. Raises SettingRefused, which says what is amiss, JellyfinError or StoreError; then nothing of
        it is kept.
        """
        known_id = normalised_id(server_id)
        await self._check(known_id)
        wire = self._wires.of(known_id)
        pages = _asked(_wired(source, wire)) if body is None else pages_of(source, checked(body))
        tracker = self._tracker
        async with self._turn, aclosing(pages):
            known = Known(zones=zones_of(tracker.people))
            if wire is not None:
                async with wire.turn:
                    known = await known_of(wire.client, tracker.people, tracker.clock())
            number = await read(tracker.store, tracker.people.fresh(), known_id, source, pages, tracker.clock, known)
        if wire is not None:
            wire.resolver.hurry()  # what a trial says depends on how long everything lasts
        return number

    async def ask(self, number: int, task: str, zone: str | None = None) -> bool:
        """Have a *task* (``try``, ``apply``, ``undo``) done in the background; False if there is no such import.

        A time zone that was not proven has to be given once. Raises SettingRefused, StoreBusy or StoreAway.
        """
        is_there = await importing.ask(self._tracker.store, number, task, zone)
        self.jobs.wake()
        return is_there

    async def discard(self, number: int) -> bool:
        """Forget an import that is not in the history; False if there is none. Raises SettingRefused, StoreBusy."""
        return await importing.discard(self._tracker.store, number, self._tracker.clock())

    async def forget_half_read(self) -> None:
        """Forget what was being read when a process died. Another process may be reading into the same PostgreSQL."""
        store, now = self._tracker.store, self._tracker.clock()
        async with store.begin() as db:
            before = now if store.dialect == "sqlite" else now - _FORGOTTEN_AFTER
            count = await imports.drop_half_read(db, before)
        if count:
            log.warning("imports that were not read to the end are forgotten", imports=count)

    async def _check(self, server_id: str) -> None:
        async with self._tracker.store.read() as db:
            if server_id not in {each.id for each in await servers.all_of_them(db)}:
                raise SettingRefused("server_id: there is no server of that id.")

    async def _do(self, row: Row, progress: Progress) -> dict[str, Any]:
        tracker = self._tracker
        work = importing.Work(
            tracker.store, tracker.people.fresh(), tracker.clock, tracker.ahead, tracker.events.tell, progress
        )
        try:
            return await importing.do(work, row)
        finally:
            await self._refresh()


def zones_of(people: People) -> tuple[str, ...]:
    """Return the time zones that a server's wall times are likely to be of: ours, then those of the accounts."""
    own = sorted({each.time_zone for each in people.accounts.values() if each.time_zone})
    return tuple(dict.fromkeys((str(people.zone), *own)))


async def known_of(client: JellyfinClient, people: People, now: datetime, *, is_logged: bool = True) -> Known:
    """Return the starts that a server's own activity log tells of; none if it does not answer, which may be logged."""
    zones = zones_of(people)
    try:
        async with asyncio.timeout(_LOG_SECONDS):
            return Known(await activity_log.starts(client, now - LOOKS_BACK), zones)
    except (JellyfinError, TimeoutError) as error:
        if is_logged:
            log.info("the activity log cannot tell the time zone", reason=str(error) or type(error).__name__)
        return Known(zones=zones)


def checked(body: bytes) -> bytes:
    """Return a file that is not too large. Raises SettingRefused."""
    if len(body) > LARGEST:
        raise SettingRefused(TOO_LARGE)
    return body


async def pages_of(source: Source, body: bytes) -> AsyncGenerator[Sequence[Told], None]:
    """Yield what a file says, page by page; it is taken apart in a thread, so that nobody waits for it meanwhile."""
    rows = _rows(source, body)
    while page := await asyncio.to_thread(_next_of, rows):
        yield page


def _next_of(rows: Iterator[Told]) -> list[Told]:
    return list(islice(rows, PAGE))


def _rows(source: Source, body: bytes) -> Iterator[Told]:
    if source is Source.JELLYSTAT:
        yield from jellystat.read_backup(body)
        return
    text = unpacked(body)
    if isinstance(text, Rejected):
        yield text
    else:
        yield from playback_reporting.read_backup(text)


def _wired(source: Source, wire: Wire | None) -> Wire:
    if source is Source.JELLYSTAT:
        raise SettingRefused(NO_FILE)
    if wire is None:
        raise SettingRefused(NO_WIRE)
    return wire


async def _asked(wire: Wire) -> AsyncGenerator[Sequence[Told], None]:
    """Yield what Playback Reporting says at the server; polls take their turns in between."""
    pages = playback_reporting.plays(wire.client)
    while True:
        async with wire.turn:
            page = await anext(pages, None)
        if page is None:
            return
        yield page
