"""``playledger migrate``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from receiver.commands import world
from reconcile.settings import Settings
from reconcile.store import migrations
from reconcile.store.lease import FolderLease


def migrate() -> Iterator[str]:
    """Bring the database to the tables of this version. Raises FolderHeld while a server runs on it."""
    settings = asyncio.run(world.settings_of())
    asyncio.run(_migrate(settings))
    yield "The database has the tables of this version."


async def _migrate(settings: Settings) -> None:
    lease = FolderLease(settings.data_dir)
    if world.file_of(settings) is not None:
        lease.take()
    try:
        await migrations.migrate(settings.database_url)
    finally:
        await lease.release()
