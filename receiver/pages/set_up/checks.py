"""What each server that is asked says of itself: that the address and the key are right, and how its clock goes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import msgspec

from receiver.house import House
from receiver.pages.set_up.words import Wrong, wrong
from receiver.wires import Wire
from reconcile.errors import PlayledgerError
from reconcile.store import servers

PATIENCE_SECONDS = 4.0
"""How long the page waits for a server to say it."""

AGREES = timedelta(seconds=2)
"""Clocks that are no further apart agree: a Date has no fractions of a second."""


class Checked(msgspec.Struct, frozen=True):
    """A server: how many *users* the key may list, and how far its clock is ahead. *problem* says what is wrong.

    *is_fixed*: the environment says its address and key.
    """

    url: str
    is_fixed: bool
    name: str = "Jellyfin"
    version: str = ""
    server_id: str = ""
    users: int = 0
    ahead: timedelta = timedelta()
    problem: Wrong | None = None

    @property
    def clocks_agree(self) -> bool:
        """Whether its clock and ours say the same."""
        return abs(self.ahead) <= AGREES


async def checked(house: House) -> list[Checked]:
    """Return what all servers that are asked say, each asked now."""
    async with house.store.read() as db:
        names = {each.id: each.name for each in await servers.all_of_them(db)}
    return list(await asyncio.gather(*(_checked(wire, names) for wire in house.wires.each)))


async def _checked(wire: Wire, names: Mapping[str, str | None]) -> Checked:
    url, is_fixed = wire.client.url, wire.is_of_environment
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            server_id = await wire.poller.introduced()
            async with wire.turn:
                info = await wire.client.public_info()
                users = await wire.client.users()
    except (PlayledgerError, TimeoutError) as error:
        name = names.get(wire.poller.status.server_id or "") or "Jellyfin"
        return Checked(url, is_fixed, name, problem=wrong(error, url))
    return Checked(url, is_fixed, info.name or "Jellyfin", info.version, server_id, len(users), wire.client.offset)
