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

from receiver.api.guard import ADMIN
from receiver.api.pages import LARGEST_ID, USUAL, Cursor, Limit, Page
from receiver.api.words import struct_of
from receiver.house import House
from reconcile.accounts import LinkWish, link, unlink
from reconcile.people import User
from reconcile.playback.identity import is_guid, normalised_id
from reconcile.store import accounts


class LinkWords(msgspec.Struct, frozen=True):
    """A Jellyfin user of one server, and whose account it is. *recorded* is what the person has opted for.

    *erasure_lifted*: this user had been erased, and this very link allows that they are recorded again.
    """

    server_id: str
    user_id: str
    user_name: str | None
    account_id: int
    account_name: str
    source: str
    created_at: datetime
    recorded: bool
    recorded_since: datetime | None
    erasure_lifted: bool = False


class NewLink(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
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
    house: NamedDependency[House], server_id: FromPath[str], user_id: FromPath[str], data: JSONBody[NewLink]
) -> LinkWords:
    """Link a user to an account, and say whether they are recorded from now on.

    This lifts an erasure of that user: what was before it stays forgotten.
    """
    return await tie(house, (normalised_id(server_id), normalised_id(user_id)), _wish(data))


@delete("/links/{server_id:str}/{user_id:str}", tags=["people"])
async def remove(house: NamedDependency[House], server_id: FromPath[str], user_id: FromPath[str]) -> None:
    """Take a link away. What was recorded stays with the account; nothing more is."""
    await untie(house, (normalised_id(server_id), normalised_id(user_id)))


async def tie(house: House, user: User, wish: LinkWish, *, is_own: bool = False) -> LinkWords:
    """Make the link of *user* what is wished, and return it. Raises ClientException (400), or StoreError.

    *is_own*: the person themselves wishes it; raises NotFoundException (404) unless the user is theirs already.
    """
    if not all(map(is_guid, user)):
        raise ClientException("server_id and user_id are 32 hexadecimal digits each, as Jellyfin numbers them.")
    now = house.clock()
    async with house.store.begin() as db:
        if await accounts.one(db, wish.account_id) is None:
            raise ClientException(f"account_id: there is no account {wish.account_id}.")
        if is_own and (await accounts.one_link(db, *user) or {}).get("account_id") != wish.account_id:
            raise NotFoundException("That user is not linked to this account.")
        done = await link(db, house.people, user, wish, now, house.tracker.ahead)
        row = await accounts.one_link(db, *user)
        since = await accounts.recorded_since(db, [user], now)
    await house.refresh()
    house.tracker.events.tell(done.settled)
    if row is None:
        raise NotFoundException("The link is gone again.")
    return msgspec.structs.replace(_words(row, since), erasure_lifted=done.lifted)


async def untie(house: House, user: User) -> None:
    """Take the link of *user* away. Raises NotFoundException (404), or StoreError."""
    async with house.store.begin() as db:
        settled = await unlink(db, house.people, user, house.clock(), house.tracker.ahead)
        if settled is None:
            raise NotFoundException("There is no such link.")
    await house.refresh()
    house.tracker.events.tell(settled)


def _wish(data: NewLink) -> LinkWish:
    private_until = None if data.private_until is None else _utc(data.private_until)
    return LinkWish(data.account_id, data.recorded, data.user_name, private_until=private_until)


def _words(row: dict[str, object], since: dict[tuple[str, str], datetime]) -> LinkWords:
    at = since.get((str(row["server_id"]), str(row["user_id"])))
    return struct_of(LinkWords, {**row, "recorded": at is not None, "recorded_since": at, "erasure_lifted": False})


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
