"""A program that may be set up: two simulated Jellyfins that it can reach, and addresses at which there is none."""

from __future__ import annotations

from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

from receiver.rehearsal.face import Face, Receive, Send
from receiver.rehearsal.household import household, short_library
from receiver.rehearsal.library import SERVER_ID, SERVER_NAME, USERS
from receiver.rehearsal.performance import Performance
from receiver.rehearsal.porter import PASSWORD
from tests.receiver.houses import NINE_PM, Clock, Program, program
from tests.receiver.pages.visitors import form_of

KEY = "an-api-key-of-the-household"
ATTIC, STUDY = "http://attic.test:8096", "http://study.test"
WIKI, NOWHERE = "http://wiki.test", "http://nowhere.test"
STUDY_ID = "5" * 32
ADMIN, VIEWER, OTHER = USERS[0], USERS[1], USERS[2]

Sent = MutableMapping[str, Any]


class Renamed:
    """A simulated Jellyfin under another id and name, both as long as the first one's."""

    def __init__(self, face: Face) -> None:
        self._face = face

    async def __call__(self, scope: Sent, receive: Receive, send: Send) -> None:
        async def renamed(message: Sent) -> None:
            body = message.get("body")
            if body:
                message["body"] = body.replace(SERVER_ID.encode(), STUDY_ID.encode()).replace(b"Attic", b"Study")
            await send(message)

        await self._face(scope, receive, renamed)


class Town(msgspec.Struct):
    """The program and the Jellyfins around it."""

    here: Program
    attic: Face
    study: Face


@asynccontextmanager
async def town(folder: Path, url: str | None = None, **environment: str) -> AsyncIterator[Town]:
    """Start the program where nobody is recorded from first sight, and nothing is connected."""
    clock = Clock(NINE_PM)
    attic, study = (Face(Performance(household(clock.at)), short_library(), clock, KEY) for _ in range(2))
    around = {
        ATTIC: httpx.ASGITransport(attic),
        STUDY: httpx.ASGITransport(Renamed(study)),
        WIKI: httpx.MockTransport(lambda _request: httpx.Response(200, text="<h1>A wiki</h1>")),
    }
    told = {"PLAYLEDGER_AUTO_LINK": "false"} | environment
    nobody = httpx.MockTransport(_refuse)
    async with (
        httpx.AsyncClient(transport=nobody, mounts=around) as http,
        program(folder, url, clock=clock, http=http, given=told) as here,
    ):
        yield Town(here, attic, study)


def _refuse(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("All connection attempts failed", request=request)


async def connect(town: Town, *urls: str) -> None:
    """Connect servers as the API does."""
    for url in urls or (ATTIC,):
        await town.here.house.wires.meet(url, KEY)
    await town.here.house.refresh()


async def signed_in(
    browser: httpx.AsyncClient,
    name: str,
    password: str = PASSWORD,
    server: str = SERVER_ID,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    """Fill in the door's form, and send it."""
    form = form_of(await browser.get("/sign-in"), "/sign-in/password")
    told = form | {"name": name, "password": password, "server": server}
    return await browser.post("/sign-in/password", data=told, headers=headers)


__all__ = [
    "ADMIN",
    "ATTIC",
    "KEY",
    "NOWHERE",
    "OTHER",
    "SERVER_ID",
    "SERVER_NAME",
    "STUDY",
    "STUDY_ID",
    "VIEWER",
    "WIKI",
]
