"""The settings in a real window: with servers and a history, on the first day, and what a change does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.receiver.houses import NINE_PM, Program, program
from tests.receiver.pages.windows import faults, looked_at, owner_token, served, shown, window


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else uses these databases: no other process has to hear of a change first."""
    monkeypatch.setattr("receiver.house._REFRESH_SECONDS", 0.2)


async def some_evenings(here: Program) -> None:
    for night in range(4):
        told = {"ItemId": f"{night + 1:032x}", "EpisodeNumber": night + 1, "Name": f"Episode {night + 1}"}
        await here.watch(NINE_PM - timedelta(days=night, hours=2), minutes=40, **told)


async def test_the_settings_are_readable_everywhere(tmp_path: Path) -> None:
    given = {"PLAYLEDGER_MIN_SECONDS": "60", "JELLYFIN_URL": "http://127.0.0.1:9", "JELLYFIN_API_KEY": "a-key"}
    async with program(tmp_path, given=given) as here, served(here) as site:
        await some_evenings(here)
        await looked_at(site, "/settings", "settings", await owner_token(site))


async def test_the_settings_of_the_first_day_are_readable_everywhere(tmp_path: Path) -> None:
    async with program(tmp_path) as here, served(here) as site:
        await looked_at(site, "/settings", "settings-empty", await owner_token(site))


async def test_a_change_is_previewed_shown_once_more_and_its_effect_is_told(tmp_path: Path) -> None:
    async with program(tmp_path) as here, served(here) as site:
        await some_evenings(here)
        token = await owner_token(site)
        async with window(site, token=token) as page:
            await page.goto("/settings")
            await page.get_by_label("Counts from this part on").fill("95")
            would = page.locator(".you-would")
            await would.wait_for()
            assert "last 30 days would have 0 counted, now 4" in await would.inner_text()
            await page.get_by_role("button", name="Save").click()
            await page.get_by_role("heading", name="Before it counts").wait_for()
            await shown(page, "settings-confirm")
            assert await faults(page) == []
            assert here.house.settings.threshold == 85
            await page.get_by_role("button", name="Apply").click()
            await page.get_by_role("heading", name="What changed").wait_for()

            assert "4 rows gone" in await page.locator("main").inner_text()
        await looked_at(site, "/settings/changes/1", "settings-change", token)
