"""What is playing now, told as it changes (server-sent events)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from time import monotonic

import msgspec
from litestar.response import ServerSentEventMessage

from receiver.api.words import playback_words
from reconcile.changes import Settled
from reconcile.errors import StoreAway
from reconcile.events import Events
from reconcile.store import servers
from reconcile.store.engine import Transactions
from reconcile.store.history import Row, playing
from reconcile.store.lately import Told, looked_at, told_of
from reconcile.store.servers import Server

LOOK_AGAIN_SECONDS = 5.0
"""How often the database is asked anyway: another process may have changed it."""

TOGETHER_SECONDS = 0.25
"""What changes within so long is told at once."""

MOST = 100
"""How many may listen at once."""

LATELY = timedelta(minutes=10)
"""How far back it is looked who told of what plays."""


class Playing(msgspec.Struct, frozen=True):
    """What plays: the *rows* of the open playbacks, newest first; who *told* of each key; the latest look by server.

    *servers* are all that are known.
    """

    rows: Sequence[Row]
    told: Mapping[int, Sequence[Told]]
    looked: Mapping[str, datetime]
    servers: Sequence[Server]


class Live:
    """Wakes whoever listens when the tracker has settled something."""

    def __init__(self, store: Transactions, events: Events) -> None:
        self.watches = 0
        """How often rows of the history have changed."""
        self._store = store
        self._listeners: set[asyncio.Event] = set()
        self._changes = 0
        self._kept: tuple[int, float, Playing] | None = None
        self._reading = asyncio.Lock()
        self._is_closed = False
        events.listen(self._hear)

    @property
    def is_full(self) -> bool:
        """Say whether nobody else may listen."""
        return len(self._listeners) >= MOST

    @property
    def is_closed(self) -> bool:
        """Say whether nobody is told anything any more: whoever streams is to end."""
        return self._is_closed

    def close(self) -> None:
        """Let everyone who listens go: a stream that never ends would keep the server from stopping."""
        self._is_closed = True
        self._wake()

    async def changes(self) -> AsyncGenerator[None]:
        """Yield at first, after each change, and now and then anyway; end when there is no more room, or at the end."""
        if self.is_full:
            return
        wake = asyncio.Event()
        self._listeners.add(wake)
        try:
            while not self._is_closed:
                yield
                await _wait(wake)
        finally:
            self._listeners.discard(wake)

    async def playing(self) -> Playing:
        """Return what plays: read once for all who listen, and again after a change or a while. Raises StoreAway."""
        async with self._reading:
            changes, now = self._changes, monotonic()
            if self._kept is None or self._kept[0] != changes or now - self._kept[1] > LOOK_AGAIN_SECONDS / 2:
                self._kept = (changes, now, await self._read())
            return self._kept[2]

    async def stream(self) -> AsyncIterator[ServerSentEventMessage]:
        """Yield ``sessions`` (as ``GET /sessions``) at first and at each change, ``history`` when rows changed.

        Between them a comment now and then, so that whoever has gone is noticed.
        """
        told, watches = b"", self.watches
        async with aclosing(self.changes()) as changes:
            async for _ in changes:
                body = await self._sessions()
                if body is None:
                    yield ServerSentEventMessage(comment="the database does not answer")
                elif body != told:
                    yield ServerSentEventMessage(data=body.decode(), event="sessions")
                    told = body
                else:
                    yield ServerSentEventMessage(comment="still here")
                if watches != self.watches:
                    watches = self.watches
                    yield ServerSentEventMessage(data="{}", event="history")

    async def _sessions(self) -> bytes | None:
        try:
            rows = (await self.playing()).rows
        except StoreAway:
            return None
        return msgspec.json.encode({"items": [playback_words(row) for row in rows], "next_cursor": None})

    async def _read(self) -> Playing:
        async with self._store.read() as db:
            rows = await playing(db)
            since = max((row["last_at"] for row in rows), default=None)
            told = {} if since is None else await told_of(db, [row["key_id"] for row in rows], since - LATELY)
            return Playing(rows, told, await looked_at(db), await servers.all_of_them(db))

    def _hear(self, settled: Settled) -> None:
        self.watches += bool(settled.watches)
        self._changes += 1
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
