"""What is playing now, told as it changes (server-sent events)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
from litestar.response import ServerSentEventMessage

from receiver.api.words import playback_words
from reconcile.changes import Settled
from reconcile.errors import StoreAway
from reconcile.events import Events
from reconcile.store.engine import Transactions
from reconcile.store.history import playing

LOOK_AGAIN_SECONDS = 5.0
"""How often the database is asked anyway: another process may have changed it."""

TOGETHER_SECONDS = 0.25
"""What changes within so long is told at once."""

MOST = 100
"""How many may listen at once."""


class Live:
    """Wakes whoever listens when the tracker has settled something."""

    def __init__(self, store: Transactions, events: Events) -> None:
        self._store = store
        self._listeners: set[asyncio.Event] = set()
        self._watches = 0
        self._is_closed = False
        events.listen(self._hear)

    @property
    def is_full(self) -> bool:
        """Say whether nobody else may listen."""
        return len(self._listeners) >= MOST

    def close(self) -> None:
        """Let everyone who listens go: a stream that never ends would keep the server from stopping."""
        self._is_closed = True
        self._wake()

    async def stream(self) -> AsyncIterator[ServerSentEventMessage]:
        """Yield ``sessions`` (as ``GET /sessions``) at first and at each change, ``history`` when rows changed.

        Between them a comment now and then, so that whoever has gone is noticed.
        """
        wake = asyncio.Event()
        self._listeners.add(wake)
        told, watches = b"", self._watches
        try:
            while not self._is_closed:
                body = await self._sessions()
                if body is None:
                    yield ServerSentEventMessage(comment="the database does not answer")
                elif body != told:
                    yield ServerSentEventMessage(data=body.decode(), event="sessions")
                    told = body
                else:
                    yield ServerSentEventMessage(comment="still here")
                if watches != self._watches:
                    watches = self._watches
                    yield ServerSentEventMessage(data="{}", event="history")
                await _wait(wake)
        finally:
            self._listeners.discard(wake)

    async def _sessions(self) -> bytes | None:
        try:
            async with self._store.read() as db:
                rows = await playing(db)
        except StoreAway:
            return None
        return msgspec.json.encode({"items": [playback_words(row) for row in rows], "next_cursor": None})

    def _hear(self, settled: Settled) -> None:
        self._watches += bool(settled.watches)
        self._wake()

    def _wake(self) -> None:
        for wake in self._listeners:
            wake.set()


async def _wait(wake: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(LOOK_AGAIN_SECONDS):
            await wake.wait()
    except TimeoutError:
        return
    await asyncio.sleep(TOGETHER_SECONDS)
    wake.clear()
