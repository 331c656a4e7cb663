"""The third step: who is recorded. Nobody is, unless that is chosen here, or they choose it themselves."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery

from receiver.api import accounts as accounts_api
from receiver.api.links import tie
from receiver.api.servers import users_of
from receiver.house import House
from receiver.pages.admin.tabs import administered, administered_one, name_of
from receiver.pages.doors import FOR_OWNERS, visitor_of
from receiver.pages.rendering import AnyRequest, redirect
from receiver.pages.saying import counted
from receiver.pages.set_up.state import Step, shown
from receiver.pages.set_up.words import Wrong, wrong
from reconcile.accounts import LinkWish
from reconcile.errors import JellyfinError
from reconcile.people import User
from reconcile.store.servers import Server

ASKED_SECONDS = 5.0
MOST = 500
"""How many users the page shows: more are chosen under Administration."""


class Person(msgspec.Struct, frozen=True):
    """A user of a server. *note* says what is special about them; *is_fixed*: that cannot be chosen here."""

    id: str
    name: str
    account_id: int | None
    recorded: bool
    note: str = ""
    is_fixed: bool = False


@get("/set-up/people", opt=FOR_OWNERS)
async def people(request: AnyRequest, house: NamedDependency[House], server: FromQuery[str] = "") -> Response[Any]:
    """Show a server's users, and who of them is recorded."""
    known = [each for each in await administered(house, visitor_of(request)) if house.wires.of(each.id) is not None]
    chosen = await administered_one(house, visitor_of(request), server) if server else next(iter(known), None)
    found, problem = await _found(house, chosen)
    return await shown(
        request,
        house,
        Step.PEOPLE,
        "set_up/people.html",
        server=chosen,
        server_name="" if chosen is None else name_of(chosen),
        servers=[(each.id, name_of(each)) for each in known],
        people=found[:MOST],
        more=len(found) > MOST,
        problem=problem,
        is_everybody=house.settings.auto_link,
    )


@post("/set-up/people", opt=FOR_OWNERS)
async def choose(request: AnyRequest, house: NamedDependency[House]) -> Response[Any]:
    """Record those who are ticked from now on, and those no longer whose tick was taken away."""
    form = await request.form()
    server = await administered_one(house, visitor_of(request), str(form.get("server", "")))
    ticked, were = set(form.getall("record", [])), set(form.getall("were", []))
    people, problem = await _found(house, server)
    if problem is not None:
        return redirect(f"/set-up/people?server={server.id}", problem.what, "bad")
    done = []
    for each in people[:MOST]:
        if not each.is_fixed and (each.id in ticked) != (each.id in were):
            await _record(house, (server.id, each.id), each, on=each.id in ticked)
            done.append(each.id in ticked)
    return redirect("/set-up/history", _said(done) if done else None)


async def _record(house: House, user: User, person: Person, *, on: bool) -> None:
    number = person.account_id
    if number is None:
        number = (await accounts_api.add(house, person.name or person.id)).id
    await tie(house, user, LinkWish(number, on, person.name))


async def _found(house: House, server: Server | None) -> tuple[list[Person], Wrong | None]:
    if server is None:
        return [], None
    try:
        async with asyncio.timeout(ASKED_SECONDS):
            told = await users_of(house, server.id)
    except (JellyfinError, TimeoutError) as error:
        wire = house.wires.of(server.id)
        return [], wrong(error, "the server" if wire is None else wire.client.url)
    except NotFoundException as error:
        return [], Wrong(error.detail)
    private = _in_private(house)
    shown_people = []
    for each in told:
        user = (server.id, each.id)
        is_on = each.recorded or user in private or house.people.is_to_be_linked(user)
        note, is_fixed = _note(house, user, is_on=is_on, is_private=user in private, is_disabled=each.is_disabled)
        shown_people.append(Person(each.id, each.name, each.account_id, is_on, note, is_fixed))
    return sorted(shown_people, key=lambda each: each.name.casefold()), None


def _in_private(house: House) -> set[User]:
    now = house.clock()
    return {user for number in house.people.accounts for user in house.people.in_private(number, now)}


def _note(house: House, user: User, *, is_on: bool, is_private: bool, is_disabled: bool) -> tuple[str, bool]:
    if house.people.is_erased(user):
        return "was erased: link them again under Administration, if they ask for it", True
    if is_private:
        return "in private mode just now", True
    if not is_on and house.people.is_known(user):
        return "recording was turned off: tick it only if they ask", False
    return ("disabled in Jellyfin" if is_disabled else ""), False


def _said(done: list[bool]) -> str:
    on, off = sum(done), len(done) - sum(done)
    said = [f"{counted(on, 'person is', 'people are')} recorded from now on" if on else ""]
    said.append(f"{counted(off, 'person is', 'people are')} recorded no longer" if off else "")
    return ", ".join(each for each in said if each) + "."


ROUTES = (people, choose)
