"""Signing in with a Jellyfin account: by name and password, which are checked at its server and kept nowhere."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body
from msgspec import Meta

from receiver.house import House
from receiver.pages.doors import FOR_ANYONE, address_of
from receiver.pages.entrance.door import admit, later, shown, within
from receiver.pages.rendering import AnyRequest
from reconcile.errors import JellyfinError, SignInBarred, SignInRefused
from reconcile.jellyfin.doors import LONGEST_NAME, LONGEST_PASSWORD, Doors, Person
from reconcile.linking import come_in

PATIENCE_SECONDS = 8.0
"""How long a server may take to say who somebody is."""

AWAY = "That Jellyfin does not answer just now. What is heard of it goes on being recorded; try again in a moment."
NO_SERVER = "There is no such Jellyfin here: choose one of those below."
WRONG = "Jellyfin does not know this name with this password."
ERASED = (
    "Everything that was kept of you was erased, and you have no account here. An administrator can link you again, "
    "if you ask for that; what was before stays erased."
)
NEW = "You are signed in. Nothing that you watch is recorded until you turn that on, under You."


class Entry(msgspec.Struct, frozen=True):
    """Who somebody says they are, and at which server."""

    server: Annotated[str, Meta(max_length=64)] = ""
    name: Annotated[str, Meta(max_length=LONGEST_NAME)] = ""
    password: Annotated[str, Meta(max_length=LONGEST_PASSWORD)] = ""
    then: Annotated[str, Meta(max_length=300)] = ""

    def __repr__(self) -> str:
        """Return it fit for logs."""
        return f"Entry({self.name!r})"


class Refusal(msgspec.Struct, frozen=True):
    """Why somebody is not let in; *is_theirs*: it was a try in vain."""

    status: int
    said: str
    is_theirs: bool = False


@post("/sign-in/password", opt=FOR_ANYONE)
async def with_password(
    request: AnyRequest,
    house: NamedDependency[House],
    data: Annotated[Entry, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Have the server say whether it is them, and sign them in."""
    found = await _tried(request, house, data)
    if isinstance(found, Person):
        return await let_in(request, house, found, data.then)
    return await shown(
        request, house, data.then, status=found.status, error=found.said, server=data.server, name=data.name
    )


async def _tried(request: AnyRequest, house: House, entry: Entry) -> Person | Refusal:
    """Return who it is. A try counts as one in vain until it is known to be none: many at once do not slip through."""
    tries, names = house.sign_ins.tries, house.sign_ins.names
    where, who = address_of(request), f"{entry.server} {entry.name.strip().casefold()}"
    if (wait := tries.too_many(where)) is not None:
        return Refusal(429, later(wait))
    if (wait := names.too_many(who)) is not None:
        return Refusal(429, later(wait, "with this name"))
    tries.failed(where)
    names.failed(who)
    found = await _asked(house, entry)
    if isinstance(found, Person):
        names.succeeded(who)  # whose address it is may be many people's: their tries in vain stay counted
    elif not found.is_theirs:
        names.taken_back(who)
    if isinstance(found, Person) or not found.is_theirs:
        tries.taken_back(where)
    return found


async def _asked(house: House, entry: Entry) -> Person | Refusal:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            doors = await house.doorways.to(entry.server)
            return Refusal(404, NO_SERVER) if doors is None else await doors.sign_in(entry.name, entry.password)
    except SignInBarred as error:
        return Refusal(403, str(error), is_theirs=True)
    except SignInRefused:
        return Refusal(403, WRONG, is_theirs=True)
    except (JellyfinError, TimeoutError):
        return Refusal(503, AWAY)


async def let_in(request: AnyRequest, house: House, person: Person, then: str) -> Response[Any]:
    """Sign *person* in, of whom their server has just said that it is them."""
    user = (person.server_id, person.user_id)
    async with house.store.begin() as db:
        guest = await come_in(db, house.people.fresh(), user, person.name, house.clock())
    if guest.is_erased:
        return await shown(request, house, then, status=403, error=ERASED, server=person.server_id)
    if guest.is_new:
        await house.refresh()
    token = await house.sign_ins.by_user(
        user, person.name, request.headers.get("user-agent"), is_administrator=person.is_administrator
    )
    is_told = guest.is_new and not house.people.has_opted_in(guest.account_id or 0, house.clock())
    return await admit(request, house, token, within(then), NEW if is_told else None)


async def opened(house: House, server_id: str) -> Doors | Refusal:
    """Return the doors of a server, if there is one of that id, and it answers."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await house.doorways.to(server_id) or Refusal(404, NO_SERVER)
    except (JellyfinError, TimeoutError):
        return Refusal(503, AWAY)


ROUTES = (with_password,)
