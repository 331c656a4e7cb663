"""Sign-ins: every browser that is signed in, and ending that."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from receiver.house import House
from receiver.pages.admin.tabs import administered, name_of, tab
from receiver.pages.doors import FOR_ADMINISTRATORS, visitor_of
from receiver.pages.rendering import AnyRequest, redirect
from receiver.visitors import Visitor
from reconcile.store import sign_ins
from reconcile.store.sign_ins import SignIn

MOST = 300


@get("/admin/sign-ins", opt=FOR_ADMINISTRATORS)
async def everybody(request: AnyRequest, house: NamedDependency[House]) -> Response[Any]:
    """Show the browsers that are signed in, the latest seen first."""
    visitor = visitor_of(request)
    names = {each.id: name_of(each) for each in await administered(house, visitor)}
    found = await _seen(house, visitor)
    return tab(
        request, house, "sign_ins.html", rows=found[:MOST], more=len(found) > MOST, names=names, mine=visitor.sign_in
    )


@post("/admin/sign-ins/{number:int}/revoke", opt=FOR_ADMINISTRATORS)
async def revoke(request: AnyRequest, house: NamedDependency[House], number: FromPath[int]) -> Response[Any]:
    """Sign a browser out."""
    visitor = visitor_of(request)
    if number not in {each.id for each in await _seen(house, visitor)}:
        raise NotFoundException("There is no such sign-in: it may be over.")
    await house.sign_ins.sign_out(number)
    if number == visitor.sign_in:
        return redirect("/sign-in", "You are signed out.")
    return redirect("/admin/sign-ins", "That browser is signed out.")


@post("/admin/sign-ins/revoke-others", opt=FOR_ADMINISTRATORS)
async def revoke_others(request: AnyRequest, house: NamedDependency[House]) -> Response[Any]:
    """Sign out all browsers but this one."""
    visitor = visitor_of(request)
    others = [each.id for each in await _seen(house, visitor) if each.id != visitor.sign_in]
    await house.sign_ins.sign_out(*others)
    return redirect("/admin/sign-ins", "All others are signed out.")


async def _seen(house: House, visitor: Visitor) -> list[SignIn]:
    """Return the sign-ins that *visitor* may see: the users' of their servers, and for owners everybody's."""
    async with house.store.read() as db:
        found = await sign_ins.all_of(db, house.clock())
    return [each for each in found if visitor.is_owner or (each.server_id or "") in (visitor.servers or ())]


ROUTES = (everybody, revoke_others, revoke)
