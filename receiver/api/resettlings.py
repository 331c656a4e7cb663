"""``/resettlings``: the history settled anew because rules have changed. It is done in the background."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import PathParameter

from receiver.api.guard import ADMIN
from receiver.api.pages import LARGEST_ID, USUAL, Cursor, Limit, Page, page_of, place_of
from receiver.api.words import struct_of
from receiver.house import House
from reconcile.store import resettlings


class ResettlingWords(msgspec.Struct, frozen=True):
    """One resettling: ``queued``, ``running``, ``done`` or ``failed``; *done* of *total* keys are settled.

    *changes* are the settings by name, ``before`` and ``after``; *result* has the differences in sentences.
    """

    id: int
    requested_at: datetime
    changes: dict[str, Any]
    dry_run: bool
    state: str
    done: int
    total: int
    result: dict[str, Any] | None


@get("/resettlings", tags=["settings"], opt=ADMIN)
async def resettling_list(
    house: NamedDependency[House], limit: Limit = USUAL, cursor: Cursor = None
) -> Page[ResettlingWords]:
    """Return resettlings, newest first."""
    place = place_of(cursor)
    async with house.store.read() as db:
        rows = await resettlings.resettlings(db, place[1] if place else None, limit + 1)
    words = [struct_of(ResettlingWords, row) for row in rows]
    return page_of(words, limit, lambda each: (each.requested_at, each.id), lambda each: each)


@get("/resettlings/{resettling_id:int}", tags=["settings"], opt=ADMIN)
async def one(
    house: NamedDependency[House], resettling_id: Annotated[int, PathParameter(ge=1, le=LARGEST_ID)]
) -> ResettlingWords:
    """Return one resettling."""
    async with house.store.read() as db:
        row = await resettlings.one(db, resettling_id)
    if row is None:
        raise NotFoundException(f"There is no resettling {resettling_id}.")
    return struct_of(ResettlingWords, row)
