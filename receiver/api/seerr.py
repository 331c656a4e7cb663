"""``/seerr``: how the mirror is doing, what accounts wish to be done there, and what has been."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

import msgspec
from litestar import get, post, put
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, HTTPException, NotFoundException
from litestar.params import JSONBody, PathParameter
from msgspec import Meta

from receiver.api.guard import ADMIN
from receiver.api.pages import LARGEST_ID, USUAL, Cursor, Limit, Page, cursor_of, place_of
from receiver.api.words import struct_of
from receiver.house import House
from reconcile.errors import JellyfinUnreachable
from reconcile.jellyfin.client import JellyfinClient
from reconcile.mirroring import Mirroring
from reconcile.mirroring import Status as SeerrStatus
from reconcile.store import accounts, errands, seerr
from reconcile.store.seerr import Wish

AccountId = Annotated[int, PathParameter(ge=1, le=LARGEST_ID)]

_THEN = datetime(1970, 1, 1, tzinfo=UTC)


class SeerrWords(msgspec.Struct, frozen=True):
    """Whether Seerr is set up, why it cannot be, and how its mirror is doing."""

    is_set_up: bool
    trouble: str | None
    mirror: SeerrStatus | None


class Address(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The URL at which this service reaches Seerr's Jellyfin, where that is not the one at which Seerr does."""

    url: Annotated[str, Meta(min_length=1, max_length=2000)] | None = None


class Connected(msgspec.Struct, frozen=True):
    """The server whose connection was taken over from Seerr. Its key is kept encrypted, and never told."""

    server_id: str
    url: str


class WishWords(msgspec.Struct, frozen=True):
    """What an account wishes to be done at Seerr, and since when.

    *watchlist*: what it finishes leaves its watchlist there, if it was listed before it was watched. *watches*: what it
    completes is told to a Seerr that keeps watches.
    """

    account_id: int
    watchlist: bool
    watches: bool
    watchlist_since: datetime | None
    watches_since: datetime | None


class NewWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an account wishes from now on; what it wishes already, it goes on wishing since then."""

    watchlist: bool = False
    watches: bool = False


class ErrandWords(msgspec.Struct, frozen=True):
    """Something to be done at Seerr. *kind* is ``watch`` or ``watchlist``, *reason* what came of it, or holds it up."""

    kind: str
    account_id: int
    media_id: int
    title: str | None
    unit: str
    day: str
    watched_at: datetime
    state: str
    attempts: int
    next_try_at: datetime | None
    done_at: datetime | None
    reason: str | None


@get("/seerr", tags=["seerr"], opt=ADMIN)
async def state(house: NamedDependency[House]) -> SeerrWords:
    """Return how the mirror of Seerr is doing."""
    mirror = house.elsewhere.seerr
    status = None if mirror is None else await mirror.status()
    return SeerrWords(mirror is not None, house.elsewhere.trouble, status)


@post("/seerr/sync", tags=["seerr"], status_code=HTTPStatus.ACCEPTED)
async def sync(house: NamedDependency[House]) -> None:
    """Have everything mirrored anew, in the background."""
    _mirror(house).hurry()


@post("/seerr/connection", tags=["seerr"])
async def connect(house: NamedDependency[House], data: JSONBody[Address]) -> Connected:
    """Use Seerr's own connection to Jellyfin: its address and its API key, which Seerr may revoke."""
    mirror = _mirror(house)
    told = await mirror.client.jellyfin()
    url = data.url or told.url
    if url is None or not told.api_key:
        raise ClientException("Seerr does not tell how it reaches its Jellyfin: add the server with a key of its own.")
    try:
        info = await JellyfinClient(url, told.api_key, house.wires.http, house.clock).public_info()
    except JellyfinUnreachable as error:
        detail = f"{error} If Seerr reaches it at another address than we do, give ours as «url»."
        raise HTTPException(detail, status_code=HTTPStatus.BAD_GATEWAY) from error
    if info.id != told.server_id:
        raise ClientException("url: that is another Jellyfin than Seerr's.")
    server_id = await house.wires.meet(url, told.api_key)
    await house.refresh()
    mirror.hurry()
    known = house.wires.of(server_id)
    return Connected(server_id, url if known is None else known.client.url)


@get("/seerr/wishes", tags=["seerr"], opt=ADMIN)
async def wish_list(house: NamedDependency[House]) -> Page[WishWords]:
    """Return what accounts wish to be done at Seerr. All of them; those that wish nothing are left out."""
    async with house.store.read() as db:
        wishes = await seerr.wishes(db)
    return Page([_words(wishes[number]) for number in sorted(wishes)])


@put("/seerr/wishes/{account_id:int}", tags=["seerr"])
async def put_wish(house: NamedDependency[House], account_id: AccountId, data: JSONBody[NewWish]) -> WishWords:
    """Set what an account wishes to be done at Seerr. Nothing is done for what was watched before."""
    now = house.clock()
    async with house.store.begin() as db:
        if await accounts.one(db, account_id) is None:
            raise NotFoundException(f"There is no account {account_id}.")
        before = (await seerr.wishes(db, [account_id])).get(account_id, Wish(account_id))
        wish = Wish(
            account_id,
            (before.watchlist_since or now) if data.watchlist else None,
            (before.watches_since or now) if data.watches else None,
        )
        await seerr.wish(db, wish)
    return _words(wish)


@get("/seerr/errands", tags=["seerr"], opt=ADMIN)
async def errand_list(house: NamedDependency[House], limit: Limit = USUAL, cursor: Cursor = None) -> Page[ErrandWords]:
    """Return what was to be done at Seerr, the latest first, and what came of it."""
    place = place_of(cursor)
    async with house.store.read() as db:
        rows = await errands.listed(db, place, limit + 1)
    skipped = (place[1] if place else 0) + limit
    items = [struct_of(ErrandWords, row) for row in rows[:limit]]
    return Page(items, cursor_of((_THEN, skipped)) if len(rows) > limit else None)


def _mirror(house: House) -> Mirroring:
    if house.elsewhere.seerr is None:
        raise NotFoundException(house.elsewhere.trouble or "Seerr is not set up: set SEERR_URL and SEERR_API_KEY.")
    return house.elsewhere.seerr


def _words(wish: Wish) -> WishWords:
    return WishWords(
        account_id=wish.account_id,
        watchlist=wish.watchlist_since is not None,
        watches=wish.watches_since is not None,
        watchlist_since=wish.watchlist_since,
        watches_since=wish.watches_since,
    )
