"""Deliveries: found by what is known of them; each with its body, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, QueryParameter

from receiver.api.pages import LARGEST_ID, Cursor, Text, cursor_of, place_of
from receiver.api.replays import ReplayWish, ask
from receiver.house import House
from receiver.pages.admin.bodies import presentable
from receiver.pages.admin.tabs import administered, instant_in, name_of, tab, zone_of_visitor
from receiver.pages.doors import FOR_ADMINISTRATORS, FOR_OWNERS, visitor_of
from receiver.pages.rendering import AnyRequest, redirect
from receiver.visitors import Visitor
from reconcile.arrivals import Outcome
from reconcile.playback.check_in import Observation
from reconcile.playback.identity import normalised_id
from reconcile.store import people, received, tracing
from reconcile.store.tracing import Traced

LIMIT = 50
OUTCOMES = (Outcome.RECORDED, Outcome.KNOWN, Outcome.FAILED)
"""What can stand beside a delivery that was kept: of the others no body is."""

INSTANT = timedelta(microseconds=1)
"""The finest that instants are kept: a range so long holds what was received at one."""

Row = Mapping[str, Any]

Plain = Annotated[str, QueryParameter(max_length=100, pattern=r"^[^\x00]*$")]


@get("/admin/deliveries", opt=FOR_ADMINISTRATORS)
async def delivery_list(  # noqa: PLR0913 - as many as there are filters
    request: AnyRequest,
    house: NamedDependency[House],
    *,
    outcome: Plain = "",
    q: Text = None,
    from_: Annotated[str | None, QueryParameter(name="from", max_length=40)] = None,
    to: Annotated[str | None, QueryParameter(max_length=40)] = None,
    server: Plain = "",
    user: Plain = "",
    playback: Annotated[str, QueryParameter(max_length=19, pattern="^[0-9]*$")] = "",
    cursor: Cursor = None,
) -> Response[Any]:
    """Show what came in, newest first."""
    visitor, zone = visitor_of(request), zone_of_visitor(request, house)
    known = await administered(house, visitor)
    asked = {"outcome": outcome, "q": q, "from": from_, "to": to, "server": server, "user": user, "playback": playback}
    wanted = Traced(
        servers=visitor.servers,
        server=normalised_id(server) or None,
        user=_user(user),
        outcome=outcome or None,
        text=q,
        since=instant_in(from_, "from", zone),
        until=instant_in(to, "to", zone),
    )
    async with house.store.read() as db:
        if playback:
            wanted = await _of_playback(db, visitor, int(playback), wanted)
        found = await tracing.search(db, wanted, place_of(cursor), LIMIT)
        linked = [each for each in await people.links(db) if visitor.may_administer(each.server_id)]
    return tab(
        request,
        house,
        "deliveries.html",
        rows=found.rows,
        asked=asked,
        is_filtered=any(asked.values()),
        of_any=f"/admin/deliveries?{_query({**asked, 'playback': None})}",
        older=_older(asked, found),
        looked_at=tracing.LOOKED_AT,
        outcomes=[("", "any")] + [(each.value, each.value) for each in OUTCOMES],
        servers=[("", "any")] + [(each.id, name_of(each)) for each in known],
        users=[("", "anyone")] + [(f"{each.server_id}:{each.user_id}", each.user_name or "?") for each in linked[:200]],
        names={each.id: name_of(each) for each in known},
    )


@get("/admin/deliveries/{number:int}", opt=FOR_ADMINISTRATORS)
async def one(request: AnyRequest, house: NamedDependency[House], number: FromPath[int]) -> Response[Any]:
    """Show a delivery: its body, and what came of it."""
    row = await _delivery(house, visitor_of(request), number)
    said = house.reading()(row["body"].encode(), row["content_type"], row["received_at"])
    check_ins: list[Row] = []
    playbacks: list[Row] = []
    watches: list[Row] = []
    key = said.key if isinstance(said, Observation) else None
    at = None
    if isinstance(said, Observation) and said.check_in is not None:
        at = said.check_in.at
        async with house.store.read() as db:
            check_ins = list(await tracing.check_ins(db, said.key, at))
            playbacks = list(await tracing.playbacks(db, said.key, at))
            watches = list(await tracing.watches(db, [each["id"] for each in playbacks]))
    return tab(
        request,
        house,
        "delivery.html",
        row=row,
        body=presentable(row["body"]),
        said=said,
        is_evidence=key is not None,
        at=at,
        check_ins=check_ins,
        playbacks=playbacks,
        watches=watches,
    )


@post("/admin/deliveries/{number:int}/replay", opt=FOR_OWNERS)
async def replay(request: AnyRequest, house: NamedDependency[House], number: FromPath[int]) -> Response[Any]:
    """Try a replay of one delivery: what it would change is shown before anything does."""
    row = await _delivery(house, visitor_of(request), number)
    wish = ReplayWish(row["received_at"], row["received_at"] + INSTANT, dry_run=True)
    made = await ask(house, wish)
    return redirect(f"/admin/replay/{made.id}")


async def _delivery(house: House, visitor: Visitor, number: int) -> Row:
    if not 0 < number <= LARGEST_ID:
        raise NotFoundException("There is no such delivery.")
    async with house.store.read() as db:
        row = await received.one_delivery(db, number)
    if row is None or not (visitor.is_owner or visitor.may_administer(row["server_id"] or "")):
        raise NotFoundException("There is no such delivery. It may have been kept for as long as it was to be.")
    return row


async def _of_playback(db: Any, visitor: Visitor, number: int, wanted: Traced) -> Traced:  # noqa: ANN401
    about = await tracing.about(db, min(number, LARGEST_ID), visitor.servers)
    if about is None:
        raise NotFoundException("There is no such playback.")
    return Traced(
        servers=visitor.servers,
        user=about.user,
        outcome=wanted.outcome,
        text=wanted.text,
        since=wanted.since,
        until=wanted.until,
        told_since=about.told_since,
        told_until=about.told_until,
    )


def _user(text: str) -> tuple[str, str] | None:
    server_id, _, user_id = text.partition(":")
    return (normalised_id(server_id), normalised_id(user_id)) if user_id else None


def _older(asked: Mapping[str, str | None], found: tracing.Found) -> str | None:
    if found.after is None:
        return None
    return f"/admin/deliveries?{_query({**asked, 'cursor': cursor_of(found.after)})}"


def _query(asked: Mapping[str, str | None]) -> str:
    return urlencode({name: value for name, value in asked.items() if value})


ROUTES = (delivery_list, one, replay)
