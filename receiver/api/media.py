"""``/media``: what is known of films and series, what is not, and the word of an administrator about it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromQuery, JSONBody, PathParameter
from msgspec import Meta

from receiver.api.guard import ADMIN
from receiver.api.pages import LARGEST_ID, USUAL, Cursor, Limit, Page, Text, chosen, page_of, place_of
from receiver.api.words import Row, struct_of
from receiver.house import House
from reconcile.changes import Settled
from reconcile.playback.media import Match
from reconcile.rehoming import Rehomed, Rehoming
from reconcile.store import matches, media_lists
from reconcile.store.matches import Item

Number = Annotated[int, PathParameter(ge=1, le=LARGEST_ID)]
Digits = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,11}$")]

BY = "administrator"

_THEN = datetime(1970, 1, 1, tzinfo=UTC)
_ITEM = re.compile(r"([0-9a-f]{32}):([0-9a-f]{32})")


class ItemWords(msgspec.Struct, frozen=True):
    """An item that is this media: what its library tells, what was found elsewhere, and what somebody said.

    *error* says why the library could not tell more, *next_try_at* when it is asked again.
    """

    server_id: str
    item_id: str
    title: str | None
    tmdb_id: str | None
    tvdb_id: str | None
    imdb_id: str | None
    found_tmdb_id: str | None
    found_by: str | None
    error: str | None
    next_try_at: datetime | None
    matched: Match | None


class KnownMedia(msgspec.Struct, frozen=True):
    """A film or series. *review*: its items' ids contradict each other. *watches* counts rows of the history."""

    id: int
    kind: str
    title: str
    year: int | None
    tmdb_id: str | None
    tvdb_id: str | None
    imdb_id: str | None
    seerr_media_id: int | None
    review: bool
    watches: int
    items: list[ItemWords]


class NewMatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a media really is: at least one public id. *items* (``server:item``) are those meant; null: all of them."""

    kind: str
    tmdb_id: Digits | None = None
    tvdb_id: Digits | None = None
    imdb_id: Annotated[str, Meta(pattern=r"^tt[0-9]{1,12}$")] | None = None
    title: Annotated[str, Meta(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]+$")] | None = None
    year: Annotated[int, Meta(ge=1800, le=2200)] | None = None
    items: Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(min_length=1, max_length=500)] | None = None


class MatchWords(msgspec.Struct, frozen=True):
    """What was said of one item, by whom and when, and when it was taken back."""

    id: int
    server_id: str
    item_id: str
    kind: str
    title: str | None
    year: int | None
    tmdb_id: str | None
    tvdb_id: str | None
    imdb_id: str | None
    said_by: str
    said_at: datetime
    undone_by: str | None
    undone_at: datetime | None


class Followed(msgspec.Struct, frozen=True):
    """What became of the history: *watches* rows came, went or changed; the items are *media* now."""

    dry_run: bool
    matches: list[MatchWords]
    media: list[KnownMedia]
    watches: int
    playbacks: int


class _DryRunError(Exception):
    """Takes a transaction back."""


@get("/media", tags=["media"], opt=ADMIN)
async def search(
    house: NamedDependency[House],
    *,
    q: Text = None,
    kind: FromQuery[str | None] = None,
    limit: Limit = USUAL,
    cursor: Cursor = None,
) -> Page[KnownMedia]:
    """Return media with *q* in their titles, or as one of their public ids; all of them without it."""
    kind = chosen("kind", kind, "movie", "series", "episode")
    async with house.store.read() as db:
        rows = await media_lists.search(db, q, kind, _after(cursor), limit + 1)
    return _page(rows, limit)


@get("/media/unresolved", tags=["media"], opt=ADMIN)
async def unresolved(house: NamedDependency[House], limit: Limit = USUAL, cursor: Cursor = None) -> Page[KnownMedia]:
    """Return media that somebody played and that have no public id."""
    async with house.store.read() as db:
        return _page(await media_lists.unresolved(db, _after(cursor), limit + 1), limit)


@get("/media/review", tags=["media"], opt=ADMIN)
async def review(house: NamedDependency[House], limit: Limit = USUAL, cursor: Cursor = None) -> Page[KnownMedia]:
    """Return media whose items' ids contradict each other: say of each item what it is."""
    async with house.store.read() as db:
        return _page(await media_lists.contradictory(db, _after(cursor), limit + 1), limit)


@get("/media/{number:int}", tags=["media"], opt=ADMIN)
async def one(house: NamedDependency[House], number: Number) -> KnownMedia:
    """Return one media."""
    async with house.store.read() as db:
        row = await media_lists.one(db, number)
    if row is None:
        raise NotFoundException(f"There is no media {number}.")
    return _words(row)


