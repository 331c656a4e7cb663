"""The settings' page: for owners only; a preview writes nothing, and what is kept is shown before and told after."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from reconcile.store.tables import metadata
from tests.receiver.houses import NINE_PM, Program, notification, program, until
from tests.receiver.pages.visitors import form_of, owner, viewer
from tests.recordings.shapes import SERVER, VIEWER

EIGHT = NINE_PM - timedelta(hours=1)


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else uses these databases: no other process has to hear of a change first."""
    monkeypatch.setattr("receiver.house._REFRESH_SECONDS", 0.2)


async def ledger(here: Program) -> dict[str, list[tuple[Any, ...]]]:
    async with here.house.store.read() as db:
        return {
            table.name: sorted((tuple(row) for row in await db.execute(sa.select(table))), key=repr)
            for table in metadata.sorted_tables
            if table.name != "sign_in"
        }


async def saved(visitor: httpx.AsyncClient, **fields: str) -> httpx.Response:
    """Fill in the form of the settings, and save it."""
    return await visitor.post("/settings", data=form_of(await visitor.get("/settings"), "/settings") | fields)


async def over(here: Program, visitor: httpx.AsyncClient, path: str) -> httpx.Response:
    """Return the page of a change once it is over."""

    async def is_over() -> bool:
        return "How far it is" not in (await visitor.get(path)).text

    await until(is_over)
    return await visitor.get(path)


