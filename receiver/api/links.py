"""``/links``: which Jellyfin user is which account, and whether they are recorded. Off until somebody turns it on."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from litestar import delete, get, put
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.api.guard import ADMIN
from receiver.api.pages import LARGEST_ID, USUAL, Cursor, Limit, Page
from receiver.api.words import struct_of
from receiver.house import House
from reconcile.changes import Settled
from reconcile.playback.identity import is_guid, normalised_id
from reconcile.settling import Settling
from reconcile.store import accounts, people, playbacks
from reconcile.store.locks import lock_sessions


class LinkWords(msgspec.Struct, frozen=True):
    """A Jellyfin user of one server, and whose account it is. *recorded* is what the person has opted for."""

    server_id: str
    user_id: str
    user_name: str | None
    account_id: int
    account_name: str
    source: str
    created_at: datetime
    recorded: bool
    recorded_since: datetime | None


class LinkWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a link is to be. *private_until*: not recorded now, but again from that instant on."""

    account_id: Annotated[int, Meta(ge=1, le=LARGEST_ID)]
    recorded: bool = False
    user_name: Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f]*$")] | None = None
    private_until: datetime | None = None


@get("/links", tags=["people"], opt=ADMIN)
async def link_list(house: NamedDependency[House], limit: Limit = USUAL, cursor: Cursor = None) -> Page[LinkWords]:
    """Return the links, by server and user."""
    async with house.store.read() as db:
        rows = await accounts.links(db, _after(cursor), limit + 1)
        pairs = [(row["server_id"], row["user_id"]) for row in rows]
        since = await accounts.recorded_since(db, pairs, house.clock())
    items = [_words(row, since) for row in rows[:limit]]
    return Page(items, _cursor(items[-1]) if len(rows) > limit else None)


@put("/links/{server_id:str}/{user_id:str}", tags=["people"])
async def put_link(
    house: NamedDependency[House], server_id: FromPath[str], user_id: FromPath[str], data: JSONBody[LinkWish]
) -> LinkWords:
    """Link a user to an account, and say whether they are recorded from now on."""
    server, user = normalised_id(server_id), normalised_id(user_id)
    if not is_guid(server) or not is_guid(user):
        raise ClientException("server_id and user_id are 32 hexadecimal digits each, as Jellyfin numbers them.")
    now = house.clock()
    async with house.store.begin() as db:
        if await accounts.one(db, data.account_id) is None:
            raise ClientException(f"account_id: there is no account {data.account_id}.")
        settled = await _wish(db, house, server, user, data, now)
        row = await accounts.one_link(db, server, user)
        since = await accounts.recorded_since(db, [(server, user)], now)
    await house.refresh()
    house.tracker.events.tell(settled)
    if row is None:
        raise NotFoundException("The link is gone again.")
    return _words(row, since)


@delete("/links/{server_id:str}/{user_id:str}", tags=["people"])
async def remove(house: NamedDependency[House], server_id: FromPath[str], user_id: FromPath[str]) -> None:
    """Take a link away. What was recorded stays with the account; nothing more is."""
    server, user = normalised_id(server_id), normalised_id(user_id)
    async with house.store.begin() as db:
        if not await people.untie(db, server, user, house.clock()):
            raise NotFoundException("There is no such link.")
        await people.set_opted_out(db, server, user, opted_out=True)
        settled = await _settle(db, house, server, user)
    await house.refresh()
    house.tracker.events.tell(settled)


async def _wish(db: AsyncConnection, house: House, server: str, user: str, wish: LinkWish, now: datetime) -> Settled:
    """Make the link and the intervals what they are wished to be; what is so already stays untouched."""
    before = await accounts.one_link(db, server, user)
    await people.tie(db, server, user, wish.account_id, wish.user_name, "administrator", now)
    has_moved = before is not None and before["account_id"] != wish.account_id
    if has_moved or not wish.recorded or wish.private_until is not None:
        await people.close(db, server, user, now)
    if wish.recorded:
        since = now if wish.private_until is None else max(now, _utc(wish.private_until))
        await people.open_interval(db, server, user, wish.account_id, since)
    else:
        await people.set_opted_out(db, server, user, opted_out=True)
    return await _settle(db, house, server, user)


async def _settle(db: AsyncConnection, house: House, server: str, user: str) -> Settled:
    """Cut the user's open playbacks again: none of them crosses the end of an interval."""
    await house.people.load(db)
    mine = await accounts.keys_of_user(db, server, user)
    still_open = {number: mine[number] for number in await playbacks.open_keys(db, server) if number in mine}
    await lock_sessions(db, {(key.server_id, key.session_id, key.user_id) for key in still_open.values()})
    return await Settling(db, house.people, house.clock(), ahead=house.tracker.ahead, whole=True).settle(still_open)


def _words(row: dict[str, object], since: dict[tuple[str, str], datetime]) -> LinkWords:
    at = since.get((str(row["server_id"]), str(row["user_id"])))
    return struct_of(LinkWords, {**row, "recorded": at is not None, "recorded_since": at})


def _utc(at: datetime) -> datetime:
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError as error:
        raise ClientException("private_until: it is beyond all time.") from error


def _cursor(last: LinkWords) -> str:
    return base64.urlsafe_b64encode(f"{last.server_id} {last.user_id}".encode()).decode().rstrip("=")


def _after(cursor: str | None) -> tuple[str, str] | None:
    if cursor is None:
        return None
    try:
        server, _, user = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").partition(" ")
    except ValueError as error:
        raise ClientException("cursor: it is none that this API has given.") from error
    if not is_guid(server) or not is_guid(user):
        raise ClientException("cursor: it is none that this API has given.")
    return server, user
