"""Media: what nobody could number, what contradicts itself, what was searched for, and the word of an administrator."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import Body, FromPath
from msgspec import Meta

from receiver.api.media import Followed, NewMatch, say, unsay
from receiver.api.pages import LARGEST_ID, Cursor, Text, cursor_of, place_of
from receiver.house import House
from receiver.pages.admin.tabs import tab
from receiver.pages.doors import FOR_OWNERS
from receiver.pages.rendering import AnyRequest, redirect
from receiver.pages.saying import counted
from reconcile.store import matches, media_lists

LIMIT = 25

_THEN = datetime(1970, 1, 1, tzinfo=UTC)
"""The instant of cursors where rows go by number alone."""

Short = Annotated[str, Meta(max_length=20)]
Row = dict[str, Any]


class Said(msgspec.Struct, frozen=True):
    """What a media is, as it is entered. *apply*: do it; else only say what it would do."""

    kind: Short = ""
    tmdb_id: Short = ""
    tvdb_id: Short = ""
    imdb_id: Short = ""
    title: Annotated[str, Meta(max_length=500)] = ""
    year: Short = ""
    apply: bool = False


@get("/admin/media", opt=FOR_OWNERS)
async def media_list(
    request: AnyRequest, house: NamedDependency[House], *, q: Text = None, cursor: Cursor = None
) -> Response[Any]:
    """Show what needs a word, what was found, and what was said before."""
    place = place_of(cursor)
    async with house.store.read() as db:
        found = await media_lists.search(db, q, None, 0, LIMIT + 1) if q else []
        contradictory = await media_lists.contradictory(db, 0, LIMIT + 1)
        unresolved = await media_lists.unresolved(db, place[1] if place else 0, LIMIT + 1)
        said = await matches.said(db, None, LIMIT)
    last = unresolved[LIMIT - 1]["id"] if len(unresolved) > LIMIT else None
    return tab(
        request,
        house,
        "media.html",
        q=q or "",
        found=found[:LIMIT],
        found_more=len(found) > LIMIT,
        contradictory=contradictory[:LIMIT],
        unresolved=unresolved[:LIMIT],
        older=None if last is None else f"/admin/media?cursor={_cursor(last)}",
        said=said,
    )


@get("/admin/media/{number:int}", opt=FOR_OWNERS)
async def one(request: AnyRequest, house: NamedDependency[House], number: FromPath[int]) -> Response[Any]:
    """Show a media with its items, and the form that says what it is."""
    row = await _media(house, number)
    is_series = row["kind"] != "movie"
    entered = Said(
        kind="series" if is_series else "movie",
        tmdb_id=row["tmdb_id"] or "",
        tvdb_id=row["tvdb_id"] or "",
        imdb_id=row["imdb_id"] or "",
        title=row["title"] or "",
        year=str(row["year"] or ""),
    )
    return _one(request, house, row, entered)


@post("/admin/media/{number:int}", opt=FOR_OWNERS, status_code=200)
async def match(
    request: AnyRequest,
    house: NamedDependency[House],
    number: FromPath[int],
    data: Annotated[Said, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Say what a media is, or what saying so would do."""
    row = await _media(house, number)
    try:
        done = await say(house, number, _wish(data), dry_run=not data.apply)
    except ClientException as error:
        return _one(request, house, row, data, error=error.detail, status=400)
    if not data.apply:
        return _one(request, house, row, data, would=done)
    return redirect("/admin/media", f"{row['title'] or 'It'} is matched: {_followed(done)}.")


@post("/admin/media/matches/{number:int}/undo", opt=FOR_OWNERS)
async def undo(house: NamedDependency[House], number: FromPath[int]) -> Response[Any]:
    """Take back what was said."""
    if not 0 < number <= LARGEST_ID:
        raise NotFoundException("There is nothing of that number.")
    done = await unsay(house, number, dry_run=False)
    return redirect("/admin/media", f"Taken back: {_followed(done)}.")


def _one(
    request: AnyRequest,
    house: House,
    row: Row,
    entered: Said,
    *,
    would: Followed | None = None,
    error: str | None = None,
    status: int = 200,
) -> Response[Any]:
    followed = None if would is None else _followed(would)
    return tab(request, house, "media_one.html", status=status, row=row, entered=entered, would=followed, error=error)


def _wish(data: Said) -> NewMatch:
    """Return what was entered as the API reads it. Raises ClientException (400) naming the field."""
    told = {name: getattr(data, name).strip() or None for name in ("tmdb_id", "tvdb_id", "imdb_id", "title", "year")}
    try:
        return msgspec.convert(told | {"kind": data.kind}, NewMatch, strict=False)
    except msgspec.ValidationError as error:
        field = str(error).rpartition("$.")[2].rstrip("`")
        raise ClientException(_WRONG.get(field, f"{field}: {error}")) from error


_WRONG = {
    "tmdb_id": "TMDB: a number is needed, as in its address there.",
    "tvdb_id": "TVDB: a number is needed, as in its address there.",
    "imdb_id": "IMDb: tt and a number are needed, such as tt0114709.",
    "year": "Year: four digits from 1800 on are needed.",
    "title": "Title: it has characters that no title has.",
}


def _followed(done: Followed) -> str:
    rows, playbacks = counted(done.watches, "row"), counted(done.playbacks, "playback")
    would = "would change" if done.dry_run else "changed"
    return f"{rows} of the history {would}, of {playbacks}"


async def _media(house: House, number: int) -> Row:
    async with house.store.read() as db:
        row = await media_lists.one(db, number) if 0 < number <= LARGEST_ID else None
    if row is None:
        raise NotFoundException("There is no such film or series.")
    return row


def _cursor(number: int) -> str:
    return cursor_of((_THEN, number))


ROUTES = (media_list, one, match, undo)
