"""The simulated Jellyfin lets people in, and asks for rights, as a real one does (facts B9, G)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from receiver.rehearsal.library import USERS
from receiver.rehearsal.porter import PASSWORD
from tests.simulated import KEY, URL, Jellyfin, simulated

DEVICE = 'MediaBrowser Client="a test", Device="here", DeviceId="1", Version="1"'


@pytest.fixture
async def jellyfin() -> AsyncIterator[Jellyfin]:
    async with simulated() as found:
        yield found


async def ask(jellyfin: Jellyfin, method: str, path: str, token: str | None = None, **more: object) -> httpx.Response:
    headers = {"Authorization": DEVICE if token is None else f'MediaBrowser Token="{token}"'}
    return await jellyfin.http.request(method, f"{URL}{path}", headers=headers, **more)  # type: ignore[arg-type]


async def signed_in(jellyfin: Jellyfin, name: str) -> str:
    told = {"Username": name, "Pw": PASSWORD}
    return str((await ask(jellyfin, "POST", "Users/AuthenticateByName", json=told)).json()["AccessToken"])


async def test_a_sign_in_without_a_device_is_a_bad_request(jellyfin: Jellyfin) -> None:
    told = {"Username": USERS[0].name, "Pw": PASSWORD}

    assert (await jellyfin.http.post(f"{URL}Users/AuthenticateByName", json=told)).status_code == 400


async def test_a_token_is_good_until_it_is_logged_out(jellyfin: Jellyfin) -> None:
    token = await signed_in(jellyfin, USERS[1].name)

    before = await ask(jellyfin, "GET", f"Users/{USERS[1].id}", token)
    await ask(jellyfin, "POST", "Sessions/Logout", token)
    after = await ask(jellyfin, "GET", "Users", token)

    assert (before.json()["Name"], after.status_code) == (USERS[1].name, 401)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "Auth/Keys"),
        ("POST", "Auth/Keys?app=x"),
        ("GET", "Plugins"),
        ("POST", "Packages/Installed/Webhook?assemblyGuid=71552a5a-5c5c-4350-a2ae-ebe451a30173"),
        ("POST", "System/Restart"),
    ],
)
async def test_only_administrators_and_keys_may_change_the_server(jellyfin: Jellyfin, method: str, path: str) -> None:
    viewer = await ask(jellyfin, method, path, await signed_in(jellyfin, USERS[1].name))
    administrator = await ask(jellyfin, method, path, await signed_in(jellyfin, USERS[0].name))

    assert viewer.status_code == 403
    assert administrator.status_code in {200, 204}


async def test_a_key_that_is_made_opens_until_it_is_revoked(jellyfin: Jellyfin) -> None:
    await ask(jellyfin, "POST", "Auth/Keys?app=Playledger", KEY)
    (made,) = [
        each["AccessToken"]
        for each in (await ask(jellyfin, "GET", "Auth/Keys", KEY)).json()["Items"]
        if each["AppName"] == "Playledger"
    ]

    before = await ask(jellyfin, "GET", "Users", made)
    await ask(jellyfin, "DELETE", f"Auth/Keys/{made}", made)
    after = await ask(jellyfin, "GET", "Users", made)

    assert (before.status_code, after.status_code) == (200, 401)


async def test_a_plugin_that_does_not_run_has_no_configuration(jellyfin: Jellyfin) -> None:
    jellyfin.face.workshop.status = "Restart"

    path = "Plugins/71552a5a5c5c4350a2aeebe451a30173/Configuration"
    assert (await ask(jellyfin, "GET", path, KEY)).status_code == 404
