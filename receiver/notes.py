"""Notes: what is written down a moment later, and nobody waits for: rejected bodies, and servers at first sight."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from reconcile.errors import StoreError
from reconcile.store import deliveries, servers
from reconcile.store.deliveries import Delivery
from reconcile.store.engine import Transactions

log = structlog.get_logger()

MOST = 500
"""How many rejected bodies wait at the most while the database is away; the others are only counted in the metrics."""

_AGAIN_SECONDS = 5.0


class Notes:
    """Written by a task of their own, as soon as the database answers. *clock* gives UTC."""

    def __init__(self, store: Transactions, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._rejected: list[tuple[Delivery, str]] = []
        self._servers: dict[str, tuple[str | None, str | None]] = {}
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()

    def reject(self, found: Delivery, place: str) -> None:
        """Count a body that could not be read, and keep it as an example if there are few of its kind."""
        if len(self._rejected) < MOST:
            self._rejected.append((found, place))
            self._wake.set()

    async def forget(self, is_about: Callable[[bytes], bool]) -> None:
        """Forget the bodies that wait and are about somebody who is not to be remembered."""
        async with self._turn:
            self._rejected = [each for each in self._rejected if not is_about(each[0].body)]

    def meet(self, server_id: str, name: str | None, version: str | None) -> None:
        """Make a server's row at first sight."""
        self._servers[server_id] = (name, version)
        self._wake.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.write()
            except StoreError as error:
                log.warning("notes wait for the database", error=str(error))
                await asyncio.sleep(_AGAIN_SECONDS)
                self._wake.set()

    async def write(self) -> None:
        """Write what waits. Raises StoreAway, with nothing forgotten."""
        async with self._turn:
            rejected, met = self._rejected[:], dict(self._servers)
            if not rejected and not met:
                return
            async with self._store.begin() as db:
                for server_id, (name, version) in met.items():
                    await servers.see(db, server_id, self._clock(), name=name, version=version)
                for found, place in rejected:
                    await deliveries.reject(db, found, place)
            del self._rejected[: len(rejected)]
            for server_id, told in met.items():
                if self._servers.get(server_id) == told:
                    del self._servers[server_id]
