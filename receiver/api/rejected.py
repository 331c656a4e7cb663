"""``/rejected``: what could not be read, counted, with a few examples: administrators only."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import PathParameter

from receiver.api.guard import ADMIN
from receiver.api.pages import LARGEST_ID, USUAL, Cursor, Limit, Page, cursor_of, place_of
from receiver.api.words import struct_of
from receiver.house import House
from reconcile.bygones import examples
from reconcile.replaying import replay
from reconcile.store import received

AT_ONCE = 500
"""How many examples are read again in one request."""


class RejectedWords(msgspec.Struct, frozen=True):
    """A kind of body that could not be read: why, where in it, how often, and the ids of its examples."""

    reason: str
    place: str
    count: int
    last_at: datetime
    examples: list[int]


class RejectedBody(msgspec.Struct, frozen=True):
    """An example, with the users that could be found in it blotted out."""

    id: int
    reason: str
    place: str
    received_at: datetime
    content_type: str
    body: str


class TriedAgain(msgspec.Struct, frozen=True):
    """What became of examples that were read once more. *read* can be read now, and are examples no longer.

    Of them *recorded* were news; *refused* tells why the others still cannot be read.
    """

    tried: int
    read: int
    recorded: int
    refused: list[str]


@get("/rejected", tags=["deliveries"], opt=ADMIN)
async def rejected_list(
    house: NamedDependency[House], limit: Limit = USUAL, cursor: Cursor = None
) -> Page[RejectedWords]:
    """Return what could not be read, the latest first."""
    place = place_of(cursor)
    skip = place[1] if place else 0
    async with house.store.read() as db:
        rows = await received.rejections(db, skip, limit + 1)
    items = [struct_of(RejectedWords, row) for row in rows[:limit]]
    more = len(rows) > limit
    return Page(items, cursor_of((items[-1].last_at, skip + limit)) if more else None)


@get("/rejected/{rejected_id:int}", tags=["deliveries"], opt=ADMIN)
async def one(
    house: NamedDependency[House], rejected_id: Annotated[int, PathParameter(ge=1, le=LARGEST_ID)]
) -> RejectedBody:
    """Return one example."""
    async with house.store.read() as db:
        row = await received.one_rejected(db, rejected_id)
    if row is None:
        raise NotFoundException(f"There is no example {rejected_id}.")
    return struct_of(RejectedBody, row)


@post("/rejected/retry", tags=["deliveries"], status_code=200)
async def retry_all(house: NamedDependency[House]) -> TriedAgain:
    """Read the examples once more, the oldest 500 of them: what can be read after a fix is recorded as of then."""
    return await try_again(house)


@post("/rejected/{rejected_id:int}/retry", tags=["deliveries"], status_code=200)
async def retry(
    house: NamedDependency[House], rejected_id: Annotated[int, PathParameter(ge=1, le=LARGEST_ID)]
) -> TriedAgain:
    """Read one example once more."""
    return await try_again(house, rejected_id)


async def try_again(house: House, number: int | None = None) -> TriedAgain:
    """Read one example once more, or the oldest `AT_ONCE`. Raises NotFoundException (404), or StoreError."""
    people, found = house.people.fresh(), examples(house.store, number, AT_ONCE)
    ahead = house.tracker.ahead
    done = await replay(house.store, people, found, house.clock, house.reading(), ahead=ahead, is_compared=False)
    if number is not None and not done.read:
        raise NotFoundException(f"There is no example {number}.")
    await house.refresh()
    refused = [f"{each.place}: {each.reason}" for each in done.refused]
    return TriedAgain(done.read, done.restored, done.recorded, refused)
