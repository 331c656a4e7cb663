"""The end of the set-up: something is played, and is seen to arrive, by each channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import ServiceUnavailableException
from litestar.response import ServerSentEvent, ServerSentEventMessage, Template

from receiver.api.words import playback_words
from receiver.house import House
from receiver.live import Playing
from receiver.pages.doors import FOR_OWNERS, is_as_before, visitor_of
from receiver.pages.history.titles import unit_in_words
from receiver.pages.now.listening import Ear, ears_of
from receiver.pages.now.routes import SURE_FOR_SECONDS
from receiver.pages.rendering import HEADERS, AnyRequest, page
from receiver.pages.set_up.hearing import EVERY_SECONDS, LONGEST_SECONDS, part
from receiver.pages.set_up.state import progress_of
from receiver.visitors import Visitor
from reconcile.errors import StoreAway

PART = "set-up-arrives"
SHOWN = 3
"""How many of the playbacks that have arrived are shown."""


class Arrived(msgspec.Struct, frozen=True):
    """A playback that is open: what plays, who watches where, and which channels tell of it."""

    number: int
    title: str
    who: str
    device: str
    channels: tuple[str, ...]


class View(msgspec.Struct, frozen=True):
    """How each server is heard, and what has arrived."""

    ears: tuple[Ear, ...]
    arrived: tuple[Arrived, ...]


@get("/set-up/done", opt=FOR_OWNERS)
async def done(request: AnyRequest, house: NamedDependency[House]) -> Template:
    """Show what arrives."""
    view = _view(house, visitor_of(request), await house.live.playing())
    progress = await progress_of(house)
    return page(request, house, "set_up/done.html", view=view, progress=progress)


@get("/set-up/done/stream", media_type="text/event-stream", opt=FOR_OWNERS)
async def stream(request: AnyRequest, house: NamedDependency[House]) -> ServerSentEvent:
    """Tell what arrives, as it does."""
    if house.live.is_full:
        raise ServiceUnavailableException("Too many are listening already: reload the page to see what is new.")
    telling = _telling(request, house, visitor_of(request))
    return ServerSentEvent(telling, headers=HEADERS | {"x-accel-buffering": "no"})


async def _telling(request: AnyRequest, house: House, visitor: Visitor) -> AsyncIterator[ServerSentEventMessage]:
    templates: Any = request.app.template_engine
    told: View | None = None
    began = sure_at = monotonic()
    while not house.live.is_closed and monotonic() - began < LONGEST_SECONDS:
        try:
            if monotonic() - sure_at >= SURE_FOR_SECONDS:
                if not await is_as_before(house, request, visitor):
                    yield ServerSentEventMessage(event="reload", data="{}")
                    return
                sure_at = monotonic()
            view: View | None = _view(house, visitor, await house.live.playing())
        except StoreAway:
            view = None  # what was told stays
        if view is not None and view != told:
            told = view
            yield part(templates, house, PART, "set_up/arrives.html", {"view": view})
        else:
            yield ServerSentEventMessage(data=None, comment="still here")
        await asyncio.sleep(EVERY_SECONDS)


def _view(house: House, visitor: Visitor, playing: Playing) -> View:
    ears = tuple(ears_of(house, playing.servers, playing.looked, visitor))
    return View(ears, tuple(_arrived(row) for row in playing.rows[:SHOWN]))


def _arrived(row: Any) -> Arrived:  # noqa: ANN401 - a row
    words = playback_words(row)
    media = words.media
    unit = unit_in_words(words.unit)
    title = f"{media.series_title} {unit}" if media.series_title else media.title or "Something"
    return Arrived(words.id, title, words.user_name or "somebody", words.device or "", tuple(words.channels))


ROUTES = (done, stream)
