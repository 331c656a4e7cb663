"""A store that gives way: at the n-th thing asked of it the process is gone, cancelled, or told that it is away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store.engine import Transactions


class PowerCut(BaseException):
    """The process is gone. No handler of ours is for this."""


class Frail(Transactions):
    """Transactions that call *blow* at the *fuse*-th statement, commit, or instant right after a commit.

    *burnt* counts what was asked for so far.
    """

    def __init__(self, url: str, fuse: float = float("inf")) -> None:
        super().__init__(url)
        self.fuse = fuse
        self.burnt = 0
        self.blow: Callable[[], object] = cut_power
        sa.event.listen(self._writer.sync_engine, "before_cursor_execute", self._asked)

    @asynccontextmanager
    async def begin(self, patience: timedelta | None = None) -> AsyncIterator[AsyncConnection]:
        """Open the transaction that writes."""
        async with super().begin(patience) as db:
            yield db
            self.burn()
        self.burn()

    def _asked(self, *_what: object) -> None:
        self.burn()

    def burn(self) -> None:
        """Count one more thing asked for, and give way if it is the one."""
        self.burnt += 1
        if self.burnt == self.fuse:
            self.blow()


def cut_power() -> None:
    """End the process."""
    raise PowerCut
