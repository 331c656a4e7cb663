"""``playledger backup``: a consistent copy of the SQLite file, made beside a running server."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from receiver.commands import world
from reconcile.errors import SettingRefused, StoreAway, StoreRefused


def backup(target: Path) -> Iterator[str]:
    """Copy the database to *target*, which must not be there yet; the copy is complete or not there at all."""
    settings = asyncio.run(world.settings_of())
    source = world.file_of(settings)
    if source is None:
        raise StoreRefused("This database is PostgreSQL's: use pg_dump --format=custom, and keep secret.key with it.")
    if not source.exists():
        raise StoreRefused(f"There is no database yet at {source}.")
    if target.exists():
        raise SettingRefused(f"{target} is there already: give another name, or remove it.")
    copied(source, target)
    yield f"{target}: {target.stat().st_size / 1e6:.1f} MB."
    yield f"Keep {settings.data_dir / 'secret.key'} with it: without that file the keys of your servers cannot be read."


def copied(source: Path, target: Path) -> None:
    """Copy the SQLite file *source* to *target*, for its owner's eyes only. Raises StoreAway or SettingRefused."""
    part = target.with_name(f"{target.name}.part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        # Read-only, and VACUUM INTO reads one state in one transaction: the server writes on meanwhile.
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as database:
            database.execute("VACUUM INTO ?", (str(part),))
        part.replace(target)
    except sqlite3.Error as error:
        raise StoreAway(f"Copying {source}: {error}.") from error
    except OSError as error:
        raise SettingRefused(f"Writing {target}: {error}.") from error
    finally:
        part.unlink(missing_ok=True)
