"""Hooking up: having the Webhook plugin of a server tell us, with a token of that server's own; and taking it back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import datetime

import httpx
import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.errors import JellyfinError, JellyfinMissing, PluginOverwritten, PluginUnready, SettingRefused
from reconcile.jellyfin import own_destination, webhook_plugin
from reconcile.jellyfin.catalogue import WEBHOOK_PLUGIN
from reconcile.jellyfin.client import JellyfinClient
from reconcile.jellyfin.own_destination import Entry, IsOurs
from reconcile.jellyfin.webhook_plugin import OUR_PATH, Destination, Found, Knows, PluginState, Trouble
from reconcile.secrets import fingerprint, is_same, new_token
from reconcile.store import tokens
from reconcile.store.engine import Transactions

_TRIES = 2


class Pointer(msgspec.Struct, frozen=True):
    """A destination of the plugin that points at a Playledger. *is_own*: it was put there by `hook_up`.

    *knows_us*: its token opens our door; without it, it may be another Playledger's.
    """

    name: str
    is_own: bool
    knows_us: bool
    troubles: tuple[Trouble, ...]

    @property
    def works(self) -> bool:
        """Whether we hear all that we need from it, as far as the configuration tells."""
        return not any(each.is_wrong for each in self.troubles)


class Looked(msgspec.Struct, frozen=True):
    """The plugin, and which of its destinations point at us."""

    plugin: Found
    pointers: tuple[Pointer, ...] = ()


class Hooked(msgspec.Struct, frozen=True):
    """What was done: the plugin sends to *url*. *replaced*: an entry of ours was there already.

    *others* point at us too: each tells everything once more, which costs a little and changes nothing.
    """

    server_id: str
    url: str
    replaced: bool
    others: tuple[Pointer, ...]


class Hooking:
    """Sets the Webhook plugin of one server up.

    *shared_token* is the webhook token of the settings; *heard* is awaited when the tokens that open our door have
    changed, before the plugin is told of a new one. All raise JellyfinError, and StoreError where they write.
    """

    def __init__(
        self,
        store: Transactions,
        client: JellyfinClient,
        server_id: str,
        clock: Callable[[], datetime],
        *,
        shared_token: str,
        heard: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._client = client
        self._server_id = server_id
        self._clock = clock
        self._shared_token = shared_token
        self._heard = heard

    async def look(self) -> Looked:
        """Return whether the plugin is there, and which of its destinations point at us."""
        plugin = webhook_plugin.found(await self._client.plugins())
        if plugin.state is not PluginState.ACTIVE:
            return Looked(plugin)
        body = await self._client.plugin_configuration(WEBHOOK_PLUGIN)
        return Looked(plugin, self._pointers(body, await self._knows()))

    async def install(self) -> Found:
        """Have the plugin installed, and return how it is listed then. It runs once the server has restarted.

        Raises PluginUnready where the server's repositories have none that fits.
        """
        try:
            await self._client.install_plugin(webhook_plugin.NAME, WEBHOOK_PLUGIN)
        except JellyfinMissing as error:
            raise PluginUnready(
                "Jellyfin's plugin repositories have no Webhook plugin for this version: look under Dashboard › "
                "Plugins › Repositories, or let us poll only."
            ) from error
        return webhook_plugin.found(await self._client.plugins())

    async def restart(self) -> None:
        """Restart Jellyfin, which interrupts whoever is watching: ask first."""
        await self._client.restart()

    async def hook_up(self, address: str, *, with_marks: bool = False) -> Hooked:
        """Write our destination into the plugin's configuration, and read it back.

        *address* is where Jellyfin reaches us, with or without the path of the webhooks. Raises SettingRefused,
        PluginUnready or PluginOverwritten.
        """
        url = checked_address(address)
        await self._check_plugin()
        async with self._store.begin() as db:
            token = await mint(db, self._server_id, self._clock())
        await self._heard()
        knows = await self._knows()
        is_ours = own_destination.ours(url, knows)
        entry = Entry(url, token, with_marks)
        try:
            before, after = await self._changed(lambda body: own_destination.added(body, entry, is_ours), is_ours)
        except JellyfinError:
            with suppress(JellyfinError):  # what was written may have arrived: then its token has to be good
                await self._forget([token], but=_presented(await self._client.plugin_configuration(WEBHOOK_PLUGIN)))
            raise
        replaced = own_destination.own(before, is_ours)
        await self._forget(_tokens(replaced), but=_presented(after))
        others = tuple(each for each in self._pointers(after, knows) if not each.is_own)
        return Hooked(self._server_id, url, bool(replaced), others)

    async def unhook(self, address: str | None = None) -> int:
        """Take out what `hook_up` put in, and nothing else; return how many entries that were.

        *address* recognises an entry whose token is not known any more. Raises PluginUnready or PluginOverwritten.
        """
        await self._check_plugin()
        is_ours = own_destination.ours(checked_address(address) if address else "", await self._knows())
        before, after = await self._changed(lambda body: own_destination.removed(body, is_ours), is_ours)
        gone = own_destination.own(before, is_ours)
        await self._forget(_tokens(gone), but=_presented(after))
        return len(gone)

    # --------------------------------------------------------------------------------------------------------------

    async def _changed(self, change: Callable[[bytes], bytes], is_ours: IsOurs) -> tuple[bytes, bytes]:
        """Return the configuration before *change*, and as it was read back after it.

        There is no lock and no version: that somebody else wrote meanwhile shows only in what is read back (facts G).
        """
        first: bytes | None = None
        for _try in range(_TRIES):
            before = await self._client.plugin_configuration(WEBHOOK_PLUGIN)
            first = before if first is None else first
            wanted = change(before)
            if wanted != before:
                await self._client.set_plugin_configuration(WEBHOOK_PLUGIN, wanted)
            after = await self._client.plugin_configuration(WEBHOOK_PLUGIN)
            if own_destination.is_kept(wanted, after, is_ours):
                return first, after
        raise PluginOverwritten(
            "Somebody else writes the Webhook plugin's settings at the same time: close its page in Jellyfin, look "
            "whether it is as it should be, and try again."
        )

    async def _check_plugin(self) -> None:
        plugin = webhook_plugin.found(await self._client.plugins())
        if plugin.state is PluginState.MISSING:
            raise PluginUnready("The Webhook plugin is not installed: install it, and restart Jellyfin.")
        if plugin.state is PluginState.RESTART:
            raise PluginUnready("The Webhook plugin runs once Jellyfin has restarted.")
        if plugin.state is PluginState.INACTIVE:
            raise PluginUnready(f"The Webhook plugin is «{plugin.status}»: see Dashboard › Plugins › Webhook.")

    def _pointers(self, body: bytes, knows: Knows) -> tuple[Pointer, ...]:
        found = (each for each in webhook_plugin.destinations(body) if each.points_at_us)
        return tuple(_pointer(each, knows) for each in found)

    async def _knows(self) -> Knows:
        """Return what says whether a token is one of this server's webhooks here."""
        async with self._store.read() as db:
            bound = await tokens.webhook_tokens(db)
        known = {each for each, server_id in bound.items() if server_id in {None, self._server_id}}
        return lambda token: fingerprint(token) in known or is_same(token, self._shared_token)

    async def _forget(self, given: Iterable[str], but: Iterable[str] = ()) -> None:
        """Let tokens open our door no longer, except those that another destination presents."""
        gone = set(given) - set(but)
        if not gone:
            return
        async with self._store.begin() as db:
            bound = await tokens.webhook_tokens(db)
            for token in gone:
                if bound.get(fingerprint(token)) == self._server_id:
                    await tokens.remove_webhook_token(db, fingerprint(token))
        await self._heard()


