"""``playledger export``: the history in the words of the API, a row a line, or as CSV; or all of one account."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import msgspec

from receiver.api.words import WatchWords
from receiver.commands import world
from receiver.exporting import everything_as_csv, everything_as_json
from receiver.exporting_rows import WATCH_COLUMNS, as_csv, watches_told
from reconcile.errors import SettingRefused
from reconcile.store import accounts
from reconcile.store.wanted import Wanted


def export(file: Path, form: str | None, account: int | None) -> Iterator[str]:
    """Write the history to *file* («-»: standard output), newest first; of one *account* everything that is kept.

    Raises SettingRefused where the file cannot be written, or there is no such account.
    """
    is_csv = form == "csv" or (form is None and file.suffix.lower() == ".csv")
    try:
        with _opened(file) as out:
            if account is not None:
                asyncio.run(_write_all(out, account, is_csv=is_csv))
                return
            count = asyncio.run(_write(out, is_csv=is_csv))
    except OSError as error:
        raise SettingRefused(f"Writing {file}: {error}.") from error
    if file != Path("-"):
        yield f"{file}: {count} rows."


@contextmanager
def _opened(file: Path) -> Iterator[TextIO]:
    """Open *file* for its owner's eyes only: it is somebody's history."""
    if file == Path("-"):
        yield sys.stdout
        return
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
        yield out


async def _write_all(out: TextIO, account: int, *, is_csv: bool) -> None:
    async with world.ledger(await world.settings_of()) as ledger:
        async with ledger.store.read() as db:
            row = await accounts.one(db, account)
        if row is None:
            raise SettingRefused(f"There is no account {account}: playledger users list shows them.")
        told = everything_as_csv(ledger.store, row) if is_csv else everything_as_json(ledger.store, row)
        async for part in told:
            out.write(part.decode())


async def _write(out: TextIO, *, is_csv: bool) -> int:
    count = 0
    async with world.ledger(await world.settings_of()) as ledger:
        told = watches_told(ledger.store, Wanted())
        lines = as_csv(told, WATCH_COLUMNS) if is_csv else _lines(told)
        async for each in lines:
            count += 1
            out.write(each.decode())
    return count - is_csv  # without the names of the columns


async def _lines(told: AsyncIterator[WatchWords]) -> AsyncIterator[bytes]:
    async for each in told:
        yield msgspec.json.encode(each) + b"\n"
