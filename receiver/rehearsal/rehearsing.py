"""Rehearsing: generated evenings, with their faults, through the whole program, faster than real time."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import msgspec
import sqlalchemy as sa

from receiver.notification import read
from receiver.rehearsal.evening import evening
from receiver.rehearsal.library import SERVER_ID
from receiver.rehearsal.losses import is_deaf, outages_of, with_losses
from receiver.rehearsal.recording import Delivery, Recording, record
from receiver.rehearsal.score import COUNTED, Error, Found, Hearing, Row, Score, quantile, scored
from reconcile.arrivals import Arrival
from reconcile.jellyfin.snapshot import decode_snapshot
from reconcile.people import People
from reconcile.playback.check_in import Observation
from reconcile.playback.rules import Rules
from reconcile.snapshots import Snapshots
from reconcile.store.engine import Transactions
from reconcile.store.migrations import migrate
from reconcile.store.tables import link, playback, playback_key, watch, watch_playback
from reconcile.tracker import Tracker

STRIDES = tuple(timedelta(minutes=minutes) for minutes in (3, 15, 20, 30))
"""How much of an evening is taken in at once, in turn by seed: the ledger does not depend on it."""

PACE = 10.0
"""Seconds between two looks, give or take a quarter."""

QUIET = 12
"""How many looks before and after anything plays are kept; the rest of a night says nothing."""

OLD_PLUGIN = 14
"""A Webhook plugin that sends neither the session id nor the last check-in (facts A2)."""


class Mode(StrEnum):
    """Which channels the rehearsal has."""

    WEBHOOK = "webhook"
    POLL = "poll"
    BOTH = "both"
    LOSSES = "losses"
    OLD = "old"


Job = tuple[int, Mode, bool, Path]
"""An evening: its seed, the channels, whether there are faults, and where the empty ledger is."""


class Report(msgspec.Struct):
    """What a rehearsal came to."""

    mode: Mode
    evenings: int
    score: Score

    def as_json(self) -> str:
        """Return the report as one JSON object; *seconds* are how far what was watched is off."""
        s, seconds = self.score, [error.seconds for error in self.score.errors]
        counts = {name: getattr(s, name) for name in COUNTED}
        spread = {"median": quantile(seconds, 0.5), "p99": quantile(seconds, 0.99), "worst": max(seconds, default=0.0)}
        told = {"mode": self.mode.value, "evenings": self.evenings, **counts}
        return msgspec.json.encode(told | {f"{name}_seconds": value for name, value in spread.items()}).decode()

    def lines(self) -> Iterator[str]:
        """Yield the report in plain lines."""
        s = self.score
        yield f"{self.mode.value}: {self.evenings} evenings, {s.true} true playbacks"
        apart = f"apart, where nobody could know: missed {s.missed_apart}, split {s.split_apart}"
        yield f"  missed {s.missed}, split {s.split}, doubled {s.doubled}; {apart}"
        yield f"  watches wrong {s.wrong}, {s.close} within 1 % of the threshold, {s.hidden} that nobody could know"
        yield f"  watched, error in seconds: {_spread(s.errors)}"
        known = [error for error in s.errors if not error.apart]
        yield f"    what the rules can know: {_spread(known)}"
        for why in sorted({error.apart for error in s.errors if error.apart}):
            yield f"    apart, {why}: {_spread([e for e in s.errors if e.apart == why])}"


def _spread(errors: Sequence[Error]) -> str:
    seconds = [error.seconds for error in errors]
    told = (quantile(seconds, 0.5), quantile(seconds, 0.99), max(seconds, default=0.0))
    return f"median {told[0]:.2f}, p99 {told[1]:.1f}, worst {told[2]:.1f} ({len(seconds)})"


def run(
    evenings: int,
    mode: Mode,
    seed: int = 0,
    *,
    faults: bool = True,
    processes: int = 1,
    progress: Callable[[int], None] = lambda _done: None,
) -> Report:
    """Play *evenings* from *seed* on in *mode* and return how the ledger compares with the truth.

    *progress* is told after each evening how many are done.
    """
    total = Score(errors=[], notes=[])
    with tempfile.TemporaryDirectory(prefix="playledger-rehearsal-") as folder:
        empty = Path(folder) / "empty.db"
        asyncio.run(migrate(f"sqlite+aiosqlite:///{empty}"))
        jobs = [(number, mode, faults, empty) for number in range(seed, seed + evenings)]
        for done, score in enumerate(_scores(jobs, processes), start=1):
            total.add(score)
            progress(done)
    return Report(mode, evenings, total)


def _scores(jobs: Sequence[Job], processes: int) -> Iterator[Score]:
    if processes <= 1:
        yield from map(_played, jobs)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(_played, jobs, chunksize=2)


def _played(job: Job) -> Score:
    return asyncio.run(rehearsed(*job))


async def rehearsed(seed: int, mode: Mode, faults: bool, empty: Path) -> Score:  # noqa: FBT001 - a job is handed over
    """Play one evening through reader, tracker and store on a copy of the *empty* ledger, and score what is in it."""
    recording = record(evening(seed, faults=faults), OLD_PLUGIN if mode is Mode.OLD else 21)
    with tempfile.TemporaryDirectory(prefix="playledger-rehearsal-") as folder:
        ledger = shutil.copy(empty, Path(folder) / "ledger.db")
        stage = Stage(f"sqlite+aiosqlite:///{ledger}", recording)
        try:
            await stage.play(mode)
            found, rows = await stage.ledger()
        finally:
            await stage.close()
    ahead = timedelta(seconds=recording.clock_offset)
    away = tuple((since + ahead, until + ahead) for since, until in stage.away)
    return scored(seed, recording.truths, found, rows, Hearing(mode.value, away))


class Stage:
    """The whole program but for the network: what arrives is read, tracked and kept, under a virtual clock."""

    def __init__(self, url: str, recording: Recording) -> None:
        self.recording = recording
        self.store = Transactions(url)
        self.away: list[tuple[datetime, datetime]] = []
        self.people = People(Rules(), UTC, auto_link=True)
        self.now = recording.our_time(recording.began)
        self.tracker = Tracker(self.store, self.people, lambda: self.now)
        self.snapshots = Snapshots(SERVER_ID, self.tracker)
        self.tracker.ahead[SERVER_ID] = timedelta(seconds=recording.clock_offset)

    async def close(self) -> None:
        """Let go of the database."""
        await self.store.close()

    async def play(self, mode: Mode) -> None:
        """Bring everything that *mode* hears in, in order of arrival, and let the night pass."""
        deaf = self.away = outages_of(self.recording, self.recording.script.seed) if mode is Mode.LOSSES else []
        heard: list[tuple[datetime, Delivery | tuple[datetime, bytes]]] = []
        if mode is not Mode.POLL:
            lossy = mode is Mode.LOSSES
            told = with_losses(self.recording, self.recording.script.seed, outages=deaf) if lossy else None
            heard += [(each.arrives_at, each) for each in (self.recording.deliveries if told is None else told)]
        if mode in (Mode.POLL, Mode.BOTH, Mode.LOSSES):
            heard += [(at, look) for at, look in self._looks() if not is_deaf(at, deaf)]
        heard.sort(key=lambda each: each[0])
        await self.take(heard)
        self.now = self.recording.our_time(self.recording.until)
        await self.tracker.flush()
        while await self.tracker.sweep():
            pass

    def _looks(self) -> Iterator[tuple[datetime, tuple[datetime, bytes]]]:
        """Yield (our instant, (the server's, answer)) of the looks near anything that plays."""
        looks = [(at, body) for at, body in self.recording.looks(PACE, 0.25, self.recording.script.seed) if body]
        busy = {number for number, (_at, body) in enumerate(looks) if b'"NowPlayingItem"' in body}
        near = {other for number in busy for other in range(number - QUIET, number + QUIET + 1)}
        for number, (at, body) in enumerate(looks):
            if number in near:
                yield self.recording.our_time(at), (at, body)

    async def take(self, heard: Sequence[tuple[datetime, Delivery | tuple[datetime, bytes]]]) -> None:
        """Take what was *heard* in, a stride of the clock at a time."""
        start, stride = 0, STRIDES[self.recording.script.seed % len(STRIDES)]
        while start < len(heard):
            until = heard[start][0] + stride
            end = start
            while end < len(heard) and heard[end][0] <= until:
                end += 1
            self.now = heard[end - 1][0]
            await self._take([what for _at, what in heard[start:end]])
            start = end

    async def _take(self, heard: Sequence[Delivery | tuple[datetime, bytes]]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for each in heard:
                if isinstance(each, tuple):
                    tasks.create_task(self._look(*each))
                else:
                    await self._deliver(tasks, each)
            await asyncio.sleep(0)
            while self.tracker.waiting:
                await self.tracker.take()
                await asyncio.sleep(0)
        await self.tracker.sweep()

    async def _deliver(self, tasks: asyncio.TaskGroup, delivery: Delivery) -> None:
        told = read(delivery.body, delivery.content_type, delivery.arrives_at)
        if isinstance(told, Observation) and not self.tracker.is_known(told):
            tasks.create_task(self.tracker.record(Arrival((told,))))

    async def _look(self, at: datetime, body: bytes) -> None:
        news = self.snapshots.news(decode_snapshot(body), at)
        await self.tracker.look(SERVER_ID, at, news.observations, news.still)

    async def ledger(self) -> tuple[list[Found], list[Row]]:
        """Return the playbacks and the completed watches."""
        k, p = playback_key.c, playback.c
        columns = (k.session_id, k.user_id, k.item_id, p.started_at, p.ended_at, p.watched_seconds, p.ended_by)
        query = sa.select(*columns).join(playback_key, k.id == p.key_id)
        async with self.store.read() as db:
            found = [Found((row[0], row[1], row[2]), *row[3:]) for row in await db.execute(query)]
            rows = [
                Row(user, item, date.fromisoformat(day), plays)
                for user, item, day, plays in await db.execute(_COMPLETED)
            ]
        return found, rows


_COMPLETED = (
    sa.select(link.c.user_id, playback_key.c.item_id, watch.c.day, watch.c.plays)
    .join(link, link.c.account_id == watch.c.account_id)
    .join(watch_playback, watch_playback.c.watch_id == watch.c.id)
    .join(playback, playback.c.id == watch_playback.c.playback_id)
    .join(playback_key, playback_key.c.id == playback.c.key_id)
    .where(watch.c.completed)
    .distinct()
)
