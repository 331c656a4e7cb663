"""The poller: one task per server asks what is playing, at a pace that webhooks may lower, and never twice at once."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

import msgspec
import structlog

from reconcile.backlog import Backlog
from reconcile.errors import JellyfinError, JellyfinRefused, JellyfinSlow, JellyfinUnreadable, StoreError
from reconcile.jellyfin.client import LONGEST_LOOK, Answer, JellyfinClient
from reconcile.jellyfin.snapshot import decode_snapshot
from reconcile.playback.check_in import Key, Observation
from reconcile.playback.pace import PROVEN_FOR, Proof, jittered, next_retry, next_wait, proof
from reconcile.snapshots import News, Snapshots
from reconcile.store import servers
from reconcile.store.lease import FolderLease, Leases
from reconcile.store.told import is_anything_open, lately_told
from reconcile.tracker import Tracker

log = structlog.get_logger()

MINUTE = timedelta(minutes=1)

STANDBY = timedelta(seconds=4)
"""How often a lease is asked for that another process holds: its takeover is to take less than 30 s."""

CLOCK_STEP = timedelta(seconds=0.5)
"""A server's clock is kept again when it has moved by so much."""

T = TypeVar("T")
Clock = Callable[[], datetime]


class State(StrEnum):
    """What the settings page shows."""

    ACTIVE = "active"
    PAUSED = "paused"
    ERROR = "error"


class Status(msgspec.Struct, frozen=True):
    """How a server's poller is doing. *since* is when *state* became what it is; *url* is fit to be shown.

    *unseen* is the number of playbacks of the last hour that no push told of («webhooks silent»), *held* the looks
    that wait in memory for the database, *lost* those that there was no room for. *is_refused*: it is the key that is
    wrong, or may not list sessions.
    """

    url: str
    server_id: str | None
    state: State
    reason: str
    since: datetime
    requests_a_minute: int
    is_playing: bool
    is_push_proven: bool
    unseen: int
    malformed: int
    held: int
    lost: int
    is_refused: bool = False


