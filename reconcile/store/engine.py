"""Transactions: one writer and many readers on SQLite, a pool on PostgreSQL, and our own errors at the border.

SQLAlchemy's default transactions lose updates on SQLite, so the writer says BEGIN IMMEDIATE; it is also the only
connection that checkpoints, and the readers may not write (facts/stack.md, SQLite traps 1 and 4).
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from reconcile.errors import SettingRefused, StoreAway
from reconcile.store.inline import CONNECT
from reconcile.store.inline import NAME as INLINE

PATIENCE = timedelta(milliseconds=80)
"""How long another process may hold SQLite's lock before the store counts as away: a viewer's player waits with us."""

_READERS = 4
_TRUNCATIONS = 50
_BETWEEN_SECONDS = 0.05
_CONNECT_SECONDS = 5

# PostgreSQL's words for «not now»: connection lost, read-only stand-in, user or database not let in, transaction to be
# tried again, no room, lock not to be had, shutting down, and trouble below the database.
_AWAY_STATES = ("08", "25006", "28", "3D", "40", "53", "55P03", "57P", "58")
# The primary result codes of SQLite for the same.
_AWAY_CODES = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    }
)


class Transactions:
    """Opens transactions on one database.

    *patience* is how long SQLite's lock may be held by another process; inside this process writers queue.
    """

    def __init__(self, url: str, *, patience: timedelta = PATIENCE) -> None:
        self.url = url
        self.dialect = "sqlite" if url.startswith("sqlite") else "postgresql"
        self._turn = asyncio.Lock()
        if self.dialect == "sqlite":
            self._writer = sqlite_engine(url, patience=patience)
            self._reader = _sqlite_readers(url, patience)
        else:
            self._writer = postgresql_engine(url)
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @asynccontextmanager
    async def begin(self, patience: timedelta | None = None) -> AsyncIterator[AsyncConnection]:
        """Open the transaction that writes; it is committed at the end, and rolled back if anything is raised.

        *patience* bounds the wait for this process's other writers on SQLite, or for a connection on PostgreSQL.
        Raises StoreAway when the database is locked, full or gone.
        """
        if self.dialect == "sqlite":
            async with self._my_turn(patience), _transaction(self._writer, None) as db:
                yield db
        else:
            async with _transaction(self._writer, patience) as db:
                yield db

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that only reads, and sees one state of the database. Raises StoreAway."""
        async with _transaction(self._reader, None) as db:
            yield db

    async def compact(self) -> bool:
        """Make SQLite forget its free pages and its log (facts/stack.md); return False while a reader holds the log.

        Deleted rows are overwritten as they go (secure_delete); what is left of them is in pages of the log and in free
        pages. On PostgreSQL the server's own vacuum does it, in its own time. Raises StoreAway.
        """
        if self.dialect != "sqlite":
            return True
        async with self._my_turn(None), _raw(self._writer) as connection:
            return await asyncio.to_thread(_compact, connection)

    async def close(self) -> None:
        """Close every connection."""
        await self._reader.dispose()
        await self._writer.dispose()

    @asynccontextmanager
    async def _my_turn(self, patience: timedelta | None) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(_seconds(patience)):
                await self._turn.acquire()
        except TimeoutError as error:
            raise StoreAway("The database is busy with another write of this process; it may work later.") from error
        try:
            yield
        finally:
            self._turn.release()


def sqlite_engine(url: str, *, patience: timedelta, foreign_keys: bool = True) -> AsyncEngine:
    """Return an engine of one connection that takes SQLite's write lock as each transaction begins."""
    pragmas: dict[str, int | str] = {
        "busy_timeout": round(patience.total_seconds() * 1000),
        "page_size": 8192,
        "journal_mode": "WAL",
        "synchronous": "FULL",
        "foreign_keys": int(foreign_keys),
        "secure_delete": "ON",
    }
    inline = url.replace("sqlite+aiosqlite", INLINE, 1)
    engine = _made(inline, pool_size=1, max_overflow=0, connect_args={**CONNECT})
    _prepare_sqlite(engine, pragmas, "BEGIN IMMEDIATE")
    return engine


