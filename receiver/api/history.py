"""``/history``: the watches, newest first."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from receiver.api.pages import USUAL, Cursor, From, Id, Limit, Page, To, chosen, instant_or_day, page_of, place_of
from receiver.api.words import WatchWords, watch_words
from receiver.house import House
from reconcile.store.history import Wanted, watches

Kind = Annotated[str | None, QueryParameter(description="movie or episode")]


@get("/history", tags=["history"])
async def history(  # noqa: PLR0913 - as many as there are filters
    house: NamedDependency[House],
    *,
    account: Id = None,
    media: Id = None,
    kind: Kind = None,
    completed: FromQuery[bool | None] = None,
    from_: From = None,
    to: To = None,
    limit: Limit = USUAL,
    cursor: Cursor = None,
) -> Page[WatchWords]:
    """Return what was watched, newest first. Days are the account's own; instants are those of `watched_at`."""
    since, until = instant_or_day("from", from_), instant_or_day("to", to)
    wanted = Wanted(
        account=account,
        media=media,
        kind=chosen("kind", kind, "movie", "episode"),
        completed=completed,
        since=since if isinstance(since, datetime) else None,
        until=until if isinstance(until, datetime) else None,
        first_day=_day(since),
        last_day=_day(until),
    )
    async with house.store.read() as db:
        rows = await watches(db, wanted, place_of(cursor), limit + 1)
    return page_of(rows, limit, lambda row: (row["watched_at"], row["id"]), watch_words)


def _day(told: datetime | date | None) -> str | None:
    return told.isoformat() if told is not None and not isinstance(told, datetime) else None
