"""The commands that import: what they read, say, keep and take back."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from receiver.rehearsal.library import DEVICES, SERVER_ID, USERS
from reconcile.store.lease import FolderLease
from tests.receiver.test_cli import Shell, Simulated, jellyfin, shell

__all__ = ["jellyfin", "shell"]

LATELY = datetime(2026, 10, 20, 18, 0, tzinfo=UTC)
READING = "playback-reporting"


class House:
    """A data folder in which viewer-4 is recorded, and the server that kept what they played before."""

    def __init__(self, shell: Shell, jellyfin: Simulated) -> None:
        self.shell, self.face, self.env = shell, jellyfin.face, jellyfin.env
        shell.said("users", "link", USERS[3].name, "--server", SERVER_ID, **self.env)
        self.face.kept.has_plugin = True
        self.face.kept.zone = ZoneInfo("Asia/Kolkata")
        for day in range(4):
            film = self.face.library.films[day]
            began = LATELY - timedelta(days=day, minutes=31 * day)
            self.face.kept.play(USERS[3], film, began, int(film.runtime), DEVICES[0])

    def backup(self) -> str:
        return self.face.kept.backup().decode()

    def said(self, *args: str, given: str | None = None) -> list[str]:
        return self.shell.said("import", *args, given=given, **self.env).splitlines()

    def refused(self, *args: str, given: str | None = None) -> str:
        return self.shell.refused("import", *args, given=given, **self.env)

    def rows(self, *tables: str) -> dict[str, int]:
        """Return how many rows tables have."""
        with closing(sqlite3.connect(self.shell.folder / "playledger.db")) as db:
            return {each: db.execute(f"SELECT count(*) FROM {each}").fetchone()[0] for each in tables}  # noqa: S608


@pytest.fixture
def house(shell: Shell, jellyfin: Simulated) -> House:
    return House(shell, jellyfin)


def test_what_the_server_kept_is_tried_imported_listed_and_taken_out_again(house: House) -> None:
    tried = house.said(READING, "--dry-run")
    kept_nothing = house.rows("import_run", "import_row", "check_in", "watch")
    done = house.said(READING)

    assert set(kept_nothing.values()) == {0}
    assert tried[0] == "Time zone: Asia/Kolkata, which fits 4 of 4 starts that are known."
    assert tried[1].startswith("2026-10-17 viewer-4: A Film 4, would now count: ")
    assert tried[-2:] == ["4 rows of the history would change.", "4 rows: 4 would be new, 0 known before."]
    assert done[-3:] == [
        "4 rows of the history changed.",
        "4 rows: 4 new, 0 known before.",
        "Import 2: playledger import undo 2 takes it out again.",
    ]
    (listed,) = house.said("list")
    assert listed.endswith("4 rows; applied, in the history")
    assert house.said("undo", "2")[-2:] == ["4 rows of the history changed.", "4 rows of import 2 taken out."]
    assert house.rows("check_in", "playback", "watch") == {"check_in": 0, "playback": 0, "watch": 0}
    assert house.said("list")[0].endswith("undone, not in the history")


def test_a_file_is_imported_by_the_time_zone_that_is_given(house: House) -> None:
    house.face.kept.entries.clear()
    refused = house.refused(READING, "-", given=house.backup())
    nothing = house.rows("import_run", "import_row")
    done = house.said(READING, "-", "--zone", "Asia/Kolkata", given=house.backup())

    assert "no time zone is proven by what is known" in refused
    assert "--zone Europe/Berlin" in refused
    assert nothing == {"import_run": 0, "import_row": 0}
    assert "4 rows of the history changed." in done
    exported = json.loads(house.shell.said("export", "--account", "1"))
    assert exported["playbacks"][0]["started_at"] == "2026-10-20T18:00:00Z"
    assert exported["playbacks"][0]["channels"] == ["import"]
    assert len(exported["history"]) == 4


def test_a_backup_of_jellystat_is_imported(house: House) -> None:
    film = house.face.library.films[0]
    row = {
        "Id": "b4d5f0aa-0001",
        "UserId": USERS[3].id,
        "NowPlayingItemId": film.id,
        "NowPlayingItemName": film.name,
        "PlaybackDuration": film.runtime,
        "ActivityDateInserted": "2024-05-01T20:00:00.000Z",
    }
    odd = row | {"Id": "b4d5f0aa-0002", "PlaybackDuration": -1}
    others = row | {"Id": "b4d5f0aa-0003", "UserId": USERS[2].id}
    said = house.said("jellystat", "-", given=json.dumps([{"jf_playback_activity": [row, odd, others]}]))

    assert said[0].startswith("Refused: row 2: it was played for -1 s")
    assert said[1] == "1 row left out: not a recorded user."
    assert "1 row of the history changed." in said
    assert "1 row: 1 new, 0 known before." in said


def test_new_plays_that_make_no_row_are_told_with_why(house: House) -> None:
    film = house.face.library.films[0]
    for day in range(2):
        house.face.kept.play(USERS[3], film, LATELY - timedelta(days=40 + day), 30, DEVICES[0])
    tried = house.said(READING, "--dry-run")
    again = house.said(READING), house.said(READING)[-3:]

    assert "6 rows: 6 would be new, 0 known before." in tried
    assert tried[-1].startswith("2 of the new plays make no row of their own: too short,")
    assert again[1][:2] == ["0 rows of the history changed.", "6 rows: 0 new, 6 known before."]


def test_what_another_import_tells_of_too_stays_and_is_said_to(house: House) -> None:
    house.said(READING)
    house.said(READING)

    assert house.said("undo", "2") == [
        "0 rows of the history changed.",
        "4 rows of import 2 taken out.",
        "Another import tells of all of them too, so they stay.",
    ]


def test_a_few_rows_in_wall_time_are_told_as_few(house: House) -> None:
    row = {
        "UserId": USERS[3].id,
        "NowPlayingItemId": house.face.library.films[0].id,
        "NowPlayingItemName": "A Film",
        "PlaybackDuration": 900,
        "ActivityDateInserted": "2024-05-01T20:00:00.000Z",
    }
    reported = row | {"ActivityDateInserted": "2024-06-01T20:00:00.000Z", "imported": True}
    refused = house.refused("jellystat", "-", given=json.dumps([{"jf_playback_activity": [row, reported]}]))
    done = house.said(
        "jellystat", "-", "--zone", "Asia/Kolkata", given=json.dumps([{"jf_playback_activity": [row, reported]}])
    )

    few = "1 of its 2 rows is in wall time (Jellystat had it from Playback Reporting)"
    assert f"Error: {few}, and no time zone is proven by what is known" in refused
    assert f"{few}." in done


def test_a_server_that_does_not_answer_is_no_obstacle_to_a_file(house: House) -> None:
    house.face.trouble.status = 503

    done = house.said(READING, "-", "--zone", "Asia/Kolkata", given=house.backup())
    refused = house.refused(READING)

    assert " could not be asked how long everything lasts: what is not known yet may count" in done[-1]
    assert "4 rows: 4 new, 0 known before." in done
    assert refused.startswith("Error: No Jellyfin answers at http://")
    assert refused.rstrip().endswith("Or give a backup as FILE.")


def test_a_key_that_is_refused_says_what_to_do_and_nothing_before_it(house: House) -> None:
    house.face.trouble.of_path["/user_usage_stats/submit_custom_query"] = 401
    house.face.trouble.of_path["/System/ActivityLog/Entries"] = 401

    refused = house.refused(READING)

    assert refused.startswith("Error: The server at ")
    assert "give it an API key" in refused


@pytest.mark.parametrize(
    ("args", "said"),
    [
        pytest.param(
            (READING, "-", "--zone", "Mars/Olympus"), "zone: there is no time zone «Mars/Olympus»", id="a time zone"
        ),
        pytest.param((READING, "-", "--server", "Cellar"), "There is no server Cellar. Known are: ", id="no"),
        pytest.param((READING, "-"), "This is no backup of Playback Reporting (.tsv): choose", id="no backup"),
        pytest.param(("jellystat", "-"), "This is no backup of Jellystat (.json): choose the other kind", id="no JSON"),
        pytest.param(("undo", "7"), "There is no import 7", id="no import"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing(house: House, args: tuple[str, ...], said: str) -> None:
    assert said in house.refused(*args, given="nonsense")
    assert set(house.rows("import_run", "import_row").values()) == {0}


def test_without_an_address_the_plugin_is_not_asked(house: House) -> None:
    said = house.shell.refused("import", READING)

    assert "Set JELLYFIN_URL and JELLYFIN_API_KEY, or give a backup as FILE." in said
    assert house.said("list") == ["Nothing was imported yet: playledger import --help says how."]


@pytest.mark.parametrize("args", [(READING, "-"), ("jellystat", "-"), ("undo", "1")])
def test_a_running_server_can_be_asked_to_import_instead(shell: Shell, args: tuple[str, ...]) -> None:
    held = FolderLease(shell.folder)
    held.take()

    said = shell.refused("import", *args, given="")
    asyncio.run(held.release())

    assert "in Administration › Imports, or with POST /api/v1/imports" in said
    assert ("imports/1/undo" in said) == (args[0] == "undo")


def test_jellystat_needs_a_file(shell: Shell, tmp_path: Path) -> None:
    assert shell.run("import", "jellystat").exit_code == 2
    assert shell.run("import", "jellystat", str(tmp_path / "none.json")).exit_code == 2
