"""What comes in of an evening at eight, told in seconds after it, and a household on a real database to take it in."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from reconcile.arrivals import Answer, Arrival
from reconcile.people import People
from reconcile.playback.check_in import Channel, CheckIn, ItemFacts, Key, Kind, Observation
from reconcile.playback.rules import Rules
from reconcile.recording import link_new
from reconcile.store import people as kept_people
from reconcile.store.deliveries import Delivery
from reconcile.store.engine import Transactions
from reconcile.store.tables import metadata
from reconcile.tracker import Tracker

EIGHT_PM = datetime(2026, 3, 7, 20, tzinfo=UTC)
SERVER = "server"
FILM = ItemFacts(kind="movie", name="A Film", year=1999, runtime_seconds=1000.0, tmdb_id="603")
NEXT = ItemFacts(kind="movie", name="Another Film", runtime_seconds=1000.0, tmdb_id="604")


def at(seconds: float) -> datetime:
    """Return the instant so many *seconds* after eight."""
    return EIGHT_PM + timedelta(seconds=seconds)


def key(*, user: str = "viewer", item: str = "film", session: str = "television") -> Key:
    """Return the key of a viewer who watches a film on the television."""
    return Key(SERVER, session, user, item)


def told(
    seconds: float,
    position: float | None,
    kind: Kind = Kind.PLAYING,
    *,
    of: Key | None = None,
    facts: ItemFacts = FILM,
    channel: Channel = Channel.WEBHOOK,
    seen: float | None = None,
    completed: bool | None = None,
) -> Observation:
    """Return the check-in *seconds* after eight at *position*, *seen* then or later."""
    seen_at = at(seconds if seen is None else seen)
    is_reported, channels = channel is Channel.WEBHOOK, frozenset({channel})
    check_in = CheckIn(at(seconds), kind, position, is_reported, seen_at, seen_at, channels, completed)
    return Observation(of or key(), channel, seen_at, check_in, item=facts, user_name="Viewer")


def shown(seconds: float, position: float, until: float, of: Key | None = None) -> Observation:
    """Return what a look at *until* says of the check-in *seconds* after eight."""
    return told(seconds, position, of=of, channel=Channel.POLL, seen=until)


def line(since: int, until: int, position: float = 0.0, **of: Any) -> list[Observation]:  # noqa: ANN401 - as `told` has it
    """Return a check-in every 10 s from *since* to *until*, playing on from *position*."""
    return [told(second, position + second - since, **of) for second in range(since, until + 1, 10)]


def stopped(seconds: float, position: float, **of: Any) -> Observation:  # noqa: ANN401 - as `told` has it
    """Return a Stop."""
    return told(seconds, position, Kind.STOPPED, **of)


def delivery(body: bytes = b"{}") -> Delivery:
    """Return a delivery as received."""
    return Delivery(EIGHT_PM, "application/json", body, kind="PlaybackProgress", server_id=SERVER, user_id="viewer")


class Household:
    """A tracker on a migrated database, under a clock that is set by hand."""

    def __init__(self, store: Transactions, *, auto_link: bool = False, rules: Rules | None = None) -> None:
        self.store = store
        self.people = People(rules or Rules(), UTC, auto_link=auto_link)
        self.now = EIGHT_PM
        self.tracker = Tracker(store, self.people, lambda: self.now)

    async def welcome(self, *users: str) -> list[int]:
        """Record *users* from the beginning of time; return their accounts."""
        async with self.store.begin() as db:
            accounts = [await link_new(db, SERVER, user, user, "test", EIGHT_PM) for user in users]
            await self.people.load(db)
        return accounts

    async def opt_out(self, user: str, seconds: float) -> None:
        """Stop recording *user* so many *seconds* after eight."""
        async with self.store.begin() as db:
            await kept_people.close(db, SERVER, user, at(seconds))
            await kept_people.set_opted_out(db, SERVER, user, opted_out=True)
            await self.people.load(db)

    async def opt_in(self, user: str, account: int, seconds: float) -> None:
        """Record *user* again from so many *seconds* after eight on."""
        async with self.store.begin() as db:
            await kept_people.open_interval(db, SERVER, user, account, at(seconds))
            await self.people.load(db)

    async def hear(self, *observations: Observation) -> list[Answer]:
        """Take each in as an arrival of its own, all in one batch, at the time of the last; return the answers."""
        self.now = max([self.now, *(o.observed_at for o in observations)])
        return await self.take([Arrival((o,)) for o in observations])

    async def take(self, arrivals: Sequence[Arrival]) -> list[Answer]:
        """Take *arrivals* in."""
        waiting = [asyncio.ensure_future(self.tracker.record(arrival)) for arrival in arrivals]
        await self.work()
        return await asyncio.gather(*waiting)

    async def look(self, seconds: float, *observations: Observation, still: Collection[Key] = ()) -> Answer:
        """Take a look in, so many *seconds* after eight, and what it shows; *still* are keys shown without news."""
        self.now = max(self.now, at(seconds))
        waiting = asyncio.ensure_future(self.tracker.look(SERVER, at(seconds), observations, still))
        await self.work()
        return await waiting

    async def work(self) -> None:
        """Take in all that waits."""
        await asyncio.sleep(0)
        while self.tracker.waiting:
            await self.tracker.take()
            await asyncio.sleep(0)

    async def night(self) -> None:
        """Let everything that is open fall silent."""
        self.now += timedelta(hours=12)
        await self.tracker.flush()
        while await self.tracker.sweep():
            pass

    async def rows(self, table: str) -> list[dict[str, Any]]:
        """Return all rows of *table*, in the order of their ids or keys."""
        found = metadata.tables[table]
        async with self.store.read() as db:
            query = sa.select(found).order_by(*found.primary_key.columns)
            return [dict(row) for row in (await db.execute(query)).mappings()]

    async def one(self, table: str) -> dict[str, Any]:
        """Return the only row of *table*."""
        (row,) = await self.rows(table)
        return row


async def count(store: Transactions) -> dict[str, int]:
    """Return how many rows each table has, where it has any."""
    async with store.read() as db:
        numbers = {
            name: await db.scalar(sa.select(sa.func.count()).select_from(table))
            for name, table in metadata.tables.items()
        }
    return {name: number for name, number in numbers.items() if number}
