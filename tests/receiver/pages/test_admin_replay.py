"""Replay: a range, a dry run whose difference is read, and then doing it; all without script."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from reconcile.store.tables import check_in, playback, playback_key, watch
from tests.receiver.houses import NINE_PM, Clock, Program, program, until
from tests.receiver.pages.visitors import form_of, owner


async def lost(here: Program) -> None:
    """Lose what was made of the deliveries, as a fault of ours would."""
    async with here.house.store.begin() as db:
        for table in (watch, playback, check_in, playback_key):
            await db.execute(sa.delete(table))


async def asked(here: Program, visitor: httpx.AsyncClient, path: str, **typed: str) -> str:
    """Send a form that begins a replay, wait until it is done, and return where it is shown."""
    form = form_of(await visitor.get("/admin/replay"))
    answer = await visitor.post(path, data={"_csrf_token": form["_csrf_token"], **typed})
    assert answer.status_code == 303, answer.text
    shown = answer.headers["location"]
    number = shown.rpartition("/")[2]

    async def is_done() -> bool:
        return bool((await here.get(f"/replays/{number}"))["state"] == "done")

    await until(is_done)
    return str(shown)


async def test_a_range_is_tried_its_difference_read_and_then_applied(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url, clock=Clock(NINE_PM)) as here, owner(here) as visitor:
        await here.watch(NINE_PM, NotificationUsername="viewer")
        await lost(here)

        tried = await asked(here, visitor, "/admin/replay", since="2026-11-22T20:00", until="2026-11-22T22:00")
        difference = await visitor.get(tried)
        before = (await here.get("/history"))["items"]
        done = await asked(here, visitor, f"{tried}/apply")
        after = await visitor.get(done)
        history = (await here.get("/history"))["items"]
        listed = await visitor.get("/admin/replay")

    assert "Added: 1" in difference.text
    assert "would now count" in difference.text
    assert re.search(r'<a href="/people/\d+">viewer</a>', difference.text)
    assert "Apply" in difference.text
    assert before == []
    assert "now counts" in after.text
    assert "Apply" not in after.text
    assert len(history) == 1
    assert "1 row would change" in listed.text
    assert "1 row changed" in listed.text


async def test_without_script_one_looks_again(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM)) as here, owner(here) as visitor:
        here.house.replayer.doing = None
        form = form_of(await visitor.get("/admin/replay"))
        answer = await visitor.post("/admin/replay", data=form | {"since": "2026-11-22T20:00", "until": ""})
        page = await visitor.get(answer.headers["location"])
        early = await visitor.post(f"{answer.headers['location']}/apply", data=form)

    assert "It waits for its turn" in page.text
    assert "Look again" in page.text
    assert early.status_code == 400


async def test_a_running_one_tells_how_far_it_is_until_it_is_done(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM)) as here, owner(here) as visitor:
        await here.watch(NINE_PM)
        shown = await asked(here, visitor, "/admin/replay", since="2026-11-22T20:00")
        async with visitor.stream("GET", f"{shown}/stream") as told:
            text = (await told.aread()).decode()

    assert "event: reload" in text


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        pytest.param("", "", "From: a date and a time are needed", id="no beginning"),
        pytest.param("yesterday", "", "From: a date and a time are needed", id="no date"),
        pytest.param("2026-11-22T20:00", "2026-11-22T19:00", "later than since", id="backwards"),
    ],
)
async def test_a_range_that_is_none_is_told(tmp_path: Path, since: str, until: str, said: str) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM)) as here, owner(here) as visitor:
        form = form_of(await visitor.get("/admin/replay"))
        answer = await visitor.post("/admin/replay", data=form | {"since": since, "until": until})

    assert answer.status_code == 400
    assert said in answer.text
