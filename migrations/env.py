"""What alembic runs: on the connection that the program hands over, or from a checkout on the one of the settings."""

import asyncio
import os
from typing import Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext

from reconcile.settings import read_settings
from reconcile.store.migrations import migrating_engine
from reconcile.store.tables import metadata
from reconcile.store.types import Instant


def render_item(kind: str, thing: object, _: AutogenContext) -> str | Literal[False]:
    """Write our own types as plain ones: a migration imports only alembic and SQLAlchemy."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(thing, Instant) else False


def run(connection: sa.Connection) -> None:
    """Run the scripts on *connection*."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_item=render_item,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_from_checkout() -> None:
    """Run the scripts on the database of the settings: for ``alembic revision`` and ``alembic check``."""
    engine = migrating_engine(read_settings(os.environ).database_url)
    async with engine.begin() as db:
        await db.run_sync(run)
    await engine.dispose()


handed_over = context.config.attributes.get("connection")
if handed_over is None:
    asyncio.run(run_from_checkout())
else:
    run(handed_over)
