"""Learning how long series are, in the background: progress never waits for it, it only knows more later."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from reconcile.awarding import count_again
from reconcile.changes import Settled
from reconcile.errors import JellyfinError, JellyfinUnreadable, StoreError
from reconcile.following import follow
from reconcile.jellyfin.client import JellyfinClient
from reconcile.playback.pace import jittered
from reconcile.playback.progress import Totals
from reconcile.store import progress
from reconcile.store.lease import Leases
from reconcile.tracker import Tracker

log = structlog.get_logger()

AT_ONCE = 20
"""How many series one round asks about."""

RUNNING_FOR, ENDED_FOR = timedelta(days=1), timedelta(days=7)
"""How long an answer holds, of a series of which more will come and of one that is over."""

MISSING_FOR = timedelta(hours=1)
"""How soon a series that the library does not have is asked for again; each time the wait doubles, up to ENDED_FOR."""

BUSY, IDLE = timedelta(seconds=2), timedelta(seconds=60)
FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=30), timedelta(hours=1)

_T = TypeVar("_T")


class Totalling:
    """Asks one server through *client* how many episodes the series have that somebody watches.

    *turn* is held during each request and shared with whoever else asks the server. *leases*, if given, say whether
    this process is the one to ask. *clock* is ours (UTC), *chance* a random number from 0 to 1.
    """

    def __init__(
        self,
        client: JellyfinClient,
        tracker: Tracker,
        clock: Callable[[], datetime],
        *,
        leases: Leases | None = None,
        turn: asyncio.Lock | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.client = client
        self._tracker = tracker
        self._clock = clock
        self._leases = leases
        self._turn = turn if turn is not None else asyncio.Lock()
        self._chance = chance
        self._server_id: str | None = None
        self._failures = 0

    async def run(self) -> None:
        """Ask again and again, until cancelled."""
        while True:
            wait = await self.total()
            await asyncio.sleep(wait.total_seconds())

    async def total(self) -> timedelta:
        """Ask about some series; return how long to wait before the next. Never raises."""
        try:
            is_more = await self._round()
        except (JellyfinError, StoreError) as error:
            self._failures += 1
            log.info("series are counted later", server=self.client.url, reason=str(error))
            return jittered(min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(self._failures - 1, 10)), self._chance())
        except Exception:
            self._failures += 1
            log.exception("counting series failed", server=self.client.url)
            return LONGEST_RETRY
        self._failures = 0
        return jittered(BUSY if is_more else IDLE, self._chance())

    async def _round(self) -> bool:
        """Count what is due; return whether there may be more."""
        server_id = self._server_id
        if server_id is None:
            server_id = self._server_id = (await self._asked(self.client.public_info)).id
        if self._leases is not None and not await self._leases.holds(server_id):
            return False
        async with self._tracker.store.read() as db:
            due = await progress.due(db, server_id, self._clock(), AT_ONCE)
        if not due:
            return False
        items = sorted({item_id for item_id, _attempts in due.values()})
        is_running = await self._running(items)
        for number, (item_id, attempts) in due.items():
            await self._count(server_id, number, item_id, attempts, is_running.get(item_id))
        return len(due) == AT_ONCE

    async def _running(self, items: Sequence[str]) -> Mapping[str, bool | None]:
        """Return of which series more will come; without an answer (Jellyfin 10.8 gives none) nobody knows."""
        try:
            return await self._asked(lambda: self.client.series_running(items))
        except JellyfinUnreadable as error:
            log.info("it is not known which series are over", server=self.client.url, reason=str(error))
            return {}

    async def _count(
        self,
        server_id: str,
        number: int,
        item_id: str,
        attempts: int,
        is_running: bool | None,  # noqa: FBT001 - as told
    ) -> None:
        """Ask about one series, and keep the answer, or why there is none."""
        now = self._clock()
        try:
            told = await self._asked(lambda: self.client.series_totals(item_id, is_running=is_running))
        except JellyfinUnreadable as error:  # it is gone from the library, or its answer is odd: the others go on
            wait = jittered(min(ENDED_FOR, MISSING_FOR * 2 ** min(attempts, 12)), self._chance())
            async with self._tracker.store.begin() as db:
                await progress.plan(db, number, server_id, now, now + wait, str(error))
            return
        settled = Settled()
        async with self._tracker.store.begin() as db:
            source = progress.source_of(server_id)
            total, seasons = told.total_episodes, told.seasons
            if await progress.set_totals(db, number, total, seasons, told.is_running, source):
                settled.badges += await count_again(db, self._tracker.people, [number])
                await follow(db, self._tracker.people, now, settled)
            await progress.plan(db, number, server_id, now, now + jittered(_holds_for(told), self._chance()))
        self._tracker.events.tell(settled)

    async def _asked(self, question: Callable[[], Awaitable[_T]]) -> _T:
        async with self._turn:
            return await question()


def _holds_for(told: Totals) -> timedelta:
    return ENDED_FOR if told.is_running is False else RUNNING_FOR
