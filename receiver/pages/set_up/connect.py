"""The first step: a server's address, and a key for it that an administrator has made, or pastes."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.exceptions import ClientException
from litestar.params import Body
from litestar.response import ServerSentEvent, Template
from msgspec import Meta

from receiver.codes import Pending
from receiver.house import House
from receiver.pages.doors import FOR_OWNERS, visitor_of
from receiver.pages.entrance.code import LAPSED, NOT_YET, TICKET, TOO_MANY, ticket_cookie, ticket_of, watched
from receiver.pages.rendering import AnyRequest, redirect
from receiver.pages.set_up.checks import checked
from receiver.pages.set_up.state import Step, shown
from receiver.pages.set_up.words import Wrong, with_scheme, wrong
from reconcile.errors import JellyfinError, PlayledgerError, SignInRefused
from reconcile.jellyfin.asking import redacted
from reconcile.jellyfin.doors import LONGEST_NAME, LONGEST_PASSWORD

LONGEST_SECONDS = 20.0
"""How long connecting may take, however slowly a server answers."""

CONNECTED = "Connected: this server is asked from now on."
WAYS = ("password", "code", "key")


class Entry(msgspec.Struct, frozen=True):
    """Where a server is, and *how* we get a key: from an administrator's password or code, or a pasted one."""

    url: Annotated[str, Meta(max_length=2000)] = ""
    how: Annotated[str, Meta(max_length=20)] = "password"
    name: Annotated[str, Meta(max_length=LONGEST_NAME)] = ""
    password: Annotated[str, Meta(max_length=LONGEST_PASSWORD)] = ""
    api_key: Annotated[str, Meta(max_length=500)] = ""

    def __repr__(self) -> str:
        """Return it fit for logs."""
        return f"Entry({self.how!r})"


@get("/set-up/connect", opt=FOR_OWNERS)
async def connect_page(request: AnyRequest, house: NamedDependency[House]) -> Template:
    """Show which servers are asked, how that goes, and how to add one."""
    return await _shown(request, house, Entry())


@post("/set-up/connect", opt=FOR_OWNERS)
async def connect(
    request: AnyRequest,
    house: NamedDependency[House],
    data: Annotated[Entry, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Connect a server, if it answers as it has to."""
    if data.how not in WAYS:
        raise ClientException("how: password, code or key.")
    entry = msgspec.structs.replace(data, url=with_scheme(data.url))
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            if entry.how == "code":
                return await _begin(request, house, entry)
            await _met(house, entry)
    except (PlayledgerError, TimeoutError) as error:
        return await _refused(request, house, entry, wrong(error, entry.url))
    await house.refresh()
    return redirect("/set-up/connect", CONNECTED)


@get("/set-up/connect/code", opt=FOR_OWNERS)
async def code_page(request: AnyRequest, house: NamedDependency[House]) -> Response[Any]:
    """Show the code with which an administrator lets us in."""
    pending = house.sign_ins.codes.of(ticket_of(request), visitor_of(request).sign_in)
    if pending is None:
        return redirect("/set-up/connect", LAPSED, "warn")
    return await _code_page(request, house, pending)


@post("/set-up/connect/code", opt=FOR_OWNERS)
async def approved(request: AnyRequest, house: NamedDependency[House]) -> Response[Any]:
    """Connect the server at which an administrator has approved the code."""
    codes, ticket = house.sign_ins.codes, ticket_of(request)
    pending = codes.of(ticket, visitor_of(request).sign_in)
    if pending is None:
        return redirect("/set-up/connect", LAPSED, "warn")
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            doors = house.wires.doors(pending.url)
            if not await doors.is_approved(pending.secret):
                return await _code_page(request, house, pending, status=409, error=NOT_YET)
            codes.drop(ticket)
            async with doors.by_quick_connect(pending.secret) as guest:
                await house.wires.meet_through(guest)
    except SignInRefused:
        codes.drop(ticket)
        return redirect("/set-up/connect", LAPSED, "warn")
    except (JellyfinError, TimeoutError) as error:
        return await _refused(request, house, Entry(pending.url, "code"), wrong(error, pending.url))
    await house.refresh()
    answer = redirect("/set-up/connect", CONNECTED)
    answer.cookies.append(Cookie(key=TICKET, max_age=0))
    return answer


@get("/set-up/connect/code/stream", media_type="text/event-stream", opt=FOR_OWNERS)
async def stream(request: AnyRequest, house: NamedDependency[House]) -> ServerSentEvent:
    """Tell when the code has been approved."""
    return watched(house, ticket_of(request), visitor_of(request).sign_in)


async def _met(house: House, entry: Entry) -> None:
    """Connect a server by password or key. Raises JellyfinError."""
    if entry.how == "key":
        await house.wires.meet(entry.url, entry.api_key.strip())
        return
    doors = house.wires.doors(entry.url)
    await doors.public_info()  # a password is for a Jellyfin, and for nothing else that may answer there
    async with doors.by_password(entry.name, entry.password) as guest:
        await house.wires.meet_through(guest)


async def _begin(request: AnyRequest, house: House, entry: Entry) -> Response[Any]:
    doors = house.wires.doors(entry.url)
    info = await doors.public_info()
    begun = await doors.begin()
    sign_in = visitor_of(request).sign_in
    pending = Pending(begun.code, begun.secret, entry.url, info.id, "", house.clock(), sign_in)
    ticket = house.sign_ins.codes.keep(pending)
    if ticket is None:
        return await _refused(request, house, entry, Wrong(TOO_MANY))
    answer = redirect("/set-up/connect/code")
    answer.set_cookie(ticket_cookie(request, ticket))
    return answer


async def _shown(
    request: AnyRequest, house: House, entry: Entry, status: int = 200, problem: Wrong | None = None
) -> Template:
    found = await checked(house)
    return await shown(
        request, house, Step.CONNECT, "set_up/connect.html", status=status, found=found, entry=entry, problem=problem
    )


async def _refused(request: AnyRequest, house: House, entry: Entry, problem: Wrong) -> Template:
    url = redacted(entry.url) if "@" in entry.url else entry.url  # a password in it is not written back
    return await _shown(request, house, msgspec.structs.replace(entry, url=url), 400, problem)


async def _code_page(
    request: AnyRequest, house: House, pending: Pending, status: int = 200, error: str | None = None
) -> Template:
    return await shown(
        request, house, Step.CONNECT, "set_up/connect_code.html", status=status, code=pending.code, error=error
    )


ROUTES = (connect_page, connect, code_page, approved, stream)
