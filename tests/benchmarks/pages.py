"""How long the pages take the server, and how large they are, in a ledger of 10⁶ watches (the bars: 100 ms, 50 KB).

    python -m tests.benchmarks.pages [WATCHES]

The history is written straight into the tables of a SQLite file; what is measured is the whole application without a
network, and without the first answer of each page.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import httpx
import sqlalchemy as sa

from reconcile.awarding import make_anew
from reconcile.store import people, servers
from reconcile.store.migrations import migrate
from reconcile.store.tables import watch
from tests.benchmarks.badges import START, fill, plays
from tests.receiver.houses import Clock, Program, program
from tests.receiver.pages.visitors import owner, viewer

ACCOUNTS, A_DAY, ROUNDS = 100, 5, 7

THEIRS = ("/now", "/history", "/history?text=title", "/playbacks", "/you", "/you/activity", "/you/series")
THEIRS_TOO = ("/you/badges", "/you/privacy", "/you/rules/preview?threshold=90")
OWNERS = ("/now", "/history", "/history?kind=movie", "/history?text=title", "/playbacks", "/settings", "/admin")
OWNERS_TOO = ("/admin/people", "/admin/deliveries", "/admin/rejected", "/admin/replay", "/admin/media", "/admin/tokens")
LAST = ("/admin/health", "/admin/sign-ins", "/settings/preview?PLAYLEDGER_THRESHOLD=90")


async def prepare(here: Program) -> int:
    """Link the first account to a user, add it up, and return the id of its last watch."""
    now = here.clock()
    async with here.house.store.begin() as db:
        await servers.see(db, "server", now, name="A server")
        await people.tie(db, "server", "user1", 1, "viewer", "benchmark", now)
        await here.house.people.load(db)
        await make_anew(db, here.house.people, 1)
        return int(await db.scalar(sa.select(sa.func.max(watch.c.id)).where(watch.c.account_id == 1)) or 0)


async def ask(who: str, visitor: httpx.AsyncClient, path: str) -> None:
    """Print what a page costs."""
    took, size, status = [], 0, 0
    for _round in range(ROUNDS):
        began = time.perf_counter()
        answer = await visitor.get(path)
        took.append(1000 * (time.perf_counter() - began))
        size, status = len(answer.content), answer.status_code
    print(
        f"  {who:8} {path:40} {status}  median {statistics.median(took[1:]):7.1f} ms"
        f"  worst {max(took[1:]):7.1f} ms  {size / 1000:6.1f} KB"
    )


async def main(watches: int) -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory(prefix="playledger-") as folder:
        file = Path(folder) / "playledger.db"
        await migrate(f"sqlite+aiosqlite:///{file}")
        each = watches // ACCOUNTS
        fill(file, ACCOUNTS, plays(ACCOUNTS, each, A_DAY))
        clock = Clock(START + timedelta(days=each // A_DAY + 1))
        async with program(Path(folder), clock=clock) as here:
            last = await prepare(here)
            print(f"{watches} watches of {ACCOUNTS} accounts")
            async with viewer(here, "server", "user1") as mine:
                for path in (*THEIRS, *THEIRS_TOO, f"/history/{last}", f"/history?open={last}", f"/playbacks/{last}"):
                    await ask("viewer", mine, path)
            async with owner(here) as all_of_it:
                for path in (*OWNERS, *OWNERS_TOO, *LAST):
                    await ask("owner", all_of_it, path)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
