"""Looking items up in their server's library, in the background: the ledger never waits for it (DESIGN §8)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from reconcile.changes import Settled
from reconcile.errors import JellyfinError, JellyfinUnreadable, StoreError
from reconcile.jellyfin.catalogue import CatalogueItem, PublicInfo
from reconcile.jellyfin.client import JellyfinClient
from reconcile.playback.check_in import ItemFacts
from reconcile.playback.media import SOURCES
from reconcile.playback.pace import jittered
from reconcile.rehoming import Rehoming
from reconcile.settling import Settling
from reconcile.store import media, titles
from reconcile.store.concerned import keys_of_items
from reconcile.store.lease import Leases
from reconcile.store.locks import lock_sessions
from reconcile.tracker import Tracker

log = structlog.get_logger()

BATCH = 100
"""How many items one question names."""

SETTLED_AT_ONCE = 50
"""How many keys one transaction settles again."""

KNOWN_FOR = timedelta(days=30)
"""How long an answer holds;"""

UNSURE_FOR = timedelta(days=1)
"""… one without any public id, or without a runtime, for so long."""

MISSING_FOR = timedelta(hours=1)
"""How soon an item that the library does not have is asked for again; each time the wait doubles, up to KNOWN_FOR."""

BUSY, IDLE = timedelta(seconds=2), timedelta(seconds=60)
"""The shortest and the longest wait between two rounds while the server answers."""

FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=30), timedelta(hours=1)
"""The same while it does not."""

_T = TypeVar("_T")


class Resolver:
    """Asks one server through *client* about the items that `reconcile.store.media` wants.

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
        self._info: PublicInfo | None = None
        self._user_id: str | None = None
        self._failures = 0
        self._woken = asyncio.Event()

    # --- what runs ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Look up whatever is wanted, until cancelled; something settled is a reason to see what that is."""
        stop = self._tracker.events.listen(self._wake)
        try:
            while True:
                wait = await self.resolve()
                await asyncio.sleep(jittered(min(wait, BUSY), self._chance()).total_seconds())
                try:
                    async with asyncio.timeout(max(0.0, (wait - BUSY).total_seconds())):
                        await self._woken.wait()
                except TimeoutError:
                    pass
                self._woken.clear()
        finally:
            stop()

    async def resolve(self) -> timedelta:
        """Look up one batch; return how long to wait before the next. Never raises."""
        try:
            is_more = await self._round()
        except (JellyfinError, StoreError) as error:
            self._failures += 1
            log.info("items are looked up later", server=self.client.url, reason=str(error))
            return jittered(min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(self._failures - 1, 10)), self._chance())
        except Exception:
            self._failures += 1
            log.exception("looking up items failed", server=self.client.url)
            return LONGEST_RETRY
        self._failures = 0
        return BUSY if is_more else IDLE

    def hurry(self) -> None:
        """Look soon: more is wanted. A server that does not answer is not asked sooner for that."""
        if self._failures == 0:
            self._woken.set()

    def _wake(self, _settled: Settled) -> None:
        self.hurry()

    # --- one round ------------------------------------------------------------------------------------------------

    async def _round(self) -> bool:
        """Look up what is due; return whether there may be more."""
        info = self._info
        if info is None:
            info = self._info = await self._asked(self.client.public_info)
        if self._leases is not None and not await self._leases.holds(info.id):
            return False
        async with self._tracker.store.read() as db:
            due = await media.wanted(db, info.id, self._clock(), BATCH)
        if not due:
            return False
        found = await self._found(info, sorted(due))
        await self._learn(info.id, due, found)
        return len(due) == BATCH

    async def _found(self, info: PublicInfo, ids: Sequence[str]) -> dict[str, CatalogueItem | str]:
        """Return what the library says of each of *ids*, or why it says nothing."""
        user_id = await self._user(info)
        try:
            items = await self._asked(lambda: self.client.items(ids, user_id))
        except JellyfinUnreadable as error:
            # One odd id must not stand in the way of the others.
            if len(ids) == 1:
                return {ids[0]: str(error)}
            half = len(ids) // 2
            return await self._found(info, ids[:half]) | await self._found(info, ids[half:])
        told: dict[str, CatalogueItem | str] = dict.fromkeys(ids, "not in the library")
        return told | {item.item_id: item for item in items if item.item_id in told}

    async def _user(self, info: PublicInfo) -> str | None:
        """Return an administrator for Jellyfin 10.8, which answers about items to somebody only (facts B9)."""
        if info.version.startswith("10.8.") and self._user_id is None:
            users = await self._asked(self.client.users)
            self._user_id = next((user.id for user in users if user.is_administrator), None)
        return self._user_id

    async def _asked(self, question: Callable[[], Awaitable[_T]]) -> _T:
        async with self._turn:
            return await question()

    # --- what was learnt ------------------------------------------------------------------------------------------

    async def _learn(self, server_id: str, due: Mapping[str, int], found: Mapping[str, CatalogueItem | str]) -> None:
        """Keep the answers; what has changed by them is settled again."""
        news: list[str] = []
        others: list[str] = []
        async with self._tracker.store.begin() as db:
            now = self._clock()
            before = await media.catalogued(db, [(server_id, item_id) for item_id in found], with_found=False)
            for item_id, told in found.items():
                if isinstance(told, str):
                    again_at = now + self._missing_for(due.get(item_id, 0))
                    await media.postpone(db, server_id, item_id, again_at, told)
                    continue
                wait = KNOWN_FOR if _is_complete(told) else UNSURE_FOR
                again_at = now + jittered(wait, self._chance())
                await media.learn(db, server_id, item_id, told.facts, now, again_at)
                known = before.get((server_id, item_id))
                if known is not None and _contradict(known, told.facts):
                    others.append(item_id)
                elif known != told.facts:
                    news.append(item_id)
            await titles.name(db, await titles.owners(db, [f"{server_id}:{item_id}" for item_id in found]))
        log.info("items looked up", server=server_id, asked=len(found), news=len(news) + len(others))
        if news:
            await settle_items(self._tracker, self._clock, server_id, news)
        if others:
            await self._rehome(server_id, others)

    async def _rehome(self, server_id: str, item_ids: Sequence[str]) -> None:
        """Somebody has identified *item_ids* anew in the library: they are other media than they were."""
        async with self._tracker.store.begin() as db:
            rehoming = Rehoming(db, self._tracker.people, self._clock(), self._tracker.ahead)
            settled = await rehoming.rehome([(server_id, item_id) for item_id in item_ids])
        self._tracker.events.tell(settled)

    def _missing_for(self, attempts: int) -> timedelta:
        return jittered(min(KNOWN_FOR, MISSING_FOR * 2 ** min(attempts, 12)), self._chance())


