"""What one more watch costs activity, progress and badges, with 10⁴ and with 10⁶ watches in the ledger; and a year.

    python -m tests.benchmarks.badges [WATCHES]

The history is written straight into the tables of a SQLite file: 100 accounts, a third films, the rest episodes.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.awarding import award, make_anew, make_anew_in_parts
from reconcile.changes import Settled
from reconcile.people import People
from reconcile.store import activity, earned, history, leafing, progress
from reconcile.store.engine import Transactions
from reconcile.store.migrations import migrate
from reconcile.store.tables import metadata
from reconcile.store.wanted import Wanted
from tests.reconcile.plays import Ledger, Play

START = datetime(2020, 1, 1, 18, tzinfo=UTC)
FILMS, SERIES, EPISODES = 4000, 400, 60
MORE = 40
ADDED_UP = 5


def plays(accounts: int, each: int, a_day: int) -> Iterator[Play]:
    """Yield the plays of so many accounts."""
    dice = random.Random(1)
    for account in range(1, accounts + 1):
        for number in range(each):
            at = START + timedelta(days=number // a_day, minutes=70 * (number % a_day), seconds=account)
            if dice.random() < 1 / 3:
                yield Play(account, 1 + dice.randrange(FILMS), at)
            else:
                unit = f"s{1 + dice.randrange(6):02}e{1 + dice.randrange(EPISODES // 6):02}"
                yield Play(account, FILMS + 1 + dice.randrange(SERIES), at, unit)


def fill(file: Path, accounts: int, found: Iterator[Play]) -> None:
    """Write accounts, media and plays, and what single films and episodes add up to."""
    db = sqlite3.connect(file)
    for pragma in ("synchronous=OFF", "journal_mode=MEMORY", "cache_size=-300000", "temp_store=MEMORY"):
        db.execute(f"PRAGMA {pragma}")
    db.execute("PRAGMA foreign_keys=OFF")
    db.executemany(
        "INSERT INTO account(id, name, created_at, time_zone) VALUES (?, 'viewer', ?, 'UTC')",
        ((number, _text(START)) for number in range(1, accounts + 1)),
    )
    db.executemany(
        "INSERT INTO media(id, kind, title, year, review) VALUES (?, ?, 'A Title', ?, 0)",
        ((n, "movie" if n <= FILMS else "series", 1930 + n % 95) for n in range(1, FILMS + SERIES + 1)),
    )
    seasons = "{%s}" % ", ".join(f'"{season}": {EPISODES // 6}' for season in range(1, 7))  # noqa: UP031 - braces
    db.executemany(
        "INSERT INTO series_total(media_id, source, total_episodes, seasons, is_running, attempts)"
        " VALUES (?, 'test', ?, ?, 0, 0)",
        ((FILMS + 1 + n, EPISODES, seasons) for n in range(SERIES)),
    )
    for part in _parts(enumerate(found, start=1), 50_000):
        _write(db, part)
    db.commit()
    db.execute(
        "INSERT INTO feat SELECT account_id, CASE unit WHEN '' THEN 'movies' ELSE 'episodes' END,"
        " media_id || ':' || unit, min(watched_at), substr(min(watched_at), 1, 7), '', media_id, id"
        " FROM watch GROUP BY account_id, media_id, unit"
    )
    db.execute("INSERT INTO feat_count SELECT account_id, kind, month, count(*) FROM feat GROUP BY 1, 2, 3")
    db.commit()
    db.execute("PRAGMA journal_mode=WAL")
    db.close()


def _write(db: sqlite3.Connection, part: list[tuple[int, Play]]) -> None:
    keys = ((n, f"s{p.account}.{n % 7}", f"user{p.account}", f"item{p.media}{p.unit}.{n}") for n, p in part)
    db.executemany("INSERT INTO playback_key VALUES (?, 'server', ?, ?, ?, 0, '{}', NULL)", keys)
    columns = (
        "id, key_id, server_id, account_id, media_id, unit, open, state, started_at, first_at, last_at, ended_at,"
        " watched_seconds, reached_seconds, intervals, channels, completed, verdict, sentence, rules"
    )
    rows = (
        (
            n,
            n,
            p.account,
            p.media,
            p.unit,
            _text(p.at),
            _text(p.at),
            _text(p.ended_at),
            _text(p.ended_at),
            p.seconds,
            p.seconds,
            f'[["{p.at.isoformat()}", {p.seconds}]]',
        )
        for n, p in part
    )
    db.executemany(
        f"INSERT INTO playback({columns}) VALUES"  # noqa: S608 - our own columns
        " (?, ?, 'server', ?, ?, ?, 0, 'ended', ?, ?, ?, ?, ?, ?, ?, 1, 1, 'completed', '', '')",
        rows,
    )
    units = ((n, p.unit, p.account, p.media) for n, p in part)
    db.executemany(
        "INSERT INTO playback_unit(playback_id, unit, account_id, media_id, share) VALUES (?, ?, ?, ?, 1)", units
    )
    days = ((n, p.account, p.media, p.unit, _text(p.ended_at)[:10], _text(p.ended_at), _text(p.at)) for n, p in part)
    db.executemany(
        "INSERT OR IGNORE INTO watch(id, account_id, media_id, unit, day, watched_at, started_at, completed, partial,"
        " plays, percent, watched_seconds, verdict, sentence, channels, updated_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 1, 0, 1, 100, 3000, 'completed', '', 1, '2026-01-01 00:00:00.000000')",
        days,
    )
    db.executemany(
        "INSERT INTO watch_playback SELECT id, id FROM watch WHERE id = ?", ((number,) for number, _play in part)
    )


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")


def _parts(found: Iterator[tuple[int, Play]], size: int) -> Iterator[list[tuple[int, Play]]]:
    part: list[tuple[int, Play]] = []
    for each in found:
        part.append(each)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


class Clocked(Transactions):
    """Transactions that note how long the longest of them took, in milliseconds."""

    longest = 0.0

    @asynccontextmanager
    async def begin(self, patience: timedelta | None = None) -> AsyncIterator[AsyncConnection]:
        """Open one, and note how long it was open."""
        async with super().begin(patience) as db:
            began = time.perf_counter()
            yield db
        self.longest = max(self.longest, 1000 * (time.perf_counter() - began))


class Timed(Ledger):
    """A ledger that notes how long adding up took, in milliseconds."""

    def __init__(self, store: Transactions) -> None:
        super().__init__(store)
        self.took: list[float] = []

    async def one_more(self, play: Play) -> None:
        """Keep one play, and time what is made of it."""
        async with self.store.begin() as db:
            await self._put(db, play)
            changes = await self._watches(db, play.account, play.media, play.unit)
            settled = Settled(watches=changes, spans=[(play.account, play.at, play.ended_at)])
            began = time.perf_counter()
            await award(db, self.people, settled)
            self.took.append(1000 * (time.perf_counter() - began))


async def measured(folder: Path, accounts: int, each: int, a_day: int, *, anew: int) -> dict[str, float]:
    """Fill a ledger, add up *anew* accounts of it, and return milliseconds by what was asked."""
    file = folder / f"{accounts}x{each}.db"
    url = f"sqlite+aiosqlite:///{file}"
    await migrate(url)
    began = time.perf_counter()
    fill(file, accounts, plays(accounts, each, a_day))
    store = Transactions(url)
    ledger = Timed(store)
    found = {"filled in s": time.perf_counter() - began}
    try:
        async with store.read() as db:
            await ledger.people.load(db)
        began = time.perf_counter()
        for account in range(1, anew + 1):
            async with store.begin() as db:
                await make_anew(db, ledger.people, account)
        found["an account made anew in ms"] = 1000 * (time.perf_counter() - began) / anew
        found |= await _in_parts(url, ledger.people)
        end = START + timedelta(days=each // a_day + 1)
        for number in range(MORE):
            at = end + timedelta(hours=2 * number)
            film = Play(1, 1 + (number * 97) % FILMS, at)
            episode = Play(1, FILMS + 1 + number % SERIES, at, f"s01e{1 + number % 10:02}")
            await ledger.one_more(film if number % 3 == 0 else episode)
        found["one more watch, median ms"] = statistics.median(ledger.took)
        found["one more watch, worst ms"] = max(ledger.took)
        found |= await _asked(store, end)
        found |= await _rows(store)
    finally:
        await store.close()
        file.unlink()
    return found


async def _in_parts(url: str, people: People) -> dict[str, float]:
    store = Clocked(url)
    began = time.perf_counter()
    await make_anew_in_parts(store, people, 1)
    took = 1000 * (time.perf_counter() - began)
    await store.close()
    return {"the same in parts, ms": took, "longest transaction of it, ms": store.longest}


async def _asked(store: Transactions, end: datetime) -> dict[str, float]:
    questions: dict[str, Callable[[AsyncConnection], Awaitable[object]]] = {
        "history page": lambda db: history.watches(db, history.Wanted(account=1), None, 51),
        "everybody's history page": lambda db: leafing.watch_leaf(db, Wanted(), None, 30),
        "what nobody has": lambda db: leafing.watch_leaf(db, Wanted(channels=frozenset({16})), None, 30),
        "a title in it": lambda db: leafing.watch_leaf(db, Wanted(text="title"), None, 30),
        "playbacks page": lambda db: leafing.playback_leaf(db, Wanted(kind="movie"), None, 30),
        "badges": lambda db: earned.standings(db, 1, end.date()),
        "a year of activity": lambda db: activity.days(db, 1, (end - timedelta(days=365)).date(), end.date()),
        "progress page": lambda db: progress.shown(db, 1, None, None, 51),
    }
    found: dict[str, float] = {}
    for name, question in questions.items():
        took = []
        for _time in range(5):
            async with store.read() as db:
                began = time.perf_counter()
                await question(db)
                took.append(1000 * (time.perf_counter() - began))
        found[f"{name}, ms"] = max(took[1:])
    return found


async def _rows(store: Transactions) -> dict[str, float]:
    names = ("watch", "playback", "daily_activity", "series_progress", "feat", "feat_count", "badge_award")
    async with store.read() as db:
        return {
            f"rows of {name}": float(
                await db.scalar(sa.select(sa.func.count()).select_from(metadata.tables[name])) or 0
            )
            for name in names
        }


async def main(watches: int) -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory(prefix="playledger-") as folder:
        few = await measured(Path(folder), 100, 100, 5, anew=1)
        many = await measured(Path(folder), 100, watches // 100, 5, anew=1)
        _print(f"10⁴ watches | {watches} watches, 100 accounts, the first one added up whole", few, many)
        ratio = many["one more watch, median ms"] / few["one more watch, median ms"]
        print(f"  one more watch costs {ratio:.2f} times as much")
        for people, a_day in ((5, 2), (20, 3), (100, 5)):
            year = await measured(Path(folder), people, 365 * a_day, a_day, anew=min(people, ADDED_UP))
            _print(f"a year of {people} people, {a_day} watches a day each, {ADDED_UP} of them added up whole", year)


def _print(title: str, *columns: dict[str, float]) -> None:
    print(title)
    for name in columns[0]:
        print(f"  {name:32}", *(f"{column[name]:12.1f}" for column in columns))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
