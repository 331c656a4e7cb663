"""The tabs of Administration, and what their pages have in common."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from litestar.exceptions import ClientException, NotFoundException
from litestar.response import Template

from receiver.house import House
from receiver.pages.doors import visitor_of
from receiver.pages.rendering import AnyRequest, page
from receiver.visitors import Visitor
from reconcile.playback.identity import normalised_id
from reconcile.store import servers
from reconcile.store.servers import Server

SERVERS, PEOPLE, DELIVERIES = ("/admin", "Servers"), ("/admin/people", "People"), ("/admin/deliveries", "Deliveries")
TOKENS, SIGN_INS = ("/admin/tokens", "Tokens & hooks"), ("/admin/sign-ins", "Sign-ins")

FOR_ALL = (
    SERVERS,
    PEOPLE,
    DELIVERIES,
    ("/admin/rejected", "Rejected"),
    ("/admin/replay", "Replay"),
    ("/admin/imports", "Imports"),
    ("/admin/media", "Media"),
    TOKENS,
    ("/admin/health", "Health"),
    SIGN_INS,
)
"""What owners see,"""

FOR_ONE = (SERVERS, PEOPLE, DELIVERIES, TOKENS, SIGN_INS)
"""… and whoever administers some servers only."""


def tab(request: AnyRequest, house: House, name: str, *, status: int = 200, **context: object) -> Template:
    """Return the page *name* of the administration."""
    links = FOR_ALL if visitor_of(request).is_owner else FOR_ONE
    now = house.clock()
    return page(
        request, house, f"admin/{name}", status=status, tabs=links, **context, today=_today(request, house, now)
    )


def _today(request: AnyRequest, house: House, now: datetime) -> object:
    return now.astimezone(zone_of_visitor(request, house)).date()


def zone_of_visitor(request: AnyRequest, house: House) -> tzinfo:
    """Return the zone in which whoever sits there reads the clock."""
    account_id = visitor_of(request).account_id
    return house.people.zone if account_id is None else house.people.zone_of(account_id)


async def administered(house: House, visitor: Visitor) -> list[Server]:
    """Return the servers that *visitor* administers, in the order in which they were first heard of."""
    async with house.store.read() as db:
        return [each for each in await servers.all_of_them(db) if visitor.may_administer(each.id)]


async def administered_one(house: House, visitor: Visitor, server_id: str) -> Server:
    """Return one of the servers that *visitor* administers. Raises NotFoundException (404)."""
    wanted = normalised_id(server_id)
    found = next((each for each in await administered(house, visitor) if each.id == wanted), None)
    if found is None:
        raise NotFoundException("There is no such server.")
    return found


def name_of(server: Server) -> str:
    """Return what a server is called."""
    return server.name or server.url or "a server without a name"


def instant_in(text: str | None, what: str, zone: tzinfo) -> datetime | None:
    """Return the instant (UTC) that a field of date and time says on the clocks of *zone*; None if it is empty.

    Raises ClientException (400).
    """
    if not text:
        return None
    try:
        told = datetime.fromisoformat(text)
        return (told.replace(tzinfo=zone) if told.tzinfo is None else told).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ClientException(f"{what}: a date and a time are needed, such as 2026-11-22T20:00.") from error


def field_of(instant: datetime | None, zone: tzinfo) -> str:
    """Return *instant* as a field of date and time holds it, to the minute."""
    return "" if instant is None else f"{instant.astimezone(zone):%Y-%m-%dT%H:%M}"
