"""A household whose server has kept earlier years, in the wall time of Kolkata, and which was seen live for a while."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import sqlalchemy as sa

from receiver.rehearsal.face import Face
from receiver.rehearsal.library import DEVICES, USERS
from reconcile.store import imports
from reconcile.store.tables import recorded_interval
from tests.receiver.houses import NINE_PM, Clock, Program, until
from tests.receiver.pages.admin_houses import ATTIC, asked, linked
from tests.receiver.pages.visitors import form_of

KOLKATA = ZoneInfo("Asia/Kolkata")
PATH = "/admin/imports"
RECORDED_FOR = timedelta(days=70)


@asynccontextmanager
async def years(folder: Path, url: str | None = None, plays: int = 60) -> AsyncIterator[tuple[Program, Face]]:
    """Start the program: two people are recorded since, and *plays* of theirs are of before, or of both."""
    async with asked(folder, url, Clock(NINE_PM)) as (here, face):
        await linked(here, 0, "viewer")
        await linked(here, 1, "somebody else")
        async with here.house.store.begin() as db:
            await db.execute(sa.update(recorded_interval).values(since=NINE_PM - RECORDED_FOR))
        await here.house.refresh()
        face.kept.has_plugin = True
        face.kept.zone = KOLKATA
        films = face.library.films
        for number in range(plays):
            film, began = films[number % len(films)], NINE_PM - timedelta(days=5 + 13 * number, minutes=37 * number)
            face.kept.play(USERS[number % 3], film, began, round(film.runtime), DEVICES[number % 2])
        yield here, face


async def seen_live(here: Program, *days: int) -> None:
    """Have an episode seen on the days so many before the last evening."""
    for number in days:
        at = NINE_PM - timedelta(days=number)
        await here.watch(at, ServerId=ATTIC, UserId=USERS[0].id, NotificationUsername=USERS[0].name)


async def sent(
    visitor: httpx.AsyncClient, way: str, file: bytes | None = None, page: str = PATH, **typed: str
) -> httpx.Response:
    """Fill in the form that begins an import, and send it."""
    form = form_of(await visitor.get(page), page)
    told = {"_csrf_token": form["_csrf_token"], "server": form.get("server", ATTIC), "way": way} | typed
    files = {"file": ("" if file is None else "backup", file or b"", "application/octet-stream")}
    return await visitor.post(page, data=told, files=files)


async def done(here: Program, visitor: httpx.AsyncClient, number: int, task: str, **typed: str) -> httpx.Response:
    """Press a button of an import, wait until that is done, and return its page."""
    shown = f"{PATH}/{number}"
    token = form_of(await visitor.get(shown))["_csrf_token"]
    answer = await visitor.post(f"{shown}/{task}", data={"_csrf_token": token, **typed})
    assert answer.status_code == 303, answer.text

    async def is_over() -> bool:
        async with here.house.store.read() as db:
            row = await imports.one(db, number)
        return row is not None and row["state"] in {imports.DONE, imports.FAILED}

    await until(is_over)
    return await visitor.get(shown)
