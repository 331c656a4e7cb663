"""All that is kept of one account, written as it is read: one JSON object, or CSV."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import msgspec

from receiver.api.words import playback_words
from receiver.exporting_rows import all_playbacks, cell, line, watches_told
from reconcile.store.belongings import corrected_away, other_tables, rows_of
from reconcile.store.engine import Transactions
from reconcile.store.tables import correction, link, recorded_interval
from reconcile.store.wanted import Wanted

Row = Mapping[str, Any]

COLUMNS = (
    "record",
    "id",
    "day",
    "watched_at",
    "started_at",
    "ended_at",
    "title",
    "series_title",
    "season",
    "episode",
    "year",
    "tmdb_id",
    "tvdb_id",
    "imdb_id",
    "kind",
    "completed",
    "partial",
    "plays",
    "percent",
    "watched_seconds",
    "device",
    "client",
    "channels",
    "verdict",
    "sentence",
    "details",
)
"""The columns of the CSV; whatever else a record says stands in *details*, as JSON."""


async def everything_as_json(store: Transactions, account: Row) -> AsyncIterator[bytes]:
    """Yield a JSON object: the account, and a list of each kind of record."""
    yield b'{"account":' + msgspec.json.encode(dict(account))
    for name, rows in _records(store, account["id"]):
        yield b"," + msgspec.json.encode(name) + b":["
        is_first = True
        async for row in rows:
            yield (b"" if is_first else b",\n") + msgspec.json.encode(row)
            is_first = False
        yield b"]"
    yield b"}\n"


async def everything_as_csv(store: Transactions, account: Row) -> AsyncIterator[bytes]:
    """Yield CSV (UTF-8), a record a line."""
    yield line(COLUMNS)
    yield line(_flat("account", msgspec.to_builtins(dict(account))))
    for name, rows in _records(store, account["id"]):
        async for row in rows:
            yield line(_flat(name, row))


def _records(store: Transactions, number: int) -> Iterable[tuple[str, AsyncIterator[Row]]]:
    yield "links", _plain(rows_of(store, link, number))
    yield "recorded", _plain(rows_of(store, recorded_interval, number))
    yield "history", _history(store, number)
    yield "playbacks", _playbacks(store, number)
    yield "corrections", _plain(rows_of(store, correction, number))
    for table in other_tables():
        yield str(table.name), _plain(rows_of(store, table, number))


async def _plain(rows: AsyncIterator[Row]) -> AsyncIterator[Row]:
    async for row in rows:
        yield msgspec.to_builtins(dict(row))


async def _history(store: Transactions, number: int) -> AsyncIterator[Row]:
    async for watch in watches_told(store, Wanted(account=number)):
        yield msgspec.to_builtins(watch)


async def _playbacks(store: Transactions, number: int) -> AsyncIterator[Row]:
    async for row in all_playbacks(store, Wanted(account=number)):
        yield _playback(row)
    async for row in corrected_away(store, number):
        yield _playback(row)


def _playback(row: Row) -> Row:
    """Return a playback with its watched intervals, [from, seconds], and parts of the item, [from, to] in seconds."""
    told: dict[str, Any] = msgspec.to_builtins(playback_words(row))
    return told | {name: row[name] for name in ("intervals", "covered", "skipped")}


# --- CSV -------------------------------------------------------------------------------------------------------------


def _flat(record: str, row: Row) -> list[object]:
    media = row.get("media") or {}
    values = {**row, **{name: media[name] for name in COLUMNS if name in media and name != "id"}, "record": record}
    rest = {name: value for name, value in row.items() if name not in COLUMNS and name not in ("media", "account")}
    values["details"] = msgspec.json.encode(rest).decode() if rest else ""
    return [cell(values.get(name)) for name in COLUMNS]
