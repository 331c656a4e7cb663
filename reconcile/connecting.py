"""Connecting a server: its address and key are tried, and kept; an administrator can have the key made for us."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from datetime import datetime

import httpx
import msgspec

from reconcile.errors import AdministratorNeeded, JellyfinError, JellyfinUnreadable, SecretUnreadable
from reconcile.jellyfin.client import JellyfinClient
from reconcile.jellyfin.doors import NAME, Guest
from reconcile.jellyfin.snapshot import decode_snapshot
from reconcile.secrets import Safe
from reconcile.store import servers
from reconcile.store.connections import connections, purpose, set_key
from reconcile.store.engine import Transactions


class Connected(msgspec.Struct, frozen=True):
    """A server that answers to a key. *users* is how many it has, *client* asks it from now on.

    *made_key*: the key was made for us just now.
    """

    server_id: str
    name: str
    version: str
    users: int
    client: JellyfinClient
    made_key: bool = False


class Connecting:
    """Connects servers. It shares *http*, whose life is its maker's; *clock* gives UTC."""

    def __init__(self, store: Transactions, safe: Safe, http: httpx.AsyncClient, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._safe = safe
        self._http = http
        self._clock = clock

    async def by_key(self, url: str, api_key: str) -> Connected:
        """Try *api_key*, and keep it encrypted with the server's address.

        Raises JellyfinError if the server does not answer, or if the key may not list users and sessions.
        """
        client = JellyfinClient(url, api_key, self._http, self._clock)
        info = await client.public_info()
        users = await client.users()
        decode_snapshot((await client.sessions()).body)
        async with self._store.begin() as db:
            await servers.see(db, info.id, self._clock(), name=info.name, url=client.url, version=info.version)
            await set_key(db, info.id, self._safe.encrypted(api_key.strip(), purpose(info.id)))
        return Connected(info.id, info.name, info.version, len(users), client)

    async def by_guest(self, guest: Guest) -> Connected:
        """Have a key made by an administrator who is signed in, and connect with it.

        The key that is kept is used again where the server still has it; one that was made in vain is revoked. Raises
        AdministratorNeeded, and what `by_key` raises.
        """
        if not guest.person.is_administrator:
            raise AdministratorNeeded(
                f"{guest.person.name} is no administrator of this Jellyfin: sign in as one, or paste an API key."
            )
        url, kept = guest.client.url, await self._kept_key(guest)
        if kept is not None:
            return await self.by_key(url, kept)
        async with AsyncExitStack() as undo:
            key = await make_key(guest.client)
            undo.push_async_callback(remove_key, guest.client, key)
            connected = await self.by_key(url, key)
            undo.pop_all()
        return msgspec.structs.replace(connected, made_key=True)

    async def _kept_key(self, guest: Guest) -> str | None:
        async with self._store.read() as db:
            kept = {each.server_id: each.sealed_key for each in await connections(db)}
        sealed = kept.get(guest.person.server_id)
        if sealed is None:
            return None
        try:
            key = self._safe.decrypted(sealed, purpose(guest.person.server_id))
        except SecretUnreadable:
            return None
        return key if any(each.token == key for each in await guest.client.api_keys()) else None


async def make_key(client: JellyfinClient, app: str = NAME) -> str:
    """Have an API key of our own made by an administrator, and return it: what was not there before (facts G)."""
    before = {key.token for key in await client.api_keys()}
    await client.add_api_key(app)
    made = [key for key in await client.api_keys() if key.app == app and key.token not in before]
    if not made:
        raise JellyfinUnreadable("Jellyfin made an API key that it does not list: make one under Dashboard › API Keys.")
    return max(made, key=lambda key: key.made_at).token


async def remove_key(client: JellyfinClient, key: str) -> bool:
    """Revoke a key that was made in vain; return whether the server has heard."""
    with suppress(JellyfinError):
        await client.remove_api_key(key)
        return True
    return False