async def test_they_are_for_owners_only(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await here.watch(EIGHT)
        async with viewer(here, SERVER, VIEWER) as me:
            form = form_of(await me.get("/you"))
            asked = [await me.get(path) for path in ("/settings", "/settings/preview", "/settings/changes/1")]
            sent = [await me.post(path, data=form) for path in ("/settings", "/settings/apply")]

    assert {answer.status_code for answer in (*asked, *sent)} == {403}


async def test_a_preview_tells_of_the_household_and_writes_nothing(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here:
        await here.watch(EIGHT - timedelta(hours=3))
        async with owner(here) as visitor:
            form = form_of(await visitor.get("/settings"), "/settings")
            before = await ledger(here)
            asked = {**form, "PLAYLEDGER_THRESHOLD": "95", "PLAYLEDGER_SILENCE": "200"}
            would = await visitor.get("/settings/preview", params=asked)
            shown = await visitor.post("/settings", data=asked)
            after = await ledger(here)

        assert "would have <b>0</b> counted, now <b>1</b>" in would.text
        assert "Silence that ends a play" in would.text
        assert "Before it counts" in shown.text
        assert "85 % → <b>95 %</b>" in shown.text
        assert after == before
        assert here.house.settings.threshold == 85


async def test_whoever_has_rules_of_their_own_keeps_them_in_the_preview(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await here.watch(EIGHT)
        await here.http.patch("/api/v1/accounts/1", json={"threshold": 50})
        async with owner(here) as visitor:
            form = form_of(await visitor.get("/settings"), "/settings") | {"PLAYLEDGER_THRESHOLD": "95"}
            would = await visitor.get("/settings/preview", params=form)

    assert "would have <b>1</b> counted, now <b>1</b>" in would.text


async def test_a_change_is_tried_then_applied_and_what_it_did_is_told(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await here.watch(EIGHT)
        async with owner(here) as visitor:
            confirm = await saved(visitor, PLAYLEDGER_THRESHOLD="95")
            form = form_of(confirm, "/settings/apply")
            tried = await visitor.post("/settings/apply", data=form | {"try": "true"})
            would = await over(here, visitor, tried.headers["location"])
            assert here.house.settings.threshold == 85
            applied = await visitor.post("/settings/apply", data=form_of(would, "/settings/apply"))
            did = await over(here, visitor, applied.headers["location"])
            page = await visitor.get("/settings")

        assert "It would do this" in would.text
        assert "It did this" in did.text
        assert "no longer counts" in did.text
        assert "1 row changed" in page.text
        assert "only tried" in page.text
        assert here.house.settings.threshold == 95
        assert (await here.get("/history"))["items"] == []


async def test_what_settles_nothing_counts_at_once(tmp_path: Path) -> None:
    async with program(tmp_path) as here, owner(here) as visitor:
        answer = await saved(visitor, PLAYLEDGER_RETENTION_DAYS="7")

        assert answer.headers["location"] == "/settings"
        assert here.house.settings.retention_days == 7
        assert "Kept, and in force: Messages are kept for" in (await visitor.get("/settings")).text
        assert (await here.get("/resettlings"))["items"] == []


async def test_recording_is_turned_off_and_on_for_everybody(tmp_path: Path) -> None:
    async with program(tmp_path) as here, owner(here) as visitor:
        form = form_of(await visitor.get("/settings"), "/settings")
        del form["JELLYFIN_ACTIVITY_MONITOR_ENABLED"]
        await visitor.post("/settings", data=form)
        ignored = await here.send(notification("PlaybackStart", NINE_PM, 0))
        off = await visitor.get("/settings")
        await visitor.post("/settings", data=form | {"JELLYFIN_ACTIVITY_MONITOR_ENABLED": "true"})
        heard = await here.send(notification("PlaybackStart", NINE_PM, 0))

    assert ignored.json()["outcome"] == "ignored"
    assert "recording is off" in off.text
    assert heard.json()["outcome"] == "recorded"


async def test_what_the_environment_fixes_is_shown_with_its_name_and_cannot_be_changed(tmp_path: Path) -> None:
    async with program(tmp_path, PLAYLEDGER_THRESHOLD="90") as here, owner(here) as visitor:
        page = await visitor.get("/settings")
        ignored = await saved(visitor, PLAYLEDGER_THRESHOLD="50")
        refused = await visitor.post("/settings/apply", data=form_of(page) | {"PLAYLEDGER_THRESHOLD": "50"})

        assert "<code>PLAYLEDGER_THRESHOLD</code> in the environment fixes it" in page.text
        assert 'name="PLAYLEDGER_THRESHOLD"' not in page.text
        assert (ignored.status_code, refused.status_code) == (303, 409)
        assert here.house.settings.threshold == 90


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        pytest.param("PLAYLEDGER_THRESHOLD", "0", "A number from 1 to 100 % is needed", id="out of bounds"),
        pytest.param("PLAYLEDGER_MIN_SECONDS", "3601", "A number from 0 to 3600 s is needed", id="too long"),
        pytest.param("PLAYLEDGER_RETENTION_DAYS", "1.5", "A whole number", id="half a day"),
        pytest.param("PLAYLEDGER_SILENCE", "much", "A number from 10 to 3600 s is needed", id="no number"),
        pytest.param("JELLYFIN_ACTIVITY_POLL_INTERVAL", "nan", "from 1000 to 600000 ms", id="not a number"),
    ],
)
async def test_what_makes_no_sense_is_said_at_its_field(tmp_path: Path, name: str, value: str, said: str) -> None:
    async with program(tmp_path) as here, owner(here) as visitor:
        before = await ledger(here)
        answer = await saved(visitor, **{name: value})
        preview = await visitor.get("/settings/preview", params={name: value})

        assert answer.status_code == 400
        assert said in answer.text
        assert f'name="{name}"' in answer.text
        assert said in preview.text
        assert await ledger(here) == before


async def test_an_error_of_a_server_is_the_status_with_its_reason(tmp_path: Path) -> None:
    given = {"JELLYFIN_URL": "http://127.0.0.1:9", "JELLYFIN_API_KEY": "a-key"}
    async with program(tmp_path, given=given) as here, owner(here) as visitor:

        async def is_tried() -> bool:
            return "Polls: Error" in (await visitor.get("/settings")).text

        await until(is_tried)
        page = await visitor.get("/settings")

    assert "a server cannot be asked; see below, since 21:00" in page.text
    assert "ConnectError" in page.text
    assert "a-key" not in page.text
