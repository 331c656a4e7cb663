"""From an administrator's password to a webhook that is let in, through the whole program."""

from __future__ import annotations

from pathlib import Path

import pytest

from receiver.rehearsal.library import SERVER_ID, USERS
from receiver.rehearsal.porter import PASSWORD
from reconcile.errors import AdministratorNeeded, JellyfinUnreachable
from tests.receiver.houses import WEBHOOK_TOKEN, everything_in, notification, program
from tests.recordings.shapes import SERVER
from tests.simulated import BEGAN, KEY, URL, simulated


async def test_an_administrator_connects_a_server_and_hooks_it_up(tmp_path: Path) -> None:
    async with simulated() as jellyfin, program(tmp_path, http=jellyfin.http) as here:
        wires = here.house.wires
        async with wires.doors(URL).by_password(USERS[0].name, PASSWORD) as guest:
            server_id = await wires.meet_through(guest)
        hooking = wires.hooking(server_id, here.house.refresh)
        assert hooking is not None
        await hooking.hook_up("http://test")
        (entry,) = jellyfin.face.plugin_configuration["GenericOptions"]
        headers = {each["Key"]: each["Value"] for each in entry["Headers"]}
        del here.http.headers["authorization"]  # the plugin is no administrator

        told = notification("PlaybackStart", BEGAN, 0, ServerId=SERVER_ID)
        heard = await here.http.post(entry["WebhookUri"], content=told, headers=headers)
        another = await here.http.post(
            entry["WebhookUri"], content=notification("PlaybackStart", BEGAN, 0, ServerId=SERVER), headers=headers
        )
        await hooking.unhook()
        after = await here.http.post(entry["WebhookUri"], content=told, headers=headers)

        assert server_id == SERVER_ID
        assert heard.status_code == 202
        assert another.status_code == 401
        assert after.status_code == 401
        assert headers["X-Playledger-Token"] != WEBHOOK_TOKEN
        kept = everything_in(tmp_path)
        secrets = (PASSWORD, headers["X-Playledger-Token"], *jellyfin.face.porter.made)
        assert [each for each in secrets if each.encode() in kept] == []


async def test_people_sign_in_at_the_doors_of_a_server_that_is_known(tmp_path: Path) -> None:
    async with simulated() as jellyfin, program(tmp_path, http=jellyfin.http) as here:
        assert here.house.wires.doors_of(SERVER_ID) is None
        assert here.house.wires.hooking(SERVER_ID, here.house.refresh) is None
        await here.house.wires.meet(URL, KEY)
        doors = here.house.wires.doors_of(SERVER_ID)
        assert doors is not None

        person = await doors.sign_in(USERS[1].name, PASSWORD)
        jellyfin.face.porter.administrators.add(USERS[1].name)
        wire = here.house.wires.of(SERVER_ID)
        assert wire is not None
        now = await wire.client.user(person.user_id)
        gone = await wire.client.user("5e" * 16)

        assert not person.is_administrator
        assert now is not None
        assert (now.is_administrator, gone) == (True, None)


async def test_who_is_no_administrator_connects_nothing(tmp_path: Path) -> None:
    async with simulated() as jellyfin, program(tmp_path, http=jellyfin.http) as here:
        async with here.house.wires.doors(URL).by_password(USERS[1].name, PASSWORD) as guest:
            with pytest.raises(AdministratorNeeded):
                await here.house.wires.meet_through(guest)

        assert (await here.get("/servers"))["items"] == []


async def test_an_address_that_is_none_has_no_doors(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        with pytest.raises(JellyfinUnreachable):
            here.house.wires.doors("no address")
