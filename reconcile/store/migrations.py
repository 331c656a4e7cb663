"""Bringing a database to the tables of this version: all of it in one transaction, or nothing."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from reconcile.errors import StoreAway, StoreRefused
from reconcile.store.engine import away, cause, postgresql_engine, sqlite_engine

_PACKAGE = Path(__file__).parents[1]
_PATIENCE = timedelta(seconds=30)
_LOCK = 0x706C61796C656467  # «playledg»: whoever migrates a PostgreSQL holds it


def migrations_folder() -> Path:
    """Return where the scripts are: inside the installed package, or at the top of a checkout."""
    installed = _PACKAGE / "migrations"
    return installed if installed.is_dir() else _PACKAGE.parent / "migrations"


async def migrate(url: str, revision: str = "head") -> None:
    """Bring the database at *url* to *revision*, upwards or down («base»: all the way). If a step fails, nothing has.

    Raises StoreAway, or StoreRefused if a newer version made the database or its rows break a foreign key.
    """
    engine = migrating_engine(url)
    is_sqlite = engine.dialect.name == "sqlite"
    try:
        async with engine.begin() as db:
            if not is_sqlite:
                await db.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            await db.run_sync(_run, revision)
            if is_sqlite:
                await _check_foreign_keys(db)
    except CommandError as error:
        raise StoreRefused(f"Migrating the database: {error}. Was it made by a newer version?") from error
    except Exception as error:
        if away(error):
            raise StoreAway(f"Migrating the database: {cause(error)}.") from error
        raise
    finally:
        await engine.dispose()


def migrating_engine(url: str) -> AsyncEngine:
    """Return the engine to migrate on: on SQLite with foreign keys off.

    With them on, tables that are rebuilt take their children along in silence (facts/stack.md, SQLite trap 2b).
    """
    is_sqlite = url.startswith("sqlite")
    return sqlite_engine(url, patience=_PATIENCE, foreign_keys=False) if is_sqlite else postgresql_engine(url)


async def at_head(db: AsyncConnection) -> bool:
    """Say whether the database has the tables of this version."""
    return set(await db.run_sync(_heads_of)) == set(_heads())


def _run(connection: sa.Connection, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    is_down = revision == "base" or any(revision < each for each in _heads_of(connection))  # «head» comes after all
    if is_down:
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    return config


def _heads_of(connection: sa.Connection) -> tuple[str, ...]:
    return MigrationContext.configure(connection).get_current_heads()


@cache
def _heads() -> tuple[str, ...]:
    return tuple(ScriptDirectory.from_config(_config()).get_heads())


async def _check_foreign_keys(db: AsyncConnection) -> None:
    broken = (await db.exec_driver_sql("PRAGMA foreign_key_check")).fetchall()
    if broken:
        tables = ", ".join(sorted({row[0] for row in broken}))
        raise StoreRefused(f"Migrating the database would leave rows without their parents in: {tables}.")
