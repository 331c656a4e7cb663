"""The API through the whole program: who may call it, what it says, and that pages hold while rows arrive."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import sqlalchemy as sa

from receiver.app import create_app
from reconcile.secrets import fingerprint
from reconcile.settings import read_settings
from reconcile.store import tokens
from reconcile.store.tables import check_in
from tests.receiver.houses import NINE_PM, Program, link, notification, program, until
from tests.recordings.shapes import GUEST, SERVER, VIEWER, recording

READER = "reader-token-of-the-tests"


def routes() -> list[tuple[str, str]]:
    """Return every route of the API with each of its methods; the pages' tests walk all others."""
    import tempfile  # noqa: PLC0415 - needed while tests are collected, only

    with tempfile.TemporaryDirectory() as folder:
        app = create_app(read_settings({"PLAYLEDGER_DATA_DIR": folder}))
    mine = [route for route in app.routes if route.path.startswith("/api/")]
    return [(m, route.path) for route in mine for m in sorted(set(getattr(route, "methods", ())) - {"OPTIONS", "HEAD"})]


def _filled(path: str) -> str:
    path = re.sub(r"\{\w+:int\}", "1", path)
    return path.replace("{server_id:str}", SERVER).replace("{user_id:str}", VIEWER)


# --- who may call ----------------------------------------------------------------------------------------------------


async def test_no_route_of_the_api_answers_without_a_token(tmp_path: Path) -> None:
    assert len(routes()) > 20
    async with program(tmp_path) as here:
        for method, path in routes():
            for authorization in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic YTpi"}):
                request = httpx.Request(method, f"http://test{_filled(path)}", headers=authorization)
                answer = await here.http.send(request)

                assert answer.status_code == 401, (method, path)
                assert answer.json()["status_code"] == 401
                assert set(answer.json()) == {"status_code", "detail", "extra"}


async def _reader(here: Program) -> dict[str, str]:
    async with here.house.store.begin() as db:
        await tokens.add_api_token(db, "a page", fingerprint(READER), ("read",), here.clock())
    return {"authorization": f"Bearer {READER}"}


