"""Transactions lose no update, readers cannot write, and a database that is away says so."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from reconcile.errors import SettingRefused, StoreAway
from reconcile.store import engine, tables
from reconcile.store.engine import Transactions
from reconcile.store.upsert import upsert

COUNT = tables.tally.c.count


@pytest.fixture
async def sqlite_store(sqlite_url: str) -> AsyncIterator[Transactions]:
    transactions = Transactions(sqlite_url)
    yield transactions
    await transactions.close()


async def count_one(store: Transactions) -> None:
    async with store.begin() as db:
        await db.execute(
            upsert(db, tables.tally)
            .values(reason="music", count=1)
            .on_conflict_do_update(index_elements=["reason"], set_={"count": COUNT + 1})
        )


async def counted(store: Transactions) -> int:
    async with store.read() as db:
        return int(await db.scalar(sa.select(COUNT)) or 0)


def file_of(store: Transactions) -> Path:
    return Path(sa.make_url(store.url).database or "")


async def test_what_is_committed_is_seen_by_the_next_reader(store: Transactions) -> None:
    await count_one(store)

    assert await counted(store) == 1


async def test_an_error_takes_everything_of_its_transaction_back(store: Transactions) -> None:
    async def fail() -> None:
        async with store.begin() as db:
            await db.execute(sa.insert(tables.tally).values(reason="music", count=1))
            raise LookupError

    with pytest.raises(LookupError):
        await fail()

    assert await counted(store) == 0


async def test_no_update_is_lost_among_many_writers(store: Transactions) -> None:
    await asyncio.gather(*(count_one(store) for _ in range(20)))

    assert await counted(store) == 20


async def test_on_sqlite_a_look_followed_by_a_write_loses_nothing_either(sqlite_store: Transactions) -> None:
    await count_one(sqlite_store)

    async def look_then_write() -> None:
        async with sqlite_store.begin() as db:
            known = await db.scalar(sa.select(COUNT))
            await asyncio.sleep(0)
            await db.execute(sa.update(tables.tally).values(count=(known or 0) + 1))

    await asyncio.gather(*(look_then_write() for _ in range(20)))

    assert await counted(sqlite_store) == 21


async def test_a_reader_cannot_write(store: Transactions) -> None:
    with pytest.raises((sa.exc.DBAPIError, StoreAway), match=r"read-?only"):
        async with store.read() as db:
            await db.execute(sa.insert(tables.tally).values(reason="music", count=1))

    await count_one(store)
    assert await counted(store) == 1


async def test_a_reader_sees_one_state_while_others_write(store: Transactions) -> None:
    await count_one(store)

    async with store.read() as db:
        before = await db.scalar(sa.select(COUNT))
        await count_one(store)
        after = await db.scalar(sa.select(COUNT))

    assert (before, after) == (1, 1)
    assert await counted(store) == 2


async def test_the_writer_of_sqlite_is_durable_and_checks_foreign_keys(sqlite_store: Transactions) -> None:
    names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")

    async with sqlite_store.begin() as db:
        told = [(await db.exec_driver_sql(f"PRAGMA {name}")).scalar() for name in names]

    assert told == ["wal", 2, 1, 1, 80]


async def test_a_row_without_its_parent_is_refused(store: Transactions) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        async with store.begin() as db:
            await db.execute(sa.text("INSERT INTO sighting (key_id, bucket, at) VALUES (7, 1, CURRENT_TIMESTAMP)"))


async def test_a_lock_held_by_another_process_makes_the_store_away(sqlite_store: Transactions) -> None:
    await count_one(sqlite_store)
    other = sqlite3.connect(file_of(sqlite_store), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreAway, match="locked"):
        await count_one(sqlite_store)
    assert await counted(sqlite_store) == 1

    other.execute("ROLLBACK")
    other.close()
    await count_one(sqlite_store)
    assert await counted(sqlite_store) == 2


async def test_a_writer_of_this_process_is_waited_for_only_as_long_as_asked(sqlite_store: Transactions) -> None:
    async with sqlite_store.begin():
        with pytest.raises(StoreAway, match="busy"):
            async with sqlite_store.begin(timedelta(milliseconds=1)):
                pass

    async with sqlite_store.begin(timedelta(seconds=5)):
        pass


async def test_a_file_that_cannot_be_opened_makes_the_store_away(tmp_path: Path) -> None:
    store = Transactions(f"sqlite+aiosqlite:///{tmp_path / 'nowhere' / 'playledger.db'}")

    with pytest.raises(StoreAway, match="unable to open"):
        async with store.begin():
            pass
    await store.close()


async def test_a_server_that_went_away_makes_the_store_away_until_it_is_back(postgres_url: str) -> None:
    store = Transactions(postgres_url)
    await count_one(store)

    with pytest.raises(StoreAway):
        async with store.begin() as db:
            await db.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))

    await count_one(store)
    assert await counted(store) == 2
    await store.close()


async def test_a_server_that_does_not_answer_makes_the_store_away(tmp_path: Path) -> None:
    store = Transactions(f"postgresql+asyncpg://viewer@/evening?host={tmp_path}")

    with pytest.raises(StoreAway):
        async with store.read():
            pass
    await store.close()


async def test_a_writer_that_is_cancelled_leaves_nothing_and_the_next_one_writes(store: Transactions) -> None:
    async def linger() -> None:
        async with store.begin() as db:
            await db.execute(sa.insert(tables.tally).values(reason="music", count=1))
            await asyncio.sleep(60)

    for steps in range(0, 40, 4):
        writer = asyncio.create_task(linger())
        for _ in range(steps):
            await asyncio.sleep(0.001)
        writer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writer

    assert await counted(store) == 0
    await count_one(store)
    assert await counted(store) == 1


async def test_an_error_of_the_caller_stays_the_callers(store: Transactions) -> None:
    with pytest.raises(BrokenPipeError):
        async with store.begin():
            raise BrokenPipeError


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(SettingRefused, match="PLAYLEDGER_DATABASE_URL"):
        Transactions("evening")


async def test_the_message_tells_no_ones_history(sqlite_store: Transactions) -> None:
    other = sqlite3.connect(file_of(sqlite_store), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreAway) as caught:
        await count_one(sqlite_store)
    other.close()

    assert "BEGIN" not in str(caught.value)


async def test_compacting_leaves_nothing_of_what_was_deleted_in_the_file_or_its_log(
    sqlite_store: Transactions, tmp_path: Path
) -> None:
    async with sqlite_store.begin() as db:
        rows = [{"name": f"name {number}", "value": "a secret of the past " * 50} for number in range(200)]
        await db.execute(sa.insert(tables.setting), rows)
    async with sqlite_store.begin() as db:
        await db.execute(sa.delete(tables.setting))
    files = [tmp_path / "playledger.db", tmp_path / "playledger.db-wal"]
    assert b"a secret of the past" in b"".join(file.read_bytes() for file in files), "it is in the log"

    assert await sqlite_store.compact()

    assert b"a secret of the past" not in b"".join(file.read_bytes() for file in files)
    assert (tmp_path / "playledger.db-wal").stat().st_size == 0


async def test_a_reader_who_holds_the_log_keeps_it_from_being_forgotten(
    sqlite_store: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_TRUNCATIONS", 2)
    async with sqlite_store.read() as db:
        await db.execute(sa.select(COUNT))
        await count_one(sqlite_store)

        assert not await sqlite_store.compact()

    assert await sqlite_store.compact()
