"""Administration in a real window: every tab, full and empty, and its main forms without script."""

from __future__ import annotations

from pathlib import Path

from tests.receiver.houses import NINE_PM, Clock, program
from tests.receiver.pages.admin_houses import ATTIC, SERVER, VIEWER, busy
from tests.receiver.pages.windows import faults, looked_at, owner_token, served, shown, window

TABS = {
    "servers": "/admin",
    "people": f"/admin/people?server={ATTIC}",
    "person": f"/admin/people/{SERVER}/{VIEWER}",
    "deliveries": "/admin/deliveries",
    "delivery": "/admin/deliveries/2",
    "rejected": "/admin/rejected",
    "example": "/admin/rejected/1",
    "replay": "/admin/replay",
    "dry-run": "/admin/replay/1",
    "imports": "/admin/imports",
    "media": "/admin/media?q=a",
    "one-media": "/admin/media/1",
    "tokens": "/admin/tokens",
    "health": "/admin/health",
    "sign-ins": "/admin/sign-ins",
}


async def test_every_tab_with_something_on_it_is_readable_everywhere(tmp_path: Path) -> None:
    async with busy(tmp_path) as here, served(here) as site:
        token = await owner_token(site)
        for name, path in TABS.items():
            await looked_at(site, path, f"admin-{name}", token)


async def test_every_tab_with_nothing_on_it_is_readable_everywhere(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM)) as here, served(here) as site:
        token = await owner_token(site)
        for name, path in TABS.items():
            plain = path.partition("?")[0]
            if plain.count("/") <= 2:
                await looked_at(site, plain, f"admin-{name}-empty", token)


async def test_a_replay_is_tried_read_and_applied_without_script(tmp_path: Path) -> None:
    async with busy(tmp_path) as here, served(here) as site:
        token = await owner_token(site)
        async with window(site, token=token, script=False) as page:
            await page.goto("/admin/replay")
            await page.get_by_label("From").fill("2026-11-22T18:00")
            await page.get_by_role("button", name="Dry run").click()
            while await page.get_by_role("link", name="Look again").count():
                await page.get_by_role("link", name="Look again").click()
            await page.get_by_role("button", name="Apply").click()
            while await page.get_by_role("link", name="Look again").count():
                await page.get_by_role("link", name="Look again").click()

            assert await page.get_by_text("the history is as it was").is_visible()


async def test_a_running_replay_shows_its_end_by_itself(tmp_path: Path) -> None:
    async with busy(tmp_path) as here, served(here) as site:
        token = await owner_token(site)
        replay, here.house.replayer.doing = here.house.replayer.doing, None
        async with window(site, token=token) as page:
            await page.goto("/admin/replay")
            await page.get_by_role("button", name="Dry run").click()
            await page.get_by_text("It waits for its turn").wait_for()
            here.house.replayer.doing = replay
            here.house.replayer.wake()

            await page.get_by_text("deliveries read", exact=True).wait_for()


async def test_revoking_asks_first_without_script_too(tmp_path: Path) -> None:
    async with busy(tmp_path) as here, served(here) as site:
        token = await owner_token(site)
        async with window(site, token=token, script=False) as page:
            await page.goto("/admin/tokens")
            row = page.get_by_role("row").filter(has_text="a script on the shelf")
            assert not await row.get_by_role("button", name="Revoke").is_visible()
            await row.get_by_text("Revoke…").click()
            await row.get_by_role("button", name="Revoke").click()

            assert await page.get_by_text("The token opens nothing any more").is_visible()


async def test_a_server_is_tested_with_one_button(tmp_path: Path) -> None:
    async with busy(tmp_path) as here, served(here) as site:
        token = await owner_token(site)
        async with window(site, token=token) as page:
            await page.goto("/admin")
            await page.get_by_role("button", name="Test").first.click()
            await page.get_by_role("heading", name="Test of").wait_for()

            assert await faults(page) == []
            await shown(page, "admin-tested")