def postgresql_engine(url: str, *, settings: Mapping[str, str] | None = None, **options: Any) -> AsyncEngine:  # noqa: ANN401 - SQLAlchemy's own options
    """Return an engine that gives up connecting after a few seconds; *settings* are the server's, by connection."""
    return _made(url, connect_args={"timeout": _CONNECT_SECONDS, "server_settings": {**(settings or {})}}, **options)


def away(error: BaseException | None) -> bool:
    """Say whether *error* means that the database cannot be reached or written now, but may be later."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or isinstance(error, InterfaceError) or away(error.orig)
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _AWAY_CODES
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return state.startswith(_AWAY_STATES)
    return isinstance(error, OSError | PoolExhausted)  # asyncpg lets refused connections and time-outs through bare


@asynccontextmanager
async def _transaction(engine: AsyncEngine, patience: timedelta | None) -> AsyncIterator[AsyncConnection]:
    opened = False
    try:
        async with asyncio.timeout(_seconds(patience)) as limit, engine.connect() as db, db.begin():
            limit.reschedule(None)
            opened = True
            yield db
    except Exception as error:
        # A broken pipe of the caller's own is not ours to explain, once the database had been opened.
        if away(error) and (not opened or isinstance(error, DBAPIError)):
            raise StoreAway(f"{'Using' if opened else 'Opening'} the database: {cause(error)}.") from error
        raise


@asynccontextmanager
async def _raw(engine: AsyncEngine) -> AsyncIterator[sqlite3.Connection]:
    """Give the writing connection outside of any transaction."""
    try:
        async with engine.connect() as db:
            connection: Any = (await db.get_raw_connection()).driver_connection
            yield connection
    except Exception as error:
        if away(error):
            raise StoreAway(f"Compacting the database: {cause(error)}.") from error
        raise


def _compact(connection: sqlite3.Connection) -> bool:
    connection.execute("VACUUM")
    for _ in range(_TRUNCATIONS):
        (is_busy, _pages, _moved) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not is_busy:
            return True
        time.sleep(_BETWEEN_SECONDS)
    return False


def _seconds(limit: timedelta | None) -> float | None:
    return None if limit is None else limit.total_seconds()


def cause(error: BaseException) -> str:
    """Return what the driver said, without the statement and its values: they may be someone's history."""
    told = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return str(told).splitlines()[0] if str(told) else type(told).__name__


def _sqlite_readers(url: str, patience: timedelta) -> AsyncEngine:
    pragmas: dict[str, int | str] = {
        "busy_timeout": round(patience.total_seconds() * 1000),
        "wal_autocheckpoint": 0,
        "query_only": "ON",
    }
    engine = _made(url, pool_size=_READERS, max_overflow=0)
    _prepare_sqlite(engine, pragmas, "BEGIN")
    return engine


def _prepare_sqlite(engine: AsyncEngine, pragmas: dict[str, int | str], begin: str) -> None:
    @sa.event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, record: object) -> None:  # noqa: ANN401, ARG001 - the driver's connection
        connection.isolation_level = None  # BEGIN is ours to say, not the driver's
        cursor = connection.cursor()
        for name, value in pragmas.items():
            cursor.execute(f"PRAGMA {name}={value}")
        cursor.close()

    @sa.event.listens_for(engine.sync_engine, "begin")
    def start(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)


def _made(url: str, **options: Any) -> AsyncEngine:  # noqa: ANN401 - SQLAlchemy's own options
    try:
        return create_async_engine(url, **options)
    except ModuleNotFoundError as error:
        raise SettingRefused("A postgresql:// database needs asyncpg: pip install 'playledger[postgres]'.") from error
    except ArgumentError as error:
        raise SettingRefused("PLAYLEDGER_DATABASE_URL is not the address of a database.") from error
