"""Correcting from the pages: what would change is said first, one lands where one was, and it can be undone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from reconcile.staging import Source
from reconcile.store import servers
from tests.receiver.houses import NINE_PM, Anything, Clock, Program, link, program
from tests.receiver.pages.evenings import film, rows, titles_of
from tests.receiver.pages.visitors import form_of, owner, viewer
from tests.recordings.shapes import GUEST, SERVER, VIEWER

HOUR = timedelta(hours=1)
ANOTHER: Anything = {"UserId": GUEST, "NotificationUsername": "guest", "DeviceId": "another", "Id": "f" * 32}


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[Program]:
    """Start a program in which two people watched something."""
    async with program(folder, clock=Clock()) as here:
        await film(here, NINE_PM - 8 * HOUR, title="A Silent Harbour", year=1961)
        await here.watch(NINE_PM - 2 * HOUR)
        await film(here, NINE_PM - 4 * HOUR, title="Orchard Road", **ANOTHER)
        yield here


async def correct(visitor: httpx.AsyncClient, path: str, back: str = "/history", **fields: object) -> httpx.Response:
    """Fill in the form that corrects what is at *path*."""
    page = await visitor.get(f"{path}/correct", params={"back": back})
    assert page.status_code == 200, page.text
    told = {name: str(value) for name, value in fields.items()}
    return await visitor.post(f"{path}/correct", data=form_of(page, f"{path}/correct") | told)


async def undo(visitor: httpx.AsyncClient, page: httpx.Response) -> httpx.Response:
    """Press the button that undoes."""
    path = "/history/corrections/undo"
    return await visitor.post(path, data=form_of(page, path))


async def episode(here: Program, user: str = VIEWER) -> Anything:
    return next(row for row in await rows(here, user) if row["media"]["kind"] == "episode")


async def test_a_deleted_row_is_gone_until_that_is_undone(tmp_path: Path) -> None:
    async with house(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor:
        row, before = await episode(here), await visitor.get("/history?text=keepers")
        back = "/history?text=keepers"
        looked = await correct(visitor, f"/history/{row['id']}", back, what="delete", step="look")
        unchanged = await visitor.get(back)
        done = await correct(visitor, f"/history/{row['id']}", back, what="delete", note="a slip", step="apply")
        landed = await visitor.get(done.headers["location"])
        undone = await undo(visitor, landed)
        after = await visitor.get(undone.headers["location"])
        listed = await visitor.get("/history/corrections")

    assert "Goes from the history of viewer: «The Lighthouse Keepers», S01 E02, today, 22 November." in looked.text
    assert titles_of(before) == titles_of(unchanged) == ["The Lighthouse Keepers"]
    where = urlsplit(done.headers["location"])
    assert (where.path, dict(parse_qsl(where.query))) == ("/history", {"text": "keepers", "corrected": "1"})
    assert titles_of(landed) == []
    assert "Corrected." in landed.text
    assert undone.headers["location"] == back
    assert titles_of(after) == ["The Lighthouse Keepers"]
    assert "The correction is undone" in after.text
    assert "«a slip»" in listed.text
    assert "said by <b>viewer</b>" in listed.text
    assert "undone by viewer" in listed.text


async def test_what_was_said_can_be_undone_from_the_list_by_administrators_who_see_who_it_was(tmp_path: Path) -> None:
    async with house(tmp_path) as here, owner(here) as administrator:
        row = await episode(here)
        async with viewer(here, SERVER, VIEWER) as visitor:
            await correct(visitor, f"/history/{row['id']}", what="not_me", step="apply")
        listed = await administrator.get("/history/corrections")
        played = await administrator.get(f"/playbacks/{row['playbacks'][0]}")
        undone = await undo(administrator, listed)
        after = await administrator.get(undone.headers["location"])

    assert "It was somebody else" in listed.text
    assert "said by <b>viewer</b>" in listed.text
    assert "not counted: marked as not me by viewer on 22 November" in played.text
    assert "Correct this playback" not in played.text
    assert "undone by Administrator" in after.text


async def test_whoever_corrected_their_own_may_still_look_at_it(tmp_path: Path) -> None:
    async with house(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor:
        row = await episode(here)
        await correct(visitor, f"/history/{row['id']}", what="delete", step="apply")
        played = await visitor.get(f"/playbacks/{row['playbacks'][0]}")
        again = await visitor.get(f"/playbacks/{row['playbacks'][0]}/correct")
        async with viewer(here, SERVER, GUEST) as other:
            others = await other.get(f"/playbacks/{row['playbacks'][0]}")

    assert "not counted: marked as deleted by viewer" in played.text
    assert again.status_code == 400
    assert "undo the correction" in again.text
    assert others.status_code == 404


async def test_the_wrong_item_is_chosen_among_what_was_found(tmp_path: Path) -> None:
    async with house(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor:
        row = await episode(here)
        path = f"/history/{row['id']}"
        found = await correct(visitor, path, what="wrong_item", look="harbour", step="search")
        number = next(each for each in await rows(here) if each["media"]["kind"] == "movie")["media"]["id"]
        looked = await correct(visitor, path, what="wrong_item", media=number, step="look")
        done = await correct(visitor, path, what="wrong_item", media=number, step="apply")
        landed = await visitor.get(done.headers["location"])

    assert "«A Silent Harbour» (1961)" in found.text
    assert f'value="{number}"' in found.text
    assert ", from counted at 100 % to counted 2 times" in looked.text
    assert titles_of(landed) == ["A Silent Harbour"]
    assert "2 times" in landed.text


async def test_the_wrong_item_may_be_one_that_nobody_played_yet(tmp_path: Path) -> None:
    async with house(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor:
        path = f"/history/{(await episode(here))['id']}"
        new = {"what": "wrong_item", "media": "new", "kind": "series", "title": "Another Series", "tmdb": "4711"}
        missing = await correct(visitor, path, **new | {"tmdb": ""}, step="look")
        done = await correct(visitor, path, **new, unit="S3E4", step="apply")
        landed = await visitor.get(done.headers["location"])

    assert missing.status_code == 400
    assert "its number at TMDB" in missing.text
    assert 'value="Another Series"' in missing.text, "what was filled in stays"
    assert titles_of(landed) == ["Another Series", "A Silent Harbour"]
    assert "S03 E04" in landed.text


async def test_another_episode_of_the_same_series_needs_no_title(tmp_path: Path) -> None:
    async with house(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor:
        path = f"/history/{(await episode(here))['id']}"
        done = await correct(visitor, path, what="wrong_item", unit="s01e07", step="apply")
        landed = await visitor.get(done.headers["location"])

    assert titles_of(landed)[0] == "The Lighthouse Keepers"
    assert "S01 E07" in landed.text


async def test_users_find_only_titles_of_their_own_history(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        theirs = (await rows(here, GUEST))[0]
        async with viewer(here, SERVER, VIEWER) as visitor:
            path = f"/history/{(await episode(here))['id']}"
            found = await correct(visitor, path, what="wrong_item", look="orchard", step="search")
            named = await correct(visitor, path, what="wrong_item", media=theirs["media"]["id"], step="look")
        async with owner(here) as administrator:
            every = await correct(administrator, path, what="wrong_item", look="orchard", step="search")

    assert "Orchard Road" not in found.text
    assert "No title that you may see" in found.text
    assert (named.status_code, "Orchard Road" in named.text) == (400, False)
    assert "Orchard Road" in every.text


async def test_administrators_may_say_whose_it_was(tmp_path: Path) -> None:
    async with house(tmp_path) as here, owner(here) as administrator:
        row, theirs = await episode(here), (await rows(here, GUEST))[0]["account"]["id"]
        async with viewer(here, SERVER, VIEWER) as visitor:
            refused = await correct(visitor, f"/history/{row['id']}", what="not_me", account=theirs, step="look")
        looked = await correct(administrator, f"/history/{row['id']}", what="not_me", account=theirs, step="look")
        done = await correct(administrator, f"/history/{row['id']}", what="not_me", account=theirs, step="apply")
        landed = await administrator.get(done.headers["location"])
        async with viewer(here, SERVER, GUEST) as other:
            given = await other.get("/history")
        async with viewer(here, SERVER, VIEWER) as visitor:
            listed = await visitor.get("/history/corrections")
            undone = await visitor.post(
                "/history/corrections/undo",
                data={"_csrf_token": form_of(listed)["_csrf_token"], "corrections": "1", "back": "/history"},
            )

    assert refused.status_code == 400
    assert "Goes from the history of viewer" in looked.text
    assert "Comes into the history of guest" in looked.text
    assert "<b>guest</b>" in landed.text
    assert titles_of(given) == ["The Lighthouse Keepers", "Orchard Road"]
    assert "counts for guest" in listed.text
    assert "An administrator can undo it." in listed.text
    assert undone.status_code == 404, "it would take from somebody else's history"


async def test_nobody_undoes_or_reads_what_others_said(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        row = await episode(here)
        async with viewer(here, SERVER, VIEWER) as visitor:
            await correct(visitor, f"/history/{row['id']}", what="delete", note="a secret", step="apply")
        async with viewer(here, SERVER, GUEST) as other:
            listed = await other.get("/history/corrections")
            told_of = await other.get("/history?corrected=1")
            token = form_of(listed)["_csrf_token"]
            form = {"_csrf_token": token, "corrections": "1", "back": "/history"}
            undone = await other.post("/history/corrections/undo", data=form)
            tried = await other.post(
                f"/playbacks/{row['playbacks'][0]}/correct",
                data={"_csrf_token": token, "what": "delete", "step": "apply"},
            )

    assert "a secret" not in listed.text
    assert "Corrected." not in told_of.text
    assert (undone.status_code, tried.status_code) == (404, 404)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"step": "look"}, "Choose what is wrong"),
        ({"step": "apply", "what": "rematch"}, "Choose what is wrong"),
        ({"step": "look", "what": "wrong_item", "media": "999"}, "look for it again"),
        ({"step": "look", "what": "not_me", "account": "999"}, "Choose whose it was"),
        ({"step": "look", "what": "wrong_item", "media": "new", "kind": "song"}, "give its kind"),
    ],
)
async def test_what_is_not_filled_in_is_asked_for(tmp_path: Path, fields: dict[str, str], said: str) -> None:
    async with house(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor:
        answer = await correct(visitor, f"/history/{(await episode(here))['id']}", **fields)
        page = await visitor.get("/history")

    assert answer.status_code == 400
    assert said in answer.text
    assert len(titles_of(page)) == 2


async def test_one_playback_of_a_row_is_corrected_and_one_is_led_back_to_it(tmp_path: Path) -> None:
    async with house(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor:
        await film(here, NINE_PM - 6 * HOUR, title="A Silent Harbour", year=1961, DeviceId="tablet", Id="e" * 32)
        row = next(each for each in await rows(here) if each["media"]["kind"] == "movie")
        own = await visitor.get(f"/history/{row['id']}")
        path = f"/playbacks/{row['playbacks'][1]}"
        done = await correct(visitor, path, f"/history/{row['id']}", what="delete", step="apply")
        landed = await visitor.get(done.headers["location"])
        undone = await undo(visitor, landed)
        after = await visitor.get(undone.headers["location"])

    assert "Made of 2 playbacks" in own.text
    assert "Made of one playback" in landed.text
    assert "Made of 2 playbacks" in after.text


async def test_from_the_page_of_a_row_that_goes_one_lands_on_the_list(tmp_path: Path) -> None:
    async with house(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor:
        path = f"/history/{(await episode(here))['id']}"
        done = await correct(visitor, path, path, what="delete", step="apply")

    assert done.headers["location"] == "/history?corrected=1"


async def test_a_badge_that_a_correction_takes_is_told_of(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock()) as here, viewer(here, SERVER, VIEWER) as visitor:
        await here.watch(NINE_PM - 2 * HOUR)
        looked = await correct(visitor, f"/history/{(await episode(here))['id']}", what="delete", step="look")

    assert "viewer loses the badge «Early Adopter»." in looked.text


async def test_corrections_come_in_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("receiver.pages.history.corrections.LONG", 1)
    async with house(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor:
        for row in await rows(here):
            await correct(visitor, f"/history/{row['id']}", what="delete", note=row["media"]["title"], step="apply")
        first = await visitor.get("/history/corrections")
        older = first.text.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
        second = await visitor.get(older)

    assert ("A Silent Harbour" in first.text, "A Silent Harbour" in second.text) == (True, False)
    assert 'rel="next"' not in second.text


async def test_what_was_imported_of_the_time_before_is_corrected_by_whose_it_is(tmp_path: Path) -> None:
    row = (
        "2024-05-01 20:00:20",
        VIEWER,
        "b7d1f4a09c3e48d2a6510e7f3c2b9d84",
        "Movie",
        "A Film",
        "x",
        "Web",
        "TV",
        "3000",
    )
    async with program(tmp_path, clock=Clock(), given={"PLAYLEDGER_AUTO_LINK": ""}) as here:
        async with here.house.store.begin() as db:
            await servers.see(db, SERVER, NINE_PM)
        await link(here)
        importer = here.house.importer
        number = await importer.begin(SERVER, Source.PLAYBACK_REPORTING, "\t".join(row).encode())
        assert await importer.ask(number, "apply", "UTC")
        done = await importer.jobs.outcome(number, 20)
        assert done is not None
        assert done["state"] == "done", done
        (before,) = (await here.get("/playbacks"))["items"]
        async with viewer(here, SERVER, VIEWER) as visitor:
            told = await correct(visitor, f"/playbacks/{before['id']}", what="delete", step="apply")
            (after,) = (await here.get("/playbacks"))["items"]
            page = await visitor.get(f"/playbacks/{before['id']}")
            undone = await undo(visitor, await visitor.get(told.headers["location"]))

        assert (before["account_name"], after["account_name"]) == ("viewer", None)
        assert after["sentence"].startswith("not counted: marked as deleted by viewer")
        assert page.status_code == 200
        assert undone.status_code == 303
        assert (await here.get("/playbacks"))["items"] == [before]
