"""The users of a server as they are shown: as the server tells them, and as they are linked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from litestar.exceptions import NotFoundException

from receiver.api.servers import users_of
from receiver.house import House
from receiver.pages.admin.tabs import administered_one
from receiver.visitors import Visitor
from reconcile.errors import JellyfinError
from reconcile.people import User
from reconcile.playback.identity import is_guid, normalised_id
from reconcile.store import accounts
from reconcile.store.people import Link
from reconcile.store.servers import Server

ASKED_SECONDS = 5.0
"""How long a page waits for a server's list of users."""


class Person(msgspec.Struct, frozen=True):
    """A user of a server as they are shown."""

    id: str
    name: str
    account_id: int | None
    account_name: str | None
    recorded: bool
    is_administrator: bool = False
    is_disabled: bool = False


async def person_of(house: House, visitor: Visitor, server_id: str, user_id: str) -> tuple[Server, Person]:
    """Return a user of a server that is administered: as linked, else as the server says. NotFoundException (404)."""
    server = await administered_one(house, visitor, server_id)
    user = (server.id, normalised_id(user_id))
    if not is_guid(user[1]):
        raise NotFoundException("There is no such user.")
    async with house.store.read() as db:
        row = await accounts.one_link(db, *user)
        recorded = user in await accounts.recorded_since(db, [user], house.clock())
    if row is not None:
        name = row["user_name"] or row["account_name"]
        return server, Person(user[1], name, row["account_id"], row["account_name"], recorded)
    wire = house.wires.of(server.id)
    told = None
    if wire is not None:
        async with wire.turn:
            told = await wire.client.user(user[1])
    if told is None:
        raise NotFoundException("There is no such user.")
    return server, Person(told.id, told.name, None, None, recorded, told.is_administrator, told.is_disabled)


async def users_shown(house: House, server: Server, linked: Sequence[Link]) -> tuple[list[Person], str | None]:
    """Return the users of a server as it tells them, else those that are linked, with the reason."""
    names = {number: each.name for number, each in house.people.accounts.items()}
    try:
        async with asyncio.timeout(ASKED_SECONDS):
            told = await users_of(house, server.id)
    except (JellyfinError, NotFoundException, TimeoutError) as error:
        said = "it does not answer" if isinstance(error, TimeoutError) else getattr(error, "detail", str(error))
        return await _linked(house, server, linked, names), f"Only those who are linked are shown: {said}"
    shown = [
        Person(
            each.id,
            each.name,
            each.account_id,
            None if each.account_id is None else names.get(each.account_id),
            each.recorded,
            each.is_administrator,
            each.is_disabled,
        )
        for each in told
    ]
    return sorted(shown, key=lambda each: each.name.casefold()), None


async def _linked(house: House, server: Server, linked: Sequence[Link], names: dict[int, str]) -> list[Person]:
    mine = [each for each in linked if each.server_id == server.id]
    async with house.store.read() as db:
        users: list[User] = [(each.server_id, each.user_id) for each in mine]
        since = await accounts.recorded_since(db, users, house.clock())
    shown = [
        Person(
            each.user_id,
            each.user_name or names.get(each.account_id, "?"),
            each.account_id,
            names.get(each.account_id),
            (each.server_id, each.user_id) in since,
        )
        for each in mine
    ]
    return sorted(shown, key=lambda each: each.name.casefold())
