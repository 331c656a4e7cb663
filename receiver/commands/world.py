"""What every command stands on: the settings, and the database if it is there."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import msgspec

from receiver.house import rules_of
from reconcile.errors import FolderHeld, PlayledgerError, StoreError, StoreRefused
from reconcile.jellyfin.client import TIMEOUT, JellyfinClient, redacted
from reconcile.people import People
from reconcile.secrets import Safe
from reconcile.settings import TABLE, Settings, read_settings
from reconcile.store import servers
from reconcile.store import settings as kept_settings
from reconcile.store.connections import Connection, connections, purpose
from reconcile.store.engine import Transactions
from reconcile.store.lease import FolderLease
from reconcile.store.migrations import at_head
from reconcile.store.servers import Server

PATIENCE = timedelta(seconds=10)
"""How long a command waits for another process's write: nobody's player waits for it."""


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def file_of(settings: Settings) -> Path | None:
    """Return where the SQLite database is, None for PostgreSQL."""
    scheme, _, path = settings.database_url.partition(":///")
    return Path(path.partition("?")[0]) if scheme.startswith("sqlite") else None


def is_made(settings: Settings) -> bool:
    """Say whether there is a database to open: SQLite would make an empty one."""
    file = file_of(settings)
    return file is None or file.exists()


async def settings_of(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings: of the environment, then of the database, if it answers. Raises SettingRefused."""
    told = os.environ if environ is None else environ
    settings = read_settings(told)
    if not is_made(settings):
        return settings
    store = Transactions(settings.database_url)
    kept: dict[str, str] = {}
    try:
        async with store.read() as db:
            if await at_head(db):
                for setting in TABLE:
                    value = await kept_settings.get(db, setting.name)
                    if value is not None:
                        kept[setting.name] = value
    except StoreError:
        return settings  # it is to start all the same: what cannot be written is spooled
    finally:
        await store.close()
    return read_settings(told, kept) if kept else settings


class Ledger(msgspec.Struct):
    """The database, open, and who and what is in it."""

    settings: Settings
    store: Transactions
    people: People
    servers: list[Server]

    @property
    def ahead(self) -> dict[str, timedelta]:
        """How far each server's clock is ahead of ours, as it was kept last."""
        return {each.id: timedelta(seconds=each.clock_offset_seconds) for each in self.servers}

    @property
    def sole_server(self) -> str | None:
        """The id of the only server there is."""
        return self.servers[0].id if len(self.servers) == 1 else None


@asynccontextmanager
async def ledger(settings: Settings, *, alone: bool = False, or_else: str = "") -> AsyncIterator[Ledger]:
    """Open the database of *settings*.

    With *alone* a SQLite file is held for as long as that takes: long work beside a running server would keep it from
    writing, and two writers may hit a fault of SQLite before 3.51.3. *or_else* says what to do instead. Short writes
    need no such care. Raises StoreAway, StoreRefused or FolderHeld.
    """
    if not is_made(settings):
        raise StoreRefused(f"There is no database yet at {file_of(settings)}: playledger serve makes it.")
    lease = FolderLease(settings.data_dir)
    if alone and file_of(settings) is not None:
        try:
            lease.take()
        except FolderHeld as error:
            raise FolderHeld(f"{error} {or_else}".rstrip()) from error
    store = Transactions(settings.database_url, patience=PATIENCE)
    try:
        async with store.read() as db:
            if not await at_head(db):
                raise StoreRefused("The database is of another version: run playledger migrate.")
            safe = Safe.of_folder(settings.data_dir)
            people = People(rules_of(settings), settings.time_zone, auto_link=settings.auto_link, hashed=safe.hashed)
            await people.load(db)
            known = await servers.all_of_them(db)
        yield Ledger(settings, store, people, known)
    finally:
        await store.close()
        await lease.release()


class Reach(msgspec.Struct):
    """A server that can be asked, or why it cannot. *server_id* is None while only its address is known."""

    url: str
    server_id: str | None
    client: JellyfinClient | None
    error: str = ""


@asynccontextmanager
async def reached(settings: Settings) -> AsyncIterator[list[Reach]]:
    """Give a client for every server whose address and key are known, the environment's first."""
    async with httpx.AsyncClient(timeout=TIMEOUT) as http:
        found: list[Reach] = []
        if settings.jellyfin_url and settings.jellyfin_api_key:
            found.append(_reach(settings.jellyfin_url, settings.jellyfin_api_key, None, http))
        if is_made(settings):
            found += await _kept(settings, http, {each.url for each in found})
        yield found


async def _kept(settings: Settings, http: httpx.AsyncClient, known: set[str]) -> list[Reach]:
    store = Transactions(settings.database_url)
    try:
        async with store.read() as db:
            kept = await connections(db) if await at_head(db) else []
    except StoreError:
        kept = []
    finally:
        await store.close()
    safe = Safe.of_folder(settings.data_dir)
    others = [each for each in kept if each.url.rstrip("/") not in {url.rstrip("/") for url in known}]
    return [_opened(each, safe, http) for each in others]


def _opened(kept: Connection, safe: Safe, http: httpx.AsyncClient) -> Reach:
    try:
        key = safe.decrypted(kept.sealed_key, purpose(kept.server_id))
    except PlayledgerError as error:
        return Reach(kept.url, kept.server_id, None, str(error))
    return _reach(kept.url, key, kept.server_id, http)


def _reach(url: str, key: str, server_id: str | None, http: httpx.AsyncClient) -> Reach:
    try:
        client = JellyfinClient(url, key, http)
    except PlayledgerError as error:
        return Reach(redacted(url), server_id, None, str(error))
    return Reach(client.url, server_id, client)
