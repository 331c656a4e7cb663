"""Servers: how each is reached and heard, one Test for all of it, and a new address or key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from msgspec import Meta

from receiver.house import House
from receiver.pages.admin.lights import Light, key_light, poll_light, webhook_light
from receiver.pages.admin.round_trip import SET_UP, tried
from receiver.pages.admin.tabs import administered, administered_one, name_of, tab
from receiver.pages.doors import FOR_ADMINISTRATORS, visitor_of
from receiver.pages.rendering import AnyRequest, redirect
from reconcile.errors import JellyfinError, PlayledgerError, SettingRefused
from reconcile.jellyfin.client import JellyfinClient
from reconcile.store import lately
from reconcile.store.connections import connections, purpose
from reconcile.store.servers import Server


class Address(msgspec.Struct, frozen=True):
    """Where a server is; an empty key leaves the one that is kept."""

    url: Annotated[str, Meta(max_length=2000)] = ""
    api_key: Annotated[str, Meta(max_length=500)] = ""


class Card(msgspec.Struct, frozen=True):
    """A server as it is shown. *is_fixed*: the environment says its address and key."""

    id: str
    name: str
    url: str | None
    version: str | None
    ahead_seconds: float
    requests_a_minute: int | None
    is_fixed: bool
    lights: tuple[Light, Light, Light]
    flags: tuple[str, ...]


@get("/admin", opt=FOR_ADMINISTRATORS)
async def server_list(request: AnyRequest, house: NamedDependency[House]) -> Response[Any]:
    """Show the servers."""
    return await _shown(request, house)


@post("/admin/servers/{server_id:str}/test", opt=FOR_ADMINISTRATORS, status_code=200)
async def test(request: AnyRequest, house: NamedDependency[House], server_id: FromPath[str]) -> Response[Any]:
    """Try a server, all the way, and show what was found."""
    server = await administered_one(house, visitor_of(request), server_id)
    findings = await tried(house, server)
    return tab(
        request, house, "tested.html", server=server, server_name=name_of(server), findings=findings, set_up=SET_UP
    )


@post("/admin/servers/{server_id:str}/address", opt=FOR_ADMINISTRATORS)
async def move(
    request: AnyRequest,
    house: NamedDependency[House],
    server_id: FromPath[str],
    data: Annotated[Address, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Ask a server at another address, or with another key, from now on; if that works."""
    server = await administered_one(house, visitor_of(request), server_id)
    try:
        await _move(house, server, data)
    except (JellyfinError, SettingRefused) as error:
        return await _shown(request, house, status=400, wrong={server.id: (str(error), data.url)})
    return redirect("/admin", f"{name_of(server)} is asked at {data.url.strip()} from now on.")


async def _shown(
    request: AnyRequest, house: House, status: int = 200, wrong: Mapping[str, tuple[str, str]] | None = None
) -> Response[Any]:
    known = await administered(house, visitor_of(request))
    async with house.store.read() as db:
        looks = await lately.looked_at(db)
    now = house.clock()
    cards = [_card(house, each, looks.get(each.id), now) for each in known]
    return tab(request, house, "servers.html", status=status, cards=cards, wrong=wrong or {})


def _card(house: House, server: Server, looked_at: datetime | None, now: datetime) -> Card:
    wire = house.wires.of(server.id)
    status = None if wire is None else wire.poller.status
    heard = house.hearing.servers.get(server.id)
    ahead = house.tracker.ahead.get(server.id, timedelta(seconds=server.clock_offset_seconds))
    ours = None if looked_at is None else looked_at - ahead
    return Card(
        id=server.id,
        name=name_of(server),
        url=status.url if status is not None else server.url,
        version=server.version,
        ahead_seconds=ahead.total_seconds(),
        requests_a_minute=None if status is None else status.requests_a_minute,
        is_fixed=wire is not None and wire.is_of_environment,
        lights=(key_light(status), webhook_light(heard, status, house.started_at, now), poll_light(status, ours, now)),
        flags=tuple(sorted(heard.flags)) if heard is not None else (),
    )


# --- another address --------------------------------------------------------------------------------------------------


async def _move(house: House, server: Server, data: Address) -> None:
    """Try the new address and key, and keep them. Raises JellyfinError or SettingRefused."""
    wire = house.wires.of(server.id)
    if wire is not None and wire.is_of_environment:
        raise SettingRefused("JELLYFIN_URL and JELLYFIN_API_KEY say it: change them there, and start again.")
    key = data.api_key.strip() or await _kept_key(house, server.id)
    client = JellyfinClient(data.url.strip(), key, house.wires.http, house.clock)
    info = await client.public_info()
    if info.id != server.id:
        raise SettingRefused(f"That is another server ({info.name or 'without a name'}): add it as one of its own.")
    await house.wires.meet(data.url.strip(), key)
    await house.refresh()


async def _kept_key(house: House, server_id: str) -> str:
    async with house.store.read() as db:
        kept = {each.server_id: each.sealed_key for each in await connections(db)}
    if server_id not in kept:
        raise SettingRefused("No API key is kept for it: paste one, from Dashboard › API Keys.")
    try:
        return house.safe.decrypted(kept[server_id], purpose(server_id))
    except PlayledgerError as error:
        raise SettingRefused(str(error)) from error


ROUTES = (server_list, test, move)
