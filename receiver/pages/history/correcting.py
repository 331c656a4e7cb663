"""Correcting a row or a playback: what is wrong is said, what that would change is read, and then it is applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.exceptions import NotFoundException
from litestar.params import Body, PathParameter
from litestar.response import Redirect, Template
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.api.pages import LARGEST_ID
from receiver.house import House
from receiver.pages.doors import visitor_of
from receiver.pages.history.corrections import spelt, within
from receiver.pages.history.evidence import whose
from receiver.pages.history.filter import LONGEST_TEXT
from receiver.pages.history.leaves import number_of, people_seen
from receiver.pages.history.saying import Form, may_name, saying_of
from receiver.pages.history.titles import row_titles
from receiver.pages.history.words import changes_in_words, media_named
from receiver.pages.rendering import page, redirect
from receiver.pages.saying import local
from receiver.visitors import Visitor
from reconcile.correcting import Done, correct
from reconcile.errors import SettingRefused
from reconcile.store import audit, corrections, history
from reconcile.trial import trial

AnyRequest = Request[Any, Any, Any]

Number = Annotated[int, PathParameter(ge=1, le=LARGEST_ID)]


class Subject(msgspec.Struct, frozen=True):
    """What is corrected: a *watch* or a *playback*, as the history reads it, at its *path*."""

    path: str
    row: Mapping[str, Any]
    account: int
    watch: int | None = None
    playback: int | None = None


TITLES = 12
"""So many are offered of a search."""

Filled = Annotated[Form, Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/history/{watch_id:int}/correct")
async def ask_watch(request: AnyRequest, house: NamedDependency[House], watch_id: Number) -> Template:
    """Ask what is wrong with a row."""
    async with house.store.read() as db:
        about = await _watch(db, visitor_of(request), watch_id)
        return await _asked(request, house, db, about, _form(request))


@post("/history/{watch_id:int}/correct")
async def correct_watch(
    request: AnyRequest, house: NamedDependency[House], watch_id: Number, data: Filled
) -> Response[Any]:
    """Say what correcting a row would change, or do it."""
    async with house.store.read() as db:
        about = await _watch(db, visitor_of(request), watch_id)
    return await _answered(request, house, about, data)


@get("/playbacks/{playback_id:int}/correct")
async def ask_playback(request: AnyRequest, house: NamedDependency[House], playback_id: Number) -> Template:
    """Ask what is wrong with a playback."""
    async with house.store.read() as db:
        about = await _playback(db, house, visitor_of(request), playback_id)
        return await _asked(request, house, db, about, _form(request))


@post("/playbacks/{playback_id:int}/correct")
async def correct_playback(
    request: AnyRequest, house: NamedDependency[House], playback_id: Number, data: Filled
) -> Response[Any]:
    """Say what correcting a playback would change, or do it."""
    async with house.store.read() as db:
        about = await _playback(db, house, visitor_of(request), playback_id)
    return await _answered(request, house, about, data)


ROUTES = (ask_watch, correct_watch, ask_playback, correct_playback)


async def _watch(db: AsyncConnection, visitor: Visitor, number: int) -> Subject:
    row = await history.one_watch(db, number)
    if row is None or not visitor.may_change(row["account_id"]) or not row["playbacks"]:
        raise NotFoundException("There is no such row in the history that could be corrected.")
    return Subject(f"/history/{number}", row, row["account_id"], watch=number)


async def _playback(db: AsyncConnection, house: House, visitor: Visitor, number: int) -> Subject:
    row = await history.one_playback(db, number)
    if row is None or not visitor.may_change(whose(house.people, row)):
        raise NotFoundException("There is no such playback.")
    if row["account_id"] is None:
        raise SettingRefused("This playback counts for nobody: undo the correction that says so first.")
    return Subject(f"/playbacks/{number}", row, row["account_id"], playback=number)


def _form(request: AnyRequest) -> Form:
    params = request.query_params.items()
    told = {name: value[:LONGEST_TEXT].replace("\x00", "") for name, value in params if name in ("look", "what")}
    return Form(**told, back=within(request.query_params.get("back", "")))


async def _asked(
    request: AnyRequest,
    house: House,
    db: AsyncConnection,
    about: Subject,
    form: Form,
    *,
    error: str | None = None,
    changes: Sequence[str] | None = None,
) -> Template:
    """Return the form as it is filled in, with what it would change where that was asked."""
    visitor = visitor_of(request)
    look = form.look.strip()
    found = await audit.media_called(db, look, visitor.seen, TITLES + 1) if look else []
    chosen = number_of(form.media)
    if chosen is not None and chosen not in {row["id"] for row in found} and await may_name(db, visitor, chosen):
        found = [*(await audit.media_named(db, [chosen])).values(), *found]  # what was chosen of an earlier search
    return page(
        request,
        house,
        "history/correct.html",
        status=200 if error is None else 400,
        heading=row_titles(about.row),
        about=about,
        form=form,
        titles=[
            (row["id"], media_named(row["kind"], row["title"], row["year"]), row["kind"]) for row in found[:TITLES]
        ],
        has_more=len(found) > TITLES,
        others=_others(house, visitor, about),
        is_series=about.row["unit"] != "",
        error=error,
        changes=changes,
        zone=house.people.zone_of(about.account),
    )


async def _answered(request: AnyRequest, house: House, about: Subject, form: Form) -> Response[Any]:
    visitor, form = visitor_of(request), msgspec.structs.replace(form, back=within(form.back))
    done, words, error = None, None, None
    if form.step in ("look", "apply"):
        try:
            done, words = await _corrected(house, visitor, about, form)
        except SettingRefused as refused:
            error = str(refused)
    if done is not None and form.step == "apply":
        house.tracker.events.tell(done.settled)
        return await _landed(house, visitor, form.back, done)
    async with house.store.read() as db:
        return await _asked(request, house, db, about, form, error=error, changes=words)


async def _corrected(house: House, visitor: Visitor, about: Subject, form: Form) -> tuple[Done, list[str]]:
    """Correct what it is *about*, unless only the words for what that changes are wanted. Raises SettingRefused."""
    now, ahead = house.clock(), house.tracker.ahead
    others, is_film = _others(house, visitor, about), about.row["unit"] == ""
    async with trial(house.store, dry_run=form.step != "apply") as db:
        meant = await corrections.meant(db, number=about.playback, watch=about.watch)
        saying = await saying_of(db, visitor, others, form, is_film=is_film)
        done = await correct(db, house.people.fresh(), meant, saying, now, ahead)
        words = await _words(db, house, visitor, about, done)
    return done, words


def _others(house: House, visitor: Visitor, about: Subject) -> dict[int, str]:
    """Return the people whose it may have been, by account."""
    return {number: name for number, name in people_seen(house, visitor).items() if number != about.account}


async def _words(db: AsyncConnection, house: House, visitor: Visitor, about: Subject, done: Done) -> list[str]:
    numbers = {change.unit[1] for change in done.settled.watches}
    media = await audit.media_named(db, numbers)
    today = local(house.clock(), house.people.zone_of(about.account)).date()
    words = list(changes_in_words(done.settled, media, people_seen(house, visitor), today))
    return words or ["No row of the history changes; what is said is kept with the playback."]


async def _landed(house: House, visitor: Visitor, back: str, done: Done) -> Redirect:
    """Lead back to where one was, or to its list where that is gone, with what undoes it."""
    path, _, query = back.partition("?")
    place, _, number = path.removeprefix("/").partition("/")
    if (one := number_of(number)) is not None and not await _is_there(house, visitor, place, one):
        path, query = f"/{place}", ""
    kept = [(name, value) for name, value in parse_qsl(query) if name != "corrected"]
    return redirect(f"{path}?{urlencode([*kept, ('corrected', spelt(done.numbers))])}")


async def _is_there(house: House, visitor: Visitor, place: str, number: int) -> bool:
    async with house.store.read() as db:
        if place == "history":
            row = await history.one_watch(db, number)
            return row is not None and visitor.may_see(row["account_id"])
        row = await history.one_playback(db, number)
        return row is not None and visitor.may_see(whose(house.people, row))
