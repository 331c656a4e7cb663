"""What is asked wrongly is refused in plain words, and nothing is done instead of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.receiver.houses import NINE_PM, link, notification, program


@pytest.mark.parametrize(
    ("path", "said"),
    [
        pytest.param("/history?acount=1", "acount: no such query parameter here; these are: account, ", id="a filter"),
        pytest.param("/history?from=2026-11-22&until=2026-11-23", "until: no such", id="another word"),
        pytest.param("/playbacks?open_=true", "open_: no such query parameter here; these are:", id="an underline"),
        pytest.param("/status?verbose=1", "verbose: no such query parameter here; there are none.", id="where none is"),
    ],
)
async def test_a_query_parameter_that_is_not_asked_for_is_refused(tmp_path: Path, path: str, said: str) -> None:
    async with program(tmp_path) as here:
        answer = await here.http.get(f"/api/v1{path}")

    assert answer.status_code == 400
    assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param("?open=true", [None], id="those that go on"),
        pytest.param("?open=false", ["stop"], id="those that have ended"),
        pytest.param("", [None, "stop"], id="all of them"),
    ],
)
async def test_playbacks_that_are_open_can_be_asked_for(tmp_path: Path, asked: str, expected: list[str | None]) -> None:
    async with program(tmp_path) as here:
        await here.watch(NINE_PM - timedelta(hours=1))
        await here.send(notification("PlaybackStart", NINE_PM, 0))

        found = (await here.http.get(f"/api/v1/playbacks{asked}")).json()["items"]

    assert [each["ended_by"] for each in found] == expected


async def test_no_query_parameter_is_named_as_only_python_would_name_it(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        paths = (await here.http.get("/schema/openapi.json")).json()["paths"]

    named = {
        path: [each["name"] for each in way.get("parameters", ()) if each["in"] == "query"]
        for path, ways in paths.items()
        for way in ways.values()
    }
    assert "open" in named["/api/v1/playbacks"]
    assert [name for names in named.values() for name in names if name.endswith("_")] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/corrections?dryrun=true", {"what": "delete", "watch": 1}, id="a correction, misspelt"),
        pytest.param("/accounts/1/erase?dry_run=true", {"confirm": "viewer"}, id="an erasure, which has no dry run"),
    ],
)
async def test_what_was_to_be_tried_only_is_not_done(tmp_path: Path, path: str, body: dict[str, object]) -> None:
    async with program(tmp_path) as here:
        await here.watch(NINE_PM - timedelta(hours=1))

        answer = await here.http.post(f"/api/v1{path}", json=body)

        assert answer.status_code == 400
        assert len((await here.get("/history"))["items"]) == 1


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        pytest.param("/accounts/1/erase", None, "a JSON body is needed.", id="no body"),
        pytest.param("/accounts/1/erase", "{}", "confirm: it is missing.", id="a field is missing"),
        pytest.param(
            "/corrections",
            '{"what": "delete", "title": {"kind": "movie"}}',
            "title.title: it is missing.",
            id="a field within",
        ),
        pytest.param(
            "/tokens", '{"name": "x", "scope": "read"}', "scope: there is no such field here.", id="an unknown field"
        ),
        pytest.param(
            "/tokens", '{"name": "x", "scopes": ["all"]}', "scopes[0]: one of read, admin is needed.", id="a scope"
        ),
        pytest.param(
            "/corrections",
            '{"what": "explode"}',
            "what: one of not_me, wrong_item, delete, rematch is needed.",
            id="a word",
        ),
        pytest.param("/tokens", "[]", "body: Expected `object`, got `array`", id="a list"),
    ],
)
async def test_a_body_that_is_wrong_is_told_what_is_needed(
    tmp_path: Path, path: str, body: str | None, said: str
) -> None:
    async with program(tmp_path) as here:
        answer = await here.http.post(f"/api/v1{path}", content=body)

    assert (answer.status_code, answer.json()["detail"]) == (400, said)


async def test_one_account_is_shown(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await link(here)

        assert await here.get("/accounts/1") == (await here.get("/accounts"))["items"][0]
        assert (await here.http.get("/api/v1/accounts/99")).status_code == 404
