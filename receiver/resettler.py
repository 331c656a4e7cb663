"""Settling the history anew when rules have changed, in the background, one change after another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from reconcile.errors import StoreError
from reconcile.store import resettlings
from reconcile.store.engine import Transactions

log = structlog.get_logger()

Row = dict[str, Any]
Progress = Callable[[int, int], Awaitable[None]]
Resettling = Callable[[Row, Progress], Awaitable[dict[str, Any]]]
"""Does one that was asked for (its row), telling its progress; returns what came of it."""

_AGAIN_SECONDS = 10.0


class Resettler:
    """Takes resettlings from the database. *work* does one."""

    def __init__(self, store: Transactions, work: Resettling) -> None:
        self._store = store
        self._work = work
        self._wake = asyncio.Event()
        self._wake.set()
        self._news = asyncio.Condition()

    def wake(self) -> None:
        """Look for a new one."""
        self._wake.set()

    async def run(self) -> None:
        """Resettle until cancelled; what was running when a process died begins again."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                while await self._one():
                    pass
            except StoreError as error:
                log.warning("resettling waits for the database", error=str(error))
                await asyncio.sleep(_AGAIN_SECONDS)
                self._wake.set()

    async def outcome(self, number: int, seconds: float) -> Row | None:
        """Return a resettling when it is over, or after so many *seconds* as far as it is."""
        try:
            async with asyncio.timeout(seconds), self._news:
                while not _is_over(row := await self._row(number)):
                    await self._news.wait()
        except TimeoutError:
            row = await self._row(number)
        return row

    # --- inside ---------------------------------------------------------------------------------------------------

    async def _row(self, number: int) -> Row | None:
        async with self._store.read() as db:
            return await resettlings.one(db, number)

    async def _one(self) -> bool:
        async with self._store.read() as db:
            row = await resettlings.next_one(db)
        if row is None:
            return False
        number: int = row["id"]

        async def progress(done: int, total: int) -> None:
            await self._note(number, state=resettlings.RUNNING, done=done, total=total)

        await progress(0, 0)
        state, result = resettlings.DONE, {}
        try:
            result = await self._work(row, progress)
        except StoreError:
            raise
        except Exception as error:
            log.exception("resettling failed", resettling=number)
            state, result = resettlings.FAILED, {"error": f"{type(error).__name__}: the log says more"}
        await self._note(number, state=state, result=result)
        async with self._news:
            self._news.notify_all()
        return True

    async def _note(self, number: int, **values: object) -> None:
        async with self._store.begin() as db:
            await resettlings.note(db, number, **values)


def _is_over(row: Row | None) -> bool:
    return row is None or row["state"] in {resettlings.DONE, resettlings.FAILED}
