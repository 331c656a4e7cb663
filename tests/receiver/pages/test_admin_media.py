"""Media: found, said to be others after reading what that does, and taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.receiver.houses import NINE_PM, Clock, Program, program
from tests.receiver.pages.visitors import form_of, owner


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Program]:
    """A program in which an episode was watched whose series has no public id yet."""
    async with program(tmp_path, clock=Clock(NINE_PM)) as running:
        await running.watch(NINE_PM)
        yield running


async def test_what_nobody_could_number_is_listed_and_searched_for(here: Program) -> None:
    async with owner(here) as visitor:
        listed = await visitor.get("/admin/media")
        found = await visitor.get("/admin/media", params={"q": "lighthouse"})
        none = await visitor.get("/admin/media", params={"q": "%"})

    assert "Without a public id" in listed.text
    assert listed.text.count('href="/admin/media/1"') == 1
    assert found.text.count('href="/admin/media/1"') == 2
    assert "Nothing of that name" in none.text


async def test_a_match_is_read_before_it_is_made_and_can_be_undone(here: Program) -> None:
    async with owner(here) as visitor:
        form = form_of(await visitor.get("/admin/media/1"), "/admin/media/1") | {"tmdb_id": "77", "title": "Right"}
        would = await visitor.post("/admin/media/1", data=form)
        before = (await here.get("/media/1"))["tmdb_id"]
        done = await visitor.post("/admin/media/1", data=form | {"apply": "true"})
        after = (await here.get("/media/1"))["title"], (await here.get("/history"))["items"][0]["media"]["tmdb_id"]
        page = await visitor.get(done.headers["location"])
        undone = await visitor.post("/admin/media/matches/1/undo", data=form_of(page))
        again = await visitor.post("/admin/media/matches/1/undo", data=form_of(page))
        last = await visitor.get("/admin/media")

    assert "Nothing is done yet" in would.text
    assert before is None
    assert after == ("Right", "77")
    assert "is matched" in page.text
    assert (undone.status_code, again.status_code) == (303, 404)
    assert "taken back" in last.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        pytest.param({}, "one of them is needed", id="no id"),
        pytest.param({"tmdb_id": "x"}, "TMDB: a number", id="no number"),
        pytest.param({"imdb_id": "114709"}, "IMDb: tt and a number", id="no IMDb id"),
        pytest.param({"tmdb_id": "7", "year": "12"}, "Year: four digits", id="no year"),
        pytest.param({"tmdb_id": "7", "kind": "movie"}, "a series cannot become a film", id="another kind"),
    ],
)
async def test_what_cannot_be_is_told_with_what_was_entered(here: Program, typed: dict[str, str], said: str) -> None:
    async with owner(here) as visitor:
        form = form_of(await visitor.get("/admin/media/1"), "/admin/media/1")
        answer = await visitor.post("/admin/media/1", data=form | typed)

    assert answer.status_code == 400
    assert said in answer.text


async def test_what_there_is_not_is_not_found(here: Program) -> None:
    async with owner(here) as visitor:
        assert (await visitor.get("/admin/media/99")).status_code == 404
        assert (await visitor.get("/admin/media/99999999999999999999999")).status_code == 404
