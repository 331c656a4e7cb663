"""Seerr through the API: how its mirror does, what accounts wish, what became of it, and its connection taken over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconcile.store import servers
from tests.receiver.houses import NINE_PM, Clock, Program, everything_in, link, program, until
from tests.reconcile.seerr.fake import JELLYFIN_KEY, KEY, FakeSeerr
from tests.recordings.shapes import SERIES, SERVER, VIEWER

GIVEN = {"SEERR_URL": "http://seerr.test", "SEERR_API_KEY": KEY}


class Neighbours:
    """Whoever can be reached: Seerr, and the Jellyfin that it knows."""

    def __init__(self) -> None:
        self.seerr = FakeSeerr(is_fork=True)
        self.seerr.server_id = SERVER
        self.jellyfin_id = SERVER
        self.is_jellyfin_there = True

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own
        host = dict(scope["headers"])[b"host"].decode()
        if host.startswith("seerr"):
            await self.seerr(scope, receive, send)
            return
        if not self.is_jellyfin_there:
            raise httpx.ConnectError("nobody is there")
        info = {"Id": self.jellyfin_id, "ServerName": "media", "Version": "10.11.8"}
        answer: object = info if scope["path"].endswith("/System/Info/Public") else []
        content = httpx.Response(200, json=answer).content
        kind = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": kind})
        await send({"type": "http.response.body", "body": content})


@pytest.fixture
def neighbours() -> Neighbours:
    return Neighbours()


@pytest.fixture
async def http(neighbours: Neighbours) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(neighbours)) as client:
        yield client


@pytest.fixture
async def here(tmp_path: Path, http: httpx.AsyncClient) -> AsyncIterator[Program]:
    clock = Clock(NINE_PM + timedelta(days=1))
    async with program(tmp_path, clock=clock, http=http, given=GIVEN, PLAYLEDGER_POLL="false") as running:
        async with running.house.store.begin() as db:
            await servers.see(db, SERVER, NINE_PM)
        await turns(running, "active")
        yield running


async def turns(here: Program, state: str) -> None:
    """Have it mirror once more, and wait until it is in that state."""
    await here.http.post("/api/v1/seerr/sync")

    async def is_so() -> bool:
        mirror = (await here.get("/seerr"))["mirror"]
        return bool(mirror["state"] == state)

    await until(is_so)


async def test_how_the_mirror_does_is_told_there_and_in_the_status(here: Program, neighbours: Neighbours) -> None:
    told = await here.get("/seerr")
    assert told["is_set_up"]
    mirror = told["mirror"]
    assert (mirror["media_server"], mirror["server_id"], mirror["version"]) == ("jellyfin", SERVER, "develop-a1b2c3")
    assert (await here.get("/status"))["seerr"]["state"] == "active"

    neighbours.seerr.is_down = True
    await turns(here, "error")

    status = await here.get("/status")
    assert status["seerr"]["reason"] in " ".join(status["notices"])
    assert KEY not in str(status)


async def test_without_seerr_there_is_nothing_to_ask(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        assert await here.get("/seerr") == {"is_set_up": False, "trouble": None, "mirror": None}
        assert (await here.get("/status"))["seerr"] is None
        assert (await here.http.post("/api/v1/seerr/sync")).status_code == 404
        assert (await here.http.post("/api/v1/seerr/connection", json={})).status_code == 404


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param({"SEERR_URL": "http://seerr.test"}, "both SEERR_URL and SEERR_API_KEY", id="no key"),
        pytest.param({**GIVEN, "SEERR_API_KEY": "two words"}, "copy it again", id="a key that is none"),
    ],
)
async def test_an_impossible_setting_is_told_and_stops_nothing(
    tmp_path: Path, given: dict[str, str], words: str
) -> None:
    async with program(tmp_path, given=given) as here:
        assert words in (await here.get("/seerr"))["trouble"]
        assert words in " ".join((await here.get("/status"))["notices"])


async def test_an_account_wishes_and_wishes_no_more(here: Program) -> None:
    account = await link(here)

    made = await here.http.put(f"/api/v1/seerr/wishes/{account}", json={"watchlist": True})
    here.clock.at += timedelta(hours=1)
    more = await here.http.put(f"/api/v1/seerr/wishes/{account}", json={"watchlist": True, "watches": True})

    assert made.json()["watchlist_since"] == more.json()["watchlist_since"]
    assert more.json()["watches_since"] > more.json()["watchlist_since"]
    assert [each["account_id"] for each in (await here.get("/seerr/wishes"))["items"]] == [account]
    await here.http.put(f"/api/v1/seerr/wishes/{account}", json={})
    assert (await here.get("/seerr/wishes"))["items"] == []
    assert (await here.http.put("/api/v1/seerr/wishes/99", json={})).status_code == 404


async def test_what_is_watched_is_told_and_listed_with_what_became_of_it(here: Program, neighbours: Neighbours) -> None:
    here.clock.at = NINE_PM - timedelta(hours=1)
    account = await link(here)
    neighbours.seerr.has_user(2, "viewer", VIEWER)
    neighbours.seerr.has_media(7, "tv", 77, jellyfinMediaId=SERIES)
    await here.http.put(f"/api/v1/seerr/wishes/{account}", json={"watches": True})
    here.clock.at = NINE_PM + timedelta(days=2)
    await here.watch(NINE_PM)
    await turns(here, "active")
    assert here.house.elsewhere.finder is not None

    async def is_told() -> bool:
        await here.house.elsewhere.finder.find()  # type: ignore[union-attr] # it is there, as asserted
        here.clock.at += timedelta(days=1)
        await here.http.post("/api/v1/seerr/sync")
        return bool(neighbours.seerr.tracked)

    await until(is_told)

    async def is_noted() -> bool:
        return [each["state"] for each in (await here.get("/seerr/errands"))["items"]] == ["done"]

    await until(is_noted)
    (errand,) = (await here.get("/seerr/errands", limit=1))["items"]
    assert (errand["kind"], errand["account_id"], errand["reason"]) == ("watch", account, "told")
    assert (await here.get("/history"))["items"][0]["media"]["seerr_media_id"] == 7


async def test_its_connection_is_taken_over_when_asked_and_its_key_kept_encrypted(
    here: Program, tmp_path: Path
) -> None:
    answer = await here.http.post("/api/v1/seerr/connection", json={})

    assert answer.status_code == 201, answer.text
    assert answer.json() == {"server_id": SERVER, "url": "http://jellyfin.test:8096/base"}
    (server,) = (await here.get("/servers"))["items"]
    assert (server["url"], server["has_key"]) == ("http://jellyfin.test:8096/base", True)
    assert JELLYFIN_KEY.encode() not in everything_in(tmp_path)


async def test_a_connection_that_leads_elsewhere_is_not_taken_over(here: Program, neighbours: Neighbours) -> None:
    neighbours.jellyfin_id = "99" * 16
    other = await here.http.post("/api/v1/seerr/connection", json={"url": "http://other.test"})
    neighbours.is_jellyfin_there = False
    gone = await here.http.post("/api/v1/seerr/connection", json={})

    assert (other.status_code, gone.status_code) == (400, 502)
    assert "another Jellyfin" in other.json()["detail"]
    assert "«url»" in gone.json()["detail"]
    assert JELLYFIN_KEY not in other.text + gone.text
    assert not (await here.get("/servers"))["items"][0]["has_key"]


async def test_only_administrators_see_and_change_it(here: Program) -> None:
    plain = {"authorization": "Bearer nobody"}
    for path in ("/seerr", "/seerr/wishes", "/seerr/errands", "/media", "/media/review", "/media/matches"):
        assert (await here.http.get(f"/api/v1{path}", headers=plain)).status_code == 401
