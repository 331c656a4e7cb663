"""Posters: the picture of what a playback shows, for whoever may see the playback. Other sites are never asked."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import PathParameter

from receiver.api.pages import LARGEST_ID
from receiver.house import House
from receiver.pages.doors import visitor_of
from receiver.pages.rendering import HEADERS
from reconcile.playback.facts import item_of
from reconcile.store.history import one_playback

AnyRequest = Request[Any, Any, Any]

_NONE = HEADERS | {"cache-control": "private, max-age=600", "vary": "cookie"}
"""That there is no picture is to be kept for a while, too: a live page would ask each time that it changes."""


@get("/posters/{playback_id:int}")
async def poster(
    request: AnyRequest,
    house: NamedDependency[House],
    playback_id: Annotated[int, PathParameter(ge=1, le=LARGEST_ID)],
) -> Response[bytes]:
    """Return the poster of a series or film; nothing (204) where it has none; 404 for what is not the visitor's."""
    visitor = visitor_of(request)
    async with house.store.read() as db:
        row = await one_playback(db, playback_id)
    if row is None or not visitor.may_see(row["account_id"]):
        return Response(b"", status_code=404, headers=HEADERS, media_type="text/plain")
    found = await house.posters.of(row["server_id"], item_of(row["facts"]).series_id, row["item_id"])
    if found is None:
        return Response(b"", status_code=204, headers=_NONE)  # no error: browsers would complain of each one
    headers = HEADERS | found.headers
    if request.headers.get("if-none-match") == found.etag:
        return Response(b"", status_code=304, headers=headers)
    return Response(found.body, headers=headers, media_type=found.content_type)


ROUTES = (poster,)
