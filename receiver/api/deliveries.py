"""``/deliveries``: notifications as they were received. They hold names and addresses: administrators only."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import PathParameter

from receiver.api.guard import ADMIN
from receiver.api.pages import (
    LARGEST_ID,
    USUAL,
    Cursor,
    From,
    Limit,
    Page,
    Text,
    To,
    instant_or_day,
    page_of,
    place_of,
    start_of,
)
from receiver.api.words import struct_of
from receiver.house import House
from reconcile.playback.identity import normalised_id
from reconcile.store import received


class DeliveryWords(msgspec.Struct, frozen=True):
    """One request that brought a notification. *at* is its UtcTimestamp; *error* is ours, where it was set aside."""

    id: int
    server_id: str | None
    user_id: str | None
    received_at: datetime
    at: datetime | None
    kind: str
    content_type: str
    outcome: str
    reason: str
    error: str | None


class DeliveryWithBody(DeliveryWords, frozen=True):
    """A delivery with its body, as received."""

    body: str


@get("/deliveries", tags=["deliveries"], opt=ADMIN)
async def delivery_list(  # noqa: PLR0913 - as many as there are filters
    house: NamedDependency[House],
    *,
    server: Text = None,
    user: Text = None,
    kind: Text = None,
    outcome: Text = None,
    from_: From = None,
    to: To = None,
    limit: Limit = USUAL,
    cursor: Cursor = None,
) -> Page[DeliveryWords]:
    """Return deliveries without their bodies, newest first."""
    sought = received.Sought(
        server=None if server is None else normalised_id(server),
        user=None if user is None else normalised_id(user),
        kind=kind,
        outcome=outcome,
        since=start_of(instant_or_day("from", from_)),
        until=start_of(instant_or_day("to", to), is_last_day=True),
    )
    place = place_of(cursor)
    async with house.store.read() as db:
        rows = await received.deliveries(db, sought, place[1] if place else None, limit + 1)
    words = [struct_of(DeliveryWords, row) for row in rows]
    return page_of(words, limit, lambda each: (each.received_at, each.id), lambda each: each)


@get("/deliveries/{delivery_id:int}", tags=["deliveries"], opt=ADMIN)
async def one(
    house: NamedDependency[House], delivery_id: Annotated[int, PathParameter(ge=1, le=LARGEST_ID)]
) -> DeliveryWithBody:
    """Return one delivery with its body."""
    async with house.store.read() as db:
        row = await received.one_delivery(db, delivery_id)
    if row is None:
        raise NotFoundException(f"There is no delivery {delivery_id}.")
    return struct_of(DeliveryWithBody, row)