async def mint(db: AsyncConnection, server_id: str, now: datetime) -> str:
    """Make a token with which only this server's webhooks are let in, and return it: it is told this once."""
    token = new_token()
    await tokens.add_webhook_token(db, fingerprint(token), server_id, now)
    return token


def checked_address(address: str) -> str:
    """Return where webhooks are taken at *address*, which may name their path or not. Raises SettingRefused."""
    refused = "The address at which Jellyfin reaches us should look like http://host:8484"
    try:
        url = httpx.URL(address.strip())
    except (httpx.InvalidURL, UnicodeError) as error:
        raise SettingRefused(f"{refused}.") from error
    if url.scheme not in {"http", "https"} or not url.host or len(address) > _LONGEST:
        raise SettingRefused(f"{refused}.")
    if url.userinfo or url.query or url.fragment:
        raise SettingRefused(f"{refused}, without a user name, a question mark or a hash.")
    return str(url.copy_with(path=url.path.rstrip("/").removesuffix(OUR_PATH) + OUR_PATH))


_LONGEST = 2000


def _pointer(destination: Destination, knows: Knows) -> Pointer:
    token = destination.presented
    knows_us = token is not None and knows(token)
    is_own = own_destination.ours("", knows)(destination)
    return Pointer(destination.webhook_name or "", is_own, knows_us, webhook_plugin.troubles(destination, knows))


def _presented(body: bytes) -> list[str]:
    return _tokens(webhook_plugin.destinations(body))


def _tokens(found: Iterable[Destination]) -> list[str]:
    return [each.presented for each in found if each.presented is not None]
