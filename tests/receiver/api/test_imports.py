"""Imports through the API: read, tried, applied, undone and discarded, and what is said to what cannot be."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
import sqlalchemy as sa

from receiver import importer
from receiver.api.imports import EMPTY
from receiver.rehearsal.face import Face
from receiver.rehearsal.library import DEVICES, USERS
from reconcile.store import imports, media
from reconcile.store.tables import import_run
from tests.receiver.houses import NINE_PM, Anything, Program, program, until
from tests.receiver.pages.admin_houses import ATTIC, asked, linked

BERLIN = ZoneInfo("Europe/Berlin")
YEARS_AGO = NINE_PM - timedelta(days=800)
READING = "playback-reporting"


@asynccontextmanager
async def household(folder: Path, url: str | None = None) -> AsyncIterator[tuple[Program, Face]]:
    """Start the program with a server that had Playback Reporting before, and one person who is recorded since now."""
    async with asked(folder, url) as (here, face):
        number = await linked(here, 3, "viewer")
        await here.http.patch(f"/api/v1/accounts/{number}", json={"time_zone": "Europe/Berlin"})
        face.kept.has_plugin = True
        face.kept.zone = BERLIN
        for place, began in enumerate(times()):
            film = face.library.films[place]
            face.kept.play(USERS[3], film, began, int(film.runtime), DEVICES[0])
        yield here, face


def times() -> list[datetime]:
    """Return when each of the films began: years ago, and lately, when the server's log told of it too."""
    return [YEARS_AGO, *(NINE_PM - timedelta(days=days, minutes=31 * days) for days in range(1, 5))]


async def begin(here: Program, body: bytes | None = None, source: str = READING) -> httpx.Response:
    """Have what *source* kept be read: asked from the server, or a file."""
    query = {"source": source, "server_id": ATTIC}
    return await here.http.post("/api/v1/imports", params=query, content=body)


async def do(here: Program, number: int, task: str, **wish: str) -> Anything:
    """Have a task done, and return the import when it is over."""
    answer = await here.http.post(f"/api/v1/imports/{number}/{task}", json=wish or None)
    assert answer.status_code == 202, answer.text
    row = await here.house.importer.jobs.outcome(number, 20)
    assert row is not None
    assert row["state"] == "done", row["result"]
    return await here.get(f"/imports/{number}")


async def days(here: Program) -> list[str]:
    return [row["day"] for row in (await here.get("/history"))["items"] if row["account"]["name"] == "viewer"]


async def imported(here: Program) -> list[Anything]:
    return [row for row in (await here.get("/playbacks"))["items"] if row["channels"] == ["import"]]


async def test_what_the_server_kept_is_read_tried_applied_and_undone(tmp_path: Path, database_url: str) -> None:
    async with household(tmp_path, database_url) as (here, _face):
        made = await begin(here)
        assert made.status_code == 201, made.text
        told = made.json()
        number = told["id"]
        assert (told["zone"], told["told"]["fit"]["is_proven"]) == ("Europe/Berlin", True)
        assert (told["told"]["rows"], told["applied"], told["state"]) == (5, False, "done")

        tried = await do(here, number, "try")
        assert (tried["result"]["recorded"], tried["applied"], await imported(here)) == (5, False, [])
        applied = await do(here, number, "apply")
        assert (applied["result"]["recorded"], applied["applied"]) == (5, True)
        assert (applied["done"], applied["total"]) == (5, 5)
        rows = await imported(here)
        assert [datetime.fromisoformat(row["started_at"]) for row in rows] == sorted(times(), reverse=True)
        assert {row["ended_by"] for row in rows} == {"imported"}

        undone = await do(here, number, "undo")
        assert (undone["result"]["withdrawn"], undone["applied"], await imported(here)) == (5, False, [])
        assert [each["id"] for each in (await here.get("/imports"))["items"]] == [number]
        assert (await here.http.delete(f"/api/v1/imports/{number}")).status_code == 204
        assert (await here.get("/imports"))["items"] == []


async def test_how_long_everything_lasts_is_asked_before_it_counts(tmp_path: Path) -> None:
    async with household(tmp_path) as (here, face):
        number = (await begin(here)).json()["id"]

        async def is_known() -> bool:
            async with here.house.store.read() as db:
                wanted = [(ATTIC, film.id) for film in face.library.films[: len(times())]]
                return all(each.runtime_seconds for each in (await media.catalogued(db, wanted)).values())

        await until(is_known)
        tried = await do(here, number, "try")
        await do(here, number, "apply")
        there = await days(here)
        await do(here, number, "undo")

        assert tried["result"]["came"] == len(times())
        assert sorted(there) == sorted(f"{each:%Y-%m-%d}" for each in times())
        assert await days(here) == []


