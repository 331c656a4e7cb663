"""A question ends: by an answer that is not too large, or by a time limit; and it shows nothing that is secret."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from reconcile.errors import JellyfinMissing, JellyfinSlow, JellyfinUnreachable, JellyfinUnreadable
from reconcile.jellyfin import asking, client
from reconcile.jellyfin.asking import Asker, Question, raise_for
from reconcile.jellyfin.client import JellyfinClient
from tests.loopback import listening
from tests.simulated import BEGAN, KEY, URL, Jellyfin, simulated


class Dripping(httpx.AsyncByteStream):
    """An answer that goes on for ever, byte after byte."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b"."
            await asyncio.sleep(0.001)


def asker(answering: Callable[[httpx.Request], httpx.Response]) -> Asker:
    return Asker(URL, httpx.AsyncClient(transport=httpx.MockTransport(answering)), lambda: BEGAN)


async def test_an_answer_that_never_ends_is_given_up() -> None:
    dripping = asker(lambda _request: httpx.Response(200, stream=Dripping()))

    with pytest.raises(JellyfinUnreachable, match=r"not whole after 0\.05 s"):
        await dripping.ask(Question("GET", "/Sessions", longest=0.05))


async def thinks(_path: str) -> bytes:
    """Say nothing for a while, and then that nothing plays."""
    await asyncio.sleep(0.3)
    return b"[]"


async def test_what_plays_may_take_longer_to_say_than_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pitfall 40, a hundred times faster: 20 s before the first byte, where 10 s are enough for other questions."""
    monkeypatch.setattr(asking, "SILENCE", 0.1)
    monkeypatch.setattr(client, "LONGEST_LOOK", 5.0)
    async with listening(thinks) as url, httpx.AsyncClient() as http:
        jellyfin = JellyfinClient(url, KEY, http, lambda: BEGAN)

        look = await jellyfin.sessions()
        with pytest.raises(JellyfinSlow, match="no answer in time"):
            await jellyfin.users()

    assert look.body == b"[]"


async def test_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LONGEST_LOOK", 0.1)
    async with listening(thinks) as url, httpx.AsyncClient() as http:
        with pytest.raises(JellyfinSlow):
            await JellyfinClient(url, KEY, http, lambda: BEGAN).sessions()


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        pytest.param(httpx.ReadTimeout(""), JellyfinSlow, id="it has the question, and says nothing"),
        pytest.param(httpx.ConnectTimeout(""), JellyfinUnreachable, id="it cannot even be reached"),
        pytest.param(httpx.ConnectError(""), JellyfinUnreachable, id="nobody is there"),
    ],
)
async def test_a_server_that_is_slow_is_not_one_that_is_away(raised: Exception, expected: type[Exception]) -> None:
    def fails(_request: httpx.Request) -> httpx.Response:
        raise raised

    with pytest.raises(JellyfinUnreachable) as caught:
        await asker(fails).ask(Question("GET", "/Sessions"))

    assert type(caught.value) is expected


async def test_a_proxy_that_waited_in_vain_says_that_the_server_is_slow() -> None:
    question, late = Question("GET", "/Sessions"), asker(lambda _request: httpx.Response(504))

    answer = await late.ask(question)

    with pytest.raises(JellyfinSlow):
        raise_for(question, answer, late.doing(question))


async def test_an_answer_that_is_too_large_is_not_read_to_its_end() -> None:
    large = asker(lambda _request: httpx.Response(200, content=b"x" * 5000))

    with pytest.raises(JellyfinUnreadable, match="larger than 4 KiB"):
        await large.ask(Question("GET", "/Items", largest=4096))


@pytest.mark.parametrize("status", [301, 307, 308])
async def test_what_is_sent_is_sent_again_where_the_same_host_redirects(status: int) -> None:
    seen: list[tuple[str, bytes]] = []

    def moved(request: httpx.Request) -> httpx.Response:
        seen.append((request.method, request.content))
        return httpx.Response(204) if len(seen) > 1 else httpx.Response(status, headers={"location": "/base/x"})

    answer = await asker(moved).ask(Question("POST", "/x", body=b"{}"))

    assert (answer.status, seen) == (204, [("POST", b"{}")] * 2)


def test_a_question_shows_neither_its_query_nor_its_body() -> None:
    question = Question("POST", "/Auth/Keys/secret", {"secret": "secret"}, b"secret", shown="/Auth/Keys/…")

    assert repr(question) == "POST /Auth/Keys/…"


@pytest.fixture
async def jellyfin() -> AsyncIterator[Jellyfin]:
    async with simulated() as found:
        yield found


async def test_the_error_about_a_key_does_not_repeat_it(jellyfin: Jellyfin) -> None:
    client = JellyfinClient(URL, KEY, jellyfin.http, jellyfin.watch)
    jellyfin.face.trouble.status = 500

    with pytest.raises(JellyfinUnreachable) as raised:
        await client.remove_api_key("5e5e5e")

    assert "5e5e5e" not in str(raised.value)


async def test_a_picture_comes_as_wide_as_it_is_wanted_or_is_missing(jellyfin: Jellyfin) -> None:
    client = JellyfinClient(URL, KEY, jellyfin.http, jellyfin.watch)
    film, short = jellyfin.face.library.films[0], jellyfin.face.library.shorts[0]

    found = await client.picture(film.id, 240)

    assert (found.content_type, found.body[16:24]) == ("image/png", (240).to_bytes(4, "big") + (360).to_bytes(4, "big"))
    for item_id in (short.id, "../Users"):
        with pytest.raises(JellyfinMissing):
            await client.picture(item_id, 240)
