"""SQLite without a thread between: statements run where they are asked for, only the commit waits elsewhere.

The write path asks many small indexed questions, 20 to 60 µs each; handing every one of them to a thread and back, as
aiosqlite does, costs several times that. What may wait is handed over: the beginning, for another process, and the
commit, for the disk.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlalchemy.util import await_only

NAME = "sqlite+inline"


class Cursor(sqlite3.Cursor):
    """sqlite3's cursor, as SQLAlchemy's asyncio closes one."""

    async def _async_soft_close(self) -> None:
        """Keep the rows: they are fetched here and now anyway."""


class Connection(sqlite3.Connection):
    """sqlite3's connection, which another thread may commit."""

    def cursor(self, factory: Any = None) -> Any:  # noqa: ANN401 - as sqlite3 has it
        """Return a cursor of ours."""
        return super().cursor(factory or Cursor)


CONNECT = {"check_same_thread": False, "factory": Connection}
"""What an engine of this dialect hands to sqlite3."""


class Inline(SQLiteDialect_pysqlite):
    """The standard library's sqlite3, under SQLAlchemy's asyncio."""

    driver = "inline"
    is_async = True
    supports_statement_cache = True

    @classmethod
    def get_pool_class(cls, url: sa.URL) -> type[sa.Pool]:  # noqa: ARG003 - the same for every file
        """Return the pool that waits without blocking."""
        return AsyncAdaptedQueuePool

    def do_execute(self, cursor: Any, statement: str, *args: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
        """Run a statement here and now, after letting others have their turn."""
        if statement.startswith("BEGIN"):
            # It waits for the write lock while another process holds it: not here.
            await_only(_finished(lambda: cursor.execute(statement)))
            return
        await_only(_breath())
        super().do_execute(cursor, statement, *args)  # type: ignore[no-untyped-call]  # SQLAlchemy has no types there

    def do_executemany(self, *args: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
        """Run a statement for many rows."""
        await_only(_breath())
        super().do_executemany(*args)  # type: ignore[no-untyped-call]  # SQLAlchemy has no types there

    def do_execute_no_params(self, *args: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
        """Run a statement without parameters."""
        await_only(_breath())
        super().do_execute_no_params(*args)  # type: ignore[no-untyped-call]  # SQLAlchemy has no types there

    def do_commit(self, dbapi_connection: Any) -> None:  # noqa: ANN401 - sqlite3's, of no common type
        """Wait for the disk in a thread; nothing else uses the connection meanwhile."""
        await_only(_finished(dbapi_connection.commit))


_BREATHE_EVERY = 0.005
_breathed_at = 0.0


async def _breath() -> None:
    """Let the loop go round every few milliseconds, so that a long transaction does not hold up the answers."""
    global _breathed_at  # noqa: PLW0603 - there is one loop
    now = time.monotonic()
    if now - _breathed_at > _BREATHE_EVERY:
        await asyncio.sleep(0)
        _breathed_at = time.monotonic()


async def _finished(act: Callable[[], object]) -> None:
    """Let *act* run to its end in a thread, also when whoever waits for it is cancelled meanwhile."""
    done = asyncio.ensure_future(asyncio.to_thread(act))
    try:
        await asyncio.shield(done)
    except asyncio.CancelledError:
        await asyncio.wait([done])
        raise


registry.register("sqlite.inline", __name__, "Inline")
