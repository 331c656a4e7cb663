"""Signing in by Quick Connect: a code is shown, approved in an app that is signed in already, and lets one in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import ServerSentEvent, ServerSentEventMessage
from msgspec import Meta

from receiver.codes import LASTS, Pending
from receiver.house import House
from receiver.pages.doors import FOR_ANYONE, address_of, is_behind_tls
from receiver.pages.entrance.door import later, shown, within
from receiver.pages.entrance.jellyfin import AWAY, PATIENCE_SECONDS, Refusal, let_in, opened
from receiver.pages.rendering import HEADERS, AnyRequest, page, redirect
from reconcile.errors import JellyfinError, SignInBarred, SignInRefused
from reconcile.jellyfin.doors import Doors

TICKET = "playledger-code"
"""The cookie by which a browser finds its code again."""

ASK_EVERY_SECONDS = 2.0

LAPSED = "The code has lapsed, or was used: ask for a new one."
NOT_YET = "The code has not been approved yet."
TOO_MANY = "Too many people wait with a code just now: try again in a few minutes, or sign in with name and password."


class Wish(msgspec.Struct, frozen=True):
    """At which server somebody wants a code, and where they want to go."""

    server: Annotated[str, Meta(max_length=64)] = ""
    then: Annotated[str, Meta(max_length=300)] = ""


@post("/sign-in/code/begin", opt=FOR_ANYONE)
async def begin(
    request: AnyRequest,
    house: NamedDependency[House],
    data: Annotated[Wish, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Ask a server for a code, and show it."""
    begun, where = house.sign_ins.begun, address_of(request)
    if (wait := begun.too_many(where)) is not None:
        return await shown(request, house, data.then, status=429, error=later(wait), server=data.server)
    begun.failed(where)
    doors = await opened(house, data.server)
    found = doors if isinstance(doors, Refusal) else await _code(doors)
    if isinstance(found, Refusal):
        return await shown(request, house, data.then, status=found.status, error=found.said, server=data.server)
    code, secret, url = found
    ticket = house.sign_ins.codes.keep(
        Pending(code, secret, url, data.server or None, within(data.then), house.clock())
    )
    if ticket is None:
        return await shown(request, house, data.then, status=503, error=TOO_MANY, server=data.server)
    answer = redirect("/sign-in/code")
    answer.set_cookie(ticket_cookie(request, ticket))
    return answer


@get("/sign-in/code", opt=FOR_ANYONE)
async def code_page(request: AnyRequest, house: NamedDependency[House]) -> Response[Any]:
    """Show the code."""
    pending = house.sign_ins.codes.of(ticket_of(request))
    if pending is None:
        return redirect("/sign-in", LAPSED, "warn")
    return _code_page(request, house, pending)


@post("/sign-in/code", opt=FOR_ANYONE)
async def approved(request: AnyRequest, house: NamedDependency[House]) -> Response[Any]:
    """Let whoever approved the code in."""
    codes, ticket = house.sign_ins.codes, ticket_of(request)
    pending = codes.of(ticket)
    if pending is None:
        return redirect("/sign-in", LAPSED, "warn")
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            doors = house.wires.doors(pending.url, pending.server_id)
            if not await doors.is_approved(pending.secret):
                return _code_page(request, house, pending, status=409, error=NOT_YET)
            person = await doors.sign_in_by_quick_connect(pending.secret)
    except SignInBarred as error:
        codes.drop(ticket)
        return await shown(request, house, pending.then, status=403, error=str(error))
    except SignInRefused:
        codes.drop(ticket)
        return redirect("/sign-in", LAPSED, "warn")
    except (JellyfinError, TimeoutError):
        return _code_page(request, house, pending, status=503, error=AWAY)
    codes.drop(ticket)
    answer = await let_in(request, house, person, pending.then)
    answer.cookies.append(Cookie(key=TICKET, max_age=0))
    return answer


@get("/sign-in/code/stream", media_type="text/event-stream", opt=FOR_ANYONE)
async def stream(request: AnyRequest, house: NamedDependency[House]) -> ServerSentEvent:
    """Tell when the code has been approved."""
    return watched(house, ticket_of(request))


def watched(house: House, ticket: str, sign_in: int | None = None) -> ServerSentEvent:
    """Return a stream that has the form `approved` sent once the code is approved; once it lapses, a new page."""
    headers = HEADERS | {"x-accel-buffering": "no"}
    return ServerSentEvent(_watching(house, ticket, sign_in), headers=headers)


async def _watching(house: House, ticket: str, sign_in: int | None) -> AsyncGenerator[ServerSentEventMessage]:
    mark = house.sign_ins.codes.listen(ticket)
    while not house.live.is_closed:
        pending = house.sign_ins.codes.of(ticket, sign_in)
        if pending is None:
            yield ServerSentEventMessage(event="reload", data="{}")
            return
        if not house.sign_ins.codes.is_latest(ticket, mark):
            return
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                if await house.wires.doors(pending.url, pending.server_id).is_approved(pending.secret):
                    yield ServerSentEventMessage(event="submit", data='{"id": "approved"}')
                    return
        except SignInRefused:
            house.sign_ins.codes.drop(ticket)
            continue
        except (JellyfinError, TimeoutError):
            pass  # it may answer the next time
        yield ServerSentEventMessage(data=None, comment="not yet")
        await asyncio.sleep(ASK_EVERY_SECONDS)


def ticket_of(request: AnyRequest) -> str:
    """Return what the browser holds of its code."""
    return request.cookies.get(TICKET, "")


def ticket_cookie(request: AnyRequest, ticket: str) -> Cookie:
    """Return the cookie by which a browser finds its code again."""
    return Cookie(
        key=TICKET,
        value=ticket,
        max_age=int(LASTS.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=is_behind_tls(request),
    )


async def _code(doors: Doors) -> tuple[str, str, str] | Refusal:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            begun = await doors.begin()
    except SignInRefused as error:
        return Refusal(403, str(error))
    except (JellyfinError, TimeoutError):
        return Refusal(503, AWAY)
    return begun.code, begun.secret, doors.url


def _code_page(
    request: AnyRequest, house: House, pending: Pending, status: int = 200, error: str | None = None
) -> Response[Any]:
    return page(request, house, "entrance/sign_in_code.html", status=status, code=pending.code, error=error)


ROUTES = (begin, code_page, approved, stream)
