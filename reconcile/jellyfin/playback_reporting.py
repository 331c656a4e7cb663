"""What the Playback Reporting plugin has kept: its rows, from the server's API or from a backup (facts E)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from reconcile.errors import JellyfinMissing, JellyfinRefused, JellyfinUnreadable
from reconcile.jellyfin.catalogue import decoded
from reconcile.jellyfin.client import JellyfinClient
from reconcile.jellyfin.item_types import NO_USER, history_kind
from reconcile.playback.check_in import DeviceFacts, Ignored, ItemFacts, Rejected
from reconcile.playback.identity import NOBODY, is_guid, normalised_id
from reconcile.playback.imports import Play, Told

COLUMNS = (
    *("DateCreated", "UserId", "ItemId", "ItemType", "ItemName"),
    *("PlaybackMethod", "ClientName", "DeviceName", "PlayDuration"),
)
"""The columns of its table, in order: of a row of the backup too."""

TAKEN_AFTER = timedelta(seconds=20)
"""How long after the start of a play DateCreated is taken (facts E)."""

LONGEST = 86400.0
"""Seconds: no play is longer than a day. Importers have seen INT32_MIN and twenty years (facts E)."""

HIGHEST = 99999
"""No season and no episode has a greater number, and PostgreSQL keeps none of more than 2**31."""

NOTHING = Ignored("nothing was played")
NO_ID = "the user's or the item's id is none of Jellyfin's"
PAGE = 1000
"""How many rows are asked for at once: some 300 KB."""

_FRONT, _BACK = 4, 4
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,7})?(Z|[+-][0-9]{2}:[0-9]{2})?")
_EARLIEST, _LATEST = 1970, 9999
_SECONDS = re.compile(r"-?[0-9]{1,15}")
_EPISODE = re.compile(r"(.+?) - s([0-9]{2,9})e([0-9]{2,9}) - (.*)", re.DOTALL)
_NONE_LEFT = "Query executed, no data returned"
_TAGS = re.compile(r"<pre>.*|<[^>]*>", re.DOTALL)
_SHOWN = 200


class _Answer(msgspec.Struct, frozen=True):
    """The plugin's own spelling: *colums*. Every cell is text."""

    colums: tuple[str, ...] = ()
    results: tuple[tuple[str | None, ...], ...] = ()
    message: str | None = None


def read_row(cells: Sequence[str], place: str) -> Told:
    """Return what one row says; *cells* are the nine columns in the order of COLUMNS, as text.

    DateCreated is the wall time of the server, without an offset, taken 20 s after the start: *started_at* is naive
    and lies 20 s before it. (A version that is being made keeps UTC with a Z: then it is aware.) PlayDuration is in
    whole seconds, without the pauses that the plugin saw, and no position (facts E). Never raises.
    """
    if len(cells) != len(COLUMNS):
        has = f"{len(cells)} column{'' if len(cells) == 1 else 's'}"
        return Rejected(f"it has {has}, a row of the backup has {len(COLUMNS)}", place)
    cells = [text(cell) for cell in cells]
    created, user, item, item_type, name, _method, client, device, duration = cells
    kind = history_kind(item_type)
    if isinstance(kind, Ignored):
        return kind
    user_id, item_id = normalised_id(user), normalised_id(item)
    if user_id in {"", NOBODY}:
        return NO_USER
    if not is_guid(user_id) or not is_guid(item_id):
        return Rejected(NO_ID, place)
    started_at = _started_at(created)
    if started_at is None:
        return Rejected(f"«{created[:40]}» is no date such as 2026-01-03 20:00:00", place)
    seconds = played(duration, place)
    if not isinstance(seconds, float):
        return seconds
    facts = DeviceFacts(client=client or None, device_name=device or None)
    return Play(user_id, item_id, started_at, seconds, place, item=named(kind, name), device=facts)


def played(duration: str, place: str) -> float | Ignored | Rejected:
    """Return the seconds that *duration* says; less than none, or more than a day, is not believed (facts E)."""
    if _SECONDS.fullmatch(duration) is None:
        return Rejected(f"«{duration[:40]}» is no number of seconds", place)
    seconds = float(duration)
    if seconds < 0:
        return Rejected(f"it was played for {duration} s: the plugin lost count", place)
    if seconds > LONGEST:
        return Rejected(f"it was played for {duration} s, longer than a day: the plugin lost count", place)
    return seconds or NOTHING


def named(kind: str | None, name: str) -> ItemFacts:
    """Return what the plugin's name of an item says: «Series - s01e02 - Title», 00 where it did not know (facts E)."""
    found = _EPISODE.fullmatch(name) if kind != "movie" else None
    if found is None:
        return ItemFacts(kind=kind, name=name or None)
    series, season, episode, title = found.groups()
    return ItemFacts(
        kind="episode",
        name=title or None,
        series_name=series,
        season=within(int(season), HIGHEST) or None,
        episode=within(int(episode), HIGHEST) or None,
    )


