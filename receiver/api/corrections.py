"""``/corrections``: what people said is wrong with the history, kept as facts, with who said it and when."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, HTTPException, NotFoundException
from litestar.params import FromQuery, JSONBody, PathParameter
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.api.changes import WatchChange, changes_of
from receiver.api.guard import ADMIN, speaker
from receiver.api.pages import LARGEST_ID, USUAL, Cursor, Id, Limit, Page, page_of, place_of
from receiver.api.words import struct_of
from receiver.house import House
from reconcile.correcting import Done, Saying, correct, undo
from reconcile.playback.corrections import What
from reconcile.playback.media import SOURCES, Identity
from reconcile.store import corrections
from reconcile.trial import trial

AnyRequest = Request[Any, Any, Any]

Number = Annotated[int, Meta(ge=1, le=LARGEST_ID)]
Text = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")]


class Title(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A movie or a series by its public ids, for one that is not known here yet."""

    kind: str
    title: Text
    year: int | None = None
    tmdb_id: Text | None = None
    tvdb_id: Text | None = None
    imdb_id: Text | None = None


class NewCorrection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is wrong with a *playback*, or with all that make a *watch* (a row of the history); give one of the two.

    *what*: ``not_me`` (somebody else's: *account*, if it is known whose), ``wrong_item`` (it was *media* or *title*,
    *unit*, if it is known what), ``delete``, or ``rematch`` (this file is *media* or *title*, whenever this user plays
    it). *unit* is ``s01e02`` for an episode, empty for a movie.
    """

    what: What
    playback: Number | None = None
    watch: Number | None = None
    account: Number | None = None
    media: Number | None = None
    title: Title | None = None
    unit: Annotated[str, Meta(max_length=200, pattern=r"^\S*$")] | None = None
    note: Annotated[str, Meta(max_length=1000)] | None = None


class CorrectionWords(msgspec.Struct, frozen=True):
    """A correction. *since* and *until* are the first and last check-in that it is about; null: whenever.

    *session_id* null: in any session. *undone_at* null: it holds.
    """

    id: int
    what: str
    account_id: int
    server_id: str
    user_id: str
    item_id: str
    session_id: str | None
    since: datetime | None
    until: datetime | None
    to_account_id: int | None
    to_media: dict[str, Any] | None
    to_unit: str | None
    note: str | None
    said_by: str
    said_at: datetime
    undone_by: str | None
    undone_at: datetime | None


class CorrectedWords(msgspec.Struct, frozen=True):
    """The corrections, and what they did to the history, or with *dry_run* would do."""

    corrections: list[CorrectionWords]
    dry_run: bool
    watches: list[WatchChange]
    playbacks: int


@get("/corrections", tags=["history"], opt=ADMIN)
async def correction_list(
    house: NamedDependency[House], *, account: Id = None, limit: Limit = USUAL, cursor: Cursor = None
) -> Page[CorrectionWords]:
    """Return corrections, newest first, undone ones too."""
    place = place_of(cursor)
    async with house.store.read() as db:
        rows = await corrections.corrections(db, account, place[1] if place else None, limit + 1)
    return page_of(rows, limit, lambda row: (row["said_at"], row["id"]), _words)


@post("/corrections", tags=["history"])
async def create(
    house: NamedDependency[House],
    request: AnyRequest,
    data: JSONBody[NewCorrection],
    *,
    dry_run: FromQuery[bool] = False,
) -> CorrectedWords:
    """Correct a playback or a row of the history; it is settled anew at once. With *dry_run* nothing changes."""
    if (data.playback is None) == (data.watch is None):
        raise ClientException("playback, watch: give one of the two.")
    if data.media is not None and data.title is not None:
        raise ClientException("media, title: give one of the two.")
    async with trial(house.store, dry_run=dry_run) as db:
        about = await corrections.meant(db, number=data.playback, watch=data.watch)
        if not about:
            raise NotFoundException("There is no such playback, or none that makes this row.")
        saying = Saying(data.what, speaker(request), data.account, await _media(db, data), data.unit, data.note)
        done = await correct(db, house.people.fresh(), about, saying, house.clock(), house.tracker.ahead)
        words = await _said(db, done, dry_run=dry_run)
    if not dry_run:
        house.tracker.events.tell(done.settled)
    return words


@post("/corrections/{correction_id:int}/undo", tags=["history"], status_code=200)
async def take_back(
    house: NamedDependency[House],
    request: AnyRequest,
    correction_id: Annotated[int, PathParameter(ge=1, le=LARGEST_ID)],
    *,
    dry_run: FromQuery[bool] = False,
) -> CorrectedWords:
    """Undo a correction: what it took out counts again. It stays on record. With *dry_run* nothing changes."""
    async with trial(house.store, dry_run=dry_run) as db:
        if await corrections.one(db, correction_id) is None:
            raise NotFoundException(f"There is no correction {correction_id}.")
        people = house.people.fresh()
        settled = await undo(db, people, correction_id, speaker(request), house.clock(), house.tracker.ahead)
        if settled is None:
            raise HTTPException(f"Correction {correction_id} is undone already.", status_code=409)
        words = await _said(db, Done([correction_id], settled), dry_run=dry_run)
    if not dry_run:
        house.tracker.events.tell(settled)
    return words


async def _media(db: AsyncConnection, data: NewCorrection) -> Identity | None:
    """Return the media that it was instead, by its aliases. Raises ClientException."""
    if data.media is not None:
        found = await corrections.identity_of(db, data.media)
        if found is None:
            raise ClientException(f"media: there is no media {data.media}.")
        return found
    title = data.title
    if title is None:
        return None
    ids = tuple((source, value) for source in SOURCES if (value := getattr(title, f"{source}_id")))
    if title.kind not in ("movie", "series") or not ids:
        raise ClientException("title: kind is movie or series, and one of tmdb_id, tvdb_id and imdb_id is needed.")
    return Identity(title.kind, title.title, title.year, ids)


async def _said(db: AsyncConnection, done: Done, *, dry_run: bool) -> CorrectedWords:
    rows = [row for number in done.numbers if (row := await corrections.one(db, number)) is not None]
    return CorrectedWords([_words(row) for row in rows], dry_run, changes_of(done.settled), len(done.settled.playbacks))


def _words(row: dict[str, Any]) -> CorrectionWords:
    return struct_of(CorrectionWords, row)
