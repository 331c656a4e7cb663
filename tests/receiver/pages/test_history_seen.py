"""The history in a real window: beautiful, readable for everyone, and usable without script."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.receiver.houses import NINE_PM, Anything, Clock, Program, program
from tests.receiver.pages.evenings import film, rows, told_by, zap
from tests.receiver.pages.windows import looked_at, owner_token, served, user_token, window
from tests.recordings.shapes import GUEST, SERVER, VIEWER

DAY = timedelta(days=1)
ANOTHER: Anything = {"UserId": GUEST, "NotificationUsername": "guest", "DeviceId": "another", "Id": "f" * 32}


async def full_days(here: Program) -> None:
    """Have two people watch this and that on some days."""
    await film(here, NINE_PM - 9 * DAY, title="Letters to a Silent Harbour", year=1961)
    await here.watch(NINE_PM - 3 * DAY, EpisodeNumber=1, ItemId="e1".rjust(32, "0"), Name="A Beginning")
    await film(here, NINE_PM - 2 * DAY, title="An Uncommonly Long Title of a Film about Nothing at All", minutes=40)
    await film(here, NINE_PM - DAY - timedelta(hours=4), title="The Northern Light", year=2003)
    await zap(here, NINE_PM - DAY)
    await here.watch(NINE_PM - DAY + timedelta(minutes=5), EpisodeNumber=2, ItemId="e2".rjust(32, "0"))
    await film(here, NINE_PM - timedelta(hours=6), title="Orchard Road", **ANOTHER)
    await here.watch(NINE_PM - timedelta(minutes=70), EpisodeNumber=3, ItemId="e3".rjust(32, "0"), Name="The Third")
    await here.watch(NINE_PM - timedelta(minutes=25), EpisodeNumber=4, ItemId="e4".rjust(32, "0"), minutes=20)
    mine = await rows(here)
    await told_by(here, 3, *[row["id"] for row in mine[::2]])


async def test_a_full_history_is_readable_everywhere(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(), PLAYLEDGER_RECORD_PARTIALS="true") as here, served(here) as site:
        await full_days(here)
        token = await owner_token(site)
        await looked_at(site, "/history", "history", token)
        await looked_at(site, "/history?kind=episode&from=2026-11-01&evidence=both", "history-filtered", token)
        await looked_at(site, "/playbacks", "history-playbacks", token)


async def test_an_opened_row_is_readable_everywhere(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock()) as here, served(here) as site:
        await full_days(here)
        token = await user_token(site, SERVER, VIEWER)
        number = (await rows(here))[0]["id"]
        await looked_at(site, f"/history?open={number}", "history-opened", token)
        await looked_at(site, f"/history/{number}", "history-row", token)
        await looked_at(site, f"/history/{number}/correct?what=wrong_item&look=a", "history-correct", token)


async def test_an_empty_history_is_readable_everywhere(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock()) as here, served(here) as site:
        token = await owner_token(site)
        await looked_at(site, "/history", "history-empty", token)
        await looked_at(site, "/history/corrections", "history-corrections-empty", token)
        await looked_at(site, "/history?text=nothing", "history-no-match", token)


async def test_a_row_is_corrected_and_undone_without_script(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock()) as here, served(here) as site:
        await here.watch(NINE_PM - timedelta(hours=1))
        token = await user_token(site, SERVER, VIEWER)
        async with window(site, token=token, script=False) as page:
            await page.goto("/history")
            await page.locator(".hist-entry h3 a").click()
            await page.get_by_role("link", name="Correct this row").click()
            await page.get_by_label("It should not be here at all").check()
            await page.get_by_label("Why").fill("the children had it on")
            await page.get_by_role("button", name="See what would change").click()
            assert await page.get_by_text("Goes from the history of").is_visible()
            await page.get_by_role("button", name="Correct it").click()

            assert await page.get_by_text("Nothing here yet").is_visible()
            await page.get_by_role("button", name="Undo").click()
            assert await page.locator(".hist-entry").count() == 1
        await looked_at(site, "/history/corrections", "history-corrections", token)
