"""Imports: read from the server or a file, looked at, tried, applied, undone and discarded; all without script."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import msgspec
import pytest

from receiver.pages.uploads import UPLOADED
from receiver.rehearsal.library import DEVICES, USERS
from reconcile.store import imports, servers
from tests.receiver.houses import NINE_PM, Clock, Program, program
from tests.receiver.pages.admin_houses import ATTIC, SERVER, VIEWER
from tests.receiver.pages.import_houses import PATH, done, seen_live, sent, years
from tests.receiver.pages.visitors import browser, form_of, owner, viewer

ONE = f"{PATH}/1"


async def told(here: Program) -> int:
    """Return how many imported playbacks the history has."""
    rows = (await here.get("/playbacks", limit=200))["items"]
    return sum(row["channels"] == ["import"] for row in rows)


async def test_a_history_is_read_tried_applied_undone_and_discarded(tmp_path: Path, database_url: str) -> None:
    async with years(tmp_path, database_url, plays=12) as (here, _face), owner(here) as visitor:
        answer = await sent(visitor, "ask")
        read = await visitor.get(answer.headers["location"])
        untouched = await told(here)
        tried = await done(here, visitor, 1, "try", zone="Asia/Kolkata")
        after_trial = await told(here)
        applied = await done(here, visitor, 1, "apply", zone="Asia/Kolkata")
        there = await told(here)
        undone = await done(here, visitor, 1, "undo")
        gone = await told(here)
        token = form_of(undone)["_csrf_token"]
        discarded = await visitor.post(f"{ONE}/discard", data={"_csrf_token": token})
        listed = await visitor.get(PATH)

    assert answer.headers["location"] == ONE
    assert "8 rows set aside" in read.text
    assert "Left out: 4 × not a recorded user" in read.text
    assert "Its times are wall times of Asia/Kolkata." in read.text
    assert "8 of 8 rows that could be compared" in read.text
    assert (untouched, after_trial, there, gone) == (0, 0, 8, 0)
    assert "What it would do" in tried.text
    assert "Apply without trying" not in tried.text.partition("Try it with another time zone")[0]
    assert "8 of its 8 rows" in applied.text
    assert "Undo this import" in applied.text
    assert "8</b><span>rows taken back" in undone.text
    assert discarded.headers["location"] == PATH
    assert ONE not in listed.text


@pytest.mark.parametrize("packed", [False, True], ids=["as it is", "packed with gzip"])
async def test_a_backup_of_playback_reporting_is_read_as_a_file(tmp_path: Path, packed: bool) -> None:
    async with years(tmp_path, plays=6) as (here, face), owner(here) as visitor:
        file = gzip.compress(face.kept.backup()) if packed else face.kept.backup()
        answer = await sent(visitor, "tsv", file)
        read = await visitor.get(answer.headers["location"])

    assert "4 rows set aside" in read.text
    assert "Import from Playback Reporting" in read.text


async def test_a_backup_of_jellystat_is_read_and_needs_no_time_zone(tmp_path: Path) -> None:
    rows = [
        {
            "UserId": USERS[0].id,
            "NowPlayingItemId": "a" * 32,
            "NowPlayingItemName": "A Film",
            "PlaybackDuration": "3000",
            "ActivityDateInserted": "2024-05-01T20:00:00Z",
        },
        {"UserId": USERS[0].id, "NowPlayingItemId": "a" * 32, "PlaybackDuration": "-5"},
    ]
    async with years(tmp_path) as (here, _face), owner(here) as visitor:
        answer = await sent(visitor, "json", msgspec.json.encode([{"jf_playback_activity": rows}]))
        read = await visitor.get(answer.headers["location"])

    assert "Import from Jellystat" in read.text
    assert "Its times are UTC" in read.text
    assert "Refused: 1 row" in read.text
    assert "row 2: ActivityDateInserted is no date such as" in read.text


@pytest.mark.parametrize(
    ("way", "file", "status", "said"),
    [
        pytest.param("tsv", None, 400, "Choose the file of the backup first", id="no file"),
        pytest.param(
            "tsv",
            b"<html>",
            400,
            "This is no backup of Playback Reporting (.tsv): choose the other kind",
            id="no backup",
        ),
        pytest.param("json", b"{", 400, "This is no backup of Jellystat (.json): choose the other kind", id="no JSON"),
        pytest.param("ask", None, 502, "does not have the Playback Reporting plugin", id="no plugin"),
    ],
)
async def test_what_cannot_be_read_is_told_in_the_form(
    tmp_path: Path, way: str, file: bytes | None, status: int, said: str
) -> None:
    async with years(tmp_path) as (here, face), owner(here) as visitor:
        face.kept.has_plugin = False
        answer = await sent(visitor, way, file)

    assert answer.status_code == status
    assert said in answer.text
    assert f'id="way-{way}" name="way" value="{way}" checked' in answer.text


async def test_a_server_that_cannot_be_asked_offers_files_only(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM)) as here, owner(here) as visitor:
        nobody = await visitor.get(PATH)
        await here.watch(NINE_PM - timedelta(hours=1))
        heard = await visitor.get(PATH)
        refused = await sent(visitor, "ask", server=SERVER)

    assert "No server yet" in nobody.text
    assert 'value="ask" disabled' in heard.text
    assert 'value="tsv" checked' in heard.text
    assert refused.status_code == 400
    assert "The address and API key of this server are not known" in refused.text


async def test_rows_of_nobody_who_is_recorded_are_not_kept(tmp_path: Path) -> None:
    async with years(tmp_path, plays=0) as (here, face), owner(here) as visitor:
        face.kept.play(USERS[2], face.library.films[0], NINE_PM - timedelta(days=9), 3600, DEVICES[0])
        answer = await sent(visitor, "ask")
        listed = await visitor.get(PATH)

    assert answer.status_code == 400
    assert "All of it is about people who are not recorded" in answer.text
    assert ONE not in listed.text


async def test_a_time_zone_that_is_not_proven_is_asked_for(tmp_path: Path) -> None:
    async with years(tmp_path) as (here, face), owner(here) as visitor:
        face.kept.entries.clear()
        read = await visitor.get((await sent(visitor, "ask")).headers["location"])
        form = form_of(read, f"{ONE}/try")
        wrong = await visitor.post(f"{ONE}/try", data=form | {"zone": "Nowhere/Atall"})
        empty = await visitor.post(f"{ONE}/apply", data=form | {"zone": ""})
        tried = await done(here, visitor, 1, "try", zone="Europe/Lisbon")
        wrong_again = await visitor.post(f"{ONE}/try", data=form | {"zone": "Nowhere/Atall"})
        await done(here, visitor, 1, "apply")
        undone = await done(here, visitor, 1, "undo")

    assert "filled in is what you chose" in undone.text
    assert "could not be found out" in read.text
    assert "filled in is this program’s own" in read.text
    assert form["zone"] == "UTC"
    assert wrong.status_code == 400
    assert 'value="Nowhere/Atall"' in wrong.text
    assert '<p class="hint -bad" id="field-zone-hint">There is no time zone «Nowhere/Atall»; its name' in wrong.text
    assert wrong.text.count("There is no time zone") == 1
    assert " autofocus " in wrong.text
    assert "There is no time zone" in wrong_again.text.partition("Try it with another time zone")[2]
    assert '<details class="card" open><summary>Try it with another time zone' in wrong_again.text
    assert empty.status_code == 400
    assert "say it, such as Europe/Berlin" in empty.text
    assert "Its wall times read as those of Europe/Lisbon." in tried.text
    assert 'name="zone" value="Europe/Lisbon"' in tried.text


async def test_what_another_import_tells_of_too_stays_and_is_said_to(tmp_path: Path) -> None:
    async with years(tmp_path, plays=6) as (here, _face), owner(here) as visitor:
        for number in (1, 2):
            await sent(visitor, "ask")
            await done(here, visitor, number, "apply", zone="Asia/Kolkata")
        undone = await done(here, visitor, 2, "undo")

    assert "4</b><span>of them that stay: another import tells of them too" in undone.text
    assert "The history is as it was: another import tells of them too, so they stay." in undone.text


async def test_new_plays_that_make_no_row_are_told_with_why(tmp_path: Path) -> None:
    async with years(tmp_path, plays=0) as (here, face), owner(here) as visitor:
        face.kept.play(USERS[0], face.library.films[0], NINE_PM - timedelta(days=9), 30, DEVICES[0])
        await sent(visitor, "ask")
        tried = await done(here, visitor, 1, "try", zone="Asia/Kolkata")

    assert "1 of the new plays makes no row of its own: too short," in tried.text


async def test_where_both_tell_of_a_month_the_page_says_so(tmp_path: Path) -> None:
    async with years(tmp_path, plays=12) as (here, _face), owner(here) as visitor:
        await seen_live(here, 2, 33)
        read = await visitor.get((await sent(visitor, "ask")).headers["location"])

    assert "2 playbacks from October 2026 to November 2026 seen live" in read.text
    assert "Both tell of 2 months: October 2026 and November 2026." in read.text
    assert '<tr><th scope="row">October 2026</th><td>1</td><td>1</td></tr>' in read.text


async def test_the_page_of_ten_years_is_no_heavier_than_any_other(tmp_path: Path) -> None:
    async with years(tmp_path, plays=3) as (here, _face), owner(here) as visitor:
        await sent(visitor, "ask")
        months = {
            f"{year}-{month:02}": {"rows": 40, "seen": 30} for year in range(2017, 2027) for month in range(1, 13)
        }
        async with here.house.store.begin() as db:
            row = await imports.one(db, 1)
            assert row is not None
            refused = [f"row {number}: it was played for -2147483648 s: the plugin lost count" for number in range(100)]
            await imports.note(db, 1, told=row["told"] | {"months": months, "refused": refused, "refusals": 4000})
        page = await visitor.get(ONE)

    assert "… and 3,980 more" in page.text
    assert len(page.content) < 50_000


async def test_what_came_to_no_end_can_be_gone_on_with_or_undone(tmp_path: Path) -> None:
    async with years(tmp_path, plays=6) as (here, _face), owner(here) as visitor:
        await sent(visitor, "ask")
        await done(here, visitor, 1, "apply", zone="Asia/Kolkata")
        async with here.house.store.begin() as db:
            await imports.note(db, 1, state=imports.FAILED, result={"error": "The disk was full."})
        failed = await visitor.get(ONE)
        again = await done(here, visitor, 1, "apply")

    assert "It did not come to its end.</b> The disk was full." in failed.text
    assert "Go on applying" in failed.text
    assert "Undo this import" in failed.text
    assert "4</b><span>known already" in again.text


async def test_one_that_waits_says_so_and_takes_no_second_task(tmp_path: Path) -> None:
    async with years(tmp_path, plays=6) as (here, _face), owner(here) as visitor:
        form = form_of(await visitor.get((await sent(visitor, "ask")).headers["location"]), f"{ONE}/try")
        here.house.importer.jobs.doing = None
        await visitor.post(f"{ONE}/try", data=form)
        waiting = await visitor.get(ONE)
        second = await visitor.post(f"{ONE}/apply", data=form)
        early = await visitor.post(f"{ONE}/discard", data=form)
        odd = await visitor.post(f"{ONE}/shred", data=form)

    assert "It waits for its turn" in waiting.text
    assert "Look again" in waiting.text
    assert (second.status_code, early.status_code, odd.status_code) == (409, 409, 404)
    assert "is not over yet" in second.text


async def test_a_running_one_tells_how_far_it_is_until_it_is_done(tmp_path: Path) -> None:
    async with years(tmp_path, plays=6) as (here, _face), owner(here) as visitor:
        await sent(visitor, "ask")
        await done(here, visitor, 1, "apply", zone="Asia/Kolkata")
        async with visitor.stream("GET", f"{ONE}/stream") as told_of:
            text = (await told_of.aread()).decode()

    assert "event: reload" in text


async def test_an_imported_playback_says_where_it_is_from_and_draws_no_line(tmp_path: Path) -> None:
    async with years(tmp_path, plays=1) as (here, _face), owner(here) as visitor:
        await sent(visitor, "ask")
        await done(here, visitor, 1, "apply", zone="Asia/Kolkata")
        playback = await visitor.get("/playbacks/1")
        async with viewer(here, ATTIC, USERS[0].id) as them:
            own = await them.get("/playbacks/1")

    assert "Imported from Playback Reporting: it began at 21:00 and played for" in playback.text
    assert f'href="{ONE}">Import 1' in playback.text
    assert "as the import tells" in playback.text
    assert "pic-line" not in playback.text
    assert "pic-strip" not in playback.text
    assert "Deliveries that told of it" not in playback.text
    assert "Imported from Playback Reporting" in own.text
    assert ONE not in own.text


# --- who may send a file ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["nobody", "a viewer", "an administrator of a server"])
async def test_whoever_may_not_import_is_refused_before_the_file_is_read(tmp_path: Path, who: str) -> None:
    taken = 0

    async def file() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(64):
            taken += 1
            yield b"x" * 1024

    async def tried(visitor: httpx.AsyncClient) -> int:
        headers = {"content-type": "multipart/form-data; boundary=a-line"}
        return (await visitor.post(PATH, content=file(), headers=headers)).status_code

    async with program(tmp_path, clock=Clock(NINE_PM)) as here:
        await here.watch(NINE_PM - timedelta(hours=1))
        async with here.house.store.begin() as db:
            await servers.see(db, ATTIC, NINE_PM, name="Another server")
        if who == "nobody":
            async with browser(here) as visitor:
                status = await tried(visitor)
        else:
            async with viewer(here, SERVER, VIEWER, is_administrator=who != "a viewer") as visitor:
                status = await tried(visitor)

    assert status == (401 if who == "nobody" else 403)
    assert taken <= 1


async def test_a_file_that_is_too_large_is_refused_with_what_to_do(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM)) as here, owner(here) as visitor:
        headers = {"content-type": "multipart/form-data; boundary=a-line", "content-length": str(UPLOADED + 1)}
        answer = await visitor.post(PATH, content=b"--a-line", headers=headers)

    assert answer.status_code == 413
    assert "larger than 64 MiB: compress it with gzip" in answer.text


async def test_a_form_with_a_file_that_comes_from_elsewhere_is_refused(tmp_path: Path) -> None:
    async with years(tmp_path) as (here, _face), owner(here) as visitor:
        await visitor.get(PATH)
        answer = await visitor.post(PATH, data={"server": ATTIC, "way": "ask"}, files={"file": ("a", b"b")})
        listed = await visitor.get(PATH)

    assert answer.status_code == 403
    assert "came from another site" in answer.text
    assert ONE not in listed.text
