"""``/servers``: media servers that were heard of or added, their users, and webhook tokens bound to one of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from receiver.api.guard import ADMIN
from receiver.api.pages import Page
from receiver.house import House
from reconcile.hooking import mint as mint_token
from reconcile.playback.identity import normalised_id
from reconcile.store import accounts, people, servers
from reconcile.store.servers import Server


class ServerWords(msgspec.Struct, frozen=True):
    """A media server. *has_key*: it can be asked; *heard_at*: its last webhook since this process started."""

    id: str
    name: str | None
    url: str | None
    version: str | None
    first_seen_at: datetime
    clock_offset_seconds: float
    has_key: bool
    heard_at: datetime | None


class NewServer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The address of a server, and an API key of it. The key is kept encrypted, and never told again."""

    url: Annotated[str, Meta(min_length=1, max_length=2000)]
    api_key: Annotated[str, Meta(min_length=1, max_length=500)]


class WebhookToken(msgspec.Struct, frozen=True):
    """A token for the Webhook plugin of one server. It is told this once."""

    token: str
    server_id: str


class UserWords(msgspec.Struct, frozen=True):
    """A user of a server, and the account they are linked to."""

    id: str
    name: str
    is_administrator: bool
    is_disabled: bool
    account_id: int | None
    recorded: bool


@get("/servers", tags=["servers"], opt=ADMIN)
async def server_list(house: NamedDependency[House]) -> Page[ServerWords]:
    """Return the servers, in the order in which they were first heard of. All of them: there are few."""
    async with house.store.read() as db:
        return Page([_words(house, server) for server in await servers.all_of_them(db)])


@post("/servers", tags=["servers"])
async def create(house: NamedDependency[House], data: JSONBody[NewServer]) -> ServerWords:
    """Add a server, or give a known one a new address and key: it is asked who it is, and polled from then on."""
    server_id = await house.wires.meet(data.url, data.api_key)
    await house.refresh()
    return _words(house, await one_server(house, server_id))


@post("/servers/{server_id:str}/webhook-tokens", tags=["servers"])
async def mint(house: NamedDependency[House], server_id: FromPath[str]) -> WebhookToken:
    """Make a token with which only this server's webhooks are let in."""
    return await minted(house, (await one_server(house, server_id)).id)


@get("/servers/{server_id:str}/users", tags=["servers"], opt=ADMIN)
async def users(house: NamedDependency[House], server_id: FromPath[str]) -> Page[UserWords]:
    """Ask the server who its users are, and return all of them with their links."""
    return Page(await users_of(house, (await one_server(house, server_id)).id))


async def minted(house: House, server_id: str) -> WebhookToken:
    """Make a token for the webhooks of a known server. Raises StoreError."""
    async with house.store.begin() as db:
        token = await mint_token(db, server_id, house.clock())
    await house.refresh()
    return WebhookToken(token, server_id)


async def users_of(house: House, server_id: str) -> list[UserWords]:
    """Ask a server who its users are; return them with their links. Raises NotFoundException (404), JellyfinError."""
    wire = house.wires.of(server_id)
    if wire is None:
        raise NotFoundException("The address and API key of this server are not known: add them first.")
    async with wire.turn:
        told = await wire.client.users()
    async with house.store.read() as db:
        linked = {(each.server_id, each.user_id): each.account_id for each in await people.links(db)}
        pairs = [(server_id, user.id) for user in told]
        since = await accounts.recorded_since(db, pairs, house.clock())
    return [
        UserWords(
            id=user.id,
            name=user.name,
            is_administrator=user.is_administrator,
            is_disabled=user.is_disabled,
            account_id=linked.get((server_id, user.id)),
            recorded=(server_id, user.id) in since,
        )
        for user in told
    ]


async def one_server(house: House, server_id: str) -> Server:
    """Return a server that is known. Raises NotFoundException (404)."""
    async with house.store.read() as db:
        found = {server.id: server for server in await servers.all_of_them(db)}
    known = found.get(normalised_id(server_id))
    if known is None:
        raise NotFoundException("There is no server of that id.")
    return known


def _words(house: House, server: Server) -> ServerWords:
    heard = house.hearing.servers.get(server.id)
    return ServerWords(
        id=server.id,
        name=server.name,
        url=server.url,
        version=server.version,
        first_seen_at=server.first_seen_at,
        clock_offset_seconds=server.clock_offset_seconds,
        has_key=house.wires.of(server.id) is not None,
        heard_at=None if heard is None else heard.last_at,
    )
