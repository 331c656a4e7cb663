"""One question to a Jellyfin server: how long to wait, how much to read, where to follow, and what a refusal means."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus

import httpx
import msgspec

from reconcile.errors import JellyfinMissing, JellyfinRefused, JellyfinSlow, JellyfinUnreachable, JellyfinUnreadable
from reconcile.jellyfin.clock import Answered, clock_offset, date_of

CONNECT = 5.0
SILENCE = 10.0
"""Seconds: for a connection, and for each read of an answer."""

TIMEOUT = httpx.Timeout(SILENCE, connect=CONNECT)

LONGEST_LOOK = 30.0
"""Seconds for what plays, the first byte and the last: a long queue has taken 20 (facts/peers.md §3, pitfall 40)."""

LONGEST = 60.0
"""Seconds for a whole answer, however slowly it drips."""

LARGEST = 64 * 1024 * 1024
"""Bytes: an answer about a thousand sessions has seven million."""

_REDIRECTS = 3
_EXCHANGES = 64


class Question(msgspec.Struct, frozen=True):
    """What is asked. *shown* stands for the path where that is secret; *largest* is in bytes.

    *longest* is how many seconds a whole answer may take, *silence* how many it may say nothing; None: `SILENCE`.
    """

    method: str
    path: str
    query: Mapping[str, str] = {}
    body: bytes | None = None
    accept: str = "application/json"
    shown: str | None = None
    longest: float = LONGEST
    silence: float | None = None
    largest: int = LARGEST

    def __repr__(self) -> str:
        """Return it fit for logs: neither query nor body, which may be secret."""
        return f"{self.method} {self.shown or self.path}"


class Answer(msgspec.Struct, frozen=True):
    """A body as it came, the instant of answering on the SERVER's clock (UTC), and how long we waited for all of it."""

    body: bytes
    server_at: datetime
    took: timedelta
    status: int = 200
    content_type: str = ""


def redacted(url: str | httpx.URL) -> str:
    """Return *url* without what may be secret: user, password, query and fragment."""
    try:
        known = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError, ValueError):
        return "(no URL)"
    return str(known.copy_with(userinfo=b"", query=None, fragment=None))


class Asker:
    """Asks one server. It shares *http*, whose life is its maker's; *now* is our clock (UTC)."""

    def __init__(self, url: str, http: httpx.AsyncClient, now: Callable[[], datetime]) -> None:
        self._base = _base(url)
        self._http = http
        self._now = now
        self._exchanges: deque[Answered] = deque(maxlen=_EXCHANGES)

    @property
    def url(self) -> str:
        """The server's address, fit for logs."""
        return redacted(self._base)

    @property
    def offset(self) -> timedelta:
        """What to add to our clock to have the server's, as far as its answers have told."""
        return clock_offset(self._exchanges)

    def doing(self, question: Question) -> str:
        """Return what *question* is, for the beginning of a sentence."""
        return f"{question!r} at {self.url}"

    async def ask(self, question: Question, credentials: str | None = None) -> Answer:
        """Return the answer, whatever its status, following redirects on the same host only.

        *credentials* is the Authorization header. Raises JellyfinUnreachable (JellyfinSlow among it) or
        JellyfinUnreadable.
        """
        doing = self.doing(question)
        url = self._base.copy_with(path=self._base.path.rstrip("/") + question.path)
        if question.query:
            url = url.copy_merge_params(question.query)
        try:
            async with asyncio.timeout(question.longest):
                for _hop in range(_REDIRECTS + 1):
                    response, answer = await self._asked(url, question, credentials)
                    if not response.has_redirect_location:
                        return answer
                    url = _next(url, response, doing)
        except TimeoutError as error:
            raise JellyfinSlow(f"{doing}: the answer was not whole after {question.longest:g} s.") from error
        raise JellyfinUnreachable(f"{doing}: it redirects in a circle. Give the URL at which Jellyfin itself answers.")

    async def _asked(
        self, url: httpx.URL, question: Question, credentials: str | None
    ) -> tuple[httpx.Response, Answer]:
        doing, headers = self.doing(question), {"Accept": question.accept}
        if credentials is not None:
            headers["Authorization"] = credentials
        if question.body is not None:
            headers["Content-Type"] = "application/json"
        request = self._http.build_request(
            question.method, url, headers=headers, content=question.body, timeout=_patience(question)
        )
        asked_at = self._now()
        try:
            response = await self._http.send(request, stream=True, follow_redirects=False)
            heard_at = self._now()
            try:
                body = await _whole(response, question.largest, doing)
            finally:
                await response.aclose()
        except httpx.ReadTimeout as error:
            raise JellyfinSlow(f"{doing}: no answer in time ({type(error).__name__}).") from error
        except httpx.TimeoutException as error:
            raise JellyfinUnreachable(f"{doing}: no answer in time ({type(error).__name__}).") from error
        except httpx.DecodingError as error:
            raise JellyfinUnreadable(f"{doing}: its compression could not be undone.") from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise JellyfinUnreachable(f"{doing}: {type(error).__name__}: {error}") from error
        date = date_of(response.headers.get("date"))
        if date is not None:
            self._exchanges.append(Answered(asked_at, heard_at, date))
        kind = response.headers.get("content-type", "")
        return response, Answer(body, heard_at + self.offset, self._now() - asked_at, response.status_code, kind)


