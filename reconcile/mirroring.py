"""The mirror of Seerr: in the background, at a gentle pace, and never in the ledger's way.

Nothing in here is waited for by anybody. While Seerr is away, what it was to be told waits in the database.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
import structlog

from reconcile.copying import copy_all_media, copy_changed_media, copy_series, copy_watchlists
from reconcile.errors import SeerrError, SeerrUnreachable, StoreError
from reconcile.finding import SERVER_OF_SEERR
from reconcile.linking import Imported, import_links
from reconcile.people import People
from reconcile.playback.identity import is_guid
from reconcile.playback.pace import jittered
from reconcile.running import Running
from reconcile.seerr.answers import MediaServer, PublicSettings
from reconcile.seerr.client import SeerrClient
from reconcile.store import errands, seerr, servers, settings
from reconcile.store.engine import Transactions
from reconcile.store.lease import Leases

log = structlog.get_logger()

ROUND = timedelta(seconds=60)
"""How often is seen what is to be done."""

CHANGES_EVERY = timedelta(minutes=5)
USERS_EVERY = timedelta(minutes=15)
ITSELF_EVERY = timedelta(hours=1)
WHOLE_EVERY = timedelta(days=1)
AGAIN_IF_NOT_WHOLE = timedelta(hours=1)

FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=30), timedelta(hours=1)
"""The shortest and the longest wait while Seerr does not answer."""

LEASE = "seerr"
"""The name under which one of several processes holds the mirror."""


class State(StrEnum):
    """What the settings page shows."""

    ACTIVE = "active"
    PAUSED = "paused"
    ERROR = "error"


class Status(msgspec.Struct, frozen=True):
    """How the mirror is doing. *since* is when *state* became what it is; *url* is fit to be shown.

    *server_id* is the Jellyfin server that Seerr runs with, *can_track* whether it is the fork that keeps watches.
    *warnings* are sentences for people.
    """

    url: str
    state: State
    reason: str
    since: datetime
    version: str | None
    media_server: str | None
    server_id: str | None
    can_track: bool
    users: int
    media: int
    waiting: int
    mirrored_at: datetime | None
    warnings: list[str]


class Mirroring:
    """Mirrors one Seerr through *client*, imports its links, and runs errands there.

    *leases*, if given, say whether this process is the one to do so. *clock* is ours (UTC), *chance* a random number
    from 0 to 1.
    """

    def __init__(
        self,
        client: SeerrClient,
        store: Transactions,
        people: People,
        clock: Callable[[], datetime],
        *,
        leases: Leases | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.client = client
        self.running = Running(client, store, clock, chance)
        self._store = store
        self._people = people
        self._clock = clock
        self._leases = leases
        self._chance = chance
        self._failures = 0
        self._due: dict[str, datetime] = {}
        self._version: str | None = None
        self._itself: PublicSettings | None = None
        self._server_id: str | None = None
        self._trouble: str | None = None
        self._imported = Imported()
        self._series_trouble: str | None = None
        self._mirrored_at: datetime | None = None
        self._state, self._reason, self._since = State.PAUSED, "not started yet", clock()
        self._woken = asyncio.Event()

    # --- what runs ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Mirror until cancelled."""
        while True:
            wait = await self.visit()
            try:
                async with asyncio.timeout(wait.total_seconds()):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()

    def hurry(self) -> None:
        """Do everything again at once: somebody wants to see it work."""
        self._due = {}
        self._woken.set()

    async def visit(self) -> timedelta:
        """Do what is due; return how long to wait before the next time. Never raises."""
        try:
            if self._leases is not None and not await self._leases.holds(LEASE):
                return self._rest("another process does this")
            await self._visit()
        except (SeerrError, StoreError) as error:
            return self._failed(str(error))
        except Exception as error:
            log.exception("mirroring Seerr failed")
            return self._failed(f"an error of ours: {type(error).__name__}")
        self._failures = 0
        self._turn_to(*((State.ERROR, self._trouble) if self._trouble else (State.ACTIVE, "")))
        return jittered(ROUND, self._chance())

    async def status(self) -> Status:
        """How it is doing right now."""
        media, users, waiting = 0, 0, 0
        try:
            async with self._store.read() as db:
                media, users = await seerr.counts(db)
                waiting = await errands.waiting(db)
        except StoreError:
            pass
        return Status(
            url=self.client.url,
            state=self._state,
            reason=self._reason,
            since=self._since,
            version=self._version,
            media_server=_word(self._itself),
            server_id=self._server_id,
            can_track=self.running.can_track,
            users=users,
            media=media,
            waiting=waiting,
            mirrored_at=self._mirrored_at,
            warnings=self._warnings(),
        )

    # --- one visit ------------------------------------------------------------------------------------------------

    async def _visit(self) -> None:
        await self._every(ITSELF_EVERY, "itself", self._meet)
        if self._itself is None or not self._itself.initialized:
            return
        if self._server_id is not None:
            await self._every(USERS_EVERY, "users", self._link)
        await self._every(WHOLE_EVERY, "all media", self._copy_all)
        await self._every(CHANGES_EVERY, "changed media", self._copy_changed)
        if self._server_id is not None:
            await self._every(
                CHANGES_EVERY, "watchlists", lambda: copy_watchlists(self.client, self._store, self._clock)
            )
            await self.running.run()
        await self._copy_series()

    async def _every(self, pause: timedelta, name: str, work: Callable[[], Awaitable[timedelta | None]]) -> None:
        """Do *work* if its time has come; it may say that it is to be done again sooner."""
        due = self._due  # `hurry` makes another: what it asks for meanwhile is not done yet
        if self._clock() < due.get(name, self._clock()):
            return
        sooner = await work()
        due[name] = self._clock() + jittered(sooner or pause, self._chance())

    async def _meet(self) -> timedelta | None:
        """Find out what Seerr is, and whether its Jellyfin is one of ours (facts A2, A4)."""
        self._itself = await self.client.public_settings()
        self._trouble = _trouble(self._itself)
        if self._trouble is None:
            jellyfin = await self.client.jellyfin()
            async with self._store.read() as db:
                ours = {each.id for each in await servers.all_of_them(db)}
            self._trouble = _other_server(jellyfin.server_id, ours)
            self._server_id = None if self._trouble else jellyfin.server_id
            self.running.can_track = await self.client.can_track()
        else:
            self._server_id = None
        await self._note_server()
        try:
            self._version = await self.client.version()
        except SeerrUnreachable as error:
            # A release asks GitHub before it answers, and may do so for long: everything else works without.
            log.info("Seerr's version is not known", reason=str(error))
        return None if self._trouble is None else CHANGES_EVERY

    async def _note_server(self) -> None:
        async with self._store.read() as db:
            known = await settings.get(db, SERVER_OF_SEERR)
        if (known or None) != self._server_id:
            async with self._store.begin() as db:
                await settings.put(db, SERVER_OF_SEERR, self._server_id or "")

    async def _link(self) -> None:
        users = await self.client.users()
        async with self._store.begin() as db:
            await self._people.load(db)
            self._imported = await import_links(db, self._people, self._server_id or "", users, self._clock())
        if self._imported.made:
            log.info("links came from Seerr", made=self._imported.made)

    async def _copy_all(self) -> timedelta | None:
        is_whole = await copy_all_media(self.client, self._store)
        self._mirrored_at = self._clock()
        self._due["changed media"] = self._mirrored_at + jittered(CHANGES_EVERY, self._chance())
        return None if is_whole else AGAIN_IF_NOT_WHOLE

    async def _copy_changed(self) -> None:
        await copy_changed_media(self.client, self._store)
        self._mirrored_at = self._clock()

    async def _copy_series(self) -> None:
        """Ask for totals; where Seerr cannot reach TMDB, that is its only trouble."""
        if self._clock() < self._due.get("series", self._clock()):
            return
        try:
            await copy_series(self.client, self._store, self._people, self._clock, self._chance)
        except SeerrUnreachable as error:
            self._series_trouble = f"Seerr does not tell how many episodes series have: {error}"
            self._due["series"] = self._clock() + LONGEST_RETRY
        else:
            self._series_trouble = None

    # --- how it is doing ------------------------------------------------------------------------------------------

    def _warnings(self) -> list[str]:
        twice = self._imported.duplicates
        found = [f"Users {', '.join(map(str, twice))} of Seerr share Jellyfin users with others."] if twice else []
        return [*found, *(each for each in (self._series_trouble, self.running.refusal) if each)]

    def _rest(self, reason: str) -> timedelta:
        self._turn_to(State.PAUSED, reason)
        return jittered(ROUND, self._chance())

    def _failed(self, reason: str) -> timedelta:
        self._failures += 1
        self._turn_to(State.ERROR, reason)
        return jittered(min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(self._failures - 1, 10)), self._chance())

    def _turn_to(self, state: State, reason: str) -> None:
        if state is not self._state:
            self._since = self._clock()
        if (state, reason) != (self._state, self._reason):
            told = log.warning if state is State.ERROR else log.info
            told("mirroring Seerr", url=self.client.url, state=state.value, reason=reason)
        self._state, self._reason = state, reason


def _word(itself: PublicSettings | None) -> str | None:
    if itself is None:
        return None
    known = {each.value: each.name.lower() for each in MediaServer}
    return known.get(itself.media_server, f"unknown ({itself.media_server})")


def _trouble(itself: PublicSettings) -> str | None:
    """Return why this Seerr is of no use to us, if it is not."""
    if not itself.initialized:
        return "Seerr's own set-up is not finished: finish it first."
    if itself.media_server == MediaServer.JELLYFIN:
        return None
    return f"Seerr runs with {(_word(itself) or '').capitalize()}, not with Jellyfin: there is nothing to link."


def _other_server(server_id: str, ours: set[str]) -> str | None:
    if not is_guid(server_id):
        return "Seerr does not know its Jellyfin's id: have it sign in at Jellyfin once more."
    if server_id in ours:
        return None
    return (
        f"Seerr's Jellyfin ({server_id}) is none of the servers known here, so its users are not linked: "
        "add that server, or take over Seerr's connection."
    )
