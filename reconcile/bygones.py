"""Where a replay takes its deliveries from: those that are kept, examples of what could not be read, or a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime

import msgspec

from reconcile.jellyfin.instants import instant
from reconcile.playback.check_in import Rejected
from reconcile.store import deliveries
from reconcile.store.engine import Transactions


class Bygone(msgspec.Struct, frozen=True):
    """A delivery of the past; *place* says where it is from («line 4»).

    *failed* is its id where our code raised on it then, *example* its id among the rejected.
    """

    place: str
    received_at: datetime
    content_type: str
    body: bytes
    failed: int | None = None
    example: int | None = None


Told = Bygone | Rejected
"""A delivery, or why a line of a file is none."""


async def kept(
    store: Transactions, since: datetime | None = None, until: datetime | None = None
) -> AsyncIterator[Told]:
    """Yield the deliveries received from *since* to *until*, oldest first."""
    async with store.read() as db:
        async for each in deliveries.between(db, since, until):
            failed = each.id if each.outcome == "failed" else None
            yield Bygone(f"delivery {each.id}", each.received_at, each.content_type, each.body, failed)


async def examples(store: Transactions, number: int | None = None, most: int | None = None) -> AsyncIterator[Told]:
    """Yield the examples of what could not be read, or only that of one *number*; at most *most* of them."""
    async with store.read() as db:
        found = await deliveries.rejected_bodies(db, number, most)
    for each in found:
        place = f"rejected example {each.id}"
        yield Bygone(place, each.received_at, each.content_type, each.body, example=each.id)


async def lines(source: Iterable[bytes]) -> AsyncIterator[Told]:
    """Yield the deliveries of an NDJSON file, one a line; empty lines are passed over."""
    for number, line in enumerate(source, start=1):
        if line.strip():
            yield bygone(line, f"line {number}")


class _Line(msgspec.Struct):
    body: msgspec.Raw
    received_at: str | None = None
    content_type: str = "application/json"


def bygone(line: bytes, place: str) -> Told:
    """Return the delivery that *line* tells: ``{"received_at", "content_type", "body"}``, or a bare notification.

    Without a time of receipt the notification must bear a UtcTimestamp: without either, a replay would be a new
    evening.
    """
    line = line.strip().removeprefix(b"\xef\xbb\xbf")
    try:
        told = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        keys = {name.lower(): value for name, value in told.items()}
        if "body" not in keys:
            return _dated(line, "application/json", keys, place)
        wrapped = msgspec.json.decode(line, type=_Line)
        body = bytes(wrapped.body)
        if body.startswith(b'"'):
            body = msgspec.json.decode(body, type=str).encode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Rejected(f"no delivery: {error}", place)
    if wrapped.received_at is None:
        return _dated(body, wrapped.content_type, _keys(body), place)
    received_at = instant(wrapped.received_at)
    if received_at is None:
        return Rejected("received_at is no instant: 2026-01-03T20:00:00Z is one", place)
    return Bygone(place, received_at, wrapped.content_type, body)


def _keys(body: bytes) -> dict[str, msgspec.Raw]:
    try:
        return {name.lower(): value for name, value in msgspec.json.decode(body, type=dict[str, msgspec.Raw]).items()}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def _dated(body: bytes, content_type: str, keys: dict[str, msgspec.Raw], place: str) -> Told:
    """Return the notification *body*, received at the UtcTimestamp that it bears."""
    try:
        at = instant(msgspec.json.decode(keys.get("utctimestamp", b"null"), type=str | None))
    except msgspec.MsgspecError:
        at = None
    if at is None:
        return Rejected("neither received_at nor UtcTimestamp: without a time a replay would be a new evening", place)
    return Bygone(place, at, content_type, body)