@pytest.mark.parametrize("packed", [False, True], ids=["as it is", "compressed"])
async def test_a_backup_of_playback_reporting_may_be_a_file(tmp_path: Path, packed: bool) -> None:
    async with household(tmp_path) as (here, face):
        face.kept.has_plugin = False
        body = face.kept.backup()

        told = (await begin(here, gzip.compress(body) if packed else body)).json()

        assert (told["told"]["rows"], told["zone"]) == (5, "Europe/Berlin")


async def test_a_backup_of_jellystat_may_be_a_file(tmp_path: Path, database_url: str) -> None:
    async with household(tmp_path, database_url) as (here, face):
        film = face.library.films[0]
        row = {
            "Id": "b4d5f0aa-0001",
            "UserId": USERS[3].id,
            "UserName": "viewer",
            "NowPlayingItemId": film.id,
            "NowPlayingItemName": film.name,
            "PlaybackDuration": "90",
            "ActivityDateInserted": (YEARS_AGO + timedelta(seconds=90)).isoformat(),
        }
        told = (await begin(here, json.dumps([{"jf_playback_activity": [row]}]).encode(), "jellystat")).json()
        await do(here, told["id"], "apply")

        assert (told["told"]["wall_times"], told["zone"]) == (0, None)
        (playback,) = await imported(here)
        assert datetime.fromisoformat(playback["started_at"]) == YEARS_AGO


async def test_a_time_zone_that_is_not_proven_has_to_be_said_once(tmp_path: Path) -> None:
    async with household(tmp_path) as (here, face):
        face.kept.entries.clear()
        number = (await begin(here)).json()["id"]

        for task in ("try", "apply"):
            refused = await here.http.post(f"/api/v1/imports/{number}/{task}")
            assert refused.status_code == 400
            assert refused.json()["detail"].startswith("zone: the rows are in the wall time of their server")
        odd = await here.http.post(f"/api/v1/imports/{number}/try", json={"zone": "Mars/Olympus"})
        assert odd.status_code == 400
        assert odd.json()["detail"].startswith("zone: there is no time zone «Mars/Olympus»")
        await do(here, number, "try", zone="Asia/Kolkata")
        tried = (await here.get(f"/imports/{number}"))["zone"]
        await do(here, number, "try", zone="Europe/Berlin")
        done = await do(here, number, "apply")

        assert (tried, done["zone"]) == ("Asia/Kolkata", "Europe/Berlin")
        assert (await imported(here))[-1]["started_at"] == YEARS_AGO.isoformat().replace("+00:00", "Z")


async def test_a_log_that_does_not_answer_is_no_obstacle(tmp_path: Path) -> None:
    async with household(tmp_path) as (here, face):
        face.trouble.of_path["/System/ActivityLog/Entries"] = 503

        told = await begin(here)

        assert told.status_code == 201
        assert told.json()["told"]["rows"] == 5


async def test_what_is_in_the_history_is_not_discarded(tmp_path: Path) -> None:
    async with household(tmp_path) as (here, _face):
        number = (await begin(here)).json()["id"]
        nothing = await here.http.post(f"/api/v1/imports/{number}/undo")
        await do(here, number, "apply")
        there = await here.http.delete(f"/api/v1/imports/{number}")

        assert (nothing.status_code, there.status_code) == (400, 400)
        assert "nothing to undo" in nothing.json()["detail"]
        assert "undo it first" in there.json()["detail"]


async def test_one_task_of_an_import_waits_for_the_other(tmp_path: Path) -> None:
    async with household(tmp_path) as (here, _face):
        here.house.importer.jobs.doing = None
        number = (await begin(here)).json()["id"]
        first = await here.http.post(f"/api/v1/imports/{number}/try")
        second = await here.http.post(f"/api/v1/imports/{number}/apply")

        assert (first.status_code, first.json()["state"]) == (202, "queued")
        assert second.status_code == 503
        assert "wait for it" in second.json()["detail"]


@pytest.mark.parametrize(
    ("query", "body", "status", "said"),
    [
        pytest.param({"source": "tautulli"}, b"x", 400, "source: one of playback-reporting, jellystat", id="a source"),
        pytest.param({}, b"x", 400, "source: it is missing.", id="no source"),
        pytest.param({"source": READING, "server_id": "f" * 32}, b"x", 400, "no server of that id", id="no server"),
        pytest.param({"source": "jellystat"}, None, 400, "A file is needed", id="no file"),
        pytest.param({"source": READING}, b"\x1f\x8bodd", 400, "gzip", id="odd compression"),
        pytest.param(
            {"source": "jellystat"}, b"{", 400, "This is no backup of Jellystat (.json): choose", id="no JSON"
        ),
        pytest.param({"source": READING}, b"a\tb\n", 400, "no backup of Playback Reporting (.tsv)", id="no backup"),
        pytest.param({"source": READING, "zone": "UTC"}, b"x", 400, "no such query parameter", id="a parameter"),
        pytest.param({"source": READING}, None, 502, "does not have the Playback Reporting plugin", id="no plugin"),
    ],
)
async def test_what_cannot_be_read_is_refused_in_words_and_leaves_nothing(
    tmp_path: Path, query: dict[str, str], body: bytes | None, status: int, said: str
) -> None:
    async with asked(tmp_path) as (here, _face):
        await linked(here, 3, "viewer")

        answer = await here.http.post("/api/v1/imports", params={"server_id": ATTIC} | query, content=body)

        assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text
        assert (await here.get("/imports"))["items"] == []


