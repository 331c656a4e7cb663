"""The door in a real window, where there are servers to sign in at."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import expect

from receiver.rehearsal.porter import PASSWORD
from tests.receiver.pages.set_up_houses import ATTIC, STUDY, VIEWER, connect, town
from tests.receiver.pages.windows import faults, looked_at, served, shown, window


async def test_the_door_with_servers_is_readable_everywhere(tmp_path: Path) -> None:
    async with town(tmp_path) as it, served(it.here) as site:
        await connect(it)
        await looked_at(site, "/sign-in", "sign-in-server")
        await connect(it, STUDY)
        await looked_at(site, "/sign-in", "sign-in-servers")


async def test_by_quick_connect_the_page_goes_on_by_itself(tmp_path: Path) -> None:
    async with town(tmp_path) as it, served(it.here) as site, window(site) as page:
        await connect(it)
        await page.goto("/history")
        await page.get_by_role("button", name="Use Quick Connect").click()
        code = page.locator(".set-up-code")
        await expect(code).to_be_visible()
        assert await faults(page) == []
        await shown(page, "sign-in-code")

        it.attic.porter.approve((await code.inner_text())[-6:], VIEWER)
        await page.wait_for_url("**/history")

        await expect(page.locator(".who")).to_have_text(VIEWER.name)


async def test_by_password_and_by_code_one_signs_in_without_script(tmp_path: Path) -> None:
    async with town(tmp_path) as it, served(it.here) as site:
        await connect(it, ATTIC, STUDY)
        async with window(site, script=False, expected=["403"]) as page:
            await page.goto("/sign-in")
            await page.get_by_label("Name", exact=True).fill(VIEWER.name)
            await page.get_by_label("Password").fill("wrong")
            await page.get_by_role("button", name="Sign in").first.click()
            await expect(page.get_by_role("alert")).to_contain_text("does not know this name")
            await shown(page, "sign-in-refused")
            await page.get_by_label("Password").fill(PASSWORD)
            await page.keyboard.press("Enter")
            await page.wait_for_url("**/now")
        async with window(site, script=False) as page:
            await page.goto("/sign-in")
            await page.get_by_role("button", name="Use Quick Connect").click()
            it.attic.porter.approve((await page.locator(".set-up-code").inner_text())[-6:], VIEWER)
            await page.get_by_role("button", name="I have approved it").click()
            await page.wait_for_url("**/now")
