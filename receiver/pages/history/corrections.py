"""What people said is wrong with the history: who said it and when, and how it is undone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.exceptions import NotFoundException
from litestar.params import Body
from litestar.response import Template
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.api.pages import cursor_of, place_of
from receiver.house import House
from receiver.pages.doors import visitor_of
from receiver.pages.history.leaves import LONG, number_of
from receiver.pages.history.words import said
from receiver.pages.rendering import page, redirect, zone_of
from receiver.visitors import Visitor
from reconcile.changes import Settled
from reconcile.correcting import undo
from reconcile.store import audit

AnyRequest = Request[Any, Any, Any]

Row = Mapping[str, Any]

MOST_AT_ONCE = 50
"""Corrections that one row of the history may need: one for each of its playbacks."""

LISTS = ("/history", "/playbacks")


class Undoing(msgspec.Struct, frozen=True):
    """Which corrections are to hold no longer, by id, and where to go then."""

    corrections: Annotated[str, Meta(max_length=1000)] = ""
    back: Annotated[str, Meta(max_length=2000)] = ""


@get("/history/corrections")
async def correction_list(request: AnyRequest, house: NamedDependency[House]) -> Template:
    """Show what was corrected, the latest said first."""
    visitor = visitor_of(request)
    place = place_of(request.query_params.get("after") or None)
    async with house.store.read() as db:
        before = None if place is None else place[1]
        seen = visitor.seen
        rows = [] if seen is not None and not seen else await audit.corrections(db, seen, before, LONG + 1)
    shown, zone = rows[:LONG], zone_of(house, visitor)
    further = (shown[-1]["said_at"], shown[-1]["id"]) if len(rows) > LONG else None
    return page(
        request,
        house,
        "history/corrections.html",
        corrections=[said(row, zone, house.clock(), may_undo=may_undo(visitor, row)) for row in shown],
        older=None if further is None else f"/history/corrections?after={cursor_of(further)}",
        is_first=place is None,
        shows_people=seen is None or len(seen) > 1,
    )


@post("/history/corrections/undo")
async def take_back(
    request: AnyRequest,
    house: NamedDependency[House],
    data: Annotated[Undoing, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Undo corrections: what they took out counts again."""
    visitor, numbers, told = visitor_of(request), numbers_of(data.corrections), list[Settled]()
    async with house.store.begin() as db:
        rows = await audit.those(db, numbers)
        if not rows or not all(may_undo(visitor, row) for row in rows):
            raise NotFoundException("There is no such correction.")
        for row in rows:
            people, ahead = house.people.fresh(), house.tracker.ahead
            settled = await undo(db, people, row["id"], visitor.name, house.clock(), ahead)
            told += [] if settled is None else [settled]
    for settled in told:
        house.tracker.events.tell(settled)
    if not told:
        return redirect(within(data.back), "It was undone already.", "warn")
    return redirect(within(data.back), "The correction is undone: what was played counts as before.")


def may_undo(visitor: Visitor, row: Row) -> bool:
    """Say whether *visitor* may undo a correction: they may change the history that it took from, and gave to."""
    given = row["to_account_id"]
    return visitor.may_change(row["account_id"]) and (given is None or visitor.may_change(given))


async def standing_of(db: AsyncConnection, visitor: Visitor, told: str) -> Sequence[Row]:
    """Return the corrections that an address has just *told* of, where all of them hold and may be seen."""
    rows = await audit.those(db, numbers_of(told)) if told else []
    is_theirs = all(visitor.may_see(row["account_id"]) and row["undone_at"] is None for row in rows)
    return rows if is_theirs else []


def undoable(rows: Sequence[Row], visitor: Visitor) -> str:
    """Return the ids of corrections as the form that undoes them sends them; '' if *visitor* may not."""
    return spelt(row["id"] for row in rows) if all(may_undo(visitor, row) for row in rows) else ""


def numbers_of(told: str) -> Collection[int]:
    """Return the ids in a text such as ``7.8``; what is none is left out."""
    found = (number_of(part) for part in told.split(".")[:MOST_AT_ONCE])
    return {number for number in found if number is not None}


def spelt(numbers: Iterable[int]) -> str:
    """Return ids as addresses and forms bear them: ``7.8``."""
    return ".".join(map(str, sorted(numbers)))


def within(path: str) -> str:
    """Return *path* if it leads to a list of the history, else the history."""
    here = path.partition("?")[0]
    is_ours = any(here == each or here.startswith(f"{each}/") for each in LISTS)
    return path if is_ours and path.isascii() and path.isprintable() and "\\" not in path else LISTS[0]


ROUTES = (correction_list, take_back)
