"""Media through the API: found, unresolved, contradictory, said to be others, and what becomes of the history."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.receiver.houses import NINE_PM, Clock, Program, link, program
from tests.recordings.shapes import EPISODE, SERIES, SERVER


@pytest.fixture
async def here(tmp_path: Path, database_url: str) -> AsyncIterator[Program]:
    """A program in which an episode was watched whose series has no public id yet."""
    async with program(tmp_path, database_url, clock=Clock(NINE_PM)) as running:
        await link(running)
        running.clock.at += timedelta(days=1)
        await running.watch(NINE_PM)
        yield running


async def say(here: Program, number: int, *, dry_run: bool = False, **told: Any) -> Any:  # noqa: ANN401 - JSON
    path = f"/api/v1/media/{number}/match" + ("?dry_run=true" if dry_run else "")
    return await here.http.post(path, json={"kind": "series", **told})


async def only(here: Program, path: str) -> Any:  # noqa: ANN401 - JSON
    (item,) = (await here.get(path))["items"]
    return item


async def test_what_has_no_public_id_is_listed_with_its_items_until_somebody_says_what_it_is(here: Program) -> None:
    found = await only(here, "/media/unresolved")
    assert (found["kind"], found["tmdb_id"], found["watches"]) == ("series", None, 1)
    assert [(each["server_id"], each["item_id"]) for each in found["items"]] == [(SERVER, SERIES)]

    answer = await say(here, found["id"], tmdb_id="77", title="The Right Series")

    assert answer.status_code == 201, answer.text
    assert [each["title"] for each in answer.json()["media"]] == ["The Right Series"]
    assert (await here.get("/media/unresolved"))["items"] == []
    watch = await only(here, "/history")
    assert (watch["media"]["tmdb_id"], watch["media"]["id"]) == ("77", found["id"])
    assert (await only(here, "/media"))["items"][0]["matched"]["tmdb_id"] == "77"


async def test_it_is_found_by_its_title_and_by_its_id(here: Program) -> None:
    (found,) = (await here.get("/media"))["items"]
    await say(here, found["id"], tmdb_id="77", title="The Right Series")

    for asked in ("right", "77"):
        assert [each["id"] for each in (await here.get("/media", q=asked))["items"]] == [found["id"]]
    for asked in ("%", "78"):
        assert (await here.get("/media", q=asked))["items"] == []
    assert (await here.get("/media", kind="movie"))["items"] == []
    assert (await here.get(f"/media/{found['id']}"))["title"] == "The Right Series"


async def test_a_dry_run_tells_and_changes_nothing(here: Program) -> None:
    before = await only(here, "/media")

    answer = await say(here, before["id"], tmdb_id="77", dry_run=True)

    assert answer.json()["dry_run"]
    assert [each["tmdb_id"] for each in answer.json()["media"]] == ["77"]
    assert await only(here, "/media") == before
    assert (await here.get("/media/matches"))["items"] == []


async def test_what_was_said_is_listed_and_can_be_taken_back_once(here: Program) -> None:
    before = await only(here, "/media")
    (said,) = (await say(here, before["id"], tmdb_id="77", title="Wrong")).json()["matches"]

    gone = await here.http.delete(f"/api/v1/media/matches/{said['id']}")
    again = await here.http.delete(f"/api/v1/media/matches/{said['id']}")

    assert (gone.status_code, again.status_code) == (200, 404)
    assert await only(here, "/media") == before
    kept = await only(here, "/media/matches")
    assert (kept["tmdb_id"], kept["said_by"], kept["undone_by"]) == ("77", "administrator", "administrator")


async def test_one_episode_alone_can_be_said_to_be_of_another_series(here: Program) -> None:
    series = await only(here, "/media")

    answer = await say(here, series["id"], tmdb_id="78", items=[f"{SERVER}:{EPISODE}"])

    assert answer.status_code == 201, answer.text
    assert (await only(here, "/history"))["media"]["tmdb_id"] == "78"


@pytest.mark.parametrize(
    ("told", "status", "words"),
    [
        pytest.param({}, 400, "one of them is needed", id="no id"),
        pytest.param({"kind": "movie", "tmdb_id": "603"}, 400, "cannot become", id="a series as a film"),
        pytest.param({"kind": "song", "tmdb_id": "603"}, 400, "movie, series", id="an odd kind"),
        pytest.param({"tmdb_id": "tt1"}, 400, "tmdb_id", id="an id that is none"),
        pytest.param({"imdb_id": "603"}, 400, "imdb_id", id="an IMDb id that is none"),
        pytest.param({"tmdb_id": "77", "items": ["nonsense"]}, 400, "is no item", id="an item that is none"),
        pytest.param({"tmdb_id": "77", "colour": "red"}, 400, "colour", id="a field that is none"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_words(
    here: Program, told: dict[str, Any], status: int, words: str
) -> None:
    answer = await say(here, (await only(here, "/media"))["id"], **told)

    assert answer.status_code == status
    assert words in answer.text


async def test_what_is_not_there_is_not_found(here: Program) -> None:
    assert (await say(here, 999, tmdb_id="77")).status_code == 404
    assert (await here.http.get("/api/v1/media/999")).status_code == 404
    assert (await here.http.delete("/api/v1/media/matches/999")).status_code == 404
    assert (await here.get("/media/review"))["items"] == []
