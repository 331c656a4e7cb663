"""One process polls; a second one knows who, and takes over when the first is gone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from reconcile.errors import FolderHeld, StoreAway
from reconcile.store.engine import Transactions
from reconcile.store.lease import FolderLease, Leases, ServerLeases

HOLDING = """
import sys
from pathlib import Path
from reconcile.store.lease import FolderLease
FolderLease(Path(sys.argv[1])).take()
print("held", flush=True)
sys.stdin.read()
"""


def test_the_second_process_says_who_holds_the_folder_and_takes_it_when_that_one_died(tmp_path: Path) -> None:
    lease = FolderLease(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"held\n"

        with pytest.raises(FolderHeld, match=f"process {first.pid} on "):
            lease.take()
        first.kill()

    lease.take()
    assert lease.holder().startswith(f"process {os.getpid()} on ")


async def test_who_holds_the_folder_holds_every_server_in_it_until_release(tmp_path: Path) -> None:
    one, other = FolderLease(tmp_path), FolderLease(tmp_path)

    assert await one.holds("den")
    assert await one.holds("loft")
    assert not await other.holds("den")

    await one.release()
    assert await other.holds("den")
    await other.release()
    await other.release()


def test_a_lock_file_that_says_nothing_names_nobody(tmp_path: Path) -> None:
    assert FolderLease(tmp_path).holder() == "another process"


async def test_each_server_has_one_holder_and_another_takes_over_on_release(postgres_url: str) -> None:
    one: Leases = ServerLeases(postgres_url)
    other: Leases = ServerLeases(postgres_url)

    assert await one.holds("den")
    assert await one.holds("den")
    assert not await other.holds("den")
    assert await other.holds("loft")
    assert not await one.holds("loft")

    await one.release()
    assert await other.holds("den")
    await other.release()


@pytest.mark.parametrize("steps", range(1, 10))
async def test_whoever_asks_may_be_cancelled_and_no_lease_is_lost(postgres_url: str, steps: int) -> None:
    one, other = ServerLeases(postgres_url), ServerLeases(postgres_url)
    assert await one.holds("den")
    asking = asyncio.create_task(one.holds("den"))
    for _ in range(steps):
        await asyncio.sleep(0)
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking

    assert not await other.holds("den")
    assert await one.holds("den")
    await other.release()
    await one.release()


async def test_a_holder_that_lost_its_connection_has_lost_its_leases(postgres_url: str) -> None:
    one, other = ServerLeases(postgres_url), ServerLeases(postgres_url)
    assert await one.holds("den")
    store = Transactions(postgres_url)
    async with store.begin() as db:
        await db.execute(sa.text("SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'"))
    await store.close()

    assert await other.holds("den")
    with pytest.raises(StoreAway):
        await one.holds("den")
    assert not await one.holds("den")

    await other.release()
    assert await one.holds("den")
    await one.release()
