"""People through the whole program: rules tried before they are kept, corrections, exports, private mode."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.receiver.houses import NINE_PM, Program, link, program
from tests.recordings.shapes import GUEST, SERVER, VIEWER

EIGHT = NINE_PM - timedelta(hours=1)


async def post(here: Program, path: str, expected: int = 201, **body: object) -> Any:  # noqa: ANN401 - what JSON may hold
    answer = await here.http.post(f"/api/v1{path}", json=body)
    assert answer.status_code == expected, answer.text
    return answer.json()


# --- corrections -----------------------------------------------------------------------------------------------------


async def test_a_row_is_corrected_away_and_back(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here:
        await here.watch(EIGHT)
        (row,) = (await here.get("/history"))["items"]

        tried = await post(here, "/corrections?dry_run=true", what="not_me", watch=row["id"])
        assert tried["dry_run"]
        assert tried["watches"][0]["after"] is None
        assert len((await here.get("/history"))["items"]) == 1

        done = await post(here, "/corrections", what="not_me", watch=row["id"], note="it was the cat")
        assert (await here.get("/history"))["items"] == []
        (playback,) = (await here.get("/playbacks"))["items"]
        assert playback["sentence"] == "not counted: marked as not me by an administrator on 2026-11-22"
        (kept,) = (await here.get("/corrections"))["items"]
        assert (await here.get(f"/playbacks/{playback['id']}"))["corrections"] == [kept["id"]]
        assert (kept["what"], kept["note"], kept["said_by"]) == ("not_me", "it was the cat", "an administrator")
        assert kept["user_id"] == VIEWER

        undone = await post(here, f"/corrections/{done['corrections'][0]['id']}/undo", 200)
        assert undone["watches"][0]["before"] is None
        (back,) = (await here.get("/history"))["items"]
        assert {n: v for n, v in back.items() if n != "id"} == {n: v for n, v in row.items() if n != "id"}
        assert (await here.get("/corrections"))["items"][0]["undone_by"] == "an administrator"
        await post(here, f"/corrections/{done['corrections'][0]['id']}/undo", 409)


async def test_a_title_that_is_not_known_yet_is_named_by_its_public_ids(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await here.watch(EIGHT)
        (playback,) = (await here.get("/playbacks"))["items"]
        title = {"kind": "series", "title": "Another Show", "tvdb_id": "77"}

        await post(here, "/corrections", what="rematch", playback=playback["id"], title=title, unit="s03e04")

        (row,) = (await here.get("/history"))["items"]
        assert (row["media"]["tvdb_id"], row["media"]["season"], row["media"]["episode"]) == ("77", 3, 4)


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"what": "delete"}, 400, "playback, watch"),
        ({"what": "delete", "playback": 1, "watch": 1}, 400, "playback, watch"),
        ({"what": "delete", "playback": 99}, 404, "no such playback"),
        ({"what": "forget", "playback": 1}, 400, "what"),
        ({"what": "rematch", "playback": 1}, 400, "media"),
        ({"what": "rematch", "playback": 1, "media": 99}, 400, "media"),
        ({"what": "rematch", "playback": 1, "title": {"kind": "movie", "title": "Film"}}, 400, "title"),
        ({"what": "not_me", "playback": 1, "account": 99}, 400, "account"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(
    body: dict[str, Any], status: int, named: str, tmp_path: Path
) -> None:
    async with program(tmp_path) as here:
        await here.watch(EIGHT)

        answer = await here.http.post("/api/v1/corrections", json=body)

        assert answer.status_code == status, answer.text
        assert named in answer.json()["detail"]
        assert (await here.get("/corrections"))["items"] == []


async def test_a_token_speaks_in_its_own_name(tmp_path: Path) -> None:
    from reconcile.secrets import fingerprint  # noqa: PLC0415 - used here only
    from reconcile.store import tokens  # noqa: PLC0415 - used here only

    async with program(tmp_path) as here:
        await here.watch(EIGHT)
        async with here.house.store.begin() as db:
            number = await tokens.add_api_token(db, "a page", fingerprint("token-of-a-page"), ("admin",), here.clock())
        here.http.headers["authorization"] = "Bearer token-of-a-page"

        await post(here, "/corrections", what="delete", playback=1)

        assert (await here.get("/corrections"))["items"][0]["said_by"] == f"token {number}"


# --- export ----------------------------------------------------------------------------------------------------------


async def test_an_account_is_exported_whole_and_alone(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here:
        await here.watch(EIGHT)
        await here.watch(EIGHT - timedelta(days=2))
        await here.watch(EIGHT - timedelta(days=1), UserId=GUEST, NotificationUsername="guest", Id="d" * 32)
        rows = (await here.get("/history"))["items"]
        mine = next(row["account"]["id"] for row in rows if row["account"]["name"] == "viewer")
        latest = (await here.get("/history", account=mine))["items"][0]
        await post(here, "/corrections", what="delete", watch=latest["id"])

        told = await here.get(f"/accounts/{mine}/export")

        assert told["account"]["name"] == "viewer"
        assert [(row["server_id"], row["user_id"]) for row in told["links"]] == [(SERVER, VIEWER)]
        assert len(told["recorded"]) == 1
        assert [row["day"] for row in told["history"]] == ["2026-11-20"]
        assert {row["completed"] for row in told["playbacks"]} == {True, False}, "what was corrected away is told too"
        assert all(row["intervals"] for row in told["playbacks"])
        assert [row["what"] for row in told["corrections"]] == ["delete"]
        assert GUEST not in json.dumps(told)


async def test_or_as_a_table_whose_lines_say_what_they_are(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await here.watch(EIGHT, Name="=HYPERLINK(0)")

        answer = await here.http.get("/api/v1/accounts/1/export", params={"format": "csv"})

        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert 'filename="playledger-account-1.csv"' in answer.headers["content-disposition"]
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert {"account", "links", "recorded", "history", "playbacks"} <= {row["record"] for row in rows}
        (watch,) = [row for row in rows if row["record"] == "history"]
        assert (watch["title"], watch["series_title"]) == ("'=HYPERLINK(0)", "The Lighthouse Keepers")
        (playback,) = [row for row in rows if row["record"] == "playbacks"]
        assert json.loads(playback["details"])["intervals"]


@pytest.mark.parametrize(("path", "status"), [("/99/export", 404), ("/1/export?format=xml", 400)])
async def test_what_cannot_be_exported_is_said(path: str, status: int, tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await link(here)

        assert (await here.http.get(f"/api/v1/accounts{path}")).status_code == status


# --- links -----------------------------------------------------------------------------------------------------------


async def test_private_mode_can_end_before_its_time(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url, PLAYLEDGER_AUTO_LINK="false") as here:
        account = await link(here)
        wish = {"account_id": account, "recorded": True}
        later = (NINE_PM + timedelta(hours=3)).isoformat()
        url = f"/api/v1/links/{SERVER}/{VIEWER}"
        assert (await here.http.put(url, json=wish | {"private_until": later})).json()["recorded"] is False

        assert (await here.http.put(url, json=wish)).json()["recorded"] is True

        here.clock.at += timedelta(minutes=50)
        await here.watch(NINE_PM + timedelta(minutes=1))
        assert len((await here.get("/history"))["items"]) == 1


async def test_several_users_may_be_one_account(tmp_path: Path) -> None:
    async with program(tmp_path, PLAYLEDGER_AUTO_LINK="false") as here:
        account = await link(here)
        await here.http.put(f"/api/v1/links/{SERVER}/{GUEST}", json={"account_id": account, "recorded": True})

        links = (await here.get("/links"))["items"]

        assert {(each["user_id"], each["account_id"], each["recorded"]) for each in links} == {
            (VIEWER, account, True),
            (GUEST, account, True),
        }
