"""Somebody's own pages in a real window: with a year behind them, and on the first day."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.receiver.houses import NINE_PM, Clock, Program, link, program
from tests.receiver.pages.windows import looked_at, served, shown, user_token, window
from tests.recordings.shapes import SERVER, VIEWER

PAGES = ("", "/activity", "/series", "/badges", "/privacy")


async def some_evenings(here: Program) -> None:
    """Have a few evenings watched: whole episodes, one that fell short of the threshold by a little, and a film."""
    for night in range(9):
        told = {"ItemId": f"{night + 1:032x}", "EpisodeNumber": night + 1, "Name": f"Episode {night + 1}"}
        await here.watch(NINE_PM - timedelta(days=night, hours=2), minutes=40 if night % 4 else 44, **told)
    film = {"ItemId": "f" * 32, "ItemType": "Movie", "Name": "Nosferatu", "Provider_tmdb": "653"}
    await here.watch(NINE_PM - timedelta(days=12, hours=3), minutes=44, **film)


@pytest.mark.parametrize("path", PAGES, ids=[path or "overview" for path in PAGES])
async def test_a_page_of_somebody_who_watches_is_readable_everywhere(tmp_path: Path, path: str) -> None:
    async with program(tmp_path) as here, served(here) as site:
        await some_evenings(here)
        token = await user_token(site, SERVER, VIEWER)
        await user_token(site, SERVER, VIEWER)
        await user_token(site, SERVER, VIEWER)
        await looked_at(site, f"/you{path}", f"you{path.replace('/', '-')}", token)


@pytest.mark.parametrize("path", PAGES, ids=[path or "overview" for path in PAGES])
async def test_a_page_of_the_first_day_is_readable_everywhere(tmp_path: Path, path: str) -> None:
    async with program(tmp_path, PLAYLEDGER_AUTO_LINK="false") as here, served(here) as site:
        await link(here, recorded=False)
        token = await user_token(site, SERVER, VIEWER)
        await looked_at(site, f"/you{path}", f"you{path.replace('/', '-')}-empty", token)


async def test_a_preview_follows_the_slider(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM + timedelta(hours=1))) as here, served(here) as site:
        await some_evenings(here)
        token = await user_token(site, SERVER, VIEWER)
        async with window(site, token=token) as page:
            await page.goto("/you")
            await page.get_by_label("My own").first.check()
            await page.get_by_role("slider").fill("99")
            would = page.locator(".you-would")
            await would.wait_for()

            assert "your last 30 days would have" in await would.inner_text()


async def test_rules_are_tried_and_kept_without_script(tmp_path: Path) -> None:
    async with program(tmp_path) as here, served(here) as site:
        await some_evenings(here)
        token = await user_token(site, SERVER, VIEWER)
        async with window(site, token=token, script=False) as page:
            await page.goto("/you")
            assert not await page.get_by_role("slider").is_visible()
            await page.get_by_label("My own").first.check()
            await page.get_by_role("slider").press("End")
            await page.get_by_role("button", name="Show what would change").click()
            assert "10 rows gone" in await page.locator("main").inner_text()
            assert here.house.people.rules(1).threshold == 85
            await shown(page, "you-tried")
            await page.get_by_role("button", name="Save").click()
            await page.get_by_text("The rules are kept").wait_for()

        assert here.house.people.rules(1).threshold == 100


async def test_private_mode_and_erasure_are_shown_as_they_are(tmp_path: Path) -> None:
    async with program(tmp_path) as here, served(here) as site:
        await some_evenings(here)
        token = await user_token(site, SERVER, VIEWER)
        async with window(site, token=token) as page:
            await page.goto("/you")
            await page.get_by_role("button", name="For 1 hour").click()
            await page.get_by_text("Private until 22:00: nothing").wait_for()
            await shown(page, "you-private")
            await page.goto("/you/privacy")
            await page.get_by_label("Type the name to confirm").fill("viewer")
            page.on("dialog", lambda dialog: dialog.accept())
            await page.get_by_role("button", name="Erase for good").click()
            await page.wait_for_url("**/sign-in")

            assert "You are erased" in await page.locator("main").inner_text()
