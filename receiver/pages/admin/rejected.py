"""Rejected: what could not be read, by reason and place, with examples that can be tried again after a fix."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from receiver.api.pages import LARGEST_ID, Cursor, cursor_of, place_of
from receiver.api.rejected import AT_ONCE, TriedAgain, try_again
from receiver.house import House
from receiver.pages.admin.bodies import presentable
from receiver.pages.admin.tabs import tab
from receiver.pages.doors import FOR_OWNERS
from receiver.pages.rendering import AnyRequest, redirect
from receiver.pages.saying import counted
from reconcile.store import received

LIMIT = 50


@get("/admin/rejected", opt=FOR_OWNERS)
async def rejected_list(request: AnyRequest, house: NamedDependency[House], cursor: Cursor = None) -> Response[Any]:
    """Show what could not be read, the latest first."""
    place = place_of(cursor)
    skip = place[1] if place else 0
    async with house.store.read() as db:
        rows = await received.rejections(db, skip, LIMIT + 1)
    shown = rows[:LIMIT]
    older = f"/admin/rejected?cursor={cursor_of((shown[-1]['last_at'], skip + LIMIT))}" if len(rows) > LIMIT else None
    examples = any(each["examples"] for each in shown)
    return tab(request, house, "rejected.html", rows=shown, older=older, has_examples=examples, at_once=AT_ONCE)


@get("/admin/rejected/{number:int}", opt=FOR_OWNERS)
async def one(request: AnyRequest, house: NamedDependency[House], number: FromPath[int]) -> Response[Any]:
    """Show an example."""
    if not 0 < number <= LARGEST_ID:
        raise NotFoundException("There is no such example.")
    async with house.store.read() as db:
        row = await received.one_rejected(db, number)
    if row is None:
        raise NotFoundException("There is no such example: it could be read meanwhile, or was kept long enough.")
    return tab(request, house, "rejected_one.html", row=row, body=presentable(row["body"]))


@post("/admin/rejected/retry", opt=FOR_OWNERS)
async def retry_all(house: NamedDependency[House]) -> Response[Any]:
    """Read all examples once more."""
    return _said(await try_again(house))


@post("/admin/rejected/{number:int}/retry", opt=FOR_OWNERS)
async def retry(house: NamedDependency[House], number: FromPath[int]) -> Response[Any]:
    """Read one example once more."""
    if not 0 < number <= LARGEST_ID:
        raise NotFoundException("There is no such example.")
    return _said(await try_again(house, number))


def _said(done: TriedAgain) -> Response[Any]:
    tried = counted(done.tried, "example")
    if not done.read:
        why = f" {done.refused[0]}" if done.refused else ""
        return redirect("/admin/rejected", f"{tried} tried: none can be read yet.{why}", "warn")
    return redirect(
        "/admin/rejected", f"{tried} tried: {done.read} can be read now, {done.recorded} of them were news."
    )


ROUTES = (rejected_list, one, retry_all, retry)
