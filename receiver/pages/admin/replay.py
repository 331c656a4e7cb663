"""Replay: a range of what was received, what taking it in once more would change, and then doing it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import Body, FromPath
from litestar.response import ServerSentEvent, ServerSentEventMessage
from msgspec import Meta

from receiver.api.pages import LARGEST_ID, Cursor, cursor_of, place_of
from receiver.api.replays import ReplayWish, ask
from receiver.house import House
from receiver.pages.admin.tabs import field_of, instant_in, tab, zone_of_visitor
from receiver.pages.doors import FOR_OWNERS
from receiver.pages.rendering import AnyRequest, redirect
from receiver.replayer import KINDS
from reconcile.errors import StoreError
from reconcile.store import replays

LIMIT = 20
USUAL = timedelta(days=1)
LOOK_EVERY_SECONDS = 1.0
FOR_SECONDS = 600.0
"""How long one stream lasts; the browser begins another by itself."""

Moment = Annotated[str, Meta(max_length=40)]
Row = dict[str, Any]


class Range(msgspec.Struct, frozen=True):
    """From when to when, on the clocks of whoever asks; an empty end is now."""

    since: Moment = ""
    until: Moment = ""


@get("/admin/replay", opt=FOR_OWNERS)
async def replay_list(request: AnyRequest, house: NamedDependency[House], cursor: Cursor = None) -> Response[Any]:
    """Show the replays there were, and the form for another."""
    return await _shown(request, house, cursor)


@post("/admin/replay", opt=FOR_OWNERS)
async def try_out(
    request: AnyRequest,
    house: NamedDependency[House],
    data: Annotated[Range, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Begin a dry run."""
    zone = zone_of_visitor(request, house)
    try:
        made = await ask(house, _wish(data, zone))
    except ClientException as error:
        return await _shown(request, house, None, status=400, wrong=(error.detail, data))
    return redirect(f"/admin/replay/{made.id}")


@get("/admin/replay/{number:int}", opt=FOR_OWNERS)
async def one(request: AnyRequest, house: NamedDependency[House], number: FromPath[int]) -> Response[Any]:
    """Show a replay: how far it is, or what it changed or would change."""
    row = await _replay(house, number)
    return tab(
        request,
        house,
        "replay_one.html",
        row=row,
        read=house.replayer.read.get(row["id"], 0),
        people=_people(house, row["result"]),
        kinds=KINDS,
    )


@post("/admin/replay/{number:int}/apply", opt=FOR_OWNERS)
async def apply(house: NamedDependency[House], number: FromPath[int]) -> Response[Any]:
    """Do what a dry run has shown."""
    row = await _replay(house, number)
    if not row["dry_run"] or row["state"] != replays.DONE:
        raise ClientException("Only a dry run that is done can be applied.")
    made = await ask(house, ReplayWish(row["since"], row["until"], dry_run=False))
    return redirect(f"/admin/replay/{made.id}")


@get("/admin/replay/{number:int}/stream", opt=FOR_OWNERS)
async def stream(house: NamedDependency[House], number: FromPath[int]) -> ServerSentEvent:
    """Tell how far a replay is, until it is done: then the page is to be loaded anew."""
    await _replay(house, number)
    return ServerSentEvent(_told(house, number))


async def _told(house: House, number: int) -> AsyncIterator[ServerSentEventMessage]:
    before = None
    for _ in range(int(FOR_SECONDS / LOOK_EVERY_SECONDS)):
        if house.live.is_closed:
            return
        try:
            async with house.store.read() as db:
                row = await replays.one(db, number)
        except StoreError:
            yield ServerSentEventMessage(comment="the database does not answer")
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            continue
        if row is None or row["state"] in {replays.DONE, replays.FAILED}:
            yield ServerSentEventMessage(event="reload", data="{}")
            return
        said = progress_words(row["state"], house.replayer.read.get(number, 0))
        if said != before:
            told = msgspec.json.encode({"id": "progress", "html": said, "now": house.clock().timestamp() * 1000})
            yield ServerSentEventMessage(event="part", data=told.decode())
        else:
            yield ServerSentEventMessage(comment="still here")
        before = said
        await asyncio.sleep(LOOK_EVERY_SECONDS)


def progress_words(state: str, read: int) -> str:
    """Return how far a replay is."""
    if state == replays.QUEUED:
        return "It waits for its turn."
    return f"{read:,} deliveries read so far." if read else "It is reading the history as it is."


async def _shown(
    request: AnyRequest,
    house: House,
    cursor: str | None,
    status: int = 200,
    wrong: tuple[str, Range] | None = None,
) -> Response[Any]:
    zone, now = zone_of_visitor(request, house), house.clock()
    place = place_of(cursor)
    async with house.store.read() as db:
        rows = await replays.replays(db, place[1] if place else None, LIMIT + 1)
    shown = rows[:LIMIT]
    last = (shown[-1]["requested_at"], shown[-1]["id"]) if len(rows) > LIMIT else None
    since, until = _fields(wrong, zone, now)
    return tab(
        request,
        house,
        "replay.html",
        status=status,
        rows=shown,
        older=None if last is None else f"/admin/replay?cursor={cursor_of(last)}",
        error=None if wrong is None else wrong[0],
        since=since,
        until=until,
        kept_days=house.settings.retention_days,
    )


def _wish(data: Range, zone: tzinfo) -> ReplayWish:
    """Return the dry run that was asked for. Raises ClientException (400)."""
    since, until = instant_in(data.since, "From", zone), instant_in(data.until, "To", zone)
    if since is None:
        raise ClientException("From: a date and a time are needed.")
    return ReplayWish(since, until, dry_run=True)


def _fields(wrong: tuple[str, Range] | None, zone: tzinfo, now: datetime) -> tuple[str, str]:
    if wrong is not None:
        return wrong[1].since, wrong[1].until
    return field_of(now - USUAL, zone), ""


async def _replay(house: House, number: int) -> Row:
    async with house.store.read() as db:
        row = await replays.one(db, number) if 0 < number <= LARGEST_ID else None
    if row is None:
        raise NotFoundException("There is no such replay.")
    return row


def _people(house: House, result: Mapping[str, Any] | None) -> list[tuple[str, int, Mapping[str, int]]]:
    """Return whose rows are others, with their names as they are now: who was erased has none."""
    told = (result or {}).get("people", {})
    known = house.people.accounts
    found = [(known[int(number)].name, int(number), counts) for number, counts in told.items() if int(number) in known]
    return sorted(found, key=lambda each: each[0].casefold())


ROUTES = (replay_list, try_out, one, apply, stream)
