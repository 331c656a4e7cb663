"""The wires to media servers: a client, a poller and a resolver for each one whose address and key are known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import httpx
import msgspec
import structlog

from receiver.tasks import Tasks
from reconcile.errors import PlayledgerError
from reconcile.jellyfin.client import TIMEOUT, JellyfinClient
from reconcile.poller import Poller
from reconcile.resolving import Resolver
from reconcile.secrets import Safe
from reconcile.settings import Settings
from reconcile.store import servers
from reconcile.store.connections import connections, purpose, set_key
from reconcile.store.lease import Leases
from reconcile.totalling import Totalling
from reconcile.tracker import Tracker

log = structlog.get_logger()


class Wire(msgspec.Struct):
    """One server: how it is asked, and who asks it. *turn* is held during each request."""

    client: JellyfinClient
    poller: Poller
    resolver: Resolver
    totalling: Totalling
    turn: asyncio.Lock
    is_of_environment: bool = False


class Wires:
    """All wires of this process. *http* is shared by all clients; made at the start if none is given."""

    def __init__(
        self,
        settings: Settings,
        safe: Safe,
        tracker: Tracker,
        leases: Leases,
        clock: Callable[[], datetime],
        http: httpx.AsyncClient | None,
    ) -> None:
        self.each: list[Wire] = []
        self._settings = settings
        self._safe = safe
        self._tracker = tracker
        self._leases = leases
        self._clock = clock
        self._http = http
        self._is_http_ours = http is None
        self._tasks: Tasks | None = None

    def polls(self, server_id: str) -> bool:
        """Say whether the server's clock is known from its own answers."""
        return any(wire.poller.server_id == server_id and wire.poller.paused is None for wire in self.each)

    def of(self, server_id: str) -> Wire | None:
        """Return the wire to a server, None where its address or its key is not known."""
        return next((wire for wire in self.each if wire.poller.status.server_id == server_id), None)

    async def open(self, tasks: Tasks) -> None:
        """Make a wire to every server that is known, the environment's first, and start polling."""
        self._tasks = tasks
        url, key = self._settings.jellyfin_url, self._settings.jellyfin_api_key
        if url and key:
            self._add(url, key, None, is_of_environment=True)
        async with self._tracker.store.read() as db:
            kept = await connections(db)
        for each in kept:
            if any(wire.client.url.rstrip("/") == each.url.rstrip("/") for wire in self.each):
                continue
            try:
                self._add(each.url, self._safe.decrypted(each.sealed_key, purpose(each.server_id)), each.server_id)
            except PlayledgerError as error:
                log.warning("a server cannot be asked", server=each.server_id, error=str(error))

    async def meet(self, url: str, api_key: str) -> str:
        """Add a server, and return its id. Raises JellyfinError if it does not answer or refuses the key."""
        client = JellyfinClient(url, api_key, self.http, self._clock)
        info = await client.public_info()
        await client.users()
        async with self._tracker.store.begin() as db:
            await servers.see(db, info.id, self._clock(), name=info.name, url=client.url, version=info.version)
            await set_key(db, info.id, self._safe.encrypted(api_key, purpose(info.id)))
        known = self.of(info.id)
        if known is None:
            self._add(url, api_key, info.id)
        elif not known.is_of_environment:
            known.client = known.poller.client = known.resolver.client = known.totalling.client = client
            known.poller.hurry()
        return info.id

    def adjust(self, settings: Settings) -> None:
        """Go by *settings* from now on: the pace of polls."""
        self._settings = settings
        for wire in self.each:
            if wire.poller.interval != settings.poll_interval:
                wire.poller.interval = settings.poll_interval
                wire.poller.hurry()

    @property
    def http(self) -> httpx.AsyncClient:
        """The client that all wires share."""
        if self._http is None:
            self._http = httpx.AsyncClient(timeout=TIMEOUT)
        return self._http

    async def close(self) -> None:
        """Close what was made here."""
        if self._http is not None and self._is_http_ours:
            await self._http.aclose()

    def _add(self, url: str, key: str, server_id: str | None, *, is_of_environment: bool = False) -> None:
        turn = asyncio.Lock()
        client = JellyfinClient(url, key, self.http, self._clock)
        interval = self._settings.poll_interval
        poller = Poller(
            client, self._tracker, self._leases, self._clock, interval=interval, expected=server_id, turn=turn
        )
        if not self._settings.monitor_enabled:
            poller.paused = "recording is off"
        elif not self._settings.poll:
            poller.paused = "PLAYLEDGER_POLL is false: webhooks only"
        resolver = Resolver(client, self._tracker, self._clock, leases=self._leases, turn=turn)
        totalling = Totalling(client, self._tracker, self._clock, leases=self._leases, turn=turn)
        self.each.append(Wire(client, poller, resolver, totalling, turn, is_of_environment))
        if self._tasks is not None:
            self._tasks.start(f"polling {client.url}", poller.run)
            self._tasks.start(f"looking up items at {client.url}", resolver.run)
            self._tasks.start(f"counting series at {client.url}", totalling.run)
