"""The set-up: where to go on, what becomes of what was before, and its end."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect, Template

from receiver import first_start
from receiver.house import House
from receiver.pages.admin.import_form import Begun, begun, form_for
from receiver.pages.admin.imports_view import line_of
from receiver.pages.admin.tabs import name_of
from receiver.pages.doors import FOR_OWNERS
from receiver.pages.rendering import AnyRequest, redirect
from receiver.pages.set_up.state import Step, progress_of, shown
from receiver.pages.uploads import UPLOAD, UPLOADED
from reconcile.store import imports, servers

SHOWN = 5
"""How many of the latest imports the step shows."""


@get("/set-up", opt=FOR_OWNERS)
async def start(house: NamedDependency[House]) -> Response[Any]:
    """Lead to the first step that needs something; once it is finished, to where another server is added."""
    progress = await progress_of(house)
    step = Step.CONNECT if progress.is_finished else progress.next_step or Step.HISTORY
    return Redirect(f"/set-up/{step}", status_code=303)


@get("/set-up/history", opt=FOR_OWNERS)
async def history(request: AnyRequest, house: NamedDependency[House]) -> Template:
    """Offer to import what was watched before: now, or later."""
    return await _history(request, house)


@post("/set-up/history", opt=FOR_OWNERS | UPLOAD, request_max_body_size=UPLOADED)
async def read_history(request: AnyRequest, house: NamedDependency[House]) -> Response[Any]:
    """Read what another tool kept, and show it; from there one comes back here."""
    made = await begun(request, house)
    return await _history(request, house, made) if made.number is None else redirect(f"/admin/imports/{made.number}")


async def _history(request: AnyRequest, house: House, made: Begun | None = None) -> Template:
    async with house.store.read() as db:
        rows = await imports.imports(db, None, SHOWN)
        names = {each.id: name_of(each) for each in await servers.all_of_them(db)}
    form = await form_for(request, house, f"/set-up/{Step.HISTORY}", made)
    status = 200 if made is None else made.status
    lines = [line_of(row, names) for row in rows]
    return await shown(request, house, Step.HISTORY, "set_up/history.html", status=status, form=form, rows=lines)


@post("/set-up/finish", opt=FOR_OWNERS)
async def finish(house: NamedDependency[House]) -> Redirect:
    """Keep that the set-up is finished, and show how what is played arrives."""
    async with house.store.begin() as db:
        await first_start.finish(db, house.clock())
    return redirect("/set-up/done")


ROUTES = (start, history, read_history, finish)
