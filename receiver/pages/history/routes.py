"""The history: what counts, day by day, and everything that was played, with why it counts or does not."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import PathParameter
from litestar.response import Redirect, Stream, Template

from receiver.api.pages import LARGEST_ID, chosen
from receiver.exporting_rows import (
    PLAYBACK_COLUMNS,
    WATCH_COLUMNS,
    as_csv,
    as_json,
    playbacks_told,
    watches_told,
)
from receiver.house import House
from receiver.pages.doors import visitor_of
from receiver.pages.history.corrections import standing_of, undoable
from receiver.pages.history.evidence import evidence, whose
from receiver.pages.history.filter import Filter, filter_of, wanted_playbacks, wanted_watches
from receiver.pages.history.leaves import Turn, around, leaf_of, turn_of, zone_for
from receiver.pages.history.rows import day_name, playback_days, watch_days, watch_line
from receiver.pages.history.titles import row_titles
from receiver.pages.rendering import HEADERS, page
from receiver.pages.saying import local
from receiver.visitors import Visitor
from reconcile.store import history
from reconcile.store.leafing import playback_leaf, watch_leaf

AnyRequest = Request[Any, Any, Any]

Number = Annotated[int, PathParameter(ge=1, le=LARGEST_ID)]

MOST_PLAYBACKS = 50
"""Of one row; a day has no room for more."""


@get("/history")
async def history_list(request: AnyRequest, house: NamedDependency[House]) -> Response[Any]:
    """Show what counts, day by day."""
    visitor, asked, turn = _asked(request)
    if _is_unfilled(request):
        return Redirect(asked.address("/history", **turn.told), status_code=303)
    wanted = wanted_watches(asked, visitor)
    zone = zone_for(house, visitor, wanted)
    async with house.store.read() as db:
        leaf = await leaf_of(db, watch_leaf, wanted, turn)
        sums = await history.day_sums(db, leaf.wanted, {row["day"] for row in leaf.rows})
        is_here = any(row["id"] == turn.opened for row in leaf.rows)
        shown = await history.playbacks_of(db, turn.opened or 0, MOST_PLAYBACKS) if is_here else []
        opened = await evidence(db, house, shown, zone, drawn=0)
        corrected = await standing_of(db, visitor, request.query_params.get("corrected", ""))
    return page(
        request,
        house,
        "history/history.html",
        **around(house, visitor, asked, turn, "/history", leaf),
        days=watch_days(leaf.rows, sums, zone, house.clock()),
        opened=turn.opened if is_here else None,
        evidence_of=opened,
        corrected=undoable(corrected, visitor),
        zone=zone,
    )


@get("/playbacks")
async def playback_list(request: AnyRequest, house: NamedDependency[House]) -> Response[Any]:
    """Show everything that was played, with why it counts or does not."""
    visitor, asked, turn = _asked(request)
    if _is_unfilled(request):
        return Redirect(asked.address("/playbacks", **turn.told), status_code=303)
    zone = zone_for(house, visitor, wanted_watches(asked, visitor))
    async with house.store.read() as db:
        leaf = await leaf_of(db, playback_leaf, wanted_playbacks(asked, visitor, zone), turn)
        corrected = await standing_of(db, visitor, request.query_params.get("corrected", ""))
    return page(
        request,
        house,
        "history/playbacks.html",
        **around(house, visitor, asked, turn, "/playbacks", leaf),
        days=playback_days(leaf.rows, zone, house.clock()),
        corrected=undoable(corrected, visitor),
        zone=zone,
    )


@get("/history/{watch_id:int}")
async def one_watch(request: AnyRequest, house: NamedDependency[House], watch_id: Number) -> Template:
    """Show a row of the history with what it is made of."""
    visitor = visitor_of(request)
    async with house.store.read() as db:
        row = await history.one_watch(db, watch_id)
        if row is None or not visitor.may_see(row["account_id"]):
            raise NotFoundException("There is no such row in the history, or no longer: it may have been corrected.")
        zone = house.people.zone_of(row["account_id"])
        shown = await history.playbacks_of(db, watch_id, MOST_PLAYBACKS)
        laid_open = await evidence(db, house, shown, zone)
        corrected = await standing_of(db, visitor, request.query_params.get("corrected", ""))
    return page(
        request,
        house,
        "history/row.html",
        row=watch_line(row, zone),
        day=day_name(date.fromisoformat(row["day"]), local(house.clock(), zone).date()),
        evidence_of=laid_open,
        corrected=undoable(corrected, visitor),
        zone=zone,
    )


@get("/playbacks/{playback_id:int}")
async def one_playback(request: AnyRequest, house: NamedDependency[House], playback_id: Number) -> Template:
    """Show a playback with what proves it."""
    visitor = visitor_of(request)
    async with house.store.read() as db:
        row = await history.one_playback(db, playback_id)
        account = None if row is None else whose(house.people, row)
        if row is None or not visitor.may_see(account):
            raise NotFoundException("There is no such playback.")
        zone = house.people.zone if account is None else house.people.zone_of(account)
        (laid_open,) = await evidence(db, house, [row], zone)
        corrected = await standing_of(db, visitor, request.query_params.get("corrected", ""))
    return page(
        request,
        house,
        "history/playback.html",
        heading=row_titles(row),
        day=day_name(local(row["started_at"], zone).date(), local(house.clock(), zone).date()),
        each=laid_open,
        may_correct=account is not None and row["account_id"] is not None and visitor.may_change(account),
        corrected=undoable(corrected, visitor),
        zone=zone,
    )


@get("/history/export")
async def export_watches(request: AnyRequest, house: NamedDependency[House]) -> Response[Any]:
    """Send the rows of the history that the filter shows."""
    visitor, asked, _turn = _asked(request)
    wanted, form = wanted_watches(asked, visitor), _form(request)
    told = watches_told(house.store, wanted)
    return _sent("history", form, as_csv(told, WATCH_COLUMNS) if form == "csv" else as_json(told))


@get("/playbacks/export")
async def export_playbacks(request: AnyRequest, house: NamedDependency[House]) -> Response[Any]:
    """Send the playbacks that the filter shows."""
    visitor, asked, _turn = _asked(request)
    zone = zone_for(house, visitor, wanted_watches(asked, visitor))
    wanted, form = wanted_playbacks(asked, visitor, zone), _form(request)
    told = playbacks_told(house.store, wanted)
    return _sent("playbacks", form, as_csv(told, PLAYBACK_COLUMNS) if form == "csv" else as_json(told))


def _form(request: AnyRequest) -> str:
    return chosen("format", request.query_params.get("format", "csv"), "csv", "json") or "csv"


def _sent(name: str, form: str, told: Any) -> Stream:  # noqa: ANN401 - an iterator of bytes
    kind = "text/csv" if form == "csv" else "application/json"
    headers = {**HEADERS, "content-disposition": f'attachment; filename="playledger-{name}.{form}"'}
    return Stream(told, media_type=kind, headers=headers)


def _is_unfilled(request: AnyRequest) -> bool:
    """Say whether a form sent fields that nobody had filled in: the address of the view is one without them."""
    return not all(value.strip() for value in request.query_params.values())


def _asked(request: AnyRequest) -> tuple[Visitor, Filter, Turn]:
    params = dict(request.query_params.items())
    return visitor_of(request), filter_of(params), turn_of(params)


ROUTES = (history_list, playback_list, one_watch, one_playback, export_watches, export_playbacks)
