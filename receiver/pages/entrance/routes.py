"""The entrance: where to begin, signing in with the administrator's token, out, and the link of the first start."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.exceptions import NotFoundException
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect
from msgspec import Meta

from receiver import first_start
from receiver.house import House
from receiver.pages.doors import FOR_ANYONE, address_of, visitor_of
from receiver.pages.entrance.door import admit, later, shown, within
from receiver.pages.rendering import AnyRequest, page, redirect
from receiver.sign_in import COOKIE

Text = Annotated[str, Meta(max_length=300)]

_USED_UP = "This link was used, or is of an earlier start: sign in, or start the program again."


class Key(msgspec.Struct, frozen=True):
    """The administrator's token, as it is entered."""

    token: Text = ""
    then: Text = ""


@get("/", opt=FOR_ANYONE)
async def home(request: AnyRequest) -> Redirect:
    """Lead to what is playing, or to the door."""
    return Redirect("/now" if request.state.get("visitor") else "/sign-in", status_code=303)


@get("/sign-in", opt=FOR_ANYONE)
async def door(request: AnyRequest, house: NamedDependency[House], then: FromQuery[str] = "") -> Response[Any]:
    """Show the door."""
    if request.state.get("visitor") is not None:
        return Redirect(within(then), status_code=303)
    return await shown(request, house, then)


@post("/sign-in/token", opt=FOR_ANYONE)
async def with_token(
    request: AnyRequest,
    house: NamedDependency[House],
    data: Annotated[Key, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Sign the holder of the administrator's token in."""
    where, tries = address_of(request), house.sign_ins.tries
    if (wait := tries.too_many(where)) is not None:
        return await shown(request, house, data.then, status=429, error=later(wait), by_token=True)
    token = await house.sign_ins.by_admin_token(data.token.strip(), request.headers.get("user-agent"))
    if token is None:
        tries.failed(where)
        wrong = "That is not the administrator's token. It is in the file that the program names at its start."
        return await shown(request, house, data.then, status=403, error=wrong, by_token=True)
    tries.succeeded(where)
    return await admit(request, house, token, within(data.then))


@get("/welcome/{token:str}", opt=FOR_ANYONE)
async def welcome(request: AnyRequest, house: NamedDependency[House], token: FromPath[str]) -> Response[Any]:
    """Show what the link of the first start opens; it is used up by the form, not by looking at it."""
    if not house.sign_ins.is_first_token(token):
        raise NotFoundException(_USED_UP)
    async with house.store.read() as db:
        is_finished = await first_start.is_finished(db)
    return page(request, house, "entrance/welcome.html", token=token, is_finished=is_finished)


@post("/welcome/{token:str}", opt=FOR_ANYONE)
async def begin(request: AnyRequest, house: NamedDependency[House], token: FromPath[str]) -> Response[Any]:
    """Use the link of the first start up, and lead to the set-up; or to the pages, if that is done."""
    given = await house.sign_ins.by_first_token(token, request.headers.get("user-agent"))
    if given is None:
        raise NotFoundException(_USED_UP)
    async with house.store.read() as db:
        where = "/now" if await first_start.is_finished(db) else "/set-up"
    return await admit(request, house, given, where)


@post("/sign-out")
async def leave(request: AnyRequest, house: NamedDependency[House]) -> Redirect:
    """Sign this browser out."""
    await house.sign_ins.sign_out(visitor_of(request).sign_in)
    answer = redirect("/sign-in", "You are signed out.")
    answer.set_cookie(Cookie(key=COOKIE, max_age=0))
    return answer


ROUTES = (home, door, with_token, welcome, begin, leave)
