"""A simulated Jellyfin in this process, and a client whose every request it answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx

from receiver.rehearsal.face import Face
from receiver.rehearsal.household import household, short_library
from receiver.rehearsal.performance import Performance

BEGAN = datetime(2026, 3, 2, 19, 0, tzinfo=UTC)
KEY = "an-api-key-of-the-household"
URL = "http://jellyfin.test:8096/"


class Watch:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = BEGAN

    def __call__(self) -> datetime:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Jellyfin:
    """The simulated server as it is reached: *face* shows what it holds, *watch* is its clock and ours."""

    def __init__(self, http: httpx.AsyncClient, face: Face, watch: Watch) -> None:
        self.http, self.face, self.watch = http, face, watch


@asynccontextmanager
async def simulated() -> AsyncIterator[Jellyfin]:
    """Yield a household's Jellyfin."""
    watch = Watch()
    face = Face(Performance(household(BEGAN)), short_library(), watch, KEY)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(face)) as http:
        yield Jellyfin(http, face, watch)