@post("/media/{number:int}/match", tags=["media"])
async def match(
    house: NamedDependency[House],
    number: Number,
    data: JSONBody[NewMatch],
    *,
    dry_run: FromQuery[bool] = False,
) -> Followed:
    """Say which film or series this is. Its history follows, now and whenever it is made anew. *dry_run*: as if."""
    return await say(house, number, data, dry_run=dry_run)


async def say(house: House, number: int, data: NewMatch, by: str = BY, *, dry_run: bool) -> Followed:
    """Keep what somebody said of a media. Raises NotFoundException (404), ClientException (400), or StoreError."""
    if not (data.tmdb_id or data.tvdb_id or data.imdb_id):
        raise ClientException("tmdb_id, tvdb_id or imdb_id: one of them is needed.")
    async with house.store.read() as db:
        row = await media_lists.one(db, number)
    if row is None:
        raise NotFoundException(f"There is no media {number}.")
    _check_kind(row["kind"], data.kind)
    items = _chosen_items(row, data.items)
    what = Match(data.kind, data.title, data.year, data.tmdb_id, data.tvdb_id, data.imdb_id)

    async def match_all(rehoming: Rehoming) -> Rehomed | None:
        return await rehoming.match(items, what, by)

    return await _do(house, match_all, dry_run=dry_run)


@get("/media/matches", tags=["media"], opt=ADMIN)
async def match_list(house: NamedDependency[House], limit: Limit = USUAL, cursor: Cursor = None) -> Page[MatchWords]:
    """Return what was said of items, newest first, what was taken back too."""
    place = place_of(cursor)
    async with house.store.read() as db:
        rows = await matches.said(db, place[1] if place else None, limit + 1)
    return page_of(rows, limit, lambda row: (_THEN, row["id"]), lambda row: struct_of(MatchWords, row))


@delete("/media/matches/{number:int}", tags=["media"], status_code=200)
async def undo(house: NamedDependency[House], number: Number, *, dry_run: FromQuery[bool] = False) -> Followed:
    """Take back what was said. The history goes back to what is told otherwise."""
    return await unsay(house, number, dry_run=dry_run)


async def unsay(house: House, number: int, by: str = BY, *, dry_run: bool) -> Followed:
    """Take back what was said under *number*. Raises NotFoundException (404), or StoreError."""

    async def take_back(rehoming: Rehoming) -> Rehomed | None:
        return await rehoming.undo(number, by)

    return await _do(house, take_back, dry_run=dry_run)


async def _do(house: House, what: Callable[[Rehoming], Awaitable[Rehomed | None]], *, dry_run: bool) -> Followed:
    found: Followed | None = None
    settled = Settled()
    try:
        async with house.store.begin() as db:
            done = await what(Rehoming(db, house.people, house.clock(), house.tracker.ahead))
            if done is None:
                raise NotFoundException("There is nothing of that id to be taken back.")
            settled = done.settled
            said = [struct_of(MatchWords, row) for row in await matches.of_numbers(db, done.said)]
            now = [row for number in done.media if (row := await media_lists.one(db, number)) is not None]
            watches, playbacks = len(settled.watches), len(settled.playbacks)
            found = Followed(dry_run, said, [_words(row) for row in now], watches, playbacks)
            if dry_run:
                raise _DryRunError  # noqa: TRY301 - it takes the transaction back
    except _DryRunError:
        pass
    else:
        house.tracker.events.tell(settled)
    if found is None:
        raise NotFoundException("There is nothing of that id.")
    return found


def _check_kind(there: str, wanted: str) -> None:
    chosen("kind", wanted, "movie", "series")
    if (there == "movie") != (wanted == "movie"):
        is_film = there == "movie"
        raise ClientException(
            f"kind: a {'film' if is_film else 'series'} cannot become a {'series' if is_film else 'film'}; "
            "its library has to say so."
        )


def _chosen_items(row: Row, wanted: list[str] | None) -> list[Item]:
    there = [(each["server_id"], each["item_id"]) for each in row["items"]]
    if wanted is None:
        return there
    named = [(server, item) for server, _, item in (each.partition(":") for each in wanted)]
    # One episode of a series may be said to be another series'; it has no name of its own among the series' items.
    odd = [each for each in wanted if _ITEM.fullmatch(each) is None and tuple(each.split(":")) not in there]
    if odd:
        raise ClientException(f"items: {odd[0]!r} is no item: it is written as server id, colon, item id.")
    return list(dict.fromkeys(named))


def _after(cursor: str | None) -> int:
    place = place_of(cursor)
    return place[1] if place else 0


def _page(rows: Sequence[Row], limit: int) -> Page[KnownMedia]:
    return page_of(rows, limit, lambda row: (_THEN, row["id"]), _words)


def _words(row: Row) -> KnownMedia:
    items = [struct_of(ItemWords, each) for each in row["items"]]
    return struct_of(KnownMedia, {**row, "items": items})
