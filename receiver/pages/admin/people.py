"""People: the users of each server and whose account they are; linking, unlinking, and recording turned off or on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import Body, FromPath, FromQuery
from msgspec import Meta

from receiver.api import accounts as accounts_api
from receiver.api.links import tie, untie
from receiver.api.pages import LARGEST_ID
from receiver.house import House
from receiver.pages.admin.hints import Hint, hints
from receiver.pages.admin.tabs import administered, administered_one, name_of, tab
from receiver.pages.admin.users import Person, person_of, users_shown
from receiver.pages.doors import FOR_ADMINISTRATORS, visitor_of
from receiver.pages.rendering import AnyRequest, redirect
from receiver.visitors import Visitor
from reconcile.accounts import LinkWish
from reconcile.store import people
from reconcile.store.people import Account, Link
from reconcile.store.servers import Server

MOST = 500
"""How many users and accounts a page shows."""

Text = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f]*$")]


class Wish(msgspec.Struct, frozen=True):
    """To which account: its number, or none for a new one of that *name*."""

    account: Annotated[str, Meta(max_length=19, pattern=r"^[0-9]*$")] = ""
    name: Text = ""


class Recording(msgspec.Struct, frozen=True):
    """Whether they are to be recorded; *asked*: that they asked for it."""

    on: bool = False
    asked: bool = False


@get("/admin/people", opt=FOR_ADMINISTRATORS)
async def everybody(request: AnyRequest, house: NamedDependency[House], server: FromQuery[str] = "") -> Response[Any]:
    """Show the users of a server, the accounts, and who may be one person."""
    visitor = visitor_of(request)
    known = await administered(house, visitor)
    chosen = await administered_one(house, visitor, server) if server else next(iter(known), None)
    async with house.store.read() as db:
        mine, linked = _seen(visitor, await people.accounts(db)), await people.links(db)
    shown, error = await users_shown(house, chosen, linked) if chosen is not None else ([], None)
    seen = [each for each in linked if visitor.may_administer(each.server_id)]
    return tab(
        request,
        house,
        "people.html",
        servers=[(each.id, name_of(each)) for each in known],
        chosen=chosen,
        shown=shown[:MOST],
        error=error,
        accounts=mine[:MOST],
        more=max(len(shown), len(mine)) > MOST,
        linked=_by_account(seen, known),
        hints=_hints(chosen, shown, mine, seen),
    )


@get("/admin/people/{server_id:str}/{user_id:str}", opt=FOR_ADMINISTRATORS)
async def one(
    request: AnyRequest, house: NamedDependency[House], server_id: FromPath[str], user_id: FromPath[str]
) -> Response[Any]:
    """Show a user, and what can be done about their link."""
    return await _shown(request, house, server_id, user_id)


@post("/admin/people/{server_id:str}/{user_id:str}/link", opt=FOR_ADMINISTRATORS)
async def link(
    request: AnyRequest,
    house: NamedDependency[House],
    server_id: FromPath[str],
    user_id: FromPath[str],
    data: Annotated[Wish, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Link a user to an account, theirs or a new one. Whether they are recorded stays as it was."""
    server, person = await person_of(house, visitor_of(request), server_id, user_id)
    if data.account:
        number = _checked(visitor_of(request), data.account)
        name = house.people.accounts[number].name if number in house.people.accounts else ""
    else:
        name = data.name.strip() or person.name
        number = (await accounts_api.add(house, name)).id
    wish = LinkWish(number, person.recorded, person.name)
    done = await tie(house, (server.id, person.id), wish)
    return redirect(f"/admin/people?server={server.id}", f"{person.name} is linked to {done.account_name or name} now.")


@post("/admin/people/{server_id:str}/{user_id:str}/unlink", opt=FOR_ADMINISTRATORS)
async def unlink(
    request: AnyRequest, house: NamedDependency[House], server_id: FromPath[str], user_id: FromPath[str]
) -> Response[Any]:
    """Take a user's link away: what was recorded stays with the account, nothing more is."""
    server, person = await person_of(house, visitor_of(request), server_id, user_id)
    await untie(house, (server.id, person.id))
    return redirect(f"/admin/people?server={server.id}", f"{person.name} is linked no longer, and not recorded.")


@post("/admin/people/{server_id:str}/{user_id:str}/record", opt=FOR_ADMINISTRATORS)
async def record(
    request: AnyRequest,
    house: NamedDependency[House],
    server_id: FromPath[str],
    user_id: FromPath[str],
    data: Annotated[Recording, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Turn recording off, or on for somebody who asked for it."""
    server, person = await person_of(house, visitor_of(request), server_id, user_id)
    if person.account_id is None:
        raise ClientException("Link them to an account first.")
    if data.on and not data.asked:
        said = "Recording is a person's own choice: say that they asked for it."
        return await _shown(request, house, server_id, user_id, status=400, error=said)
    await tie(house, (server.id, person.id), LinkWish(person.account_id, data.on, person.name))
    said = "recorded from now on" if data.on else "recorded no longer"
    return redirect(f"/admin/people?server={server.id}", f"{person.name} is {said}.")


async def _shown(
    request: AnyRequest, house: House, server_id: str, user_id: str, status: int = 200, error: str | None = None
) -> Response[Any]:
    server, person = await person_of(house, visitor_of(request), server_id, user_id)
    async with house.store.read() as db:
        mine = _seen(visitor_of(request), await people.accounts(db))
    near = [each for each in mine if each.name.casefold() == person.name.casefold() and each.id != person.account_id]
    return tab(
        request,
        house,
        "person.html",
        status=status,
        server=server,
        server_name=name_of(server),
        person=person,
        accounts=[("", "a new account"), *_choices(mine, person)],
        near=near[:1],
        error=error,
    )


def _seen(visitor: Visitor, found: Sequence[Account]) -> list[Account]:
    mine = [each for each in found if visitor.may_see(each.id)]
    return sorted(mine, key=lambda each: each.name.casefold())


def _choices(mine: Sequence[Account], person: Person) -> list[tuple[int, str]]:
    return [(each.id, each.name) for each in mine if each.id != person.account_id][:MOST]


def _checked(visitor: Visitor, text: str) -> int:
    """Return the number of an account that may be linked to: whoever is linked to it is seen by its administrators."""
    number = int(text)
    if number > LARGEST_ID or not visitor.may_see(number):
        raise NotFoundException("There is no such account.")
    return number


def _by_account(linked: Sequence[Link], known: Sequence[Server]) -> dict[int, list[str]]:
    names = {each.id: name_of(each) for each in known}
    found: dict[int, list[str]] = {}
    for each in linked:
        found.setdefault(each.account_id, []).append(f"{each.user_name or '?'} on {names.get(each.server_id, '?')}")
    return found


def _hints(
    chosen: Server | None, shown: Sequence[Person], mine: Sequence[Account], linked: Sequence[Link]
) -> list[Hint]:
    if chosen is None:
        return []
    return hints(chosen.id, [(each.id, each.name, each.account_id) for each in shown], mine, linked)


ROUTES = (everybody, one, link, unlink, record)
