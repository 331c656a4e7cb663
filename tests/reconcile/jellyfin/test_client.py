"""What we ask of a server, and what its answers, refusals and silences become."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from reconcile.errors import JellyfinError, JellyfinRefused, JellyfinUnreachable, JellyfinUnreadable
from reconcile.jellyfin.client import JellyfinClient, redacted
from tests.recordings.shapes import SERIES, SERVER, recording

KEY = "0123456789abcdef0123456789abcdef"
EIGHT = datetime(2026, 11, 22, 20, tzinfo=UTC)
Answering = Callable[[httpx.Request], httpx.Response]

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Clock:
    """Ours: every look at it takes a tenth of a second."""

    def __init__(self) -> None:
        self.at = EIGHT

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=100)
        return self.at


class Server:
    """Answers with recordings, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path = request.url.path.removeprefix("/media")
        if path == "/System/Info/Public":
            return httpx.Response(200, json={"Id": SERVER, "ServerName": "media", "Version": "10.11.11"})
        if request.headers.get("authorization") != f'MediaBrowser Token="{KEY}"':
            return httpx.Response(401)
        return httpx.Response(200, content=recording(f"{path[1:].lower()}.json"))


def client(answering: Answering, url: str = "http://jellyfin.test:8096/media/", key: str = KEY) -> JellyfinClient:
    return JellyfinClient(url, key, httpx.AsyncClient(transport=httpx.MockTransport(answering)), Clock())


def always(status: int, headers: dict[str, str] | None = None) -> Answering:
    return lambda _request: httpx.Response(status, headers=headers)


def failing(error: Exception) -> Answering:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise error

    return fail


async def test_sessions_are_asked_for_with_the_key_in_the_header_and_nothing_in_the_query() -> None:
    server = Server()

    answer = await client(server).sessions()

    assert answer.body == recording("sessions.json")
    assert str(server.asked[0].url) == "http://jellyfin.test:8096/media/Sessions"
    assert answer.took >= timedelta(milliseconds=100)


async def test_the_server_is_asked_who_it_is_without_the_key() -> None:
    server = Server()

    assert (await client(server).public_info()).id == SERVER
    assert "authorization" not in server.asked[0].headers


async def test_items_are_asked_for_once_each_in_batches() -> None:
    server = Server()
    ids = [f"{number:032x}" for number in range(150)]

    found = await client(server).items([*ids, SERIES, ids[0].upper()], user_id=SERVER)

    first, second = (request.url.params for request in server.asked)
    assert (len(first["ids"].split(",")), len(second["ids"].split(","))) == (100, 51)
    assert (first["fields"], first["userId"]) == ("ProviderIds", SERVER)
    assert found[0].item_id == SERIES
    assert await client(server).items([]) == ()


async def test_users_and_plugins_are_read() -> None:
    assert [user.name for user in await client(Server()).users()] == ["viewer", "guest"]
    assert [plugin.name for plugin in await client(Server()).plugins()] == ["Webhook"]


async def test_an_answers_time_is_the_servers() -> None:
    headers = {"Date": "Sun, 22 Nov 2026 20:01:40 GMT"}
    asking = client(always(200, headers))

    answer = await asking.sessions()

    assert abs(answer.server_at - (EIGHT + timedelta(seconds=101))) <= timedelta(seconds=1)
    assert abs(asking.offset - timedelta(seconds=101)) <= timedelta(seconds=1)


async def test_without_a_date_the_clocks_are_taken_to_agree() -> None:
    assert (await client(always(200)).sessions()).server_at == EIGHT + timedelta(milliseconds=200)


@pytest.mark.parametrize(
    ("answering", "ours", "words"),
    [
        (always(401), JellyfinRefused, "API key is wrong"),
        (always(403), JellyfinRefused, "API Keys"),
        (always(404), JellyfinUnreadable, "base path"),
        (always(418), JellyfinUnreadable, "418"),
        (always(204), JellyfinUnreadable, "204"),
        (always(429), JellyfinUnreachable, "429"),
        (always(503), JellyfinUnreachable, "starting"),
        (
            always(302, {"Location": "http://elsewhere.test/Sessions?token=secret"}),
            JellyfinUnreachable,
            "elsewhere.test/S",
        ),
        (always(302, {"Location": "http://jellyfin.test:9999/Sessions"}), JellyfinUnreachable, "redirects to"),
        (always(302, {"Location": "/media/Sessions"}), JellyfinUnreachable, "in a circle"),
        (always(302, {"Location": "http://[::1"}), JellyfinUnreachable, "Invalid URL"),
        (failing(httpx.ConnectError("All connection attempts failed")), JellyfinUnreachable, "ConnectError"),
        (failing(httpx.ReadTimeout("")), JellyfinUnreachable, "no answer in time"),
        (failing(httpx.RemoteProtocolError("closed")), JellyfinUnreachable, "closed"),
        (failing(httpx.DecodingError("bad gzip")), JellyfinUnreadable, "compression"),
    ],
)
async def test_what_goes_wrong_becomes_ours_and_tells_no_secret(
    answering: Answering, ours: type[JellyfinError], words: str
) -> None:
    with pytest.raises(ours, match=words) as raised:
        await client(answering).sessions()

    text = "".join(traceback.format_exception(raised.value))
    assert "GET /Sessions at http://jellyfin.test:8096/media" in str(raised.value)
    assert KEY not in text
    assert "secret" not in str(raised.value)


async def test_a_body_that_cannot_be_read_is_ours_too() -> None:
    with pytest.raises(JellyfinUnreadable, match="users could not be read"):
        await client(always(200)).users()


@pytest.mark.parametrize(
    "location", ["http://jellyfin.test:8096/other/Sessions", "https://jellyfin.test/media/Sessions", "/other/Sessions"]
)
async def test_a_redirect_on_the_same_host_is_followed_with_the_key(location: str) -> None:
    seen: list[str] = []

    def moved(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return (
            httpx.Response(200, content=b"[]")
            if len(seen) == 2
            else httpx.Response(308, headers={"Location": location})
        )

    assert (await client(moved).sessions()).body == b"[]"
    assert seen == [f'MediaBrowser Token="{KEY}"'] * 2


async def test_a_redirect_from_tls_to_none_is_not_followed() -> None:
    with pytest.raises(JellyfinUnreachable, match="redirects to"):
        await client(always(301, {"Location": "http://jellyfin.test/Sessions"}), "https://jellyfin.test").sessions()


@pytest.mark.parametrize(
    "url", ["", "jellyfin", "ftp://jellyfin.test", "http://", "http://[::1", "http://a:b@jellyfin.test"]
)
async def test_an_address_that_is_none_is_refused_before_anything_is_asked(url: str) -> None:
    with pytest.raises(JellyfinUnreachable, match="address of Jellyfin"):
        client(always(200), url)


@pytest.mark.parametrize("key", ["", "  ", 'a"b', "a\r\nb", "schlüssel"])
async def test_a_key_that_cannot_be_sent_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(JellyfinRefused, match="copy it again"):
        client(always(200), key=key)


def test_a_redacted_url_has_neither_user_nor_query() -> None:
    assert redacted("http://a:b@host:8096/base?api_key=secret#x") == "http://host:8096/base"
    assert redacted("http://[::1") == "(no URL)"
