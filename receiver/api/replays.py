"""``/replays``: deliveries taken in once more, after a fix or a change. It is done in the background."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import JSONBody, PathParameter

from receiver.api.guard import ADMIN
from receiver.api.pages import LARGEST_ID, USUAL, Cursor, Limit, Page, page_of, place_of
from receiver.api.words import struct_of
from receiver.house import House
from reconcile.store import replays


class ReplayWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which deliveries: received from *since* on, and before *until*. *dry_run*: only say what would change."""

    since: datetime
    until: datetime | None = None
    dry_run: bool = False


class ReplayWords(msgspec.Struct, frozen=True):
    """A replay: ``queued``, ``running``, ``done`` or ``failed``, and what came of it."""

    id: int
    requested_at: datetime
    since: datetime
    until: datetime | None
    dry_run: bool
    state: str
    result: dict[str, Any] | None


@post("/replays", tags=["deliveries"], status_code=202)
async def create(house: NamedDependency[House], data: JSONBody[ReplayWish]) -> ReplayWords:
    """Ask for a replay; its state is told by GET /replays/{id}."""
    return await ask(house, data)


@get("/replays", tags=["deliveries"], opt=ADMIN)
async def replay_list(house: NamedDependency[House], limit: Limit = USUAL, cursor: Cursor = None) -> Page[ReplayWords]:
    """Return replays, newest first."""
    place = place_of(cursor)
    async with house.store.read() as db:
        rows = await replays.replays(db, place[1] if place else None, limit + 1)
    words = [struct_of(ReplayWords, row) for row in rows]
    return page_of(words, limit, lambda each: (each.requested_at, each.id), lambda each: each)


@get("/replays/{replay_id:int}", tags=["deliveries"], opt=ADMIN)
async def one(
    house: NamedDependency[House], replay_id: Annotated[int, PathParameter(ge=1, le=LARGEST_ID)]
) -> ReplayWords:
    """Return one replay."""
    async with house.store.read() as db:
        row = await replays.one(db, replay_id)
    if row is None:
        raise NotFoundException(f"There is no replay {replay_id}.")
    return struct_of(ReplayWords, row)


async def ask(house: House, wish: ReplayWish) -> ReplayWords:
    """Have deliveries taken in once more. Raises ClientException (400), or StoreError."""
    since, until = _utc("since", wish.since), None if wish.until is None else _utc("until", wish.until)
    if until is not None and until <= since:
        raise ClientException("until: it has to be later than since.")
    async with house.store.begin() as db:
        row = await replays.add(db, house.clock(), since, until, dry_run=wish.dry_run)
    house.replayer.wake()
    return struct_of(ReplayWords, row)


def _utc(name: str, at: datetime) -> datetime:
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError as error:
        raise ClientException(f"{name}: it is beyond all time.") from error
