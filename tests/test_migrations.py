"""The migrations make the tables of the program, both ways, and all or nothing."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from reconcile.errors import StoreAway, StoreRefused
from reconcile.store import migrations
from reconcile.store.engine import Transactions, sqlite_engine
from reconcile.store.migrations import at_head, migrate
from reconcile.store.tables import metadata

VERSIONS = Path(__file__).parents[1] / "migrations" / "versions"

FAILING = """
import sqlalchemy as sa
from alembic import op
revision = "0000next"
down_revision = {parent!r}

def upgrade() -> None:
    op.create_table("half", sa.Column("id", sa.Integer, primary_key=True))
    op.execute("INSERT INTO nowhere VALUES (1)")

def downgrade() -> None:
    op.drop_table("half")
"""

REBUILDING = """
import sqlalchemy as sa
from alembic import op
revision = "0000next"
down_revision = {parent!r}

def upgrade() -> None:
    with op.batch_alter_table("account", recreate="always") as account:
        account.add_column(sa.Column("motto", sa.Text))

def downgrade() -> None:
    with op.batch_alter_table("account", recreate="always") as account:
        account.drop_column("motto")
"""


async def table_names(url: str) -> set[str]:
    store = Transactions(url)
    async with store.read() as db:
        names = await db.run_sync(lambda connection: sa.inspect(connection).get_table_names())
    await store.close()
    return set(names)


async def execute(url: str, *statements: str) -> list[tuple[object, ...]]:
    """Run *statements* in one transaction and return the rows of the last, if it has any."""
    store = Transactions(url)
    async with store.begin() as db:
        for statement in statements:
            answer = await db.exec_driver_sql(statement)
        rows = [tuple(row) for row in answer] if answer.returns_rows else []
    await store.close()
    return rows


async def is_at_head(url: str) -> bool:
    store = Transactions(url)
    async with store.read() as db:
        answer = await at_head(db)
    await store.close()
    return answer


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the migrations that a test may add to."""
    folder = tmp_path / "migrations 100%"
    shutil.copytree(VERSIONS.parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(migrations, "migrations_folder", lambda: folder)
    return folder


def add_next(scripts: Path, script: str) -> None:
    (parent,) = migrations._heads()
    (scripts / "versions" / "next.py").write_text(script.format(parent=parent), "utf-8")


async def test_an_empty_database_gets_every_table_of_the_program(empty_url: str) -> None:
    await migrate(empty_url)

    assert await table_names(empty_url) == {*metadata.tables, "alembic_version"}
    assert await is_at_head(empty_url)


async def test_the_tables_that_the_migrations_make_are_those_of_the_program(store: Transactions) -> None:
    def differences(connection: sa.Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    async with store.read() as db:
        assert await db.run_sync(differences) == []


async def test_the_way_down_leaves_no_table_and_the_way_up_is_open_again(database_url: str) -> None:
    await migrate(database_url, "base")
    assert await table_names(database_url) == {"alembic_version"}
    assert not await is_at_head(database_url)

    await migrate(database_url)
    assert await is_at_head(database_url)


async def test_what_was_kept_before_the_server_was_heard_outlasts_both_ways(database_url: str) -> None:
    key = "INSERT INTO playback_key (id, server_id, session_id, user_id, item_id) VALUES (1, 's', 's', 'u', 'i')"
    stop = "INSERT INTO check_in (key_id, at, kind, reported, seen_at, sighted_until, channels) VALUES (1, {0}, {0})"
    at = "'2026-11-22 20:00:00+00:00'"
    stop = stop.replace("{0}, {0}", f"{at}, 'stopped', true, {at}, {at}, 1")

    await migrate(database_url, "0011")
    await execute(database_url, key, stop)
    await migrate(database_url)
    assert await execute(database_url, "SELECT kind, server_completed FROM check_in") == [("stopped", None)]
    await execute(database_url, "UPDATE check_in SET server_completed = true")
    await migrate(database_url, "0011")

    assert await execute(database_url, "SELECT kind FROM check_in") == [("stopped",)]


async def test_a_check_in_that_was_left_outlasts_the_way_down(database_url: str) -> None:
    key = "INSERT INTO playback_key (id, server_id, session_id, user_id, item_id) VALUES (1, 's', 's', 'u', 'i')"
    told = "INSERT INTO check_in (key_id, at, kind, reported, seen_at, sighted_until, channels, left_by)"
    told += " VALUES (1, {0}, 'playing', false, {0}, {0}, 2, {0})".format("'2026-11-22 20:00:00+00:00'")
    await migrate(database_url)
    await execute(database_url, key, told)

    await migrate(database_url, "0012")
    await migrate(database_url)

    assert await execute(database_url, "SELECT kind, left_by FROM check_in") == [("playing", None)]


async def test_migrating_twice_changes_nothing(database_url: str) -> None:
    await migrate(database_url)

    assert await is_at_head(database_url)


async def test_a_migration_that_fails_leaves_nothing_behind(empty_url: str, scripts: Path) -> None:
    add_next(scripts, FAILING)

    with pytest.raises(sa.exc.DBAPIError, match="nowhere"):
        await migrate(empty_url)

    assert await table_names(empty_url) == set()


async def test_a_table_that_is_rebuilt_keeps_its_children(sqlite_url: str, scripts: Path) -> None:
    store = Transactions(sqlite_url)
    async with store.begin() as db:
        await db.exec_driver_sql(
            "INSERT INTO account (id, name, created_at) VALUES (1, 'viewer', '2026-11-22 20:00:00')"
        )
        await db.exec_driver_sql(
            "INSERT INTO link (server_id, user_id, account_id, source, created_at)"
            " VALUES ('server', 'user', 1, 'hand', '2026-11-22 20:00:00')"
        )
    await store.close()
    add_next(scripts, REBUILDING)

    await migrate(sqlite_url)

    store = Transactions(sqlite_url)
    async with store.read() as db:
        assert (await db.exec_driver_sql("SELECT count(*) FROM link")).scalar() == 1
        assert (await db.exec_driver_sql("SELECT motto FROM account")).scalar() is None
    await store.close()


async def test_rows_without_their_parents_stop_a_migration(sqlite_url: str) -> None:
    engine = sqlite_engine(sqlite_url, patience=timedelta(seconds=1), foreign_keys=False)
    async with engine.begin() as db:
        await db.exec_driver_sql("INSERT INTO sighting (key_id, bucket, at) VALUES (7, 1, '2026-11-22 20:00:00')")
    await engine.dispose()

    with pytest.raises(StoreRefused, match="sighting"):
        await migrate(sqlite_url)


async def test_a_database_of_a_newer_version_is_refused(database_url: str) -> None:
    store = Transactions(database_url)
    async with store.begin() as db:
        await db.exec_driver_sql("UPDATE alembic_version SET version_num = 'tomorrow'")
    await store.close()

    with pytest.raises(StoreRefused, match="newer version"):
        await migrate(database_url)
    assert not await is_at_head(database_url)


async def test_a_database_that_does_not_exist_is_away(postgres_url: str) -> None:
    with pytest.raises(StoreAway, match="does not exist"):
        await migrate(postgres_url.replace("/evening", "/morning"))


async def test_a_file_that_is_no_database_is_away(tmp_path: Path) -> None:
    file = tmp_path / "playledger.db"
    file.write_text("a shopping list " * 100, "utf-8")

    with pytest.raises(StoreAway, match="not a database"):
        await migrate(f"sqlite+aiosqlite:///{file}")


def test_a_migration_imports_only_alembic_and_sqlalchemy() -> None:
    lines = [line for file in VERSIONS.glob("*.py") for line in file.read_text("utf-8").splitlines()]

    imports = {line for line in lines if line.startswith(("import ", "from "))}

    assert imports <= {"import sqlalchemy as sa", "from alembic import op"}