class Poller:
    """Polls one server through *client* for *tracker*; *leases* say whether it is this process's to poll.

    *expected* is the server's id where it is known already: another server at the same address is an error then.
    *turn* is held during each request; whoever else asks the same server shares it. *clock* is ours (UTC), *chance* a
    random number from 0 to 1. `interval` and `paused` (why it is to stay quiet) may be set at any time.
    """

    def __init__(  # noqa: PLR0913 - what it works with, and what a test brings
        self,
        client: JellyfinClient,
        tracker: Tracker,
        leases: Leases,
        clock: Clock,
        *,
        interval: timedelta = timedelta(seconds=10),
        expected: str | None = None,
        turn: asyncio.Lock | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.client = client
        self.interval = interval
        self.paused: str | None = None
        self.turn = turn if turn is not None else asyncio.Lock()
        self.server_id: str | None = None
        self._expected = expected
        self._tracker = tracker
        self._leases = leases
        self._clock = clock
        self._chance = chance
        self._snapshots: Snapshots | None = None
        self._backlog = Backlog()
        self._lost = 0
        self._proof = Proof()
        self._failures = 0
        self._is_refused = False
        self._is_playing = False
        self._held_lease = False
        self._kept_offset: timedelta | None = None
        self._requests: deque[datetime] = deque(maxlen=1000)
        self._took = timedelta(0)
        self._state, self._reason, self._since = State.PAUSED, "not started yet", clock()
        self._woken = asyncio.Event()

    # --- what runs ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            wait = await self.poll()
            try:
                async with asyncio.timeout(wait.total_seconds()):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()

    def hurry(self) -> None:
        """Poll at once: a setting has changed, or somebody wants to see it work."""
        self._woken.set()

    async def poll(self) -> timedelta:
        """Look once, if it is this process's to do so; return how long to wait before the next time. Never raises."""
        if self.paused is not None:
            return self._rest(self.paused)
        try:
            server_id = await self._identified()
            if not await self._is_ours(server_id):
                return self._rest(self._holder())
            answer = await self._asked(self.client.sessions)
            await self._look(server_id, answer)
        except JellyfinError as error:
            self._is_refused = isinstance(error, JellyfinRefused)
            return await self._failed(str(error), is_slow=isinstance(error, JellyfinSlow))
        except Exception as error:
            log.exception("a poll failed", server=self.client.url)
            return await self._failed(f"an error of ours ({type(error).__name__}); the log says more")
        self._failures, self._is_refused = 0, False
        self._turn_to(*self._well())
        is_playing, is_proven = self._is_playing, self._proof.is_proven
        return next_wait(
            self.interval, is_playing=is_playing, is_proven=is_proven, chance=self._chance(), took=self._took
        )

    @property
    def status(self) -> Status:
        """How it is doing right now."""
        return Status(
            url=self.client.url,
            server_id=self.server_id or self._expected,
            state=self._state,
            reason=self._reason,
            since=self._since,
            requests_a_minute=sum(at > self._clock() - MINUTE for at in self._requests),
            is_playing=self._is_playing,
            is_push_proven=self._proof.is_proven,
            unseen=self._proof.unseen,
            malformed=self._snapshots.malformed if self._snapshots is not None else 0,
            held=len(self._backlog),
            lost=self._lost,
            is_refused=self._is_refused,
        )

    async def introduced(self) -> str:
        """Return the server's id, which it is asked for if nobody knows it yet. Raises JellyfinError."""
        return self._expected or await self._identified()

    # --- asking ---------------------------------------------------------------------------------------------------

    async def _asked(self, question: Callable[[], Awaitable[T]]) -> T:
        async with self.turn:
            asked_at = self._clock()
            self._requests.append(asked_at)
            try:
                async with asyncio.timeout(LONGEST_LOOK):
                    return await question()
            except TimeoutError as error:
                raise JellyfinSlow(f"{self.client.url}: no whole answer within {LONGEST_LOOK:g} s.") from error
            finally:
                # A clock that is set meanwhile is not a server that has laboured for hours.
                self._took = min(self._clock() - asked_at, timedelta(seconds=LONGEST_LOOK))

    async def _identified(self) -> str:
        """Return the server's id; after it has been away, it is asked who it is once more."""
        if self.server_id is not None and self._failures == 0:
            return self.server_id
        info = await self._asked(self.client.public_info)
        if self._expected is not None and info.id != self._expected:
            raise JellyfinUnreadable(
                f"{self.client.url} is another server now ({info.name or info.id}): "
                "correct the address, or add it as a server of its own."
            )
        self._expected = info.id
        if self._snapshots is None:
            self._snapshots = Snapshots(info.id, self._tracker)
        try:
            async with self._tracker.store.begin() as db:
                now, url = self._clock(), self.client.url
                await servers.see(db, info.id, now, name=info.name, url=url, version=info.version)
        except StoreError as error:
            log.warning("the server's name is not kept yet", server=info.id, error=str(error))
        self.server_id = info.id
        return info.id

    async def _is_ours(self, server_id: str) -> bool:
        try:
            self._held_lease = await self._leases.holds(server_id)
        except StoreError:
            # Nobody can take the lease from us while its database is away, and what we see is kept in memory: evidence
            # is a set, so even two processes that look at once do no harm.
            return self._held_lease
        return self._held_lease

    def _holder(self) -> str:
        if isinstance(self._leases, FolderLease):
            return f"the data folder is held by {self._leases.holder()}"
        return "another process polls this server"

    # --- what a look says -----------------------------------------------------------------------------------------

    async def _look(self, server_id: str, answer: Answer) -> None:
        self._tracker.ahead[server_id] = self.client.offset
        snapshots = self._snapshots
        if snapshots is None:  # pragma: no cover - made when the server was identified
            return
        news = snapshots.news(decode_snapshot(answer.body), answer.server_at)
        self._is_playing = news.is_playing
        try:
            await self._take_in(server_id, answer.server_at, news)
            await self._keep_clock(server_id)
            async with self._tracker.store.read() as db:
                told = await lately_told(db, server_id, answer.server_at - PROVEN_FOR)
        except StoreError as error:
            log.warning("a look is held in memory", server=server_id, held=len(self._backlog), error=str(error))
            return
        before, self._proof = self._proof, proof(told, answer.server_at)
        if self._proof.unseen > before.unseen:
            log.warning("webhooks are silent", server=server_id, unseen=self._proof.unseen)

    async def _take_in(self, server_id: str, at: datetime, news: News) -> None:
        """Hand the look to the tracker, after those that wait; if the database is away, it waits too."""

        async def take(when: datetime, told: Sequence[Observation], still: Collection[Key]) -> None:
            await self._tracker.look(server_id, when, told, still)

        if not self._backlog:
            try:
                await take(at, news.observations, news.still)
            except StoreError:
                self._hold(at, news)
                raise
            return
        self._hold(at, news)
        await self._backlog.drain(take)

    def _hold(self, at: datetime, news: News) -> None:
        gone = self._backlog.add(at, news.observations, news.still)
        if gone:
            self._lost += gone
            log.error("looks were let go: the database has been away for too long", looks=gone)

    async def _keep_clock(self, server_id: str) -> None:
        offset = self.client.offset
        if self._kept_offset is None or abs(offset - self._kept_offset) >= CLOCK_STEP:
            async with self._tracker.store.begin() as db:
                await servers.set_clock(db, server_id, offset.total_seconds())
            self._kept_offset = offset

    # --- how it is doing ------------------------------------------------------------------------------------------

    def _well(self) -> tuple[State, str]:
        if self._backlog:
            return State.ERROR, "the database is away: what looks see is held in memory"
        return State.ACTIVE, ""

    def _rest(self, reason: str) -> timedelta:
        self._turn_to(State.PAUSED, reason)
        return jittered(STANDBY, self._chance())

    async def _failed(self, reason: str, *, is_slow: bool = False) -> timedelta:
        self._failures += 1
        self._turn_to(State.ERROR, reason)
        took = self._took if is_slow else timedelta(0)
        return next_retry(self._failures, is_open=await self._is_open(), chance=self._chance(), took=took)

    async def _is_open(self) -> bool:
        if self._is_playing or self.server_id is None:
            return self._is_playing
        try:
            async with self._tracker.store.read() as db:
                return await is_anything_open(db, self.server_id)
        except StoreError:
            return False

    def _turn_to(self, state: State, reason: str) -> None:
        if state is not self._state:
            self._since = self._clock()
        if (state, reason) != (self._state, self._reason):
            told = log.warning if state is State.ERROR else log.info
            told("polling", server=self.client.url, state=state.value, reason=reason)
        self._state, self._reason = state, reason
