"""``playledger doctor``: one finding a line, and for whatever is wrong, what to do."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from enum import StrEnum
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec

from receiver.commands import world
from receiver.commands.world import Reach
from receiver.version import program_version
from reconcile.errors import JellyfinError, PlayledgerError, StoreError
from reconcile.jellyfin.catalogue import WEBHOOK_PLUGIN
from reconcile.jellyfin.client import JellyfinClient
from reconcile.jellyfin.webhook_plugin import Destination, destinations
from reconcile.secrets import fingerprint, is_same
from reconcile.settings import Settings
from reconcile.store import people, tokens
from reconcile.store.engine import Transactions
from reconcile.store.migrations import at_head

OUR_PATH = "/webhooks/jellyfin"
SESSION_ID_SINCE = 16
"""The first version of the plugin that tells the session id and the last check-in (facts A2)."""

CLOCK_WITHIN = timedelta(seconds=5)
MENDED_SQLITE = (3, 51, 3)


class Mark(StrEnum):
    """How bad a finding is."""

    GOOD = "ok   "
    NOTE = "note "
    WRONG = "WRONG"


class Finding(msgspec.Struct, frozen=True):
    """What was found, and what to do about it."""

    mark: Mark
    what: str
    do: str = ""

    @property
    def is_wrong(self) -> bool:
        """Whether it does not work like this."""
        return self.mark is Mark.WRONG

    def line(self) -> str:
        """Return it as text, what to do on a line of its own."""
        return f"{self.mark.value}  {self.what}" + (f"\n       → {self.do}" if self.do else "")


def good(what: str) -> Finding:
    """Return a finding of something that is as it should be."""
    return Finding(Mark.GOOD, what)


def note(what: str, do: str = "") -> Finding:
    """Return a finding of something that one should know."""
    return Finding(Mark.NOTE, what, do)


def wrong(what: str, do: str = "") -> Finding:
    """Return a finding of something that does not work."""
    return Finding(Mark.WRONG, what, do)


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
    try:
        info = await reach.client.public_info()
        yield good(f"Jellyfin {info.version}, {info.name}, answers at {reach.client.url}.")
        users = await reach.client.users()
        yield good(f"The API key is good: {len(users)} users.")
        yield _clock(reach.client)
        async for finding in _plugin(settings, reach.client):
            yield finding
    except JellyfinError as error:
        yield wrong(str(error))


def _clock(client: JellyfinClient) -> Finding:
    seconds = client.offset.total_seconds()
    if abs(client.offset) <= CLOCK_WITHIN:
        return good("Its clock and ours agree.")
    said = f"Its clock is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} ours"
    return note(f"{said}; times are taken from its own.", "Let both machines set their clocks by NTP.")


async def _plugin(settings: Settings, client: JellyfinClient) -> AsyncIterator[Finding]:
    plugins = {plugin.id: plugin for plugin in await client.plugins()}
    plugin = plugins.get(WEBHOOK_PLUGIN)
    if plugin is None:
        yield note(
            "The Webhook plugin is not installed: polls alone record, to within seconds.",
            "Dashboard › Plugins › Catalogue › Webhook, then restart Jellyfin.",
        )
        return
    if plugin.status.lower() != "active":
        yield wrong(f"The Webhook plugin is {plugin.status}.", "Restart Jellyfin.")
        return
    major = int(plugin.version.split(".")[0]) if plugin.version.split(".")[0].isdigit() else 0
    if major < SESSION_ID_SINCE:
        yield note(
            f"Webhook plugin {plugin.version} does not say when a client last reported.",
            "Update it where the server allows that: from version 16 on, ends are exact.",
        )
    else:
        yield good(f"Webhook plugin {plugin.version} is active.")
    ours = [each for each in destinations(await client.plugin_configuration(WEBHOOK_PLUGIN)) if _is_ours(each)]
    if not ours:
        yield note(
            f"No destination of the plugin points at {OUR_PATH}.",
            "Add a Generic Destination; playledger serve prints what to paste.",
        )
    for destination in ours:
        async for finding in _destination(settings, destination):
            yield finding


def _is_ours(destination: Destination) -> bool:
    return urlsplit(destination.webhook_uri or "").path.rstrip("/").endswith(OUR_PATH)


async def _destination(settings: Settings, destination: Destination) -> AsyncIterator[Finding]:
    name = f"The destination «{destination.webhook_name or 'without a name'}»"
    before = [
        (not destination.enable_webhook, "is switched off.", "Tick Enable."),
        (bool(destination.missing), f"lacks {', '.join(sorted(destination.missing))}.", "Tick these notifications."),
        (destination.is_blank, "sends an empty body.", "Tick Send All Properties."),
        (not destination.enable_movies, "leaves movies out.", "Tick Movies."),
        (not destination.enable_episodes, "leaves episodes out.", "Tick Episodes."),
    ]
    troubles = [wrong(f"{name} {what}", do) for is_so, what, do in before if is_so]
    if destination.user_filter:
        troubles.append(note(f"{name} speaks of {len(destination.user_filter)} users only."))
    token = await _token(settings, destination)
    for finding in (*troubles, *([] if token is None else [wrong(f"{name} {token[0]}", token[1])])):
        yield finding
    if not any(each.is_wrong for each in troubles) and token is None:
        yield good(f"{name} points at us, with a good token.")


async def _token(settings: Settings, destination: Destination) -> tuple[str, str] | None:
    """Return what is wrong with the token that a destination presents, and what to do; None if nothing is."""
    query = parse_qs(urlsplit(destination.webhook_uri or "").query)
    told = destination.token or next(iter(query.get("token", ())), None)
    if told is None:
        return "presents no token.", "Add the header X-Playledger-Token; playledger serve prints its value's place."
    if is_same(told, settings.webhook_token) or await _is_bound(settings, told):
        return None
    return "presents a token that is not ours.", "Copy it again; playledger serve prints where it is."


async def _is_bound(settings: Settings, token: str) -> bool:
    if not world.is_made(settings):
        return False
    store = Transactions(settings.database_url)
    try:
        async with store.read() as db:
            return fingerprint(token) in await tokens.webhook_tokens(db)
    except StoreError:
        return False
    finally:
        await store.close()
