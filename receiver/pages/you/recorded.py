"""Whether somebody is recorded: on, off, or private for a while; for each of their Jellyfin users."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Any

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, PermissionDeniedException
from litestar.response import Redirect

from receiver.api.links import tie
from receiver.house import House
from receiver.pages.rendering import AnyRequest, redirect
from receiver.pages.saying import at, local
from receiver.pages.you.whose import theirs, whose
from reconcile.accounts import LinkWish
from reconcile.people import ALWAYS
from reconcile.store.people import Interval

OPEN_END = datetime(9000, 1, 1, tzinfo=UTC)
"""The end of a private mode that lasts until it is ended: recording begins again then, and nobody waits for it."""

MORNING = time(6)
"""When a day begins for whoever sits up late."""


class State(StrEnum):
    """How it stands."""

    ON = "on"
    PRIVATE = "private"
    OFF = "off"


class Recorded(msgspec.Struct, frozen=True):
    """How it stands with one user, and since when. *until* ends a private mode; None: whoever began it ends it."""

    server_id: str
    user_id: str
    user_name: str
    server: str
    state: State
    since: datetime | None
    until: datetime | None = None


def recorded(link: Mapping[str, Any], intervals: Iterable[Interval], now: datetime) -> Recorded:
    """Return how it stands with the user of *link*; *intervals* are those of their account."""
    user = (link["server_id"], link["user_id"])
    mine = [each for each in intervals if (each.server_id, each.user_id) == user]
    place = (*user, link["user_name"] or "this user", link["server_name"] or link["server_url"] or "the server")
    for each in mine:
        if each.since <= now and (each.until is None or now < each.until):
            return Recorded(*place, State.ON, None if each.since <= ALWAYS else each.since)
    ended = max((each.until for each in mine if each.until is not None and each.until <= now), default=None)
    later = [each.since for each in mine if each.since > now and (each.until is None or each.until > each.since)]
    if later:
        until = min(later)
        return Recorded(*place, State.PRIVATE, ended, None if until >= OPEN_END else until)
    return Recorded(*place, State.OFF, ended)


def next_morning(now: datetime, zone: tzinfo) -> datetime:
    """Return the next six o'clock on the clocks of *zone* that is at least an hour away."""
    there = local(now, zone)
    for days in (0, 1, 2):
        morning = datetime.combine(there.date() + timedelta(days=days), MORNING, zone).astimezone(UTC)
        if morning - now >= timedelta(hours=1):
            return morning
    return now + timedelta(days=1)


WISHES = ("on", "off", "hour", "morning", "open")

_NOT_THEIRS = (
    "Recording is a person's own choice. For somebody who asked for it, it is turned on under Administration › People."
)


@post(theirs("/recorded"))
async def wish(request: AnyRequest, house: NamedDependency[House]) -> Redirect | Response[Any]:
    """Turn recording on or off, or be private for a while; what is recorded already stays.

    Nobody's recording is turned on, nor their private mode ended, but by themselves.
    """
    it, form, now = whose(request, house), await request.form(), house.clock()
    wished, user = form.get("wish"), (str(form.get("server", "")), str(form.get("user", "")))
    if wished not in WISHES:
        raise ClientException("Choose what is to be: on, off, or private for a while.")
    if not it.is_own and wished != "off" and not house.people.is_recorded(user, now):
        raise PermissionDeniedException(_NOT_THEIRS)
    until = {
        "hour": now + timedelta(hours=1),
        "morning": next_morning(now, it.zone),
        "open": OPEN_END,
    }.get(wished)
    await tie(house, user, LinkWish(it.account.id, wished != "off", private_until=until), is_own=True)
    return redirect(it.base, _said(wished, until, now, it.zone))


def _said(wished: str, until: datetime | None, now: datetime, zone: tzinfo) -> str:
    if wished == "on":
        return "Recording is on from now on."
    if wished == "off":
        return "Recording is off. What was recorded is kept, until you erase it."
    if until is None or until >= OPEN_END:
        return "Private: nothing is recorded until it is ended here."
    return f"Private until {at(until, zone, local(now, zone).date())}: nothing is recorded until then."


ROUTES = (wish,)
