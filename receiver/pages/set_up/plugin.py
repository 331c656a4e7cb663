"""What stands between us and a server's Webhook plugin, as the page of the second step says it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from enum import StrEnum
from typing import Any

import msgspec
from litestar.exceptions import NotFoundException
from litestar.response import Template

from receiver.house import House
from receiver.pages.admin.tabs import administered, administered_one, name_of
from receiver.pages.doors import is_behind_tls, visitor_of
from receiver.pages.rendering import AnyRequest
from receiver.pages.set_up.heard import Listening, listening_of
from receiver.pages.set_up.state import Step, shown
from receiver.pages.set_up.words import Wrong, our_address, reach_hints, wrong
from receiver.visitors import Visitor
from receiver.wires import Wire
from reconcile.errors import JellyfinUnreachable, PlayledgerError
from reconcile.hooking import Hooking, Looked, Pointer
from reconcile.jellyfin.webhook_plugin import PluginState
from reconcile.store.servers import Server

LOOK_SECONDS = 5.0
WRITE_SECONDS = 30.0
INSTALL_SECONDS = 130.0


class Ear(StrEnum):
    """How it stands with the plugin."""

    NO_SERVER = "no server"
    NO_KEY = "no key"
    AWAY = "away"
    MISSING = "missing"
    RESTART = "restart"
    INACTIVE = "inactive"
    READY = "ready"
    BROKEN = "broken"
    HOOKED = "hooked"


class Plugin(msgspec.Struct, frozen=True):
    """How it stands, the destinations that point at us, and why the server could not be asked."""

    ear: Ear
    version: str = ""
    status: str = ""
    tells_check_ins: bool = True
    own: Pointer | None = None
    others: tuple[Pointer, ...] = ()
    problem: Wrong | None = None


async def plugin_of(house: House, server: Server | None) -> Plugin:
    """Return how it stands with the plugin of *server*, asked now. Never raises what a server does wrong."""
    if server is None:
        return Plugin(Ear.NO_SERVER)
    wire, hooking = house.wires.of(server.id), house.wires.hooking(server.id, house.refresh)
    if wire is None or hooking is None:
        return Plugin(Ear.NO_KEY)
    try:
        async with asyncio.timeout(LOOK_SECONDS), wire.turn:
            return _plugin(await hooking.look())
    except (PlayledgerError, TimeoutError) as error:
        return Plugin(Ear.AWAY, problem=_problem(error, wire))


def _plugin(looked: Looked) -> Plugin:
    found = looked.plugin
    own = next((each for each in looked.pointers if each.is_own), None)
    ear = {
        PluginState.MISSING: Ear.MISSING,
        PluginState.RESTART: Ear.RESTART,
        PluginState.INACTIVE: Ear.INACTIVE,
        PluginState.ACTIVE: Ear.READY if own is None else Ear.HOOKED if own.works else Ear.BROKEN,
    }[found.state]
    others = tuple(each for each in looked.pointers if each is not own)
    return Plugin(ear, found.version or "", found.status or "", found.tells_check_ins, own, others)


async def attempted(house: House, server: Server, what: Awaitable[Any], *, is_short: bool = False) -> Wrong | None:
    """Await *what* is to be done at a server; return what went wrong, None if nothing did.

    What *is_short* has the server to itself; what takes minutes does not keep it from being polled.
    """
    wire = house.wires.of(server.id)
    if wire is None:
        raise NotFoundException("The address and API key of this server are not known.")
    turn = wire.turn if is_short else asyncio.Lock()
    try:
        async with asyncio.timeout(WRITE_SECONDS if is_short else INSTALL_SECONDS), turn:
            await what
    except (PlayledgerError, TimeoutError) as error:
        return _problem(error, wire)
    wire.poller.hurry()
    return None


def _problem(error: PlayledgerError | TimeoutError, wire: Wire) -> Wrong:
    found = wrong(error, wire.client.url)
    if isinstance(error, JellyfinUnreachable | TimeoutError):
        return msgspec.structs.replace(found, do="It may be starting: this page looks again by itself.")
    return found


def hooking_of(house: House, server: Server) -> Hooking:
    """Return what sets the plugin of *server* up. Raises NotFoundException (404) where it cannot be asked."""
    found = house.wires.hooking(server.id, house.refresh)
    if found is None:
        raise NotFoundException("The address and API key of this server are not known: add them first.")
    return found


async def one_of(house: House, visitor: Visitor, server_id: str) -> Server:
    """Return a server that *visitor* administers. Raises NotFoundException (404)."""
    return await administered_one(house, visitor, server_id)


async def found_at(house: House, visitor: Visitor, server_id: str) -> tuple[Server | None, list[Server]]:
    """Return the server that is asked for, else the first that nothing makes heard; and all that are administered."""
    known = await administered(house, visitor)
    if server_id:
        return await administered_one(house, visitor, server_id), known
    asked = [each for each in known if house.wires.of(each.id) is not None]
    unheard = [each for each in asked if each.id not in house.hearing.servers]
    return next(iter([*unheard, *asked, *known]), None), known


async def hear_page(
    request: AnyRequest,
    house: House,
    server: Server | None,
    others: Sequence[Server] = (),
    *,
    status: int = 200,
    problem: Wrong | None = None,
    address: str = "",
) -> Template:
    """Return the page of the second step for *server*."""
    plugin = await plugin_of(house, server)
    ours = address or our_address(request.headers.get("host", ""), is_tls=is_behind_tls(request))
    wire = None if server is None else house.wires.of(server.id)
    playing = (
        [] if server is None else [row for row in (await house.live.playing()).rows if row["server_id"] == server.id]
    )
    is_administrator_only = not visitor_of(request).is_owner
    return await shown(
        request,
        house,
        Step.HEAR,
        "set_up/hear.html",
        status=status,
        server=server,
        server_name="" if server is None else name_of(server),
        servers=[(each.id, name_of(each)) for each in others],
        plugin=plugin,
        problem=problem,
        address=ours,
        hints=reach_hints(ours, None if wire is None else wire.client.url, house.settings.host),
        playing=len(playing),
        listening=listening_of(house, server) if server is not None else Listening(),
        polls=house.settings.poll and house.settings.monitor_enabled and wire is not None,
        pace=house.settings.poll_interval.total_seconds(),
        is_guest=is_administrator_only,
    )
