"""``/outbox``: messages to targets: what waits, what was received, and what was given up."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import PathParameter, QueryParameter

from receiver.api.guard import ADMIN
from receiver.api.pages import LARGEST_ID, USUAL, Cursor, Id, Limit, Page, Text, chosen, page_of, place_of
from receiver.api.words import struct_of
from receiver.house import House
from reconcile.playback.news import Kind
from reconcile.store import outbox

State = Annotated[str | None, QueryParameter(name="state", description="waiting, sent or dead.")]
Number = Annotated[int, PathParameter(ge=1, le=LARGEST_ID)]


class MessageWords(msgspec.Struct, frozen=True):
    """One message to one target: ``waiting`` (until *due_at*), ``sent`` or ``dead``.

    *status* and *error* are of the last attempt; *message_id* is its webhook-id, the same at each attempt.
    """

    id: int
    message_id: str
    target_id: int
    account_id: int | None
    kind: str
    queued_at: datetime
    state: str
    attempts: int
    due_at: datetime | None
    sent_at: datetime | None
    status: int | None
    error: str | None


class MessageWithBody(MessageWords, frozen=True):
    """A message with what it says, as it is sent."""

    body: str


@get("/outbox", tags=["outbound"], opt=ADMIN)
async def message_list(
    house: NamedDependency[House],
    *,
    in_state: State = None,
    target: Id = None,
    account: Id = None,
    kind: Text = None,
    limit: Limit = USUAL,
    cursor: Cursor = None,
) -> Page[MessageWords]:
    """Return messages without their bodies, newest first."""
    sought = outbox.Sought(
        state=chosen("state", in_state, *outbox.STATES),
        target=target,
        account=account,
        kind=chosen("kind", kind, *(each.value for each in Kind)),
    )
    place = place_of(cursor)
    async with house.store.read() as db:
        rows = await outbox.messages(db, sought, place[1] if place else None, limit + 1)
    words = [struct_of(MessageWords, row) for row in rows]
    return page_of(words, limit, lambda each: (each.queued_at, each.id), lambda each: each)


@get("/outbox/{message_id:int}", tags=["outbound"], opt=ADMIN)
async def one(house: NamedDependency[House], message_id: Number) -> MessageWithBody:
    """Return one message with its body."""
    async with house.store.read() as db:
        row = await outbox.one(db, message_id)
    return struct_of(MessageWithBody, _known(row, message_id))


@post("/outbox/{message_id:int}/retry", tags=["outbound"], status_code=202)
async def retry(house: NamedDependency[House], message_id: Number) -> MessageWords:
    """Try a message again now that waits or is dead, and for three more days."""
    return await try_again(house, message_id)


async def try_again(house: House, message_id: int) -> MessageWords:
    """Try a message again, and return it. Raises NotFoundException (404), ClientException (400), or StoreError."""
    async with house.store.begin() as db:
        _known(await outbox.one(db, message_id), message_id)
        if not await outbox.retry(db, message_id, house.clock()):
            raise ClientException(f"Message {message_id} was received already.")
        row = await outbox.one(db, message_id)
    house.sender.wake()
    return struct_of(MessageWords, _known(row, message_id))


def _known(row: outbox.Row | None, number: int) -> outbox.Row:
    if row is None:
        raise NotFoundException(f"There is no message {number}.")
    return row
