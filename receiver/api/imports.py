"""``/imports``: what another tool kept of earlier years, read, tried, applied and undone. Applying is done later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, delete, get, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, HTTPException, NotFoundException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import JSONBody, PathParameter, QueryParameter

from receiver.api.guard import ADMIN
from receiver.api.pages import LARGEST_ID, USUAL, Cursor, Limit, Page, page_of, place_of
from receiver.api.words import struct_of
from receiver.house import House
from receiver.importer import LARGEST, TOO_LARGE
from reconcile.staging import Source
from reconcile.store import imports

Number = Annotated[int, PathParameter(ge=1, le=LARGEST_ID)]

EMPTY = "The file is empty: make the backup again. To ask the server itself, send no body and no Content-Type."


class ImportTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By which time zone wall times are read. It has to be said once if it was not proven."""

    zone: Annotated[str, msgspec.Meta(max_length=100, description="Such as Europe/Berlin.")] | None = None


class ImportWords(msgspec.Struct, frozen=True):
    """One import: its latest *task* (``read``, ``try``, ``apply``, ``undo``), the *state* of it, and what came of it.

    States are ``reading``, ``queued``, ``running``, ``done`` and ``failed``. *done* of *total* rows have been taken.
    """

    id: int
    server_id: str
    source: Source
    requested_at: datetime
    zone: Annotated[
        str | None,
        msgspec.Meta(
            description="The time zone of wall times, found or given; null where there are none, or none fits."
        ),
    ]
    task: str
    state: str
    done: int
    total: int
    told: Annotated[
        dict[str, Any],
        msgspec.Meta(
            description="What was read: rows, people by the numbers of their accounts, months beside what was seen "
            "live, how many were left out and why, refused rows with their places, and how well the time zone fits."
        ),
    ]
    result: Annotated[
        dict[str, Any] | None,
        msgspec.Meta(description="What the task did, or would do: the differences in sentences; error, if it failed."),
    ]


class OneImport(ImportWords, frozen=True):
    """An import; *applied* says whether anything of it is in the history."""

    applied: bool


@dataclass
class _TakesFile(Operation):
    """How the schema tells of a body that is a file."""

    def __post_init__(self) -> None:
        file = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        self.request_body = RequestBody(
            {"application/octet-stream": OpenAPIMediaType(schema=file)},
            "A backup of Playback Reporting (.tsv) or of Jellystat (.json) as it is, gzip or not, of at most 64 MiB. "
            "Without it, and without a Content-Type, Playback Reporting is asked at the server itself.",
        )


@post("/imports", tags=["imports"], request_max_body_size=LARGEST, operation_class=_TakesFile)
async def create(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    source: Annotated[Source, QueryParameter(description="Whose history it is.")],
    server_id: Annotated[
        str | None, QueryParameter(max_length=64, description="Whose people it is about; the only server if not given.")
    ] = None,
) -> OneImport:
    """Read what another tool kept; nothing of it counts before it is applied.

    Of those who are not recorded nothing is kept but how many rows there were.
    """
    server_id = server_id or house.reception.sole_server()
    if server_id is None:
        raise ClientException("server_id: of which server? There are several, or none yet.")
    try:
        body = await request.body()
    except RequestEntityTooLarge as error:
        raise HTTPException(TOO_LARGE, status_code=error.status_code) from error
    if not body and "content-type" in request.headers:
        raise ClientException(EMPTY)
    return await _one(house, await house.importer.begin(server_id, source, body or None))


@get("/imports", tags=["imports"], opt=ADMIN)
async def import_list(house: NamedDependency[House], limit: Limit = USUAL, cursor: Cursor = None) -> Page[ImportWords]:
    """Return imports, newest first."""
    place = place_of(cursor)
    async with house.store.read() as db:
        rows = await imports.imports(db, place[1] if place else None, limit + 1)
    words = [struct_of(ImportWords, row) for row in rows]
    return page_of(words, limit, lambda each: (each.requested_at, each.id), lambda each: each)


@get("/imports/{import_id:int}", tags=["imports"], opt=ADMIN)
async def one(house: NamedDependency[House], import_id: Number) -> OneImport:
    """Return one import."""
    return await _one(house, import_id)


@post("/imports/{import_id:int}/try", tags=["imports"], status_code=202)
async def attempt(
    house: NamedDependency[House], import_id: Number, data: JSONBody[ImportTask | None] = None
) -> OneImport:
    """Have it said what applying would change; nothing changes. Meanwhile what comes in waits in the spool."""
    return await _asked(house, import_id, imports.TRY, data)


@post("/imports/{import_id:int}/apply", tags=["imports"], status_code=202)
async def apply(
    house: NamedDependency[House], import_id: Number, data: JSONBody[ImportTask | None] = None
) -> OneImport:
    """Have it taken into the history. What is there already is not counted twice."""
    return await _asked(house, import_id, imports.APPLY, data)


@post("/imports/{import_id:int}/undo", tags=["imports"], status_code=202)
async def undo(house: NamedDependency[House], import_id: Number) -> OneImport:
    """Have all of it taken out of the history again, but for what another import tells of, too."""
    return await _asked(house, import_id, imports.UNDO, None)


@delete("/imports/{import_id:int}", tags=["imports"])
async def discard(house: NamedDependency[House], import_id: Number) -> None:
    """Forget an import of which nothing is in the history."""
    if not await house.importer.discard(import_id):
        raise _missing(import_id)


async def _asked(house: House, number: int, task: str, wish: ImportTask | None) -> OneImport:
    if not await house.importer.ask(number, task, None if wish is None else wish.zone):
        raise _missing(number)
    return await _one(house, number)


async def _one(house: House, number: int) -> OneImport:
    async with house.store.read() as db:
        row = await imports.one(db, number)
        if row is None:
            raise _missing(number)
        return struct_of(OneImport, row | {"applied": await imports.is_applied(db, number)})


def _missing(number: int) -> NotFoundException:
    return NotFoundException(f"There is no import {number}.")