async def test_a_reading_token_sees_the_history_and_changes_nothing(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        headers = await _reader(here)
        readable = set()
        for method, path in routes():
            if path.endswith("/live"):
                continue
            answer = await here.http.send(httpx.Request(method, f"http://test{_filled(path)}", headers=headers))
            if answer.status_code == 403:
                assert "scope" in answer.json()["detail"]
            else:
                readable.add((method, path.removeprefix("/api/v1")))

        assert readable == {
            ("GET", "/activity"),
            ("GET", "/badges"),
            ("GET", "/history"),
            ("GET", "/playbacks"),
            ("GET", "/playbacks/{playback_id:int}"),
            ("GET", "/progress"),
            ("GET", "/sessions"),
        }


async def test_that_a_token_was_used_is_noted_now_and_then(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        headers = await _reader(here)
        for _ in range(2):
            await here.http.get("/api/v1/history", headers=headers)
        async with here.house.store.read() as db:
            found = await tokens.api_token(db, fingerprint(READER))

        assert found is not None
        assert found.last_used_at == NINE_PM


# --- the history -----------------------------------------------------------------------------------------------------

WATCH_FIELDS = """id account media day watched_at completed partial plays percent watched_seconds verdict channels
playbacks"""
MEDIA_FIELDS = "kind title series_title season episode year tmdb_id tvdb_id imdb_id seerr_media_id"
PLAYBACK_FIELDS = """id server_id session_id user_id account_id item_id device client media state started_at ended_at
ended_by watched_seconds reached_seconds runtime_seconds percent covered_percent skipped_percent channels completed
verdict server_completed"""


async def test_a_watched_episode_is_told_with_all_its_fields(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here:
        await here.watch(NINE_PM - timedelta(hours=1))

        (watch,) = (await here.get("/history"))["items"]
        assert set(watch) >= set(WATCH_FIELDS.split())
        assert set(watch["media"]) >= set(MEDIA_FIELDS.split())
        assert watch["account"]["name"] == "viewer"
        assert watch["media"]["kind"] == "episode"
        assert watch["media"]["series_title"] == "The Lighthouse Keepers"
        assert watch["media"]["title"] == 'The "Long" Night & Day'
        assert (watch["media"]["season"], watch["media"]["episode"]) == (1, 2)
        assert watch["watched_at"].endswith("Z")
        assert watch["completed"] is True
        assert watch["watched_seconds"] == pytest.approx(2400, abs=5)
        assert watch["channels"] == ["webhook"]
        (playback,) = (await here.get("/playbacks"))["items"]
        assert watch["playbacks"] == [playback["id"]]


async def test_a_playback_is_told_with_the_evidence(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here:
        await here.watch(NINE_PM - timedelta(hours=1), minutes=10)

        (playback,) = (await here.get("/playbacks"))["items"]
        assert set(playback) >= set(PLAYBACK_FIELDS.split())
        assert (playback["state"], playback["ended_by"], playback["completed"]) == ("ended", "stop", False)
        one = await here.get(f"/playbacks/{playback['id']}")
        assert [each["kind"] for each in one["check_ins"]] == ["playing", "playing", "stopped"]
        assert [each["position_seconds"] for each in one["check_ins"]] == [0, 300, 600]
        assert one["covered"] == [[0, 600]]


async def test_a_check_in_says_by_when_its_player_had_been_left(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here:
        await here.watch(NINE_PM - timedelta(hours=1), minutes=10)
        async with here.house.store.begin() as db:
            await db.execute(sa.update(check_in).where(check_in.c.kind == "stopped").values(left_by=NINE_PM))

        (playback,) = (await here.get("/playbacks"))["items"]
        one = await here.get(f"/playbacks/{playback['id']}")
        assert [each["left_by"] for each in one["check_ins"]] == [None, None, "2026-11-22T21:00:00Z"]


@pytest.mark.parametrize("said", [True, False, None])
async def test_what_jellyfin_itself_says_of_a_playback_is_told_beside_the_verdict(
    tmp_path: Path, database_url: str, said: bool | None
) -> None:
    async with program(tmp_path, database_url) as here:
        await here.watch(NINE_PM - timedelta(hours=1), minutes=10, PlayedToCompletion=said)

        (playback,) = (await here.get("/playbacks"))["items"]
        one = await here.get(f"/playbacks/{playback['id']}")
        schema = (await here.http.get("/schema/openapi.json")).json()

    assert (playback["server_completed"], one["server_completed"]) == (said, said)
    assert (playback["completed"], playback["verdict"]) == (False, "partial")
    for words in ("PlaybackWords", "PlaybackEvidence"):
        told = schema["components"]["schemas"][words]["properties"]["server_completed"]
        assert "beside the verdict" in told["description"]


async def test_what_plays_now_has_no_end(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await here.send(notification("PlaybackStart", NINE_PM, 0))

        (session,) = (await here.get("/sessions"))["items"]
        assert (session["open"], session["ended_at"], session["state"]) == (True, None, "playing")
        assert (await here.get("/history"))["items"] == []


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 2),
        ({"account": 1}, 1),
        ({"account": 99}, 0),
        ({"kind": "episode"}, 2),
        ({"kind": "movie"}, 0),
        ({"completed": "true"}, 2),
        ({"completed": "false"}, 0),
        ({"from": "2026-11-22"}, 1),
        ({"to": "2026-11-21"}, 1),
        ({"from": "2026-11-22T20:30:00Z"}, 1),
        ({"to": "2026-11-22T20:30:00+00:00"}, 1),
        ({"from": "2026-11-22", "to": "2026-11-22"}, 1),
        ({"limit": 1}, 1),
    ],
    ids=str,
)
async def test_the_history_can_be_narrowed(query: dict[str, Any], count: int, tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await here.watch(NINE_PM - timedelta(hours=1))
        await here.watch(NINE_PM - timedelta(hours=25), UserId=GUEST, Id="7" * 32, NotificationUsername="guest")

        assert len((await here.get("/history", **query))["items"]) == count


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 501},
        {"limit": "x"},
        {"account": 0},
        {"account": 2**63},
        {"kind": "song"},
        {"from": "yesterday"},
        {"to": "2026-13-01"},
        {"cursor": "x"},
        {"from": "0001-01-01T00:00:00+14:00"},
        {"cursor": "!"},
        {"completed": "perhaps"},
    ],
    ids=str,
)
async def test_what_cannot_be_asked_is_refused_by_name(query: dict[str, Any], tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        answer = await here.http.get("/api/v1/history", params=query)

        assert answer.status_code == 400
        assert next(iter(query)) in answer.json()["detail"]


async def test_pages_hold_while_rows_arrive(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here:
        for days in range(7):
            await here.watch(NINE_PM - timedelta(days=days, hours=1))
        whole = [row["id"] for row in (await here.get("/history", limit=500))["items"]]
        seen: list[int] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await here.get("/history", limit=2, **({"cursor": cursor} if cursor else {}))
            seen += [row["id"] for row in page["items"]]
            cursor = page["next_cursor"]
            await here.watch(NINE_PM + timedelta(days=len(seen)))  # newer than all of them

        assert len(whole) == 7
        assert seen == whole


@pytest.mark.parametrize(
    "resource", ["playbacks/9", "deliveries/9", "rejected/9", "replays/9", "imports/9", "servers/9/users"]
)
async def test_what_is_not_there_is_not_found(resource: str, tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        answer = await here.http.get(f"/api/v1/{resource}")

        assert answer.status_code == 404
        assert set(answer.json()) == {"status_code", "detail", "extra"}


# --- people ----------------------------------------------------------------------------------------------------------


async def test_an_accounts_own_rules_settle_its_history_anew(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here:
        await here.watch(NINE_PM - timedelta(hours=1), minutes=25)
        assert (await here.get("/history"))["items"] == []
        account = (await here.get("/accounts"))["items"][0]["id"]
        path = f"/api/v1/accounts/{account}"

        tried = (await here.http.patch(path, json={"threshold": 50}, params={"dry_run": "true"})).json()
        still = (await here.get("/history"))["items"]
        done = (await here.http.patch(path, json={"threshold": 50})).json()

        assert still == []
        assert tried["dry_run"] is True
        assert [(each["before"], each["after"]["completed"]) for each in done["watches"]] == [(None, True)]
        assert done["watches"] == tried["watches"]
        assert len((await here.get("/history"))["items"]) == 1
        assert here.house.people.rules(account).threshold == 50
        back = (await here.http.patch(path, json={"threshold": None})).json()
        assert [each["after"] for each in back["watches"]] == [None]
        assert (await here.get("/history"))["items"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"threshold": 0},
        {"threshold": 101},
        {"min_seconds": -1},
        {"min_seconds": 3601},
        {"record_partials": "perhaps"},
        {"time_zone": "Middle/Earth"},
        {"name": ""},
        {"misspelt": 1},
    ],
    ids=str,
)
async def test_a_rule_out_of_its_bounds_is_refused_by_name(changes: dict[str, Any], tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await link(here)
        answer = await here.http.patch("/api/v1/accounts/1", json=changes)

        assert answer.status_code == 400
        assert next(iter(changes)) in answer.json()["detail"]


async def test_another_time_zone_moves_a_watch_to_its_day(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await here.watch(NINE_PM + timedelta(hours=2))
        await here.http.patch("/api/v1/accounts/1", json={"time_zone": "Europe/Berlin"})

        assert [row["day"] for row in (await here.get("/history"))["items"]] == ["2026-11-23"]


async def test_a_link_is_made_moved_and_taken_away(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url, PLAYLEDGER_AUTO_LINK="false") as here:
        first = await link(here, recorded=False)
        (made,) = (await here.get("/links"))["items"]
        second = await link(here, name="another")
        (moved,) = (await here.get("/links"))["items"]
        gone = await here.http.delete(f"/api/v1/links/{SERVER}/{VIEWER}")
        again = await here.http.delete(f"/api/v1/links/{SERVER}/{VIEWER}")

        assert (made["account_id"], made["recorded"]) == (first, False)
        assert (moved["account_id"], moved["recorded"], moved["recorded_since"]) == (
            second,
            True,
            "2026-11-22T21:00:00Z",
        )
        assert (gone.status_code, again.status_code) == (204, 404)
        assert (await here.get("/links"))["items"] == []


async def test_private_mode_ends_by_itself(tmp_path: Path) -> None:
    async with program(tmp_path, PLAYLEDGER_AUTO_LINK="false") as here:
        account = await link(here)
        wish = {"account_id": account, "recorded": True, "private_until": "2026-11-22T22:00:00Z"}
        answer = await here.http.put(f"/api/v1/links/{SERVER}/{VIEWER}", json=wish)
        during = await here.send(notification("PlaybackStart", NINE_PM + timedelta(minutes=30), 0))
        after = await here.send(notification("PlaybackStart", NINE_PM + timedelta(minutes=61), 0))

        assert answer.json()["recorded"] is False
        assert [each.json()["outcome"] for each in (during, after)] == ["ignored", "recorded"]


# --- the rest --------------------------------------------------------------------------------------------------------


async def test_settings_are_shown_with_their_bounds_and_without_secrets(tmp_path: Path) -> None:
    async with program(tmp_path, PLAYLEDGER_THRESHOLD="70") as here:
        told = {each["name"]: each for each in (await here.get("/settings"))["items"]}

        assert told["PLAYLEDGER_THRESHOLD"]["value"] == 70
        assert told["PLAYLEDGER_THRESHOLD"]["fixed"] is True
        assert told["PLAYLEDGER_SILENCE"]["fixed"] is False
        assert told["JELLYFIN_ACTIVITY_POLL_INTERVAL"]["value"] == 10000
        assert told["PLAYLEDGER_ADMIN_TOKEN"]["value"] is None
        assert told["PLAYLEDGER_ADMIN_TOKEN"]["is_set"] is True


async def test_deliveries_can_be_narrowed_and_leafed_through(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await here.watch(NINE_PM - timedelta(hours=1), minutes=10)

        starts = (await here.get("/deliveries", kind="PlaybackStart", server=SERVER, user=VIEWER))["items"]
        first = await here.get("/deliveries", limit=2)
        rest = await here.get("/deliveries", limit=2, cursor=first["next_cursor"])
        assert [each["kind"] for each in starts] == ["PlaybackStart"]
        assert [each["id"] for each in first["items"] + rest["items"]] == [3, 2, 1]
        assert rest["next_cursor"] is None
        assert "body" not in first["items"][0]


async def test_a_replay_of_what_is_known_changes_nothing(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here:
        await here.watch(NINE_PM - timedelta(hours=1))
        before = await here.get("/history")
        asked = await here.http.post("/api/v1/replays", json={"since": "2026-11-01T00:00:00Z"})
        number = asked.json()["id"]

        async def is_over() -> bool:
            return bool((await here.get(f"/replays/{number}"))["state"] == "done")

        await until(is_over)
        assert asked.status_code == 202
        assert (await here.get(f"/replays/{number}"))["result"]["recorded"] == 0
        assert await here.get("/history") == before


async def test_the_live_stream_tells_what_plays_and_when_it_changes(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        stream = here.house.live.stream()
        first = await anext(stream)
        await here.send(notification("PlaybackStart", NINE_PM, 0))
        second = await anext(stream)
        here.house.live.close()
        rest = [each async for each in stream]

        assert (first.event, msgspec.json.decode(str(first.data))["items"]) == ("sessions", [])
        assert len(msgspec.json.decode(str(second.data))["items"]) == 1
        assert rest == []


async def test_the_live_stream_is_a_response_that_ends_with_the_program(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        asked = asyncio.create_task(here.http.get("/api/v1/live"))
        await until(lambda: bool(here.house.live._listeners))
        here.house.live.close()
        answer = await asked

        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "event: sessions" in answer.text


async def test_the_metrics_name_no_path_no_user_and_no_token(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await here.send(recording("plugin_21_start.json"))
        await here.send(b"", "wrong")
        answer = await here.http.get("/metrics", headers={"authorization": ""})

        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert 'playledger_webhooks_total{outcome="recorded"} 1.0' in answer.text
        assert 'playledger_webhooks_refused_total{status="401"} 1.0' in answer.text
        assert "playledger_webhook_seconds_count 1.0" in answer.text
        assert VIEWER not in answer.text
        assert "path" not in answer.text
