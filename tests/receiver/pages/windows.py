"""Real windows: Debian's chromium before the program, which is served over loopback.

With ``SCREENSHOTS=folder`` in the environment every `shown` page is kept there as a picture, to be looked at.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import uvicorn
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import BrowserContext, Page, async_playwright

from receiver.sign_in import COOKIE
from tests.receiver.houses import Program

WIDTHS = {"phone": 390, "tablet": 820, "wide": 1440}
THEMES = ("light", "dark")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Site(msgspec.Struct):
    """The program as a browser reaches it."""

    program: Program
    url: str


@asynccontextmanager
async def served(program: Program) -> AsyncIterator[Site]:
    """Serve a running *program* on a loopback port of its own."""
    config = uvicorn.Config(
        program.app, host="127.0.0.1", port=0, lifespan="off", log_config=None, access_log=False, ws="none"
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve())  # `serve` would take the signals of the tests' own process
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Site(program, f"http://127.0.0.1:{port}")
    finally:
        program.house.live.close()
        server.should_exit = True
        server.force_exit = True
        await running


@asynccontextmanager
async def window(
    site: Site,
    *,
    token: str | None = None,
    width: int = WIDTHS["wide"],
    theme: str = "light",
    script: bool = True,
    expected: Sequence[str] = (),
) -> AsyncIterator[Page]:
    """Open a window on *site*; *token* signs in. At its end nothing may have been complained of but what is *expected*.

    What a browser complains of: errors of scripts, what the policy forbids, what could not be loaded.
    """
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        context: BrowserContext = await browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if theme == "dark" else "light",
            java_script_enabled=script,
            reduced_motion="reduce",
            base_url=site.url,
        )
        if token is not None:
            await context.add_cookies([{"name": COOKIE, "value": token, "url": site.url}])
        page = await context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        await browser.close()
    assert [text for text in complaints if not any(known in text for known in expected)] == []


async def owner_token(site: Site) -> str:
    """Return a browser's token for the holder of the administrator's token."""
    house = site.program.house
    token = await house.sign_ins.by_admin_token(house.settings.admin_token, "a window")
    assert token is not None
    return token


async def user_token(site: Site, server_id: str, user_id: str, *, is_administrator: bool = False) -> str:
    """Return a browser's token for a Jellyfin user."""
    return await site.program.house.sign_ins.by_user(
        (server_id, user_id), "viewer", "a window", is_administrator=is_administrator
    )


async def faults(page: Page) -> list[str]:
    """Return what axe finds wrong with the page as it is, and whether it scrolls sideways."""
    found = await Axe().run(page)
    said = [
        f"{each['id']}: {each['help']} at {[node['target'] for node in each['nodes']][:3]}"
        for each in found.response["violations"]
    ]
    return said + await _sideways(page)


async def _sideways(page: Page) -> list[str]:
    is_wider = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return ["it scrolls sideways"] if is_wider else []


async def shown(page: Page, name: str) -> None:
    """Keep a picture of the whole page, where somebody wants to look at it."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        file = Path(folder) / f"{name}.png"
        await page.screenshot(path=file, full_page=True)


async def looked_at(site: Site, path: str, name: str, token: str | None = None) -> None:
    """Open *path* in both themes and three widths: axe finds nothing, nothing scrolls sideways; keep the pictures."""
    async with window(site, token=token) as page:
        answer = await page.goto(path)
        assert answer is not None
        assert answer.status == 200, await page.content()
        for theme in THEMES:
            await page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
            for called, width in WIDTHS.items():
                await page.set_viewport_size({"width": width, "height": 900})
                # What axe finds depends on the colours, and hardly on the width.
                is_for_axe = (theme, called) in {("light", "phone"), ("dark", "wide")}
                assert (await faults(page) if is_for_axe else await _sideways(page)) == [], (theme, called)
                await shown(page, f"{name}-{theme}-{called}")
