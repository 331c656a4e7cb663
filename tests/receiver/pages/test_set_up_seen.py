"""The set-up in a real window: from the link of the first start to the first delivery, with script and without."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
import uvicorn
from playwright.async_api import Page, expect

from receiver.rehearsal.face import Face
from receiver.rehearsal.household import household, short_library
from receiver.rehearsal.performance import Performance
from receiver.rehearsal.porter import PASSWORD
from tests.receiver.houses import NINE_PM, Clock, notification, program
from tests.receiver.pages.set_up_houses import ADMIN, ATTIC, KEY, SERVER_ID, STUDY, VIEWER, connect, town
from tests.receiver.pages.windows import Site, faults, looked_at, owner_token, served, shown, window


class Household(msgspec.Struct):
    """The program before a browser, and a simulated Jellyfin that it reaches over loopback."""

    site: Site
    face: Face
    url: str


@asynccontextmanager
async def household_of(folder: Path) -> AsyncIterator[Household]:
    clock = Clock(NINE_PM)
    face = Face(Performance(household(clock.at)), short_library(), clock, KEY)
    config = uvicorn.Config(face, host="127.0.0.1", port=0, log_config=None, access_log=False, ws="none")
    config.date_header = False
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        async with program(folder, clock=clock, PLAYLEDGER_AUTO_LINK="false") as here, served(here) as site:
            yield Household(site, face, url)
    finally:
        server.should_exit = server.force_exit = True
        await running


async def play(it: Household) -> httpx.Response:
    """Have the plugin tell us that the viewer plays something, as it was set up to."""
    (entry,) = it.face.plugin_configuration["GenericOptions"]
    headers = {each["Key"]: each["Value"] for each in entry["Headers"]}
    now = it.site.program.clock()
    body = notification("PlaybackStart", now, 0, ServerId=SERVER_ID, UserId=VIEWER.id, NotificationUsername=VIEWER.name)
    async with httpx.AsyncClient(trust_env=False) as jellyfin:
        return await jellyfin.post(entry["WebhookUri"], content=body, headers=headers)


async def seen(page: Page, name: str, *, script: bool) -> None:
    if script:
        assert await faults(page) == []
        await shown(page, name)


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
async def test_from_the_link_of_the_first_start_to_the_first_delivery(tmp_path: Path, script: bool) -> None:
    async with household_of(tmp_path) as it, window(it.site, script=script, expected=["400"]) as page:
        await page.goto(f"/welcome/{it.site.program.house.sign_ins.first_token()}")
        await seen(page, "set-up-0-welcome", script=script)
        await page.get_by_role("button", name="Begin").click()

        await page.get_by_label("Address of Jellyfin").fill(it.url.removeprefix("http://"))
        await page.get_by_label("Name of the administrator").fill(ADMIN.name)
        await page.get_by_label("Password").fill("wrong")
        await page.get_by_role("button", name="Connect").click()
        await expect(page.locator(".notice.-bad")).to_contain_text("does not know this name")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Connect").click()
        await expect(page.get_by_text("agrees with ours")).to_be_visible()
        await seen(page, "set-up-1-connected", script=script)
        await page.get_by_role("link", name="Go on: hear").click()

        await expect(page.get_by_label("Our address, as Jellyfin reaches it").first).to_have_value(it.site.url)
        await seen(page, "set-up-2-hear", script=script)
        await page.get_by_role("button", name="Have Jellyfin tell us").click()
        heard = page.locator("#set-up-heard")
        await expect(heard).to_contain_text("Waiting for the first delivery")
        await seen(page, "set-up-2-hooked", script=script)
        assert (await play(it)).json()["outcome"] == "ignored"  # nobody is recorded yet
        if not script:
            await page.reload()
        await expect(heard).to_contain_text("Heard")
        await page.get_by_role("link", name="Go on: people").click()

        assert await page.locator("input:checked").count() == 0
        await page.get_by_label(VIEWER.name).check()
        await seen(page, "set-up-3-people", script=script)
        await page.get_by_role("button", name="Keep, and go on").click()

        await seen(page, "set-up-4-history", script=script)
        await page.get_by_role("button", name="Finish the set-up").click()
        await expect(page.get_by_role("heading", name="Now play something")).to_be_visible()
        assert (await play(it)).json()["outcome"] == "recorded"
        if not script:
            await page.reload()
        await expect(page.locator("#set-up-arrives")).to_contain_text("It has arrived")
        await expect(page.locator("#set-up-arrives")).to_contain_text("The Lighthouse Keepers")
        await seen(page, "set-up-5-done", script=script)
        await page.get_by_role("link", name="To what is playing").click()
        await expect(page.get_by_role("heading", name="Now playing")).to_be_visible()


async def test_a_restart_of_jellyfin_is_waited_for(tmp_path: Path) -> None:
    async with town(tmp_path) as it, served(it.here) as site, window(site, token=await owner_token(site)) as page:
        await connect(it)
        it.attic.workshop.status = None
        await page.goto("/set-up/hear")
        await page.get_by_role("button", name="Install it").click()
        await seen(page, "set-up-2-restart", script=True)
        await page.get_by_label("It is all right to interrupt").check()
        await page.get_by_role("button", name="Restart Jellyfin").click()
        await expect(page.get_by_text("It may be starting")).to_be_visible()
        await seen(page, "set-up-2-away", script=True)

        it.here.clock.at = it.here.clock.at.replace(minute=1)
        await expect(page.get_by_role("button", name="Have Jellyfin tell us")).to_be_visible(timeout=15_000)


async def test_every_step_is_readable_everywhere_before_anything_is_connected(tmp_path: Path) -> None:
    async with town(tmp_path) as it, served(it.here) as site:
        token = await owner_token(site)
        for step in ("connect", "hear", "people", "history", "done"):
            await looked_at(site, f"/set-up/{step}", f"set-up-empty-{step}", token)


async def test_every_step_is_readable_everywhere_with_two_servers_of_which_one_is_away(tmp_path: Path) -> None:
    async with town(tmp_path) as it, served(it.here) as site:
        await connect(it, ATTIC, STUDY)
        it.study.trouble.status = 503
        it.attic.plugin_configuration["GenericOptions"] = [
            {
                "WebhookName": "A destination with a rather long name that somebody gave it one evening",
                "WebhookUri": "http://playledger.test:8484/webhooks/jellyfin",
                "NotificationTypes": ["PlaybackStart"],
            }
        ]
        token = await owner_token(site)
        for step in ("connect", "people", "history", "done"):
            await looked_at(site, f"/set-up/{step}", f"set-up-{step}", token)
        await looked_at(site, f"/set-up/hear?server={SERVER_ID}", "set-up-hear", token)


async def test_what_to_enter_by_hand_is_readable(tmp_path: Path) -> None:
    async with town(tmp_path) as it, served(it.here) as site:
        await connect(it)
        for width in (390, 1440):
            async with window(site, token=await owner_token(site), width=width) as page:
                await page.goto("/set-up/hear")
                await page.get_by_text("Set it up by hand").click()
                await page.get_by_label("Our address, as Jellyfin reaches it").last.fill(
                    "https://watched.example/ledger"
                )
                await page.get_by_role("button", name="Show what to enter").click()
                await expect(page.get_by_text("The token is shown this once.")).to_be_visible()
                assert await faults(page) == []
                await shown(page, f"set-up-by-hand-{width}")
