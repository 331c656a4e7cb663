"""The doors at which people may sign in: one for each Jellyfin that is asked, and whether it lets in by a code."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec

from receiver.wires import Wire, Wires
from reconcile.errors import JellyfinError
from reconcile.jellyfin.doors import Doors
from reconcile.store import servers
from reconcile.store.engine import Transactions

PATIENCE_SECONDS = 1.0
"""How long a page waits for a server that is slow to say who it is."""

KNOWN_FOR = timedelta(minutes=5)
"""How long it is remembered whether a server has Quick Connect; or that it did not say."""


class Doorway(msgspec.Struct, frozen=True):
    """A server at which people may sign in. *server_id* is empty while it has never answered."""

    server_id: str
    name: str
    has_code: bool


class Doorways:
    """The doors of all servers that *wires* lead to."""

    def __init__(self, wires: Wires, store: Transactions, clock: Callable[[], datetime]) -> None:
        self._wires = wires
        self._store = store
        self._clock = clock
        self._has_code: dict[str, tuple[datetime, bool]] = {}

    async def each(self) -> list[Doorway]:
        """Return them, in the order in which the servers were added. Raises StoreAway."""
        wires = [wire for wire in self._wires.each if not self._is_fresh(wire)]
        await asyncio.gather(*(self._ask(wire) for wire in wires))
        async with self._store.read() as db:
            names = {each.id: each.name for each in await servers.all_of_them(db)}
        return [self._doorway(wire, names) for wire in self._wires.each]

    async def to(self, server_id: str) -> Doors | None:
        """Return the doors of a server, None where there is none of that id. Raises JellyfinError."""
        for wire in self._wires.each:
            if (wire.poller.status.server_id or "") == server_id:
                known = server_id or await wire.poller.introduced()
                return self._wires.doors(wire.client.url, known)
        return None

    def _doorway(self, wire: Wire, names: dict[str, str | None]) -> Doorway:
        server_id = wire.poller.status.server_id or ""
        _at, has_code = self._has_code.get(wire.client.url, (self._clock(), False))
        return Doorway(server_id, names.get(server_id) or "Jellyfin", has_code)

    def _is_fresh(self, wire: Wire) -> bool:
        asked = self._has_code.get(wire.client.url)
        return asked is not None and self._clock() - asked[0] < KNOWN_FOR

    async def _ask(self, wire: Wire) -> None:
        has_code = False
        with suppress(JellyfinError, TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                has_code = await self._wires.doors(wire.client.url).has_quick_connect()
                await wire.poller.introduced()
        self._has_code[wire.client.url] = (self._clock(), has_code)
