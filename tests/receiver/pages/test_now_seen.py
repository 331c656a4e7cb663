"""The live page in a real window: what arrives, runs on, is paused and goes, without reloading."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from receiver import live
from reconcile.playback.pace import Proof
from tests.receiver.houses import Program, program, until
from tests.receiver.pages.now_evenings import AWAY, EPISODE, FILM, NOW, OF_GUEST, pause, play, stop
from tests.receiver.pages.windows import looked_at, owner_token, served, shown, user_token, window
from tests.recordings.shapes import SERVER, VIEWER


async def some_of_today(here: Program) -> None:
    """Have two things played earlier today."""
    await play(here, 40, NOW - timedelta(hours=3))
    await stop(here, 2400, NOW - timedelta(hours=3))
    await play(here, 10, NOW - timedelta(hours=1), **EPISODE)
    await stop(here, 600, NOW - timedelta(hours=1), **EPISODE)


async def seconds(page: Page) -> int:
    """Return the position that the card says."""
    text = await page.locator("[data-position-text]").inner_text()
    minutes, _, rest = text.partition(":")
    return 60 * int(minutes) + int(rest)


async def test_a_card_arrives_runs_on_is_paused_and_goes_without_reloading(tmp_path: Path) -> None:
    async with program(tmp_path) as here, served(here) as site:
        await play(here, 1, NOW - timedelta(days=1))
        await stop(here, 60, NOW - timedelta(days=1))
        token = await user_token(site, SERVER, VIEWER)
        async with window(site, token=token) as page:
            await page.goto("/now")
            await page.evaluate("window.isTheSame = true")
            await expect(page.locator("#connection")).to_have_text("live")
            await expect(page.locator(".empty h2")).to_have_text("Nothing is playing")

            await play(here, 10)
            await expect(page.locator(".now-title")).to_have_text("The Lighthouse Keepers")
            await expect(page.locator("[data-state-text]")).to_have_text("playing")
            await expect(page.locator(".poster img")).to_have_count(0)  # there is none: its letter stands in
            before, line = await seconds(page), await page.locator(".pic-here").get_attribute("x1")
            await expect(page.locator("[data-counts-text]")).to_have_text("counts in 28:13", timeout=10_000)
            assert 600 <= before < await seconds(page)
            assert await page.locator(".pic-here").get_attribute("x1") != line
            assert float(await page.locator(".now-bar").evaluate("bar => bar.value")) > 600

            await pause(here, 660, NOW + timedelta(seconds=60), NOW + timedelta(seconds=60))
            here.clock.at = NOW + timedelta(minutes=5)
            await pause(here, 660, NOW + timedelta(minutes=5), NOW + timedelta(minutes=5))
            await expect(page.locator("[data-state-text]")).to_have_text("paused for 4 min")
            await expect(page.locator("[data-position-text]")).to_have_text("11:00")

            await stop(here, 660, NOW + timedelta(minutes=5))
            await expect(page.locator(".empty h2")).to_have_text("Nothing is playing")
            await expect(page.locator(".now-verdict")).to_contain_text("not counted: reached 24.4 %")
            assert await page.evaluate("window.isTheSame")


async def test_a_lost_stream_is_said(tmp_path: Path) -> None:
    async with program(tmp_path) as here, served(here) as site:
        expected = ["ERR_CONNECTION", "ERR_INCOMPLETE_CHUNKED", "ERR_EMPTY", "503"]
        async with window(site, token=await owner_token(site), expected=expected) as page:
            await page.goto("/now")
            await expect(page.locator("#connection")).to_have_text("live")
            here.house.live.close()
            await expect(page.locator("#connection")).not_to_have_text("live", timeout=10_000)
            await shown(page, "now-lost")


async def test_when_too_many_listen_the_page_says_that_it_is_not_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST", 0)
    async with (
        program(tmp_path) as here,
        served(here) as site,
        window(site, token=await owner_token(site), expected=["503"]) as page,
    ):
        await page.goto("/now")
        await expect(page.locator("#connection")).to_contain_text("not live just now")


async def test_private_mode_is_ended_without_script(tmp_path: Path) -> None:
    async with program(tmp_path) as here, served(here) as site:
        await play(here, 10)
        hidden = {"account_id": 1, "recorded": True, "private_until": "2026-11-22T23:30:00Z"}
        await here.http.put(f"/api/v1/links/{SERVER}/{VIEWER}", json=hidden)
        token = await user_token(site, SERVER, VIEWER)
        await looked_at(site, "/now", "now-private", token)
        async with window(site, token=token, script=False) as page:
            await page.goto("/now")
            await page.get_by_role("button", name="End it now").click()
            await expect(page.locator("[role=status].-good")).to_contain_text("Private mode is over")


async def test_nothing_playing_is_readable_everywhere(tmp_path: Path) -> None:
    async with program(tmp_path) as here, served(here) as site:
        token = await owner_token(site)
        await looked_at(site, "/now", "now-no-server", token)
        await some_of_today(here)
        await looked_at(site, "/now", "now-empty", token)


async def test_two_cards_are_readable_everywhere(tmp_path: Path) -> None:
    async with program(tmp_path) as here, served(here) as site:
        await some_of_today(here)
        await play(here, 28, **OF_GUEST, **FILM)
        await play(here, 12, NOW - timedelta(minutes=4))
        await pause(here, 720, NOW - timedelta(minutes=4) + timedelta(seconds=1))
        await looked_at(site, "/now", "now-two", await owner_token(site))


async def test_what_is_amiss_is_readable_everywhere(tmp_path: Path) -> None:
    async with program(tmp_path, given=AWAY) as here, served(here) as site:
        poller = here.house.wires.each[0].poller
        await until(lambda: poller.status.state == "error")
        poller._proof = Proof(unseen=2)
        here.house.intake.is_away, here.house.intake.away_since = True, NOW - timedelta(minutes=3)
        await looked_at(site, "/now", "now-amiss", await owner_token(site))
