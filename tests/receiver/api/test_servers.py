"""Media servers through the API: added, asked for their users, polled, and remembered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from receiver.rehearsal.face import Face
from receiver.rehearsal.household import household, short_library
from receiver.rehearsal.library import SERVER_ID, USERS
from receiver.rehearsal.performance import Performance
from tests.receiver.houses import Clock, everything_in, program, until

BEGAN = datetime(2026, 3, 2, 19, 0, tzinfo=UTC)
KEY = "an-api-key-of-the-household"
URL = "http://jellyfin.test"


@pytest.fixture
def clock() -> Clock:
    return Clock(BEGAN)


@pytest.fixture
async def jellyfin(clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose every request a simulated Jellyfin answers."""
    face = Face(Performance(household(BEGAN)), short_library(), clock, KEY)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(face)) as http:
        yield http


async def test_a_server_that_is_added_is_polled_from_then_on(
    tmp_path: Path, clock: Clock, jellyfin: httpx.AsyncClient
) -> None:
    async with program(tmp_path, clock=clock, http=jellyfin) as here:
        clock.at += timedelta(seconds=10)
        made = await here.http.post("/api/v1/servers", json={"url": URL, "api_key": KEY})

        async def is_seen() -> bool:
            return bool((await here.get("/sessions"))["items"])

        await until(is_seen)
        status = await here.get("/status")
        assert made.status_code == 201
        assert (made.json()["id"], made.json()["has_key"]) == (SERVER_ID, True)
        assert KEY not in made.text
        assert [poller["state"] for poller in status["pollers"]] == ["active"]


async def test_its_key_is_kept_encrypted_and_used_after_a_restart(
    tmp_path: Path, clock: Clock, jellyfin: httpx.AsyncClient
) -> None:
    async with program(tmp_path, clock=clock, http=jellyfin) as here:
        await here.http.post("/api/v1/servers", json={"url": URL, "api_key": KEY})
    assert KEY.encode() not in everything_in(tmp_path)

    async with program(tmp_path, clock=clock, http=jellyfin) as here:
        users = (await here.get(f"/servers/{SERVER_ID}/users"))["items"]

        assert {user["name"] for user in users} >= {user.name for user in USERS}
        assert {user["account_id"] for user in users} == {None}


async def test_a_wrong_key_or_address_is_told_and_nothing_is_kept(
    tmp_path: Path, clock: Clock, jellyfin: httpx.AsyncClient
) -> None:
    async with program(tmp_path, clock=clock, http=jellyfin) as here:
        wrong = await here.http.post("/api/v1/servers", json={"url": URL, "api_key": "another"})
        odd = await here.http.post("/api/v1/servers", json={"url": "no address", "api_key": KEY})

        assert (wrong.status_code, odd.status_code) == (502, 502)
        assert "API key" in wrong.json()["detail"]
        assert (await here.get("/servers"))["items"] == []


async def test_the_environments_server_is_polled_without_being_added(
    tmp_path: Path, clock: Clock, jellyfin: httpx.AsyncClient
) -> None:
    told = {"JELLYFIN_URL": URL, "JELLYFIN_API_KEY": KEY}
    async with program(tmp_path, clock=clock, http=jellyfin, given=told) as here:

        async def is_known() -> bool:
            return bool((await here.get("/servers"))["items"])

        await until(is_known)
        (server,) = (await here.get("/servers"))["items"]
        assert (server["id"], server["url"], server["has_key"]) == (SERVER_ID, URL, True)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("PLAYLEDGER_POLL", "webhooks only"), ("JELLYFIN_ACTIVITY_MONITOR_ENABLED", "recording is off")],
)
async def test_polling_can_be_turned_off(
    name: str, reason: str, tmp_path: Path, clock: Clock, jellyfin: httpx.AsyncClient
) -> None:
    told = {"JELLYFIN_URL": URL, "JELLYFIN_API_KEY": KEY, name: "false"}
    async with program(tmp_path, clock=clock, http=jellyfin, given=told) as here:

        async def is_paused() -> bool:
            return reason in (await here.get("/status"))["pollers"][0]["reason"]

        await until(is_paused)
        assert (await here.get("/status"))["pollers"][0]["state"] == "paused"
