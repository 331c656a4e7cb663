"""Posters are small, kept, bounded, and in nobody's way: a page without them is a page."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from receiver.posters import AWAY_FOR, FRESH, LARGEST, NONE_FOR, Posters, sniffed
from receiver.rehearsal.library import SERVER_ID, library
from receiver.rehearsal.pictures import picture
from reconcile.errors import JellyfinMissing, JellyfinUnreachable
from reconcile.jellyfin.client import Answer
from tests.receiver.houses import NINE_PM, Clock, program
from tests.simulated import KEY, URL, simulated

SERVER, FILM, EPISODE, SERIES = "5e" * 16, "f1" * 16, "e1" * 16, "5a" * 16
PNG = picture(FILM, 24, 36)


class Server:
    """Answers with what it was given: a picture, an error, or None where it cannot be asked."""

    def __init__(self, **told: Answer | Exception | None) -> None:
        self.told = {FILM: answer(PNG), **told}
        self.asked: list[str] = []
        self.is_asked, self.gate = asyncio.Event(), asyncio.Event()
        self.gate.set()

    async def __call__(self, _server_id: str, item_id: str, _width: int) -> Answer | None:
        self.asked.append(item_id)
        self.is_asked.set()
        await self.gate.wait()
        found = self.told.get(item_id, JellyfinMissing("404"))
        if isinstance(found, Exception):
            raise found
        return found


def answer(body: bytes, content_type: str = "image/png") -> Answer:
    return Answer(body, NINE_PM, timedelta(0), 200, content_type)


def kept_in(folder: Path) -> set[str]:
    """Return the items whose posters are kept."""
    return {path.name.rpartition("-")[2] for path in folder.iterdir()}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server() -> Server:
    return Server()


async def test_a_poster_is_fetched_once_and_then_kept(tmp_path: Path, server: Server, clock: Clock) -> None:
    posters = Posters(tmp_path / "posters", server, clock)

    first = await posters.of(SERVER, FILM)
    again = await Posters(tmp_path / "posters", server, clock).of(SERVER.upper(), FILM)

    assert first is not None
    assert (first.body, first.content_type, server.asked) == (PNG, "image/png", [FILM])
    assert first == again
    assert first.headers["etag"] == first.etag
    assert "private" in first.headers["cache-control"]


async def test_many_who_want_the_same_ask_once(tmp_path: Path, server: Server, clock: Clock) -> None:
    posters = Posters(tmp_path, server, clock)
    server.gate.clear()
    wanted = [asyncio.create_task(posters.of(SERVER, FILM)) for _ in range(5)]
    await server.is_asked.wait()
    wanted[0].cancel()
    server.gate.set()

    found = await asyncio.gather(*wanted, return_exceptions=True)

    assert isinstance(found[0], asyncio.CancelledError)
    assert [each.body for each in found[1:] if each is not None and not isinstance(each, BaseException)] == [PNG] * 4
    assert server.asked == [FILM]


async def test_the_series_poster_stands_for_an_episode_that_has_none(tmp_path: Path, clock: Clock) -> None:
    server = Server(**{SERIES: answer(PNG)})
    posters = Posters(tmp_path, server, clock)

    assert await posters.of(SERVER, EPISODE, None, SERIES) is not None
    assert await posters.of(SERVER, EPISODE) is None
    assert server.asked == [EPISODE, SERIES]


async def test_what_has_no_poster_is_asked_for_again_after_an_hour(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    posters = Posters(tmp_path, server, clock)
    for wait in (timedelta(0), NONE_FOR - timedelta(seconds=1), timedelta(seconds=1)):
        clock.at += wait
        assert await posters.of(SERVER, EPISODE) is None

    assert server.asked == [EPISODE, EPISODE]


@pytest.mark.parametrize(
    "trouble", [JellyfinUnreachable("away"), TimeoutError(), None], ids=["away", "slow", "unknown"]
)
async def test_a_server_that_does_not_answer_is_left_alone_for_a_while(
    tmp_path: Path, clock: Clock, trouble: Exception | None
) -> None:
    server = Server(**{EPISODE: trouble})
    posters = Posters(tmp_path, server, clock)

    nothing = [await posters.of(SERVER, each) for each in (EPISODE, FILM)]
    clock.at += AWAY_FOR
    found = await posters.of(SERVER, FILM)

    assert nothing == [None, None]
    assert found is not None
    assert server.asked == [EPISODE, FILM]


async def test_an_old_poster_is_asked_for_anew_and_shown_while_its_server_is_away(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    posters = Posters(tmp_path, server, clock)
    await posters.of(SERVER, FILM)
    clock.at += FRESH
    server.told[FILM] = JellyfinUnreachable("away")
    shown = await posters.of(SERVER, FILM)
    server.told[FILM] = answer(picture(FILM, 30, 45))
    clock.at += AWAY_FOR

    after = await posters.of(SERVER, FILM)

    assert shown is not None
    assert shown.body == PNG
    assert after is not None
    assert after.body == picture(FILM, 30, 45)


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(answer(b"<svg onload=x>", "image/svg+xml"), id="a drawing"),
        pytest.param(answer(b"<html>", "image/png"), id="a page that says it is a picture"),
        pytest.param(answer(PNG, "text/html"), id="a picture that says it is a page"),
        pytest.param(answer(PNG + b"\0" * LARGEST), id="too large"),
        pytest.param(answer(b""), id="nothing"),
        pytest.param(RuntimeError("an error of ours"), id="an error of ours"),
    ],
)
async def test_what_is_no_small_picture_is_not_shown_nor_kept(
    tmp_path: Path, clock: Clock, told: Answer | Exception
) -> None:
    assert await Posters(tmp_path, Server(**{FILM: told}), clock).of(SERVER, FILM) is None
    assert kept_in(tmp_path) == set()


@pytest.mark.parametrize("item", ["", "../../secret.key", "f1", None])
async def test_what_is_no_id_is_not_asked_for(tmp_path: Path, server: Server, clock: Clock, item: str | None) -> None:
    assert await Posters(tmp_path, server, clock).of(SERVER, item) is None
    assert await Posters(tmp_path, server, clock).of("..", FILM) is None
    assert server.asked == []


async def test_what_was_not_looked_at_for_longest_makes_room(tmp_path: Path, clock: Clock) -> None:
    films = [f"{number:032x}" for number in range(6)]
    server = Server(**{film: answer(PNG) for film in films})
    posters = Posters(tmp_path, server, clock, room=5 * len(PNG))
    for film in [*films[:5], films[0], films[5]]:
        clock.at += timedelta(minutes=1)
        await posters.of(SERVER, film)

    assert kept_in(tmp_path) == {films[0], *films[3:]}


async def test_a_folder_that_cannot_be_written_keeps_nothing_and_shows_all(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    (tmp_path / "posters").write_text("a file stands here")

    assert await Posters(tmp_path / "posters", server, clock).of(SERVER, FILM) is not None


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"GIF89a", None),
    ],
)
def test_a_picture_is_known_by_its_first_bytes(body: bytes, kind: str | None) -> None:
    assert sniffed(body) == kind


async def test_the_house_has_the_posters_of_its_servers(tmp_path: Path) -> None:
    film, episode = library().films[0], library().episodes[0][0]
    assert episode.series is not None
    async with simulated() as jellyfin, program(tmp_path, http=jellyfin.http) as here:
        await here.house.wires.meet(URL, KEY)

        found = await here.house.posters.of(SERVER_ID, film.id)
        series = await here.house.posters.of(SERVER_ID, episode.series.id, episode.id)
        none = await here.house.posters.of(SERVER_ID, library().shorts[0].id)

        assert found is not None
        assert (found.content_type, none) == ("image/png", None)
        assert series is not None
        assert series.body != found.body
