"""A ledger of plays written straight into the tables, play by play, each followed by what is added up from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.awarding import award, count_again, make_anew
from reconcile.changes import BadgeChange, Change, Settled
from reconcile.people import People
from reconcile.playback.rules import Rules
from reconcile.store import people as kept_people
from reconcile.store import progress, tables, watches
from reconcile.store.engine import Transactions
from reconcile.store.tables import metadata

SERVER = "server"
DERIVED = ("daily_activity", "series_progress", "feat", "feat_count", "badge_award", "award_basis")

Row = dict[str, Any]


class Play(msgspec.Struct, frozen=True):
    """Something played from *at* on for so many seconds; *channels* as a mask, 1 is the webhook, 8 an import."""

    account: int
    media: int
    at: datetime
    unit: str = ""
    seconds: float = 3000.0
    completed: bool = True
    session: str = "television"
    channels: int = 1

    @property
    def ended_at(self) -> datetime:
        return self.at + timedelta(seconds=self.seconds)


class Ledger:
    """Accounts with their zones, films and series, and the plays that are kept just now."""

    def __init__(self, store: Transactions) -> None:
        self.store = store
        self.people = People(Rules(), UTC)
        self.kept: dict[Play, int] = {}

    async def welcome(self, *zones: str) -> list[int]:
        """Make an account for each of *zones*; return their ids."""
        async with self.store.begin() as db:
            found = [await kept_people.add_account(db, "viewer", datetime(2020, 1, 1, tzinfo=UTC)) for _zone in zones]
            for number, zone in zip(found, zones, strict=True):
                a = tables.account
                await db.execute(sa.update(a).where(a.c.id == number).values(time_zone=zone))
            await self.people.load(db)
        return found

    async def media(self, kind: str, *years: int | None) -> list[int]:
        """Make a film or a series of each of *years*; return their ids."""
        async with self.store.begin() as db:
            made = sa.insert(tables.media).returning(tables.media.c.id)
            return [
                (await db.execute(made.values(kind=kind, title="A Title", year=year, review=False))).scalar_one()
                for year in years
            ]

    async def totals(
        self, media: int, seasons: dict[int, int], *, running: bool | None = False, source: str = "test"
    ) -> list[BadgeChange]:
        """Say how many episodes a series has."""
        total = sum(count for season, count in seasons.items() if season > 0)
        async with self.store.begin() as db:
            changed = await progress.set_totals(db, media, total, seasons, running, source)
            return await count_again(db, self.people, [media]) if changed else []

    async def play(self, *plays: Play) -> list[BadgeChange]:
        """Keep *plays*, each in a transaction of its own; what is kept already is told once more."""
        return [change for each in plays for change in await self._settle([each], self._put)]

    async def play_at_once(self, plays: Sequence[Play]) -> list[BadgeChange]:
        """Keep *plays* in one transaction."""
        return await self._settle(plays, self._put)

    async def drop(self, *plays: Play) -> list[BadgeChange]:
        """Take *plays* back."""
        return [change for each in plays for change in await self._settle([each], self._take)]

    async def _settle(self, plays: Sequence[Play], act: Any) -> list[BadgeChange]:  # noqa: ANN401 - either of two
        settled = Settled()
        async with self.store.begin() as db:
            for each in plays:
                await act(db, each)
                settled.spans.append((each.account, each.at, each.ended_at))
            for account, media, unit in {(e.account, e.media, e.unit) for e in plays}:
                settled.units.add((account, media, unit))
                settled.watches += await self._watches(db, account, media, unit)
            await award(db, self.people, settled)
        return settled.badges

    async def _put(self, db: AsyncConnection, play: Play) -> None:
        if play in self.kept:
            return
        key = {"server_id": SERVER, "session_id": play.session, "user_id": f"user{play.account}"}
        key["item_id"] = f"item{play.media}{play.unit}"
        k, p = tables.playback_key, tables.playback
        found = (await db.execute(sa.select(k.c.id).filter_by(**key))).scalar()
        if found is None:
            found = (await db.execute(sa.insert(k).values(**key, version=0, facts={}).returning(k.c.id))).scalar_one()
        values = {
            "key_id": found,
            "server_id": SERVER,
            "account_id": play.account,
            "media_id": play.media,
            "unit": play.unit,
            "open": False,
            "state": "ended",
            "started_at": play.at,
            "first_at": play.at,
            "last_at": play.ended_at,
            "ended_at": play.ended_at,
            "watched_seconds": play.seconds,
            "reached_seconds": play.seconds,
            "intervals": [[play.at.isoformat(), play.seconds]],
            "channels": play.channels,
            "completed": play.completed,
            "verdict": "completed" if play.completed else "partial",
            "sentence": "",
            "rules": "",
        }
        number = (await db.execute(sa.insert(p).values(**values).returning(p.c.id))).scalar_one()
        unit = {"playback_id": number, "unit": play.unit, "account_id": play.account, "media_id": play.media}
        await db.execute(sa.insert(tables.playback_unit).values(**unit, share=1.0))
        self.kept[play] = number

    async def _take(self, db: AsyncConnection, play: Play) -> None:
        if play in self.kept:
            number = self.kept.pop(play)
            await db.execute(sa.delete(tables.playback).where(tables.playback.c.id == number))

    async def _watches(self, db: AsyncConnection, account: int, media: int, unit: str) -> list[Change]:
        """Bring the rows of one unit up to date, as settling does."""
        zone = self.people.zone_of(account)
        days: dict[str, list[Play]] = {}
        for each in self.kept:
            if (each.account, each.media, each.unit) == (account, media, unit):
                days.setdefault(each.ended_at.astimezone(zone).date().isoformat(), []).append(each)
        where = (account, media, unit)
        there = (await watches.of_units(db, [where]))[where]
        found: list[Change] = []
        for day, plays in days.items():
            row, old = self._row(day, plays), there.pop(day, None)
            if old is not None and not watches.differs(old, row):
                continue
            if old is None:
                extra = {"account_id": account, "media_id": media, "unit": unit}
                number = await watches.add(db, extra | row, plays[0].at)
            else:
                number = old["id"]
                await watches.change(db, number, row, plays[0].at, before=old)
            found.append(Change(number, where, day, old, row))
        for day, old in there.items():
            await watches.remove(db, old["id"])
            found.append(Change(old["id"], where, day, old, None))
        return found

    def _row(self, day: str, plays: Sequence[Play]) -> Row:
        done = [each for each in plays if each.completed]
        mask = 0
        for each in plays:
            mask |= each.channels
        return {
            "day": day,
            "watched_at": max(each.ended_at for each in done or plays),
            "started_at": min(each.at for each in plays),
            "completed": bool(done),
            "partial": not done,
            "plays": len(done),
            "percent": 100.0,
            "watched_seconds": round(sum(each.seconds for each in plays), 3),
            "verdict": "completed" if done else "partial",
            "sentence": "",
            "channels": mask,
            "playbacks": sorted(self.kept[each] for each in plays),
        }

    # --- what came of it ------------------------------------------------------------------------------------------

    async def rows(self, name: str) -> list[Row]:
        """Return all rows of a table, in the order of their keys."""
        table = metadata.tables[name]
        async with self.store.read() as db:
            query = sa.select(table).order_by(*table.primary_key.columns)
            return [dict(row) for row in (await db.execute(query)).mappings()]

    async def awards(self, account: int) -> dict[str, datetime]:
        """Return which badges an account has, and since when."""
        return {
            row["badge"]: row["earned_at"] for row in await self.rows("badge_award") if row["account_id"] == account
        }

    async def derived(self) -> dict[str, list[Row]]:
        """Return all that is added up, watches by what they say instead of by their ids."""
        named = {
            row["id"]: (row["account_id"], row["media_id"], row["unit"], row["day"]) for row in await self.rows("watch")
        }
        found = {name: await self.rows(name) for name in DERIVED}
        found["award_basis"] = [row for row in found["award_basis"] if row["first_at"] is not None]
        for row in (row for rows in found.values() for row in rows):
            if row.get("watch_id") is not None:
                row["watch_id"] = named[row["watch_id"]]
        return found

    async def anew(self) -> dict[str, list[Row]]:
        """Forget all that is added up, make it anew, and return it."""
        async with self.store.begin() as db:
            for name in DERIVED:
                await db.execute(sa.delete(metadata.tables[name]))
            for account in self.people.accounts:
                await make_anew(db, self.people, account)
        return await self.derived()


def evenings(account: int, media: Iterable[int], first: datetime, every: timedelta = timedelta(days=1)) -> list[Play]:
    """Return a play of each of *media*, one evening after the other."""
    return [Play(account, number, first + n * every) for n, number in enumerate(media)]


def local(zone: str, day: date, hour: int, minute: int = 0) -> datetime:
    """Return the instant at which the clocks of *zone* say that."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone)).astimezone(UTC)
