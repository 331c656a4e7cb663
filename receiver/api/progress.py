"""``/progress``: how far an account is with its series, and giving one up."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import PathParameter, QueryParameter

from receiver.api.pages import LARGEST_ID, USUAL, Cursor, Limit, Page, chosen, page_of, place_of
from receiver.house import House
from receiver.wishes import give_up
from reconcile.playback.progress import Status
from reconcile.store import progress as kept

Whose = Annotated[int, QueryParameter(ge=1, le=LARGEST_ID)]
SomeStatus = Annotated[str | None, QueryParameter(description="in_progress, caught_up, completed or abandoned")]
MediaId = Annotated[int, PathParameter(ge=1, le=LARGEST_ID)]


class SeriesWords(msgspec.Struct, frozen=True):
    """A series. Public ids are null where nobody knows them."""

    id: int
    title: str
    year: int | None
    tmdb_id: str | None
    tvdb_id: str | None
    imdb_id: str | None
    seerr_media_id: int | None


class ProgressWords(msgspec.Struct, frozen=True):
    """How far an account is with a series: distinct completed episodes of those that are known, specials apart.

    *status* is completed if the series is over, caught_up while it runs or nobody knows whether it does. The total,
    *percent* and *running* are null while nobody knows. *completions*: how often every episode has been completed.
    """

    account_id: int
    media: SeriesWords
    status: str
    watched_episodes: int
    watched_specials: int
    total_episodes: int | None
    percent: float | None
    running: bool | None
    completions: int
    completed_at: datetime | None
    last_watched_at: datetime


@get("/progress", tags=["progress"])
async def progress(
    house: NamedDependency[House],
    account: Whose,
    status: SomeStatus = None,
    limit: Limit = USUAL,
    cursor: Cursor = None,
) -> Page[ProgressWords]:
    """Return the series of an account, the last watched first."""
    wanted = chosen("status", status, *(each.value for each in Status))
    _check(house, account)
    async with house.store.read() as db:
        rows = await kept.shown(db, account, wanted, place_of(cursor), limit + 1)
    return page_of(rows, limit, lambda row: (row["last_watched_at"], row["media_id"]), _words)


@post("/progress/{media_id:int}/abandon", tags=["progress"], status_code=200)
async def abandon(house: NamedDependency[House], media_id: MediaId, account: Whose) -> ProgressWords:
    """Note that the account gave the series up. It holds until `resume`, or until another episode is completed."""
    return await _said(house, account, media_id, is_abandoned=True)


@post("/progress/{media_id:int}/resume", tags=["progress"], status_code=200)
async def resume(house: NamedDependency[House], media_id: MediaId, account: Whose) -> ProgressWords:
    """Take back that the account gave the series up."""
    return await _said(house, account, media_id, is_abandoned=False)


async def _said(house: House, account: int, media_id: int, *, is_abandoned: bool) -> ProgressWords:
    _check(house, account)
    row = await give_up(house, account, media_id, is_abandoned=is_abandoned)
    if row is None:
        raise NotFoundException(f"Account {account} has completed nothing of a series {media_id}.")
    return _words(row)


def _check(house: House, account: int) -> None:
    if account not in house.people.accounts:
        raise NotFoundException(f"There is no account {account}.")


def _words(row: dict[str, Any]) -> ProgressWords:
    total, watched = row["total_episodes"], row["watched_episodes"]
    names = SeriesWords.__struct_fields__
    return ProgressWords(
        account_id=row["account_id"],
        media=msgspec.convert({name: row["media_id" if name == "id" else name] for name in names}, SeriesWords),
        status=row["status"],
        watched_episodes=watched,
        watched_specials=row["watched_specials"],
        total_episodes=total,
        percent=round(min(100.0, 100.0 * watched / total), 2) if total else None,
        running=row["is_running"],
        completions=row["completions"],
        completed_at=row["completed_at"],
        last_watched_at=row["last_watched_at"],
    )