async def settle_items(
    tracker: Tracker, clock: Callable[[], datetime], server_id: str, item_ids: Sequence[str]
) -> None:
    """Settle the keys that *item_ids* concern, so that rows of one media become one. Raises StoreAway."""
    async with tracker.store.read() as db:
        concerned = sorted((await keys_of_items(db, server_id, item_ids)).items())
    for start in range(0, len(concerned), SETTLED_AT_ONCE):
        part = dict(concerned[start : start + SETTLED_AT_ONCE])
        async with tracker.store.begin() as db:
            await lock_sessions(db, {(key.server_id, key.session_id, key.user_id) for key in part.values()})
            settling = Settling(db, tracker.people, clock(), ahead=tracker.ahead, whole=True)
            settled = await settling.settle(part)
        tracker.events.tell(settled)


def _contradict(before: ItemFacts, now: ItemFacts) -> bool:
    """Say whether an item has another id of a source than it had before."""
    pairs = ((getattr(before, f"{source}_id"), getattr(now, f"{source}_id")) for source in SOURCES)
    return any(one and other and one != other for one, other in pairs)


def _is_complete(item: CatalogueItem) -> bool:
    """Say whether there is nothing more to hope for from the library."""
    facts: ItemFacts = item.facts
    if item.kind == "episode":
        return facts.series_id is not None and facts.runtime_seconds is not None
    has_ids = bool(facts.tmdb_id or facts.tvdb_id or facts.imdb_id)
    return has_ids and (item.kind == "series" or facts.runtime_seconds is not None)
