"""``/rejected``: what could not be read, counted, with a few examples: administrators only."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import PathParameter

from receiver.api.guard import ADMIN
from receiver.api.pages import LARGEST_ID, USUAL, Cursor, Limit, Page, cursor_of, place_of
from receiver.api.words import struct_of
from receiver.house import House
from reconcile.store import received


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
