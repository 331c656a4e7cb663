"""Now playing: the page that everyone lands on, and its stream, which tells the parts that have changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from time import monotonic
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import ServiceUnavailableException
from litestar.params import QueryParameter
from litestar.response import Redirect, ServerSentEvent, ServerSentEventMessage

from receiver.api.links import tie
from receiver.house import House
from receiver.pages.doors import visitor_of
from receiver.pages.now.listening import notices_of
from receiver.pages.now.view import (
    ALL_CARDS,
    MOST_CARDS,
    Earlier,
    View,
    earlier_of,
    faces,
    private_of,
    today_of,
    view_of,
)
from receiver.pages.rendering import HEADERS, page, redirect, zone_of
from receiver.sign_in import COOKIE
from receiver.visitors import Visitor
from reconcile.accounts import LinkWish
from reconcile.errors import StoreAway
from reconcile.people import User

AnyRequest = Request[Any, Any, Any]

SURE_FOR_SECONDS = 5.0
"""How long a stream goes by the rights that its visitor had."""

EARLIER_FOR_SECONDS = 60.0
"""How long what is over is told as it was read, if nothing changed: another process may have changed it."""

NOTICES, PLAYING, EARLIER = "now-notices", "now-playing", "now-earlier"
"""The parts of the page, by the ids of their elements; each card's moving part has an id of its own."""


@get("/now")
async def now_page(
    request: AnyRequest, house: NamedDependency[House], *, all_: Annotated[bool, QueryParameter(name="all")] = False
) -> Response[Any]:
    """Show what is playing, what is just over, and how the day stands."""
    visitor = visitor_of(request)
    playing = await house.live.playing()
    view = view_of(house, visitor, playing, await earlier_of(house, visitor, playing), _most(all_=all_))
    return page(request, house, "now/now.html", **_context(house, visitor, view), shows_all=all_)


@get("/now/stream", media_type="text/event-stream")
async def now_stream(
    request: AnyRequest, house: NamedDependency[House], *, all_: Annotated[bool, QueryParameter(name="all")] = False
) -> ServerSentEvent:
    """Tell the parts of the page anew as they change, for as long as this browser is signed in."""
    if house.live.is_full:
        raise ServiceUnavailableException("Too many are listening already: reload the page to see what is new.")
    telling = Telling(request, house, visitor_of(request), _most(all_=all_))
    return ServerSentEvent(telling.messages(), headers=HEADERS | {"x-accel-buffering": "no"})


@post("/now/end-private-mode")
async def end_private_mode(request: AnyRequest, house: NamedDependency[House]) -> Redirect:
    """Record the visitor's own users again, from now on."""
    visitor = visitor_of(request)
    hidden = private_of(house, visitor, house.clock())
    for user in hidden if visitor.account_id is not None else ():
        await tie(house, user, LinkWish(visitor.account_id or 0, recorded=True), is_own=True)
    return redirect("/now", "Private mode is over: what you play is recorded again." if hidden else None)


ROUTES = (now_page, now_stream, end_private_mode)


