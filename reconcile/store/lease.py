"""Leases: which process polls a server. A second one waits its turn, and can say who is before it."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.errors import FolderHeld, StoreAway
from reconcile.store.engine import away, postgresql_engine
from reconcile.store.locks import lock_number

_FILE = "playledger.lock"
_QUESTION_SECONDS = 5

# A holder whose host died is noticed by PostgreSQL in 10 + 3 · 5 = 25 s, and its lease is free.
_KEEPALIVES = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}


class Leases(Protocol):
    """Says which servers are this process's to poll."""

    async def holds(self, server_id: str) -> bool:
        """Say whether this process polls the server; takes the lease if it is free. Ask before each poll."""

    async def release(self) -> None:
        """Give back every lease."""


class FolderLease:
    """The lease of a data folder, with all servers in it: an operating system's lock, gone with its process."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / _FILE
        self._handle: int | None = None

    def take(self) -> None:
        """Hold the folder from now on. Raises FolderHeld, saying by whom, if another process does."""
        if self._handle is not None:
            return
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(handle)
        except OSError as error:
            os.close(handle)
            raise FolderHeld(
                f"The data folder {self._path.parent} is held by {self.holder()}: stop that process first."
            ) from error
        os.ftruncate(handle, 0)
        os.write(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
        self._handle = handle

    def holder(self) -> str:
        """Return who wrote itself into the lock file last, such as ``process 12 on nas``."""
        try:
            return self._path.read_text("utf-8").strip() or "another process"
        except OSError:
            return "another process"

    async def holds(self, server_id: str) -> bool:  # noqa: ARG002 - the folder holds every server
        """Say whether this process holds the folder, trying to take it."""
        try:
            self.take()
        except FolderHeld:
            return False
        return True

    async def release(self) -> None:
        """Give the folder back; the file stays, as removing it would race with the next holder."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


class ServerLeases:
    """The leases of single servers on PostgreSQL: session locks on a connection kept for them.

    They are free again as soon as the connection is gone, whoever cut it; another process then takes over at its next
    question. (Not through a transaction pooler, which would hand the connection to others.)
    """

    def __init__(self, url: str) -> None:
        self._engine = postgresql_engine(
            url, settings=_KEEPALIVES, pool_size=1, max_overflow=0, isolation_level="AUTOCOMMIT"
        )
        self._connection: AsyncConnection | None = None
        self._held: set[str] = set()
        self._turn = asyncio.Lock()

    async def holds(self, server_id: str) -> bool:
        """Say whether this process polls the server; takes the lease if it is free.

        Raises StoreAway when the database does not answer: then nothing is held any more. Whoever asks may be
        cancelled: the question is put to its end, or the connection, and every lease on it, would be lost.
        """
        asking = asyncio.ensure_future(self._asked(server_id))
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            asking.add_done_callback(_forget)
            raise

    async def _asked(self, server_id: str) -> bool:
        async with self._turn:
            try:
                async with asyncio.timeout(_QUESTION_SECONDS):
                    return await self._ask(server_id)
            except (SQLAlchemyError, OSError) as error:
                await self._drop()
                if away(error):
                    raise StoreAway("Asking for the lease of a server: the database does not answer.") from error
                raise

    async def release(self) -> None:
        """Give back every lease by closing the connection."""
        async with self._turn:
            await self._drop()
            await self._engine.dispose()

    async def _ask(self, server_id: str) -> bool:
        if self._connection is None:
            self._connection = await self._engine.connect()
        if server_id in self._held:
            await self._connection.execute(sa.select(1))  # the locks live exactly as long as this connection
            return True
        lock = sa.func.pg_try_advisory_lock(lock_number("lease", server_id))
        taken = bool(await self._connection.scalar(sa.select(lock)))
        if taken:
            self._held.add(server_id)
        return taken

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._held.clear()
        if connection is not None:
            await connection.invalidate()  # never back into the pool: its locks would live on
            await connection.close()


def _forget(asked: asyncio.Future[bool]) -> None:
    """Take note of the answer to a question that nobody waits for."""
    if not asked.cancelled():
        asked.exception()


def _lock(handle: int) -> None:
    """Lock the open file for this process alone, or raise OSError at once."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - there only

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl  # noqa: PLC0415 - not there

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