def raise_for(question: Question, answer: Answer, doing: str) -> None:
    """Raise what a status other than 200, or 204 where nothing was to be read, means to the holder of a key."""
    status = answer.status
    if status == HTTPStatus.OK or (status == HTTPStatus.NO_CONTENT and question.method != "GET"):
        return
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise JellyfinRefused(
            f"{doing}: {status}. The API key is wrong, or was revoked: make one under Dashboard › API Keys."
        )
    if status == HTTPStatus.GATEWAY_TIMEOUT:
        raise JellyfinSlow(f"{doing}: {status}. What stands before the server has not waited for its answer.")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        raise JellyfinUnreachable(f"{doing}: {status}. The server is starting, or not well; later it may answer.")
    if status == HTTPStatus.NOT_FOUND:
        raise JellyfinMissing(f"{doing}: 404. Is this Jellyfin's address, with its base path?")
    raise JellyfinUnreadable(f"{doing}: {status}, which Jellyfin does not answer to this question.")


def _patience(question: Question) -> httpx.Timeout:
    silence = SILENCE if question.silence is None else question.silence
    return httpx.Timeout(SILENCE, connect=CONNECT, read=silence)


async def _whole(response: httpx.Response, largest: int, doing: str) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > largest:
            raise JellyfinUnreadable(f"{doing}: the answer is larger than {largest // 1024} KiB.")
        parts.append(part)
    return b"".join(parts)


def _base(url: str) -> httpx.URL:
    """Return the address of a server, its base path kept, without query and fragment."""
    try:
        base = httpx.URL(url.strip())
    except (httpx.InvalidURL, UnicodeError) as error:
        raise JellyfinUnreachable("The address of Jellyfin is no URL: it should look like http://host:8096") from error
    if base.scheme not in {"http", "https"} or not base.host:
        raise JellyfinUnreachable("The address of Jellyfin is no URL: it should look like http://host:8096")
    if base.userinfo:
        raise JellyfinUnreachable("The address of Jellyfin has a user name in it: leave it out, the API key is enough.")
    return base.copy_with(query=None, fragment=None)


def _next(url: httpx.URL, response: httpx.Response, doing: str) -> httpx.URL:
    """Return where a redirect leads, if the key may be sent there too: same host, and never from TLS to none."""
    try:
        target = url.join(response.headers["location"])
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise JellyfinUnreachable(f"{doing}: it redirects to something that is no URL.") from error
    is_upgrade = (url.scheme, target.scheme) == ("http", "https")
    if target.host != url.host or not (is_upgrade or (target.scheme, target.port) == (url.scheme, url.port)):
        raise JellyfinUnreachable(f"{doing}: it redirects to {redacted(target)}. If that is right, make it the URL.")
    return target