def text(told: str) -> str:
    """Return *told* without NUL, which PostgreSQL does not keep."""
    return told.replace("\x00", "")


def within(told: int | None, most: int) -> int | None:
    """Return a number from 0 to *most*; None for any other, which is a mistake."""
    return told if told is not None and 0 <= told <= most else None


def _started_at(created: str) -> datetime | None:
    if _DAY.fullmatch(created) is None:
        return None
    try:
        told = datetime.fromisoformat(created)
        told = told if told.tzinfo is None else told.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return told - TAKEN_AFTER if _EARLIEST <= told.year < _LATEST else None


# --- over the API -----------------------------------------------------------------------------------------------------


async def plays(client: JellyfinClient, page: int = PAGE) -> AsyncIterator[list[Told]]:
    """Yield what every row says, oldest first, in lists of up to *page*. Places are «row 17», by SQLite's rowid.

    Only SELECTs are sent, as the plugin's connection could write (facts E). Raises JellyfinMissing without the plugin,
    JellyfinRefused where the key may not ask, JellyfinUnreadable where SQL failed or the answer is not the plugin's.
    """
    last = 0
    while True:
        answer = await _asked(
            client,
            f"SELECT rowid, * FROM PlaybackActivity WHERE rowid > {last} ORDER BY rowid"  # noqa: S608 - numbers of ours
            f" LIMIT {page}",
        )
        if not answer.results:
            return
        rows = _numbered(answer)
        if rows[0][0] <= last:
            raise JellyfinUnreadable("Playback Reporting gave the same rows twice: is something between it and us?")
        yield [read_row(cells, f"row {number}") for number, cells in rows]
        last = rows[-1][0]
        if len(rows) < page:
            return


async def _asked(client: JellyfinClient, query: str) -> _Answer:
    try:
        body = await client.custom_query(query)
    except JellyfinMissing as error:
        raise JellyfinMissing(
            f"The server at {client.url} does not have the Playback Reporting plugin, or it is not active. "
            "If you have a backup of it, import the file."
        ) from error
    except JellyfinRefused as error:
        raise JellyfinRefused(
            f"The server at {client.url} does not let this key read Playback Reporting: "
            "give it an API key of the server's, or sign in as its administrator."
        ) from error
    answer = decoded(body, _Answer, "Playback Reporting")
    message = answer.message or ""
    if not answer.results and message and not message.startswith(_NONE_LEFT):
        told = " ".join(_TAGS.sub(" ", text(message)).split())[:_SHOWN]
        raise JellyfinUnreadable(f"Playback Reporting could not read its table: {told}")
    return answer


def _numbered(answer: _Answer) -> list[tuple[int, tuple[str, ...]]]:
    """Return each row with its number, its cells in the order of COLUMNS, whatever the order of the answer's."""
    where = {name.lower(): index for index, name in enumerate(answer.colums)}
    missing = [name for name in ("rowid", *COLUMNS) if name.lower() not in where]
    if missing:
        raise JellyfinUnreadable(f"Playback Reporting's table has no column {missing[0]}: is the plugin a fork?")
    number, *wanted = [where[name.lower()] for name in ("rowid", *COLUMNS)]
    rows: list[tuple[int, tuple[str, ...]]] = []
    for cells in answer.results:
        told = cells[number] if len(cells) == len(answer.colums) else None
        if told is None or _SECONDS.fullmatch(told) is None:
            raise JellyfinUnreadable("Playback Reporting gave a row without its number.")
        rows.append((int(told), tuple(cells[index] or "" for index in wanted)))
    return sorted(rows)


# --- from a backup ----------------------------------------------------------------------------------------------------


def read_backup(data: bytes) -> Iterator[Told]:
    """Yield what every line of a backup says (``PlaybackReportingBackup-….tsv``: no header, nothing escaped, facts E).

    A tab in a title is the title's: the other columns are counted from both ends. A line that is none is rejected
    with its place («line 12»), and the others go on.
    """
    for number, line in enumerate(_lines(data), start=1):
        if line.strip():
            yield read_row(_cells(line), f"line {number}")


def _lines(data: bytes) -> Iterator[str]:
    """Yield the lines; only the newline ends one, for a title may hold any other separator."""
    start, size = 3 if data.startswith(b"\xef\xbb\xbf") else 0, len(data)
    while start < size:
        end = data.find(b"\n", start)
        end = size if end < 0 else end
        yield data[start:end].decode(errors="replace").removesuffix("\r")
        start = end + 1


def _cells(line: str) -> list[str]:
    cells = line.split("\t")
    if len(cells) <= len(COLUMNS):
        return cells
    return [*cells[:_FRONT], "\t".join(cells[_FRONT:-_BACK]), *cells[-_BACK:]]
