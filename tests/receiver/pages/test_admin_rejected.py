"""Rejected: counted, shown, and tried again after a fix."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from reconcile.store.deliveries import Delivery
from tests.receiver.houses import NINE_PM, Clock, Program, notification, program
from tests.receiver.pages.visitors import form_of, owner

BROKEN = b'{"NotificationType": "PlaybackStart", "ItemId": '


async def fixed(here: Program) -> None:
    """Keep an example that could not be read then, and can be now."""
    for minutes, kind in ((0, "PlaybackStart"), (41, "PlaybackStop")):
        at = NINE_PM + timedelta(minutes=minutes)
        body = notification(kind, at, minutes * 60.0)
        here.house.notes.reject(Delivery(at, "text/plain", body, outcome="rejected", reason="a comma is missing"), "x")
    await here.house.notes.write()


async def test_what_could_not_be_read_is_counted_with_examples(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM)) as here, owner(here) as visitor:
        empty = await visitor.get("/admin/rejected")
        for _time in range(3):
            await here.send(BROKEN)
        await here.house.notes.write()
        shown = await visitor.get("/admin/rejected")
        example = await visitor.get("/admin/rejected/1")

    assert "Nothing was rejected" in empty.text
    assert '<td class="number">3</td>' in shown.text
    assert 'href="/admin/rejected/3"' in shown.text
    assert "PlaybackStart" in example.text


@pytest.mark.parametrize(
    ("path", "left"), [("/admin/rejected/retry", 0), ("/admin/rejected/1/retry", 1)], ids=["all", "one"]
)
async def test_what_can_be_read_after_a_fix_is_recorded_as_of_then(tmp_path: Path, path: str, left: int) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM + timedelta(days=1))) as here, owner(here) as visitor:
        await fixed(here)
        done = await visitor.post(path, data=form_of(await visitor.get("/admin/rejected")))
        shown = await visitor.get(done.headers["location"])
        playbacks = (await here.get("/playbacks"))["items"]
        kinds = (await here.get("/rejected"))["items"]

    assert "can be read now" in shown.text
    assert playbacks[0]["started_at"].startswith("2026-11-22T21:00")
    assert [len(kind["examples"]) for kind in kinds] == [left]


async def test_what_still_cannot_be_read_stays(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM)) as here, owner(here) as visitor:
        await here.send(BROKEN)
        await here.house.notes.write()
        done = await visitor.post("/admin/rejected/1/retry", data=form_of(await visitor.get("/admin/rejected/1")))
        shown = await visitor.get(done.headers["location"])
        gone = await visitor.post("/admin/rejected/9/retry", data=form_of(shown))

    assert "none can be read yet" in shown.text
    assert gone.status_code == 404


async def test_the_api_tries_again_too(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM + timedelta(days=1))) as here:
        await fixed(here)
        one = await here.http.post("/api/v1/rejected/1/retry")
        rest = await here.http.post("/api/v1/rejected/retry")
        none = await here.http.post("/api/v1/rejected/1/retry")

    assert (one.json()["read"], rest.json()["read"], none.status_code) == (1, 1, 404)
    assert rest.json()["recorded"] == 1
