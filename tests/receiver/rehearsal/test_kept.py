"""The simulated Jellyfin answers for what it has kept as Playback Reporting and the activity log do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from receiver.rehearsal.library import DEVICES, USERS
from reconcile.jellyfin import playback_reporting
from tests.simulated import BEGAN, KEY, URL, Jellyfin, simulated

COLUMNS = ["rowid", *playback_reporting.COLUMNS]
EVERYTHING = "SELECT rowid, * FROM PlaybackActivity ORDER BY rowid"


@pytest.fixture
async def jellyfin() -> AsyncIterator[Jellyfin]:
    async with simulated() as server:
        server.face.kept.has_plugin = True
        yield server


async def asked(jellyfin: Jellyfin, query: object, token: str = KEY) -> tuple[int, Any]:
    answer = await jellyfin.http.post(
        f"{URL}user_usage_stats/submit_custom_query",
        headers={"Authorization": f'MediaBrowser Token="{token}"'},
        json={"CustomQueryString": query, "ReplaceUserId": False},
    )
    return answer.status_code, answer.json() if answer.status_code == 200 else None


async def test_every_cell_is_text_and_the_date_is_the_servers_wall_time(jellyfin: Jellyfin) -> None:
    film, kept = jellyfin.face.library.films[0], jellyfin.face.kept
    kept.zone = ZoneInfo("Asia/Kolkata")
    kept.play(USERS[0], film, BEGAN + timedelta(milliseconds=500), 90, DEVICES[0])

    _, told = await asked(jellyfin, EVERYTHING)

    row = ["1", "2026-03-03 00:30:20.5", USERS[0].id, film.id, "Movie", film.name, "DirectPlay"]
    assert told == {"colums": COLUMNS, "results": [[*row, "Jellyfin Web", "Firefox", "90"]], "message": ""}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (EVERYTHING, "Query executed, no data returned.</br>Number of rows effected : 0"),
        ("SELECT * FROM Nowhere", "Error Running Query</br>no such table: Nowhere<pre>"),
        ("", "Query executed, no data returned."),
        ("SELECT 1; SELECT 2", "Error Running Query</br>"),
    ],
    ids=["no rows", "an error", "nothing asked", "two questions"],
)
async def test_an_answer_without_rows_is_a_message(jellyfin: Jellyfin, query: str, message: str) -> None:
    status, told = await asked(jellyfin, query)

    assert (status, told["colums"], told["results"]) == (200, [], [])
    assert told["message"].startswith(message)


async def test_only_an_administrator_may_ask_and_only_where_the_plugin_is(jellyfin: Jellyfin) -> None:
    jellyfin.face.porter.signed_in["0123456789abcdef"] = USERS[1]
    refused, _ = await asked(jellyfin, EVERYTHING, "0123456789abcdef")
    no_text, _ = await asked(jellyfin, 17)
    jellyfin.face.kept.has_plugin = False
    missing, _ = await asked(jellyfin, EVERYTHING)

    assert (refused, no_text, missing) == (403, 400, 404)


async def test_its_backup_tells_what_its_table_does(jellyfin: Jellyfin) -> None:
    for days in range(3):
        jellyfin.face.kept.play(
            USERS[0], jellyfin.face.library.films[days], BEGAN - timedelta(days=days), 60, DEVICES[0]
        )

    told = list(playback_reporting.read_backup(jellyfin.face.kept.backup()))

    assert told == [
        playback_reporting.read_row([str(cell) for cell in row], f"line {number}")
        for number, row in enumerate(sorted(jellyfin.face.kept.rows), start=1)
    ]


async def test_the_log_has_the_newest_first_and_says_how_much_there_is(jellyfin: Jellyfin) -> None:
    for days in range(3):
        jellyfin.face.kept.play(USERS[0], jellyfin.face.library.films[0], BEGAN - timedelta(days=days), 60, DEVICES[0])

    answer = await jellyfin.http.get(
        f"{URL}System/ActivityLog/Entries",
        params={"startIndex": 1, "limit": 2, "hasUserId": "true"},
        headers={"Authorization": f'MediaBrowser Token="{KEY}"'},
    )

    told = answer.json()
    assert [(entry["Type"], entry["Date"]) for entry in told["Items"]] == [
        ("VideoPlayback", "2026-03-02T19:00:00.0000000Z"),
        ("VideoPlaybackStopped", "2026-03-01T19:01:00.0000000Z"),
    ]
    assert (told["TotalRecordCount"], told["StartIndex"]) == (6, 1)
