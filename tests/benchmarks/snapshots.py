"""A snapshot of 1,000 sessions: the CPU from bytes to «nothing new», and with a new check-in in each.

``python -m tests.benchmarks.snapshots [rounds]``, on SQLite with full durability, in one process.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta

import msgspec

from receiver.garbage import settle_down
from reconcile.jellyfin.snapshot import decode_snapshot
from reconcile.people import People
from reconcile.playback.rules import Rules
from reconcile.snapshots import Snapshots
from reconcile.store.engine import Transactions
from reconcile.store.migrations import migrate
from reconcile.tracker import Tracker
from tests.recordings.shapes import SERVER, sessions

SESSIONS = 1_000


def snapshot(at: datetime, reported: datetime) -> bytes:
    """Return a body of 1,000 sessions that last reported at *reported*."""
    pattern = next(each for each in sessions() if "NowPlayingItem" in each)
    found = []
    for number in range(SESSIONS):
        position = round((reported - START).total_seconds() * 10_000_000)
        found.append(
            pattern
            | {
                "Id": f"{number + 1:032x}",
                "UserId": f"{number + 1_000_000:032x}",
                "LastActivityDate": _told(reported),
                "LastPlaybackCheckIn": _told(reported),
                "PlayState": pattern["PlayState"] | {"PositionTicks": position, "IsPaused": False},
                "Padding": "x" * 2_000,
            }
        )
    return msgspec.json.encode(found)


def _told(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


START = datetime.now(UTC) - timedelta(hours=1)


async def measure(rounds: int) -> None:
    """Look again and again, half of the times with nothing new."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{folder}/ledger.db"
        await migrate(url)
        store = Transactions(url)
        now = START
        tracker = Tracker(store, People(Rules(), UTC, auto_link=True), lambda: now)
        running = asyncio.create_task(tracker.run())
        spent: dict[str, list[float]] = {"nothing new": [], "a new check-in in each": []}
        reader = Snapshots(SERVER, tracker)
        settle_down()
        for number in range(2 * rounds + 2):
            now = START + timedelta(seconds=10 * number)
            body = snapshot(now + timedelta(seconds=5 * (number % 2)), START + timedelta(seconds=20 * (number // 2)))
            began = time.process_time()
            news = reader.news(decode_snapshot(body), now)
            await tracker.look(SERVER, now, news.observations, still=news.still)
            if number > 1:
                spent["nothing new" if number % 2 else "a new check-in in each"].append(time.process_time() - began)
        for name, seconds in spent.items():
            ordered = sorted(seconds)
            print(f"{name}: median {1000 * ordered[len(ordered) // 2]:.0f} ms of CPU ({len(body) / 1e6:.1f} MB)")
        running.cancel()
        await store.close()
    print(f"largest RSS: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
