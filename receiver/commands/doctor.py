"""``playledger doctor``: one finding a line, and for whatever is wrong, what to do."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Collection, Iterator

import httpx

from receiver import checking
from receiver.checking import Finding, good, note, wrong
from receiver.commands import world
from receiver.commands.world import Reach
from receiver.version import program_version
from reconcile.errors import PlayledgerError, StoreError
from reconcile.jellyfin.webhook_plugin import Knows
from reconcile.secrets import fingerprint, is_same
from reconcile.settings import Settings
from reconcile.store import people, tokens
from reconcile.store.engine import Transactions
from reconcile.store.migrations import at_head

MENDED_SQLITE = (3, 51, 3)


def findings() -> Iterator[Finding]:
    """Yield everything that was looked at, in the order in which one would mend it."""
    try:
        settings = asyncio.run(world.settings_of())
    except PlayledgerError as error:
        yield wrong(str(error))
        return
    yield from asyncio.run(_all(settings))


async def _all(settings: Settings) -> list[Finding]:
    parts = (_program(settings), _database(settings), _server(settings), _jellyfins(settings))
    return [finding for part in parts async for finding in part]


async def _program(settings: Settings) -> AsyncIterator[Finding]:
    yield good(f"Playledger {program_version()}, data folder {settings.data_dir}")
    if not os.access(settings.data_dir, os.W_OK):
        yield wrong("The data folder cannot be written.", f"Give it to the user who runs this: {settings.data_dir}")
    if not settings.monitor_enabled:
        yield wrong("Recording is off.", "Unset JELLYFIN_ACTIVITY_MONITOR_ENABLED, or set it to true.")


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    if world.file_of(settings) is not None:
        is_old = sqlite3.sqlite_version_info < MENDED_SQLITE
        what = f"SQLite {sqlite3.sqlite_version}"
        old = note(f"{what}: before 3.51.3, so leave long writes to one process, as serve does.")
        yield old if is_old else good(what)
    if not world.is_made(settings):
        yield note("There is no database yet.", "playledger serve makes it.")
        return
    store = Transactions(settings.database_url, patience=world.PATIENCE)
    try:
        async with store.read() as db:
            if not await at_head(db):
                yield wrong("The database has the tables of another version.", "Run playledger migrate.")
                return
            recorded = await people.intervals(db)
            bound = await tokens.webhook_tokens(db)
        async with store.begin():
            pass
    except StoreError as error:
        yield wrong(str(error), "Check PLAYLEDGER_DATABASE_URL, the disk, and who else writes.")
        return
    finally:
        await store.close()
    yield good("The database answers, can be written, and has the tables of this version.")
    open_ones = {(each.server_id, each.user_id) for each in recorded if each.until is None}
    if open_ones or settings.auto_link:
        yield good("Everybody is recorded from first sight." if settings.auto_link else f"{len(open_ones)} recorded.")
    else:
        yield note("Nobody is recorded.", "playledger users list, then playledger users link NAME.")
    if bound:
        yield good(f"{len(bound)} webhook tokens beside the one of the settings.")


async def _server(settings: Settings) -> AsyncIterator[Finding]:
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - recognised, not bound to
    url = f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
    try:
        async with httpx.AsyncClient(timeout=5.0, trust_env=False) as http:
            ready = await http.get(f"{url}/health/ready")
    except httpx.HTTPError:
        yield note(f"No server answers at {url}.", "playledger serve starts it.")
        return
    if ready.status_code == httpx.codes.OK:
        yield good(f"The server answers at {url}, and is ready.")
    else:
        yield wrong(f"The server at {url} is not ready: {ready.text[:200]}")


# --- Jellyfin ---------------------------------------------------------------------------------------------------------


async def _jellyfins(settings: Settings) -> AsyncIterator[Finding]:
    async with world.reached(settings) as reaches:
        if not reaches:
            yield note(
                "No Jellyfin server is known: webhooks work, polling and looking up series do not.",
                "Set JELLYFIN_URL and JELLYFIN_API_KEY.",
            )
        for reach in reaches:
            async for finding in _jellyfin(settings, reach):
                yield finding


async def _jellyfin(settings: Settings, reach: Reach) -> AsyncIterator[Finding]:
    if reach.client is None:
        yield wrong(reach.error)
        return
    async for finding in checking.jellyfin(reach.client, await _knows(settings)):
        yield finding


async def _knows(settings: Settings) -> Knows:
    bound = await _webhook_tokens(settings)
    return lambda token: is_same(token, settings.webhook_token) or fingerprint(token) in bound


async def _webhook_tokens(settings: Settings) -> Collection[str]:
    if not world.is_made(settings):
        return ()
    store = Transactions(settings.database_url)
    try:
        async with store.read() as db:
            return await tokens.webhook_tokens(db)
    except StoreError:
        return ()
    finally:
        await store.close()
