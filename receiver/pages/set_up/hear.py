"""The second step: how a server is heard. One click sets its Webhook plugin up; by hand, or polls only, will do."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery
from litestar.response import Redirect
from msgspec import Meta

from receiver import first_start
from receiver.api.servers import minted
from receiver.house import House
from receiver.pages.admin.tabs import name_of
from receiver.pages.doors import FOR_ADMINISTRATORS, visitor_of
from receiver.pages.rendering import AnyRequest, redirect
from receiver.pages.saying import counted
from receiver.pages.set_up.plugin import attempted, found_at, hear_page, hooking_of, one_of
from receiver.pages.set_up.state import Step, shown
from receiver.pages.set_up.words import Wrong
from reconcile.errors import SettingRefused
from reconcile.hooking import checked_address
from reconcile.store.servers import Server


class Wish(msgspec.Struct, frozen=True):
    """Which server, our *address* as it reaches us, and whether interrupting its viewers was *agreed* to."""

    server: Annotated[str, Meta(max_length=64)] = ""
    address: Annotated[str, Meta(max_length=2000)] = ""
    agreed: bool = False


Form = Annotated[Wish, Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/set-up/hear", opt=FOR_ADMINISTRATORS)
async def hear(request: AnyRequest, house: NamedDependency[House], server: FromQuery[str] = "") -> Response[Any]:
    """Show how a server is heard, and what can be done so that it is."""
    chosen, others = await found_at(house, visitor_of(request), server)
    return await hear_page(request, house, chosen, others)


@post("/set-up/hear/install", opt=FOR_ADMINISTRATORS)
async def install(request: AnyRequest, house: NamedDependency[House], data: Form) -> Response[Any]:
    """Have the plugin installed."""
    server = await one_of(house, visitor_of(request), data.server)
    problem = await attempted(house, server, hooking_of(house, server).install())
    if problem is not None:
        return await hear_page(request, house, server, status=400, problem=problem)
    return _to(server, "The Webhook plugin is installed. It runs once Jellyfin has restarted.")


@post("/set-up/hear/restart", opt=FOR_ADMINISTRATORS)
async def restart(request: AnyRequest, house: NamedDependency[House], data: Form) -> Response[Any]:
    """Restart Jellyfin, if that was agreed to."""
    server = await one_of(house, visitor_of(request), data.server)
    if not data.agreed:
        return _to(server, "A restart interrupts whoever is watching: tick that this is all right.", "warn")
    problem = await attempted(house, server, hooking_of(house, server).restart())
    if problem is not None:
        return await hear_page(request, house, server, status=400, problem=problem)
    return _to(server, "Jellyfin restarts. This page goes on once it answers again.")


@post("/set-up/hear/hook-up", opt=FOR_ADMINISTRATORS)
async def hook_up(request: AnyRequest, house: NamedDependency[House], data: Form) -> Response[Any]:
    """Have the plugin tell us, and read back that it will."""
    server = await one_of(house, visitor_of(request), data.server)
    hooking = hooking_of(house, server)
    problem = await attempted(
        house, server, hooking.hook_up(data.address, with_marks=house.settings.record_manual), is_short=True
    )
    if problem is not None:
        return await hear_page(request, house, server, status=400, problem=problem, address=data.address)
    await _decide(house, server, polls_only=False)
    return _to(server, "Done: it was written, read back, and is as it should be. Now play something.")


@post("/set-up/hear/undo", opt=FOR_ADMINISTRATORS)
async def undo(request: AnyRequest, house: NamedDependency[House], data: Form) -> Response[Any]:
    """Take out of the plugin what was put in, and nothing else."""
    server = await one_of(house, visitor_of(request), data.server)
    hooking, gone = hooking_of(house, server), []

    async def unhook() -> None:
        gone.append(await hooking.unhook())

    problem = await attempted(house, server, unhook(), is_short=True)
    if problem is not None:
        return await hear_page(request, house, server, status=400, problem=problem)
    return _to(server, f"Taken back: {counted(sum(gone), 'destination')} of ours removed from the plugin.")


@post("/set-up/hear/by-hand", opt=FOR_ADMINISTRATORS, status_code=201)
async def by_hand(request: AnyRequest, house: NamedDependency[House], data: Form) -> Response[Any]:
    """Make a token for this server's webhooks, and show once what to enter in the plugin."""
    server = await one_of(house, visitor_of(request), data.server)
    try:
        url = checked_address(data.address)
    except SettingRefused as error:
        problem = Wrong(str(error))
        return await hear_page(request, house, server, status=400, problem=problem, address=data.address)
    token = (await minted(house, server.id)).token
    await _decide(house, server, polls_only=False)
    return await shown(
        request,
        house,
        Step.HEAR,
        "set_up/by_hand.html",
        status=201,
        server=server,
        server_name=name_of(server),
        url=url,
        token=token,
        with_marks=house.settings.record_manual,
    )


@post("/set-up/hear/polls", opt=FOR_ADMINISTRATORS)
async def polls(request: AnyRequest, house: NamedDependency[House], data: Form) -> Response[Any]:
    """Keep that polls are enough for this server, and go on."""
    server = await one_of(house, visitor_of(request), data.server)
    await _decide(house, server, polls_only=True)
    where = "/set-up/people" if visitor_of(request).is_owner else "/admin"
    return redirect(where, f"{name_of(server)} is asked now and then what plays. Its webhooks can be set up later.")


async def _decide(house: House, server: Server, *, polls_only: bool) -> None:
    async with house.store.begin() as db:
        await first_start.decide(db, server.id, polls_only=polls_only)


def _to(server: Server, said: str, kind: str = "good") -> Redirect:
    return redirect(f"/set-up/hear?server={server.id}", said, kind)


ROUTES = (hear, install, restart, hook_up, undo, by_hand, polls)
