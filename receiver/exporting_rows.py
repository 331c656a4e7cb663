"""Rows of the history, written as they are read: CSV, or JSON in the words of the API."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.api.words import PlaybackWords, WatchWords, playback_words, watch_words
from reconcile.store.engine import Transactions
from reconcile.store.history import Row, playbacks, watches
from reconcile.store.wanted import Place, Wanted

PAGE = 500

_MEDIA = ("title", "series_title", "season", "episode", "year", "tmdb_id", "tvdb_id", "imdb_id", "kind")

WATCH_COLUMNS = (
    "day",
    "watched_at",
    "started_at",
    "account",
    *_MEDIA,
    "completed",
    "partial",
    "plays",
    "percent",
    "watched_seconds",
    "channels",
    "verdict",
    "sentence",
)

PLAYBACK_COLUMNS = (
    "started_at",
    "ended_at",
    "account",
    *_MEDIA,
    "completed",
    "verdict",
    "sentence",
    "server_completed",
    "watched_seconds",
    "reached_seconds",
    "runtime_seconds",
    "percent",
    "covered_percent",
    "skipped_percent",
    "ended_by",
    "device",
    "client",
    "channels",
)


Reading = Callable[[AsyncConnection, Wanted, Place | None, int], Awaitable[Sequence[Row]]]


def all_watches(store: Transactions, wanted: Wanted) -> AsyncIterator[Row]:
    """Yield the watches that are wanted, newest first."""
    return _page_by_page(store, wanted, watches, "watched_at")


def all_playbacks(store: Transactions, wanted: Wanted) -> AsyncIterator[Row]:
    """Yield the playbacks that are wanted, the latest begun first."""
    return _page_by_page(store, wanted, playbacks, "started_at")


async def _page_by_page(store: Transactions, wanted: Wanted, read: Reading, at: str) -> AsyncIterator[Row]:
    """Yield what *read* finds, each page in a transaction of its own; *at* names the instant that orders them."""
    after: Place | None = None
    while True:
        async with store.read() as db:
            rows = await read(db, wanted, after, PAGE)
        for row in rows:
            yield row
        if len(rows) < PAGE:
            return
        after = (rows[-1][at], rows[-1]["id"])


async def watches_told(store: Transactions, wanted: Wanted) -> AsyncIterator[WatchWords]:
    """Yield the watches that are wanted in the words of the API, newest first."""
    async for row in all_watches(store, wanted):
        yield watch_words(row)


async def playbacks_told(store: Transactions, wanted: Wanted) -> AsyncIterator[PlaybackWords]:
    """Yield the playbacks that are wanted in the words of the API, the latest begun first."""
    async for row in all_playbacks(store, wanted):
        yield playback_words(row)


async def as_csv(told: AsyncIterator[msgspec.Struct], columns: Sequence[str]) -> AsyncIterator[bytes]:
    """Yield CSV (UTF-8) with a line of *columns*, and one for each of what is *told*."""
    yield line(columns)
    async for each in told:
        yield line(_cells(each, columns))


async def as_json(told: AsyncIterator[msgspec.Struct]) -> AsyncIterator[bytes]:
    """Yield a JSON array of what is *told*, one a line."""
    before = b"[\n"
    async for each in told:
        yield before + msgspec.json.encode(each)
        before = b",\n"
    yield b"\n]\n" if before == b",\n" else b"[]\n"


def _cells(words: msgspec.Struct, columns: Sequence[str]) -> list[object]:
    told: dict[str, Any] = msgspec.to_builtins(words)
    account = told["account"]["name"] if "account" in told else told["account_name"]
    flat = {**told["media"], **told, "account": account}
    return [cell(flat[name]) for name in columns]


def cell(value: object) -> object:
    """Return *value* as a cell holds it: lists as words, and nothing that a spreadsheet takes for a formula."""
    if isinstance(value, list):
        value = " ".join(map(str, value))
    is_formula = isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r")
    return f"'{value}" if is_formula else value


def line(cells: Iterable[object]) -> bytes:
    """Return a line of CSV."""
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue().encode()
