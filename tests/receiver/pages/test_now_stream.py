"""The stream of the live page: who is told what, when it ends, and that nothing is told twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from receiver import live
from receiver.pages.now import routes as now_module
from receiver.sign_in import COOKIE
from reconcile.secrets import fingerprint
from reconcile.store import sign_ins
from tests.receiver.houses import Program, notification, program, until
from tests.receiver.pages.now_evenings import FILM, NOW, OF_GUEST, pause, play, stop
from tests.receiver.pages.test_now import gone
from tests.receiver.pages.windows import Site, owner_token, served, user_token
from tests.recordings.shapes import GUEST, SERVER, VIEWER


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again soon, and be sure of nobody for long."""
    monkeypatch.setattr(live, "LOOK_AGAIN_SECONDS", 0.2)
    monkeypatch.setattr(live, "TOGETHER_SECONDS", 0.02)
    monkeypatch.setattr(now_module, "SURE_FOR_SECONDS", 0.1)


class Listener:
    """Somebody who listens: *parts* are what they were told, by id; *again* those that were told as they were."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines
        self.parts: dict[str, str] = {}
        self.again: list[str] = []

    async def next(self) -> str:
        """Take the next event in, and return its name; «still here» for a comment. Raises EOFError at the end."""
        event = ""
        async with asyncio.timeout(10):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                elif not name and value:
                    return value
                elif name == "data":
                    if event == "part":
                        self._take(msgspec.json.decode(value))
                    return event
        raise EOFError

    def _take(self, told: dict[str, Any]) -> None:
        part, html = told["id"], told["html"]
        if self.parts.get(part) == html:
            self.again.append(part)
        self.parts[part] = html

    async def until(self, part: str, text: str) -> str:
        """Return the content of *part* once it says *text*."""
        while text not in self.parts.get(part, ""):
            await self.next()
        return self.parts[part]

    async def rest(self) -> list[str]:
        """Return the names of all events up to the end of the stream."""
        found = []
        try:
            while True:
                found.append(await self.next())
        except EOFError:
            return found


@asynccontextmanager
async def listening(site: Site, token: str) -> AsyncIterator[Listener]:
    """Listen as the browser with *token* does, over a real connection."""
    async with (
        httpx.AsyncClient(base_url=site.url, cookies={COOKIE: token}) as client,
        client.stream("GET", "/now/stream") as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Listener(answer.aiter_lines())


@asynccontextmanager
async def site(folder: Path) -> AsyncIterator[tuple[Program, Site]]:
    """Serve the program."""
    async with program(folder) as here, served(here) as found:
        yield here, found


async def met(here: Program, **values: object) -> None:
    """Have somebody seen, and so linked, the day before."""
    await play(here, 1, NOW - timedelta(days=1), **values)
    await stop(here, 60, NOW - timedelta(days=1), **values)


async def test_what_begins_plays_on_and_ends_is_told_part_by_part(tmp_path: Path) -> None:
    async with site(tmp_path) as (here, found):
        await met(here)
        async with listening(found, await user_token(found, SERVER, VIEWER)) as mine:
            await mine.until("now-playing", "Nothing is playing")
            await play(here, 10, NOW - timedelta(seconds=30))
            await mine.until("now-playing", "The Lighthouse Keepers")
            await here.send(notification("PlaybackProgress", NOW - timedelta(seconds=20), 610))
            moving = await mine.until("playback-2", "10:10")
            await pause(here, 620, NOW - timedelta(seconds=10))
            await mine.until("playback-2", "paused for")
            await stop(here, 620)
            await mine.until("now-playing", "Nothing is playing")
            over = await mine.until("now-earlier", "not counted")

    assert "The Lighthouse Keepers" not in moving
    assert "ended <time" in over


async def test_a_listener_is_told_nothing_of_others(tmp_path: Path) -> None:
    async with site(tmp_path) as (here, found):
        await met(here)
        await met(here, **OF_GUEST)
        mine, theirs = await user_token(found, SERVER, VIEWER), await user_token(found, SERVER, GUEST)
        async with listening(found, mine) as me, listening(found, theirs) as them:
            await play(here, 10)
            await me.until("now-playing", "The Lighthouse Keepers")
            await play(here, 20, **OF_GUEST, **FILM)
            await them.until("now-playing", "Nosferatu")
            await stop(here, 1200, **OF_GUEST, **FILM)
            await them.until("now-earlier", "Nosferatu")
            await here.send(notification("PlaybackProgress", NOW + timedelta(seconds=1), 601))
            await me.until("playback-3", "10:01")

    assert not any("Nosferatu" in html or "guest" in html for html in me.parts.values())
    assert not any("The Lighthouse Keepers" in html for html in them.parts.values())


async def test_nothing_is_told_twice(tmp_path: Path) -> None:
    async with site(tmp_path) as (here, found), listening(found, await owner_token(found)) as listener:
        await play(here, 10)
        await listener.until("now-playing", "The Lighthouse Keepers")
        await here.send(notification("PlaybackProgress", NOW + timedelta(seconds=1), 601))
        await listener.until("playback-1", "10:01")
        quiet = 0
        while quiet < 3:
            quiet = quiet + 1 if await listener.next() == "still here" else 0

    assert listener.again == []


async def test_a_revoked_sign_in_loses_its_stream(tmp_path: Path) -> None:
    async with site(tmp_path) as (here, found):
        token = await user_token(found, SERVER, VIEWER)
        async with listening(found, token) as listener:
            await listener.until("now-playing", "No media server yet")
            async with here.house.store.begin() as db:
                known = await sign_ins.by_token(db, fingerprint(token), NOW)
                assert known is not None
                await sign_ins.remove(db, [known.id])
            assert (await listener.rest())[-1] == "reload"
            await until(lambda: not here.house.live._listeners)


async def test_a_sign_in_that_is_over_loses_its_stream(tmp_path: Path) -> None:
    async with site(tmp_path) as (here, found), listening(found, await owner_token(found)) as listener:
        await listener.until("now-playing", "No media server yet")
        here.clock.at = NOW + timedelta(days=31)

        assert (await listener.rest())[-1] == "reload"


async def test_a_link_that_is_taken_away_takes_the_card_away(tmp_path: Path) -> None:
    async with site(tmp_path) as (here, found), listening(found, await owner_token(found)) as listener:
        await play(here, 10)
        await listener.until("now-playing", "The Lighthouse Keepers")
        await here.http.delete(f"/api/v1/links/{SERVER}/{VIEWER}")
        await listener.until("now-playing", "Nothing is playing")


async def test_a_database_that_goes_away_is_said_and_what_was_told_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site(tmp_path) as (here, found), listening(found, await owner_token(found)) as listener:
        await play(here, 10)
        await listener.until("now-playing", "The Lighthouse Keepers")
        with monkeypatch.context() as patched:
            patched.setattr(here.house.store, "read", gone)
            await listener.until("now-notices", "The database does not answer.")
        while "does not answer" in listener.parts["now-notices"]:
            await listener.next()

    assert listener.again == []


async def test_a_stream_ends_with_the_program(tmp_path: Path) -> None:
    async with site(tmp_path) as (here, found), listening(found, await owner_token(found)) as listener:
        await listener.until("now-playing", "No media server yet")
        here.house.live.close()

        assert "reload" not in await listener.rest()


async def test_who_leaves_makes_room_for_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST", 1)
    async with site(tmp_path) as (here, found):
        token = await owner_token(found)
        async with listening(found, token) as first:
            await first.until("now-playing", "No media server yet")
            async with httpx.AsyncClient(base_url=found.url, cookies={COOKIE: token}) as client:
                assert (await client.get("/now/stream")).status_code == 503
        await until(lambda: not here.house.live.is_full)
        async with listening(found, token) as second:
            await second.until("now-playing", "No media server yet")
