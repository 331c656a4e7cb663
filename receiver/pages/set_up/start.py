"""The set-up: where to go on, what becomes of what was before, and its end."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect, Template

from receiver import first_start
from receiver.house import House
from receiver.pages.doors import FOR_OWNERS
from receiver.pages.rendering import AnyRequest, redirect
from receiver.pages.set_up.state import Step, progress_of, shown


@get("/set-up", opt=FOR_OWNERS)
async def start(house: NamedDependency[House]) -> Response[Any]:
    """Lead to the first step that needs something; once it is finished, to where another server is added."""
    progress = await progress_of(house)
    step = Step.CONNECT if progress.is_finished else progress.next_step or Step.HISTORY
    return Redirect(f"/set-up/{step}", status_code=303)


@get("/set-up/history", opt=FOR_OWNERS)
async def history(request: AnyRequest, house: NamedDependency[House]) -> Template:
    """Say what becomes of what was watched before."""
    return await shown(request, house, Step.HISTORY, "set_up/history.html")


@post("/set-up/finish", opt=FOR_OWNERS)
async def finish(house: NamedDependency[House]) -> Redirect:
    """Keep that the set-up is finished, and show how what is played arrives."""
    async with house.store.begin() as db:
        await first_start.finish(db, house.clock())
    return redirect("/set-up/done")


ROUTES = (start, history, finish)
