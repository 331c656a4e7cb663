"""Checks: what is found when the parts are tried, each in a plain sentence, and for whatever is wrong, what to do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from enum import StrEnum

import msgspec

from reconcile.errors import JellyfinError
from reconcile.jellyfin.catalogue import WEBHOOK_PLUGIN
from reconcile.jellyfin.client import JellyfinClient
from reconcile.jellyfin.snapshot import decode_snapshot
from reconcile.jellyfin.webhook_plugin import (
    OUR_PATH,
    Destination,
    Found,
    Knows,
    PluginState,
    destinations,
    found,
    troubles,
)

CLOCK_WITHIN = timedelta(seconds=5)


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


async def jellyfin(client: JellyfinClient, knows: Knows) -> AsyncIterator[Finding]:
    """Try a server the way that recording needs it, up to where its plugin sends; *knows* says which tokens are ours.

    Nothing is changed there. It ends with the first error of the server, as a finding.
    """
    try:
        info = await client.public_info()
        yield good(f"Jellyfin {info.version}, {info.name}, answers at {client.url}.")
        users = await client.users()
        yield good(f"The API key is good: {len(users)} users.")
        shown = decode_snapshot((await client.sessions()).body)
        yield good(f"It may list sessions: {len(shown.sessions)}.")
        yield _clock(client)
        async for finding in _plugin(client, knows):
            yield finding
    except JellyfinError as error:
        yield wrong(str(error))


def _clock(client: JellyfinClient) -> Finding:
    seconds = client.offset.total_seconds()
    if abs(client.offset) <= CLOCK_WITHIN:
        return good("Its clock and ours agree.")
    said = f"Its clock is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} ours"
    return note(f"{said}; times are taken from its own.", "Let both machines set their clocks by NTP.")


async def _plugin(client: JellyfinClient, knows: Knows) -> AsyncIterator[Finding]:
    plugin = found(await client.plugins())
    yield _installed(plugin)
    if plugin.state is not PluginState.ACTIVE:
        return
    ours = [each for each in destinations(await client.plugin_configuration(WEBHOOK_PLUGIN)) if each.points_at_us]
    if not ours:
        yield note(
            f"No destination of the plugin points at {OUR_PATH}.",
            "Add a Generic Destination; playledger serve prints what to paste.",
        )
    for destination in ours:
        for finding in _destination(destination, knows):
            yield finding


def _installed(plugin: Found) -> Finding:
    if plugin.state is PluginState.MISSING:
        return note(
            "The Webhook plugin is not installed: polls alone record, to within seconds.",
            "Dashboard › Plugins › Catalogue › Webhook, then restart Jellyfin.",
        )
    if plugin.state is not PluginState.ACTIVE:
        return wrong(f"The Webhook plugin is {plugin.status}.", "Restart Jellyfin.")
    if not plugin.tells_check_ins:
        return note(
            f"Webhook plugin {plugin.version} does not say when a client last reported.",
            "Update it where the server allows that: from version 16 on, ends are exact.",
        )
    return good(f"Webhook plugin {plugin.version} is active.")


def _destination(destination: Destination, knows: Knows) -> Iterator[Finding]:
    name = f"The destination «{destination.webhook_name or 'without a name'}»"
    said = troubles(destination, knows)
    for each in said:
        yield (wrong if each.is_wrong else note)(f"{name} {each.what}", each.do)
    if not any(each.is_wrong for each in said):
        yield good(f"{name} points at us, with a good token.")
