"""Long work that was asked for and is kept as rows: done in the background, one after another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.errors import PlayledgerError, StoreError
from reconcile.store.engine import Transactions
from reconcile.store.lease import Leases

log = structlog.get_logger()

Row = dict[str, Any]
"""A job as kept: at least its ``id``, ``state`` and ``result``."""

Progress = Callable[[int, int], Awaitable[None]]
"""Keeps how much of how much is done, for rows with ``done`` and ``total``, in a transaction of its own."""

Doing = Callable[[Row, Progress], Awaitable[dict[str, Any]]]
"""Does one job, which may have been begun before; returns what came of it, to be kept as its ``result``."""

QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"
OVER = frozenset({DONE, FAILED})

_AGAIN_SECONDS = 10.0
_TURN_SECONDS = 5.0
"""How often is looked, where several processes share the jobs, for what another one was asked for."""


class Kept(Protocol):
    """Where jobs of one kind are kept: a module of `reconcile.store` is one."""

    async def one(self, db: AsyncConnection, number: int, /) -> Row | None:
        """Return one job, None if there is none of that id."""

    async def next_one(self, db: AsyncConnection, /) -> Row | None:
        """Return the oldest job that is not over, whether it waits or was running when the process died."""

    async def note(self, db: AsyncConnection, number: int, **values: object) -> None:
        """Keep ``state``, ``result``, ``done`` or ``total`` of a job."""


class Jobs:
    """Does the jobs of one kind, which the log calls *name*. While `doing` is None, they wait.

    A job that raises is over: failed, with the sentence of an error of this program's own as ``{"error": …}``; of any
    other error the log says more. While the database is away a job is not over: it begins again. Of several processes
    with *leases* on one database one alone does them, and another takes over when it is gone.
    """

    def __init__(
        self,
        name: str,
        store: Transactions,
        kept: Kept,
        doing: Doing | None = None,
        leases: Leases | None = None,
    ) -> None:
        self.doing = doing
        self._name = name
        self._store = store
        self._kept = kept
        self._leases = leases
        self._wake = asyncio.Event()
        self._wake.set()
        self._news = asyncio.Condition()

    def wake(self) -> None:
        """Look for a new one."""
        self._wake.set()

    async def run(self) -> None:
        """Do jobs until cancelled; what was running when a process died begins again."""
        while True:
            await self._wait()
            try:
                while await self._is_ours() and await self._one():
                    pass
            except StoreError as error:
                log.warning("jobs wait for the database", jobs=self._name, error=str(error))
                await asyncio.sleep(_AGAIN_SECONDS)
                self._wake.set()

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(None if self._leases is None else _TURN_SECONDS):
                await self._wake.wait()
        self._wake.clear()

    async def _is_ours(self) -> bool:
        return self._leases is None or await self._leases.holds(f"jobs: {self._name}")

    async def outcome(self, number: int, seconds: float) -> Row | None:
        """Return a job when it is over, or after so many *seconds* as far as it is; None if there is none."""
        try:
            async with asyncio.timeout(seconds), self._news:
                while not _is_over(row := await self._row(number)):
                    await self._news.wait()
        except TimeoutError:
            row = await self._row(number)
        return row

    async def _row(self, number: int) -> Row | None:
        async with self._store.read() as db:
            return await self._kept.one(db, number)

    async def _one(self) -> bool:
        async with self._store.read() as db:
            row = await self._kept.next_one(db)
        doing = self.doing
        if row is None or doing is None:
            return False
        number: int = row["id"]

        async def progress(done: int, total: int) -> None:
            await self._note(number, done=done, total=total)

        await self._note(number, state=RUNNING)
        state, result = await self._done(doing, row, progress)
        await self._note(number, state=state, result=result)
        async with self._news:
            self._news.notify_all()
        return True

    async def _done(self, doing: Doing, row: Row, progress: Progress) -> tuple[str, dict[str, Any]]:
        try:
            return DONE, await doing(row, progress)
        except StoreError:
            raise
        except PlayledgerError as error:
            log.warning("a job failed", jobs=self._name, job=row["id"], error=str(error))
            return FAILED, {"error": str(error)}
        except Exception:
            log.exception("a job failed", jobs=self._name, job=row["id"])
            return FAILED, {"error": "An error of ours: the log says more."}

    async def _note(self, number: int, **values: object) -> None:
        async with self._store.begin() as db:
            await self._kept.note(db, number, **values)


def _is_over(row: Row | None) -> bool:
    return row is None or row["state"] in OVER
