"""A household with a Seerr beside it, on a real database, under a clock that is set by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.arrivals import Arrival
from reconcile.finding import Finder
from reconcile.mirroring import Mirroring
from reconcile.playback.check_in import Channel, CheckIn, ItemFacts, Key, Kind, Observation
from reconcile.recording import link_new
from reconcile.seerr.client import SeerrClient
from reconcile.store import people, seerr, servers
from reconcile.store.engine import Transactions
from reconcile.store.seerr import Wish
from reconcile.tmdb import TmdbClient
from tests.reconcile.arrivals import EIGHT_PM, Household, at
from tests.reconcile.seerr.fake import KEY, SERVER, URL, FakeSeerr

VIEWER, OTHER = "a1" * 16, "b2" * 16
FILM = ItemFacts(kind="movie", name="A Film", runtime_seconds=1000.0, tmdb_id="603")


def episode(number: int) -> ItemFacts:
    """Return an episode of a series whose ids nobody has told yet."""
    return ItemFacts(
        kind="episode", name="An Episode", runtime_seconds=1000.0, series_id="51" * 16, season=1, episode=number
    )


class Beside(Household):
    """*seerr* is the fake one, *mirroring* mirrors it."""

    def __init__(
        self,
        store: Transactions,
        fake: FakeSeerr,
        *,
        auto_link: bool = False,
        hashed: Callable[[str], str] | None = None,
    ) -> None:
        super().__init__(store, auto_link=auto_link)
        self.people._hashed = hashed
        self.fake = fake
        self.mirroring = self.another()
        self.finder = self.finding()

    def another(self) -> Mirroring:
        """Return a mirror as after a restart: with nothing in memory."""
        transport = httpx.ASGITransport(self.fake)
        client = SeerrClient(URL, KEY, httpx.AsyncClient(transport=transport), longest=0.2)
        return Mirroring(client, self.store, self.people, lambda: self.now, chance=lambda: 0.5)

    def finding(self, tmdb: TmdbClient | None = None) -> Finder:
        return Finder(self.tracker, lambda: self.now, tmdb, chance=lambda: 0.5)

    async def meet(self, *users: str, server: str = SERVER) -> list[int]:
        """Know the server, and record *users* of it from the beginning of time; return their accounts."""
        async with self.store.begin() as db:
            await servers.see(db, server, EIGHT_PM)
            accounts = [await link_new(db, server, user, "viewer", "test", EIGHT_PM) for user in users]
            await self.people.load(db)
        return accounts

    async def visit(self, later: timedelta = timedelta()) -> str:
        """Have the mirror do what is due, so much *later*; return its state."""
        self.now += later
        await self.mirroring.visit()
        return (await self.mirroring.status()).state.value

    async def wish(self, account: int, *, watchlist: bool = False, watches: bool = False) -> None:
        async with self.store.begin() as db:
            await seerr.wish(db, Wish(account, self.now if watchlist else None, self.now if watches else None))

    async def watch(
        self, facts: ItemFacts = FILM, item: str = "f1" * 16, since: int = 0, user: str = VIEWER, minutes: int = 16
    ) -> None:
        """Have an item of 1000 s watched for so long, *since* so many seconds after eight."""
        key = Key(SERVER, "television", user, item)
        arrivals = []
        for second in range(0, minutes * 60 + 1, 30):
            kind = Kind.STOPPED if second == minutes * 60 else Kind.PLAYING
            when = at(since + second)
            check_in = CheckIn(when, kind, float(second), True, when, when, frozenset({Channel.WEBHOOK}))
            arrivals.append(Arrival((Observation(key, Channel.WEBHOOK, when, check_in, item=facts),)))
        self.now = max(self.now, at(since + minutes * 60))
        await self.take(arrivals)

    async def links(self) -> dict[str, tuple[int, str]]:
        """Return account and source by user."""
        async with self.store.read() as db:
            return await self.links_in(db)

    async def links_in(self, db: AsyncConnection) -> dict[str, tuple[int, str]]:
        return {each.user_id: (each.account_id, each.source) for each in await people.links(db)}
