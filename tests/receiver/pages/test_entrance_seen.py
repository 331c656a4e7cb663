"""The entrance in a real window."""

from __future__ import annotations

from pathlib import Path

from tests.receiver.houses import ADMIN_TOKEN, program
from tests.receiver.pages.windows import looked_at, served, window


async def test_the_door_is_readable_everywhere(tmp_path: Path) -> None:
    async with program(tmp_path) as here, served(here) as site:
        await looked_at(site, "/sign-in", "sign-in")


async def test_one_signs_in_without_script(tmp_path: Path) -> None:
    async with program(tmp_path) as here, served(here) as site, window(site, script=False) as page:
        await page.goto("/")
        await page.get_by_label("Administrator's token").fill(ADMIN_TOKEN)
        await page.get_by_role("button", name="Sign in").last.click()
        await page.wait_for_url("**/now")

        assert await page.get_by_role("button", name="Sign out").is_visible()