@pytest.mark.parametrize("source", [READING, "jellystat"])
async def test_an_empty_file_is_no_wish_to_ask_the_server(tmp_path: Path, source: str) -> None:
    async with household(tmp_path) as (here, _face):
        query = {"source": source, "server_id": ATTIC}
        sort = {"content-type": "application/x-www-form-urlencoded"}
        answer = await here.http.post("/api/v1/imports", params=query, content=b"", headers=sort)

        assert (answer.status_code, answer.json()["detail"]) == (400, EMPTY)
        assert (await here.get("/imports"))["items"] == []


async def test_times_in_utc_take_no_time_zone_that_is_given(tmp_path: Path) -> None:
    async with household(tmp_path) as (here, face):
        row = {
            "UserId": USERS[3].id,
            "NowPlayingItemId": face.library.films[0].id,
            "PlaybackDuration": "90",
            "ActivityDateInserted": YEARS_AGO.isoformat(),
        }
        number = (await begin(here, json.dumps([{"jf_playback_activity": [row]}]).encode(), "jellystat")).json()["id"]

        assert (await do(here, number, "try", zone="Asia/Kolkata"))["zone"] is None


async def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    async with asked(tmp_path) as (here, _face):
        answer = await begin(here, b"\t" * (importer.LARGEST + 1))

    assert (answer.status_code, answer.json()["detail"]) == (413, importer.TOO_LARGE)


async def test_without_an_address_a_server_is_not_asked(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        none = await here.http.post("/api/v1/imports", params={"source": READING})
        await here.watch(NINE_PM - timedelta(hours=1))
        unasked = await here.http.post("/api/v1/imports", params={"source": READING})

    assert (none.status_code, unasked.status_code) == (400, 400)
    assert none.json()["detail"].startswith("server_id: of which server?")
    assert "are not known" in unasked.json()["detail"]


@pytest.mark.parametrize("path", ["/imports/99/try", "/imports/99/apply", "/imports/99/undo"])
async def test_there_is_no_such_import(tmp_path: Path, path: str) -> None:
    async with program(tmp_path) as here:
        assert (await here.http.post(f"/api/v1{path}")).status_code == 404
        assert (await here.http.get("/api/v1/imports/99")).status_code == 404
        assert (await here.http.delete("/api/v1/imports/99")).status_code == 404


async def test_imports_are_for_administrators(tmp_path: Path) -> None:
    async with household(tmp_path) as (here, _face):
        number = (await begin(here)).json()["id"]
        token = (await here.http.post("/api/v1/tokens", json={"name": "a script", "scopes": ["read"]})).json()["token"]
        here.http.headers["authorization"] = f"Bearer {token}"
        told = [(await begin(here)).status_code]
        told += [(await here.http.get(f"/api/v1/imports{path}")).status_code for path in ("", f"/{number}")]
        told += [(await here.http.post(f"/api/v1/imports/{number}/{task}")).status_code for task in ("try", "undo")]
        told.append((await here.http.delete(f"/api/v1/imports/{number}")).status_code)

    assert set(told) == {403}


async def test_what_was_being_read_when_the_process_died_is_forgotten_at_the_next_start(tmp_path: Path) -> None:
    async with household(tmp_path) as (here, _face):
        number = (await begin(here)).json()["id"]
        async with here.house.store.begin() as db:
            await db.execute(sa.update(import_run).values(state=imports.READING))
    async with program(tmp_path) as here:
        assert (await here.http.get(f"/api/v1/imports/{number}")).status_code == 404


async def test_what_another_process_is_reading_into_the_same_database_is_left(
    tmp_path: Path, postgres_url: str
) -> None:
    async with household(tmp_path / "one", postgres_url) as (here, _face):
        number = (await begin(here)).json()["id"]
        async with here.house.store.begin() as db:
            await imports.note(db, number, state=imports.READING)
        async with program(tmp_path / "other", postgres_url):
            pass

        assert (await here.get(f"/imports/{number}"))["state"] == "reading"


async def test_the_schema_tells_of_the_file(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        paths = (await here.http.get("/schema/openapi.json")).json()["paths"]

    body = paths["/api/v1/imports"]["post"]["requestBody"]
    assert body["content"]["application/octet-stream"]["schema"] == {"type": "string", "format": "binary"}
    assert "64 MiB" in body["description"]
