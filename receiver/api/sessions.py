"""``/sessions``: what is playing now; ``/live`` streams it."""

from __future__ import annotations

from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import ServiceUnavailableException
from litestar.response import ServerSentEvent

from receiver.api.pages import Page
from receiver.api.words import PlaybackWords, playback_words
from receiver.house import House
from reconcile.store.history import playing


@get("/sessions", tags=["live"])
async def sessions(house: NamedDependency[House]) -> Page[PlaybackWords]:
    """Return the open playbacks, newest first. All of them: there are as many as people watch."""
    async with house.store.read() as db:
        return Page([playback_words(row) for row in await playing(db)])


@get("/live", tags=["live"], media_type="text/event-stream")
async def live(house: NamedDependency[House]) -> ServerSentEvent:
    """Stream `sessions` events (as GET /sessions) as they change, and a `history` event when rows have changed."""
    if house.live.is_full:
        raise ServiceUnavailableException("Too many are listening already.")
    return ServerSentEvent(house.live.stream(), headers={"cache-control": "no-store", "x-accel-buffering": "no"})
