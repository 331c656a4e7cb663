"""Lists in pages: a cursor says where the last page ended, and nobody outside has to know how."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Generic, TypeVar

import msgspec
from litestar.exceptions import ClientException
from litestar.params import QueryParameter

from reconcile.store.history import Place

Item = TypeVar("Item")
Row = TypeVar("Row")

MOST = 500
USUAL = 50
LARGEST_ID = 2**63 - 1

Limit = Annotated[int, QueryParameter(ge=1, le=MOST, description="How many items a page has.")]
Cursor = Annotated[str | None, QueryParameter(description="Where the last page ended: its next_cursor.")]
Id = Annotated[int | None, QueryParameter(ge=1, le=LARGEST_ID)]
Text = Annotated[str | None, QueryParameter(max_length=200, pattern=r"^[^\x00]*$")]
From = Annotated[
    str | None, QueryParameter(name="from", description="The first instant (ISO 8601), or the first day (YYYY-MM-DD).")
]
To = Annotated[
    str | None,
    QueryParameter(name="to", description="The instant before which (ISO 8601), or the last day (YYYY-MM-DD)."),
]


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """Some of the rows. *next_cursor* fetches those after them; null: there are none."""

    items: list[Item]
    next_cursor: str | None = None


def page_of(rows: Sequence[Row], limit: int, place: Callable[[Row], Place], item: Callable[[Row], Item]) -> Page[Item]:
    """Return a page of the first *limit* of *rows*; one more than that says that there is a next page."""
    shown = rows[:limit]
    more = len(rows) > limit
    return Page([item(row) for row in shown], cursor_of(place(shown[-1])) if more else None)


def cursor_of(place: Place) -> str:
    """Return *place* as a cursor."""
    instant, number = place
    return base64.urlsafe_b64encode(f"{instant.isoformat()} {number}".encode()).decode().rstrip("=")


def place_of(cursor: str | None) -> Place | None:
    """Return the place of a cursor. Raises ClientException (400) if it is none of ours."""
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        instant, _, number = text.partition(" ")
        place = (datetime.fromisoformat(instant).astimezone(UTC), int(number))
    except (ValueError, OverflowError) as error:
        raise ClientException("cursor: it is none that this API has given.") from error
    if not 0 <= place[1] < 2**63:
        raise ClientException("cursor: it is none that this API has given.")
    return place


def instant_or_day(name: str, text: str | None) -> datetime | date | None:
    """Return the instant or the day that the parameter *name* gives. Raises ClientException (400)."""
    if text is None:
        return None
    try:
        if len(text) == len("2026-11-22"):
            return date.fromisoformat(text)
        found = datetime.fromisoformat(text.replace(" ", "+"))  # a + in a query string is a blank
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ClientException(
            f"{name}: a date or an ISO 8601 instant is needed, such as 2026-11-22T20:00:00Z."
        ) from error


def start_of(told: datetime | date | None, *, is_last_day: bool = False) -> datetime | None:
    """Return the instant that *told* is, or at which its day begins (UTC), or after a last day, ends."""
    if told is None or isinstance(told, datetime):
        return told
    try:
        return datetime.combine(told + timedelta(days=int(is_last_day)), time(), UTC)
    except OverflowError:
        return None


def chosen(name: str, value: str | None, *choices: str) -> str | None:
    """Return *value* if it is one of *choices*. Raises ClientException (400)."""
    if value is not None and value not in choices:
        raise ClientException(f"{name}: one of {', '.join(choices)} is needed.")
    return value
