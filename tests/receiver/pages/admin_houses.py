"""A program that has something on every tab of the administration: a server to be asked, people, and what came in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from receiver.rehearsal.face import Face
from receiver.rehearsal.household import household, short_library
from receiver.rehearsal.library import SERVER_ID, USERS
from receiver.rehearsal.performance import Performance
from reconcile.store import outbox
from reconcile.store.outbox import Message
from reconcile.store.tables import outbox as outbox_table
from tests.receiver.houses import NINE_PM, Clock, Program, notification, program, until
from tests.recordings.shapes import SERVER, VIEWER

KEY = "an-api-key-of-the-household"
URL = "http://jellyfin.test"

ATTIC = SERVER_ID
"""The server that can be asked; the recorded one (`SERVER`) only sends webhooks."""


@asynccontextmanager
async def asked(
    folder: Path, url: str | None = None, clock: Clock | None = None
) -> AsyncIterator[tuple[Program, Face]]:
    """Start the program with a simulated Jellyfin that it has been told of."""
    clock = clock or Clock(NINE_PM)
    face = Face(Performance(household(clock.at)), short_library(), clock, KEY)
    transport = httpx.ASGITransport(face)
    async with (
        httpx.AsyncClient(transport=transport) as jellyfin,
        program(folder, url, clock=clock, http=jellyfin) as here,
    ):
        made = await here.http.post("/api/v1/servers", json={"url": URL, "api_key": KEY})
        assert made.status_code == 201, made.text

        def is_polled() -> bool:
            wire = here.house.wires.of(ATTIC)
            return wire is not None and wire.poller.status.state.value == "active"

        await until(is_polled)
        yield here, face


@asynccontextmanager
async def busy(folder: Path, url: str | None = None) -> AsyncIterator[Program]:
    """Start the program after an evening of which every tab has something to tell."""
    async with asked(folder, url, Clock(NINE_PM - timedelta(hours=1))) as (here, _face):
        await here.watch(NINE_PM - timedelta(hours=1), NotificationUsername="viewer")
        here.clock.at = NINE_PM
        for seconds in range(40):
            await here.send(notification("Automated", NINE_PM - timedelta(seconds=60 - seconds), 2400.0 + seconds))
        for body in (b'{"NotificationType": ', b'{"NotificationType": "PlaybackStart", "ItemId": True', b"no json"):
            assert (await here.send(body)).status_code == 400
        await here.house.notes.write()
        await _told(here, "/tokens", name="a script on the shelf", scopes=["read"])
        target = await _told(here, "/outbound", url="https://automation.example/hooks/playledger", active=False)
        await _told(here, f"/servers/{SERVER}/webhook-tokens")
        await _dead(here, target["id"])
        replay = await _told(here, "/replays", since=(NINE_PM - timedelta(hours=3)).isoformat(), dry_run=True)
        await until(lambda: _is_done(here, replay["id"]))
        yield here


async def _told(here: Program, path: str, **wish: Any) -> Any:  # noqa: ANN401 - JSON
    answer = await here.http.post(f"/api/v1{path}", json=wish or None)
    assert answer.status_code in {201, 202}, answer.text
    return answer.json()


async def _is_done(here: Program, number: int) -> bool:
    return bool((await here.get(f"/replays/{number}"))["state"] == "done")


async def _dead(here: Program, target: int) -> None:
    """Queue a message, and let it have been given up."""
    async with here.house.store.begin() as db:
        body = '{"type":"watch.completed"}'
        told = [Message("msg_given_up", target, None, "watch.completed", "watch/1", body)]
        await outbox.queue(db, told, here.clock())
        gone = {"state": outbox.DEAD, "attempts": 12, "error": "no answer within 10 s", "due_at": None}
        await db.execute(outbox_table.update().values(**gone))


async def linked(here: Program, number: int, name: str) -> int:
    """Link one of the simulated server's users to a new account; return its id."""
    account = await _told(here, "/accounts", name=name)
    user = USERS[number]
    answer = await here.http.put(
        f"/api/v1/links/{ATTIC}/{user.id}",
        json={"account_id": account["id"], "user_name": user.name, "recorded": True},
    )
    assert answer.status_code == 200, answer.text
    return int(account["id"])


__all__ = ["ATTIC", "KEY", "SERVER", "URL", "VIEWER", "asked", "busy", "linked"]
