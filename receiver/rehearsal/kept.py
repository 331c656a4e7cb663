"""What the simulated Jellyfin has kept of earlier plays: Playback Reporting's table, the activity log (facts E, G)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import count

import msgspec

from receiver.rehearsal.asked import BAD, NOT_FOUND, Answer, Asked, as_json
from receiver.rehearsal.library import Device, Item, User

_TABLE = (
    "CREATE TABLE PlaybackActivity (DateCreated DATETIME NOT NULL, UserId TEXT, ItemId TEXT, ItemType TEXT, "
    "ItemName TEXT, PlaybackMethod TEXT, ClientName TEXT, DeviceName TEXT, PlayDuration INT)"
)
_INSERT = "INSERT INTO PlaybackActivity VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_TAKEN_AFTER = timedelta(seconds=20)
_LIMIT = 50

Row = tuple[str, str, str, str, str, str, str, str, int]
"""DateCreated, UserId, ItemId, ItemType, ItemName, PlaybackMethod, ClientName, DeviceName, PlayDuration."""


class Entry(msgspec.Struct, frozen=True):
    """One entry of the activity log; *user_id* is None where it is nobody's."""

    id: int
    kind: str
    name: str
    user_id: str | None
    at: datetime


class Kept:
    """Answers Playback Reporting's query, and what the activity log is asked.

    Tests may change *rows* and *entries*. Without *has_plugin*, as at first, there is no Playback Reporting. *zone* is
    the server's: the plugin keeps wall times.
    """

    def __init__(self, zone: tzinfo = UTC) -> None:
        self.zone = zone
        self.has_plugin = False
        self.rows: list[Row] = []
        self.entries: list[Entry] = []
        self._numbers = count(1)

    def play(self, user: User, item: Item, began: datetime, seconds: int, device: Device) -> None:
        """Keep a play that *began* at that instant, both in the plugin's table and in the log."""
        created = (began + _TAKEN_AFTER).astimezone(self.zone)
        text = created.strftime("%Y-%m-%d %H:%M:%S.%f").rstrip("0").rstrip(".")
        kind = "Movie" if item.series is None else "Episode"
        who_and_what = (user.id, item.id, kind, _name(item))
        self.rows.append((text, *who_and_what, "DirectPlay", device.client, device.name, seconds))
        ended = began + timedelta(seconds=seconds)
        for at, type_, verb in (
            (began, "VideoPlayback", "is playing"),
            (ended, "VideoPlaybackStopped", "has finished"),
        ):
            said = f"{user.name} {verb} {item.name} on {device.name}"
            self.entries.append(Entry(next(self._numbers), type_, said, user.id, at))

    def backup(self) -> bytes:
        """Return the plugin's backup of its table: no header, nothing escaped, by date."""
        return "".join("\t".join(map(str, row)) + "\r\n" for row in sorted(self.rows)).encode()

    def answer(self, request: Asked) -> Answer | None:
        """Return what an administrator is answered, None if that is not ours to answer."""
        match request.method, request.path:
            case "POST", "/user_usage_stats/submit_custom_query":
                return self._query(request) if self.has_plugin else NOT_FOUND
            case "GET", "/system/activitylog/entries":
                return self._log(request)
        return None

    def _query(self, request: Asked) -> Answer:
        query = request.told().get("CustomQueryString")
        if not isinstance(query, str):
            return BAD
        with closing(sqlite3.connect(":memory:")) as table:
            table.execute(_TABLE)
            table.executemany(_INSERT, self.rows)
            return as_json(_asked(table, query))

    def _log(self, request: Asked) -> Answer:
        start, limit = _number(request, "startindex", 0), _number(request, "limit", _LIMIT)
        since = request.query.get("mindate")
        found = [
            entry
            for entry in sorted(self.entries, key=lambda entry: entry.at, reverse=True)
            if (since is None or entry.at >= datetime.fromisoformat(since))
            and (request.query.get("hasuserid") != "true" or entry.user_id is not None)
        ]
        items = [_told(entry) for entry in found[start : start + limit]]
        return as_json({"Items": items, "TotalRecordCount": len(found), "StartIndex": start})


def _asked(table: sqlite3.Connection, query: str) -> dict[str, object]:
    """Return the plugin's answer: every cell as text, an error as HTML, the columns only where there are rows."""
    try:
        cursor = table.execute(query)
        rows = [["" if cell is None else str(cell) for cell in row] for row in cursor]
    except (sqlite3.Error, sqlite3.Warning) as error:
        message = f"Error Running Query</br>{error}<pre>SQLitePCL.pretty.SQLiteException: {error}</pre>"
        return {"colums": [], "results": [], "message": message}
    if not rows:
        message = "Query executed, no data returned.</br>Number of rows effected : 0"
        return {"colums": [], "results": [], "message": message}
    return {"colums": [column[0] for column in cursor.description], "results": rows, "message": ""}


def _name(item: Item) -> str:
    if item.series is None:
        return item.name
    return f"{item.series.name} - s{item.season or 0:02d}e{item.episode or 0:02d} - {item.name}"


def _told(entry: Entry) -> dict[str, object]:
    return {
        "Id": entry.id,
        "Name": entry.name,
        "Type": entry.kind,
        "Date": entry.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z",
        "UserId": entry.user_id or "0" * 32,
        "Severity": "Information",
    }


def _number(request: Asked, name: str, otherwise: int) -> int:
    told = request.query.get(name, "")
    return int(told) if told.isdecimal() else otherwise
