"""The wires to media servers: a client, a poller and a resolver for each one whose address and key are known."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import httpx
import msgspec
import structlog

from receiver.tasks import Tasks
from receiver.version import program_version
from reconcile.connecting import Connected, Connecting
from reconcile.errors import PlayledgerError
from reconcile.hooking import Hooking
from reconcile.jellyfin.client import TIMEOUT, Answer, JellyfinClient
from reconcile.jellyfin.doors import Doors, Guest
from reconcile.poller import Poller
from reconcile.resolving import Resolver
from reconcile.secrets import Safe
from reconcile.settings import Settings
from reconcile.store.connections import connections, purpose
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
            self._add(self._client(url, key), None, is_of_environment=True)
        async with self._tracker.store.read() as db:
            kept = await connections(db)
        for each in kept:
            if any(wire.client.url.rstrip("/") == each.url.rstrip("/") for wire in self.each):
                continue
            try:
                key = self._safe.decrypted(each.sealed_key, purpose(each.server_id))
                self._add(self._client(each.url, key), each.server_id)
            except PlayledgerError as error:
                log.warning("a server cannot be asked", server=each.server_id, error=str(error))

    async def meet(self, url: str, api_key: str) -> str:
        """Add a server, and return its id. Raises JellyfinError if it does not answer or refuses the key."""
        return self._take(await self._connecting.by_key(url, api_key))

    async def meet_through(self, guest: Guest) -> str:
        """Add a server with a key that an administrator who is signed in makes for us, and return its id.

        Raises JellyfinError, AdministratorNeeded among it.
        """
        return self._take(await self._connecting.by_guest(guest))

    def doors(self, url: str, expected: str | None = None) -> Doors:
        """Return the doors of the server at *url*, of which we know that its id is *expected*. Raises JellyfinError."""
        return Doors(url, self.http, self._clock, expected=expected, version=program_version())

    def doors_of(self, server_id: str) -> Doors | None:
        """Return the doors of a server that we ask, None where its address is not known."""
        wire = self.of(server_id)
        return None if wire is None else self.doors(wire.client.url, server_id)

    def hooking(self, server_id: str, heard: Callable[[], Awaitable[None]]) -> Hooking | None:
        """Return what sets the Webhook plugin of a server up, None where its address or key is not known.

        *heard* is awaited when the tokens of webhooks have changed (`House.refresh`).
        """
        wire = self.of(server_id)
        if wire is None:
            return None
        shared = self._settings.webhook_token
        return Hooking(self._tracker.store, wire.client, server_id, self._clock, shared_token=shared, heard=heard)

    async def picture(self, server_id: str, item_id: str, width: int) -> Answer | None:
        """Return an item's picture as its server sends it, None if that cannot be asked. Raises JellyfinError."""
        wire = self.of(server_id)
        return None if wire is None else await wire.client.picture(item_id, width)

    def adjust(self, settings: Settings) -> None:
        """Go by *settings* from now on: the pace of polls, and whether there are any."""
        self._settings = settings
        for wire in self.each:
            told = (settings.poll_interval, _pause(settings))
            if told != (wire.poller.interval, wire.poller.paused):
                wire.poller.interval, wire.poller.paused = told
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

    @property
    def _connecting(self) -> Connecting:
        return Connecting(self._tracker.store, self._safe, self.http, self._clock)

    def _client(self, url: str, key: str) -> JellyfinClient:
        return JellyfinClient(url, key, self.http, self._clock)

    def _take(self, met: Connected) -> str:
        """Ask a server with its new key from now on, and return its id; the environment's key stays as it is."""
        known = self.of(met.server_id)
        if known is None:
            self._add(met.client, met.server_id)
        elif not known.is_of_environment:
            known.client = known.poller.client = known.resolver.client = known.totalling.client = met.client
            known.poller.hurry()
        return met.server_id

    def _add(self, client: JellyfinClient, server_id: str | None, *, is_of_environment: bool = False) -> None:
        turn = asyncio.Lock()
        interval = self._settings.poll_interval
        poller = Poller(
            client, self._tracker, self._leases, self._clock, interval=interval, expected=server_id, turn=turn
        )
        poller.paused = _pause(self._settings)
        resolver = Resolver(client, self._tracker, self._clock, leases=self._leases, turn=turn)
        totalling = Totalling(client, self._tracker, self._clock, leases=self._leases, turn=turn)
        self.each.append(Wire(client, poller, resolver, totalling, turn, is_of_environment))
        if self._tasks is not None:
            self._tasks.start(f"polling {client.url}", poller.run)
            self._tasks.start(f"looking up items at {client.url}", resolver.run)
            self._tasks.start(f"counting series at {client.url}", totalling.run)


def _pause(settings: Settings) -> str | None:
    """Return why no server is polled, None if they are."""
    if not settings.monitor_enabled:
        return "recording is off"
    return None if settings.poll else "PLAYLEDGER_POLL is false: webhooks only"
