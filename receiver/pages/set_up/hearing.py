"""The stream of the second step: the first delivery as it comes, and the plugin as it becomes ready."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import ServiceUnavailableException
from litestar.params import FromQuery
from litestar.response import ServerSentEvent, ServerSentEventMessage

from receiver.house import House
from receiver.pages.doors import FOR_ADMINISTRATORS, visitor_of
from receiver.pages.rendering import HEADERS, AnyRequest
from receiver.pages.set_up.heard import Listening, listening_of
from receiver.pages.set_up.plugin import Ear, one_of, plugin_of
from reconcile.store.servers import Server

EVERY_SECONDS = 0.5
LOOK_EVERY_SECONDS = 3.0
LONGEST_SECONDS = 600.0
"""After so long the browser asks anew, and has to be signed in still."""

PART = "set-up-heard"
_WAITING = frozenset({Ear.AWAY, Ear.RESTART})


@get("/set-up/hear/stream", media_type="text/event-stream", opt=FOR_ADMINISTRATORS)
async def stream(
    request: AnyRequest, house: NamedDependency[House], server: FromQuery[str] = "", seen: FromQuery[str] = ""
) -> ServerSentEvent:
    """Tell what is heard, and have the page loaded anew where the plugin is not as it was *seen*."""
    if house.live.is_full:
        raise ServiceUnavailableException("Too many are listening already: reload the page to see what is new.")
    found = await one_of(house, visitor_of(request), server)
    telling = _telling(request.app.template_engine, house, found, seen)
    return ServerSentEvent(telling, headers=HEADERS | {"x-accel-buffering": "no"})


async def _telling(
    templates: Any,  # noqa: ANN401 - the engine of the app
    house: House,
    server: Server,
    seen: str,
) -> AsyncIterator[ServerSentEventMessage]:
    told: Listening | None = None
    began = looked = monotonic()
    while not house.live.is_closed and monotonic() - began < LONGEST_SECONDS:
        now = listening_of(house, server)
        if now != told:
            told = now
            yield part(templates, house, PART, "set_up/heard.html", {"listening": now})
        else:
            yield ServerSentEventMessage(data=None, comment="still here")
        if seen in _WAITING and monotonic() - looked >= LOOK_EVERY_SECONDS:
            if (await plugin_of(house, server)).ear != seen:
                yield ServerSentEventMessage(event="reload", data="{}")
                return
            looked = monotonic()
        await asyncio.sleep(EVERY_SECONDS)


def part(
    templates: Any,  # noqa: ANN401 - the engine of the app
    house: House,
    name: str,
    template: str,
    context: dict[str, Any],
) -> ServerSentEventMessage:
    """Return the message that tells a part of the page anew."""
    now = house.clock()
    html = templates.get_template(template).render({"now": now} | context)
    told = {"id": name, "html": html, "now": round(now.timestamp() * 1000)}
    return ServerSentEventMessage(event="part", data=msgspec.json.encode(told).decode())


ROUTES = (stream,)