class Telling:
    """One listener: what it was told, so that only what differs is made and told again."""

    def __init__(self, request: AnyRequest, house: House, visitor: Visitor, most: int) -> None:
        self._house = house
        self._most = most
        self._visitor = visitor
        self._token = request.cookies.get(COOKIE, "")
        self._templates: Any = request.app.template_engine
        self._private: Mapping[User, object] = private_of(house, visitor, house.clock())
        self._waits_for = house.waits_for
        self._sure_at = monotonic()
        self._view: View | None = None
        self._earlier = Earlier()
        self._earlier_of: tuple[object, ...] = ()
        self._earlier_at = 0.0
        self._told: dict[str, object] = {}

    async def messages(self) -> AsyncIterator[ServerSentEventMessage]:
        """Yield ``part`` for each part that has changed, and ``reload`` where the page is another one now."""
        async with aclosing(self._house.live.changes()) as changes:
            async for _ in changes:
                try:
                    is_over = await self._is_over()
                    found = [] if is_over else [message async for message in self._news()]
                except StoreAway:
                    is_over, found = False, list(self._away())
                if is_over:
                    yield ServerSentEventMessage(event="reload", data="{}")
                    return
                for message in found or [ServerSentEventMessage(data=None, comment="still here")]:
                    yield message

    async def _is_over(self) -> bool:
        """Say whether the page is to be loaded anew: the sign-in is over, or the rights or the frame are others."""
        house = self._house
        if self._private != private_of(house, self._visitor, house.clock()) or self._waits_for != house.waits_for:
            return True
        if monotonic() - self._sure_at < SURE_FOR_SECONDS:
            return False
        is_same = await house.sign_ins.visitor(self._token) == self._visitor
        self._sure_at = monotonic()
        return not is_same

    async def _news(self) -> AsyncIterator[ServerSentEventMessage]:
        house, visitor = self._house, self._visitor
        playing = await house.live.playing()
        of = (house.live.watches, today_of(house, visitor, house.clock()), tuple(row["id"] for row in playing.rows))
        if of != self._earlier_of or monotonic() - self._earlier_at > EARLIER_FOR_SECONDS:
            self._earlier = await earlier_of(house, visitor, playing)
            self._earlier_of, self._earlier_at = of, monotonic()
        view = view_of(house, visitor, playing, self._earlier, self._most)
        before, self._view = self._view, view
        if view != before:
            for message in self._changed(view):
                yield message

    def _changed(self, view: View) -> Iterator[ServerSentEventMessage]:
        context = _context(self._house, self._visitor, view)
        listening = None if view.cards else (view.ears, view.earlier.began, view.is_set_up)
        if (message := self._part(NOTICES, view.notices, context)) is not None:
            yield message
        if (message := self._part(PLAYING, (faces(view.cards), view.more, listening), context)) is not None:
            yield message
            still = {name: self._told[name] for name in (NOTICES, PLAYING, EARLIER) if name in self._told}
            self._told = still | {_moving(card.number): card for card in view.cards}
        for card in view.cards:
            if (message := self._part(_moving(card.number), card, context | {"card": card})) is not None:
                yield message
        earlier = (view.earlier.over, view.earlier.day.completed, view.minutes)
        if (message := self._part(EARLIER, earlier, context)) is not None:
            yield message

    def _away(self) -> Iterator[ServerSentEventMessage]:
        """Yield what is told while the database does not answer: what was told stays, and is said to be old."""
        ears = () if self._view is None else self._view.ears
        notices = tuple(notices_of(self._house, ears, self._visitor, is_away=True))
        context = {"notices": notices} | _time(self._house, self._visitor)
        self._view = None
        if (message := self._part(NOTICES, notices, context)) is not None:
            yield message

    def _part(self, part: str, it: object, context: Mapping[str, object]) -> ServerSentEventMessage | None:
        """Return the message that tells *part* anew, None where *it*, what is shown there, was told already."""
        if part in self._told and self._told[part] == it:
            return None
        self._told[part] = it
        name = "moving" if part.startswith("playback-") else part.removeprefix("now-")
        html = self._templates.get_template(f"now/{name}.html").render(context)
        told = {"id": part, "html": html, "now": round(self._house.clock().timestamp() * 1000)}
        return ServerSentEventMessage(event="part", data=msgspec.json.encode(told).decode())


def _most(*, all_: bool) -> int:
    return ALL_CARDS if all_ else MOST_CARDS


def _moving(number: int) -> str:
    return f"playback-{number}"


def _context(house: House, visitor: Visitor, view: View) -> dict[str, Any]:
    shown = {name: getattr(view, name) for name in view.__struct_fields__}
    return shown | _time(house, visitor) | {"visitor": visitor, "counted": view.earlier.day.completed}


def _time(house: House, visitor: Visitor) -> dict[str, Any]:
    now = house.clock()
    return {"now": now, "zone": zone_of(house, visitor), "today": today_of(house, visitor, now)}
