"""Imports: what another tool kept of earlier years is read, looked at, tried, applied, and undone as one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import ServerSentEvent, ServerSentEventMessage

from receiver import first_start
from receiver.api.pages import LARGEST_ID, Cursor, cursor_of, place_of
from receiver.house import House
from receiver.pages.admin.import_form import Begun, begun, form_for, said
from receiver.pages.admin.imports_view import OVER, Row, line_of, view_of
from receiver.pages.admin.tabs import name_of, tab
from receiver.pages.doors import FOR_OWNERS
from receiver.pages.pictures.months import in_words, timeline_for_any_width
from receiver.pages.rendering import AnyRequest, redirect
from receiver.pages.uploads import UPLOAD, UPLOADED
from receiver.pages.you.rules import zones
from reconcile.errors import SettingRefused, StoreBusy, StoreError
from reconcile.store import imports, servers

PATH = "/admin/imports"
LIMIT = 20
LOOK_EVERY_SECONDS = 1.0
FOR_SECONDS = 600.0
"""How long one stream lasts; the browser begins another by itself."""

_LONGEST_ZONE = 80


@get("/admin/imports", opt=FOR_OWNERS)
async def import_list(request: AnyRequest, house: NamedDependency[House], cursor: Cursor = None) -> Response[Any]:
    """Show the imports there were, and the form for another."""
    return await _listed(request, house, cursor)


@post("/admin/imports", opt=FOR_OWNERS | UPLOAD, request_max_body_size=UPLOADED)
async def begin(request: AnyRequest, house: NamedDependency[House]) -> Response[Any]:
    """Read what another tool kept; nothing of it counts yet."""
    made = await begun(request, house)
    return await _listed(request, house, None, made) if made.number is None else redirect(f"{PATH}/{made.number}")


@get("/admin/imports/{number:int}", opt=FOR_OWNERS)
async def one(request: AnyRequest, house: NamedDependency[House], number: FromPath[int]) -> Response[Any]:
    """Show an import: what was read, how it lies to what was seen live, and what it did or would do."""
    return await _one(request, house, await _import(house, number))


@post("/admin/imports/{number:int}/try", opt=FOR_OWNERS)
async def try_out(request: AnyRequest, house: NamedDependency[House], number: FromPath[int]) -> Response[Any]:
    """Say what applying it would do, without doing it."""
    return await _asked(request, house, number, imports.TRY)


@post("/admin/imports/{number:int}/apply", opt=FOR_OWNERS)
async def apply(request: AnyRequest, house: NamedDependency[House], number: FromPath[int]) -> Response[Any]:
    """Take it into the history."""
    return await _asked(request, house, number, imports.APPLY)


@post("/admin/imports/{number:int}/undo", opt=FOR_OWNERS)
async def undo(request: AnyRequest, house: NamedDependency[House], number: FromPath[int]) -> Response[Any]:
    """Take it out of the history again, as one."""
    return await _asked(request, house, number, imports.UNDO)


@post("/admin/imports/{number:int}/discard", opt=FOR_OWNERS)
async def discard(request: AnyRequest, house: NamedDependency[House], number: FromPath[int]) -> Response[Any]:
    """Forget what was read, of which nothing is in the history."""
    row = await _import(house, number)
    try:
        await house.importer.discard(number)
    except (SettingRefused, StoreBusy) as error:
        return await _refused(request, house, row, error)
    return redirect(PATH, "The import is discarded: nothing of it was kept.")


async def _asked(request: AnyRequest, house: House, number: int, task: str) -> Response[Any]:
    """Have a *task* done, by the time zone that the form says, and show how far it is."""
    row = await _import(house, number)
    zone = str((await request.form()).get("zone", "")).strip()[:_LONGEST_ZONE]
    try:
        await house.importer.ask(number, task, zone or None)
    except (SettingRefused, StoreBusy) as error:
        return await _refused(request, house, row, error, zone)
    return redirect(f"{PATH}/{number}")


async def _refused(
    request: AnyRequest, house: House, row: Row, error: SettingRefused | StoreBusy, typed: str = ""
) -> Response[Any]:
    status = 409 if isinstance(error, StoreBusy) else 400
    return await _one(request, house, row, status=status, error=said(error, house, row["server_id"]), typed=typed)


@get("/admin/imports/{number:int}/stream", opt=FOR_OWNERS)
async def stream(request: AnyRequest, house: NamedDependency[House], number: FromPath[int]) -> ServerSentEvent:
    """Tell how far an import is, until it is done: then the page is to be loaded anew."""
    await _import(house, number)
    return ServerSentEvent(_told(request, house, number))


async def _told(request: AnyRequest, house: House, number: int) -> AsyncIterator[ServerSentEventMessage]:
    engine: Any = request.app.template_engine
    part, before = engine.get_template("admin/import_progress.html"), ""
    for _ in range(int(FOR_SECONDS / LOOK_EVERY_SECONDS)):
        if house.live.is_closed:
            return
        try:
            async with house.store.read() as db:
                row = await imports.one(db, number)
        except StoreError:
            yield ServerSentEventMessage(comment="the database does not answer")
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            continue
        if row is None or row["state"] in OVER:
            yield ServerSentEventMessage(event="reload", data="{}")
            return
        html = part.render(row=row)
        if html != before:
            told = msgspec.json.encode({"id": "progress", "html": html})
            yield ServerSentEventMessage(event="part", data=told.decode())
        else:
            yield ServerSentEventMessage(comment="still here")
        before = html
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _listed(request: AnyRequest, house: House, cursor: str | None, made: Begun | None = None) -> Response[Any]:
    place = place_of(cursor)
    async with house.store.read() as db:
        rows = await imports.imports(db, place[1] if place else None, LIMIT + 1)
        names = {each.id: name_of(each) for each in await servers.all_of_them(db)}
    last = rows[LIMIT - 1] if len(rows) > LIMIT else None
    return tab(
        request,
        house,
        "imports.html",
        status=200 if made is None else made.status,
        form=await form_for(request, house, PATH, made),
        rows=[line_of(row, names) for row in rows[:LIMIT]],
        older=None if last is None else f"{PATH}?cursor={cursor_of((last['requested_at'], last['id']))}",
    )


async def _one(
    request: AnyRequest, house: House, row: Row, *, status: int = 200, error: str = "", typed: str = ""
) -> Response[Any]:
    async with house.store.read() as db:
        applied = await imports.count(db, row["id"], is_applied=True)
        names = {each.id: name_of(each) for each in await servers.all_of_them(db)}
        is_set_up = await first_start.is_finished(db)
    it = view_of(row, applied, house.people.accounts, str(house.people.zone))
    asks_zone = it.zone is not None and it.is_over and not applied
    return tab(
        request,
        house,
        "import.html",
        status=status,
        row=row,
        it=it,
        server=names.get(row["server_id"], "a server that is no longer known"),
        picture=timeline_for_any_width("months", it.months) if it.months else None,
        overlap=in_words(it.months) if it.months else "",
        zones=zones() if asks_zone else (),
        error=error,
        typed=typed,
        is_of_zone=bool(error and typed and asks_zone),
        is_set_up=is_set_up,
    )


async def _import(house: House, number: int) -> dict[str, Any]:
    async with house.store.read() as db:
        row = await imports.one(db, number) if 0 < number <= LARGEST_ID else None
    if row is None:
        raise NotFoundException("There is no such import.")
    return row


ROUTES = (import_list, begin, one, try_out, apply, undo, discard, stream)
