"""Imports in a real window: every state looked at, and the whole way without script."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from reconcile.store import imports
from tests.receiver.pages.import_houses import PATH, done, seen_live, sent, years
from tests.receiver.pages.visitors import owner
from tests.receiver.pages.windows import faults, looked_at, owner_token, served, shown, window


async def look_again(page: Page) -> None:
    """Without script one looks again until it is over."""
    while await page.get_by_role("link", name="Look again").count():
        await page.get_by_role("link", name="Look again").click()


async def test_every_state_of_an_import_is_readable_everywhere(tmp_path: Path) -> None:
    async with years(tmp_path) as (here, _face), served(here) as site, owner(here) as visitor:
        await seen_live(here, 5, 18, 40, 65)
        token = await owner_token(site)
        one = f"{PATH}/1"
        await looked_at(site, PATH, "imports-none", token)
        assert (await sent(visitor, "ask")).headers["location"] == one
        await looked_at(site, one, "import-read", token)
        await done(here, visitor, 1, imports.TRY, zone="Asia/Kolkata")
        await looked_at(site, one, "import-tried", token)
        await done(here, visitor, 1, imports.APPLY)
        await looked_at(site, one, "import-applied", token)
        async with here.house.store.begin() as db:
            await imports.note(db, 1, state=imports.RUNNING, done=24, total=40)
        await looked_at(site, one, "import-running", token)
        async with here.house.store.begin() as db:
            await imports.note(db, 1, state=imports.FAILED, result={"error": "An error of ours: the log says more."})
        await looked_at(site, one, "import-failed", token)
        await looked_at(site, "/playbacks?evidence=import", "import-playbacks", token)
        await looked_at(site, "/playbacks/5", "import-playback", token)
        await done(here, visitor, 1, imports.UNDO)
        await looked_at(site, one, "import-undone", token)
        await looked_at(site, PATH, "imports", token)


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
async def test_from_the_set_up_a_file_is_read_tried_applied_and_undone(tmp_path: Path, script: bool) -> None:
    async with years(tmp_path, plays=12) as (here, face), served(here) as site:
        backup = tmp_path / "PlaybackReportingBackup-20261122-210000.tsv"
        backup.write_bytes(face.kept.backup())
        async with window(site, token=await owner_token(site), script=script) as page:
            await page.goto("/set-up/history")
            await page.get_by_label("A backup file of Playback Reporting").check()
            await page.get_by_label("File of the backup").set_input_files(backup)
            if script:
                await shown(page, "set-up-4-history-file")
                assert await faults(page) == []
            await page.get_by_role("button", name="Read it").click()
            await expect(page.get_by_text("8 rows set aside")).to_be_visible()

            await page.get_by_role("button", name="Try it").click()
            await over(page, script=script)
            await expect(page.get_by_role("heading", name="What it would do")).to_be_visible()
            await page.get_by_role("button", name="Apply", exact=True).click()
            await over(page, script=script)
            await expect(page.get_by_role("heading", name="What it did")).to_be_visible()
            await page.get_by_text("Undo this import").click()
            if script:
                await shown(page, "import-undo-asks")
                assert await faults(page) == []
            await page.get_by_role("button", name="Undo it").click()
            await over(page, script=script)
            await expect(page.get_by_text("rows taken back")).to_be_visible()

            await page.get_by_role("link", name="Go on with it").click()
            await expect(page.get_by_role("heading", name="Imports so far")).to_be_visible()
            if script:
                await shown(page, "set-up-4-history-imported")
                assert await faults(page) == []


async def test_what_cannot_be_read_or_is_not_certain_is_readable(tmp_path: Path) -> None:
    async with years(tmp_path) as (here, face), served(here) as site, owner(here) as visitor:
        face.kept.entries.clear()
        face.kept.rows[3:5] = [(*face.kept.rows[3][:8], -2147483648), (*face.kept.rows[4][:8], 900000)]
        token = await owner_token(site)
        await sent(visitor, "ask")
        await looked_at(site, f"{PATH}/1", "import-zone-unknown", token)
        async with window(site, token=token, expected=["502", "400"], width=390) as page:
            await page.goto(f"{PATH}/1")
            await page.get_by_text("Refused: 2 rows").click()
            await page.get_by_text("The same as a table").click()
            await page.get_by_label("Time zone of the server").fill("Nowhere/Atall")
            await page.get_by_role("button", name="Try it").click()
            await expect(page.get_by_label("Time zone of the server")).to_be_focused()
            await expect(page.get_by_text("There is no time zone «Nowhere/Atall»")).to_be_visible()
            await shown(page, "import-zone-wrong")
            assert await faults(page) == []
            face.kept.has_plugin = False
            await page.goto(PATH)
            await page.get_by_role("button", name="Read it").click()
            await expect(page.get_by_role("alert")).to_contain_text("does not have the Playback Reporting plugin")
            await shown(page, "imports-no-plugin")
            assert await faults(page) == []


async def over(page: Page, *, script: bool) -> None:
    """Wait until what was asked is over: by itself with script, and by looking again without."""
    if script:
        await expect(page.get_by_role("link", name="Look again")).to_have_count(0, timeout=20_000)
    else:
        await look_again(page)
