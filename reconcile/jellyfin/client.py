"""Asking a Jellyfin server: what to ask, how long to wait, and what its refusals mean (facts B7, B9)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import httpx
import msgspec

from reconcile.errors import JellyfinRefused, JellyfinUnreachable, JellyfinUnreadable
from reconcile.jellyfin import catalogue, episodes
from reconcile.jellyfin.catalogue import CatalogueItem, JellyfinUser, Plugin, PublicInfo
from reconcile.jellyfin.clock import Answered, clock_offset, date_of
from reconcile.playback.identity import normalised_id
from reconcile.playback.progress import Totals

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
"""Seconds: for a connection, and for each read of an answer."""

_BATCH = 100
"""How many ids one ``GET /Items`` names: 33 characters each, in a URL that proxies limit to 4 or 8 KB."""

_REDIRECTS = 3
_EXCHANGES = 64
_ALLOWED_IN_KEY = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.~")


class Answer(msgspec.Struct, frozen=True):
    """A body as it came, the instant of answering on the SERVER's clock (UTC), and how long we waited for all of it."""

    body: bytes
    server_at: datetime
    took: timedelta


def redacted(url: str | httpx.URL) -> str:
    """Return *url* without what may be secret: user, password, query and fragment."""
    try:
        known = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError, ValueError):
        return "(no URL)"
    return str(known.copy_with(userinfo=b"", query=None, fragment=None))


class JellyfinClient:
    """Asks one server. It shares *http*, whose life is its maker's; *now* is our clock (UTC).

    All its questions raise JellyfinUnreachable (no answer, or a server that is not well), JellyfinRefused (the key is
    wrong or may not) or JellyfinUnreadable (it is no Jellyfin, or says what we do not understand).
    """

    def __init__(
        self, url: str, api_key: str, http: httpx.AsyncClient, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._base = _base(url)
        self._key = _checked(api_key.strip())
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

    async def public_info(self) -> PublicInfo:
        """Return who the server says it is. Needs no key, and sends none."""
        return catalogue.public_info((await self._get("/System/Info/Public", is_public=True)).body)

    async def sessions(self) -> Answer:
        """Return all sessions, still as bytes (`reconcile.jellyfin.sessions.decode_snapshot` reads them).

        Nothing is filtered: ``controllableByUserId`` would hide players without remote control (facts B7).
        """
        return await self._get("/Sessions")

    async def users(self) -> tuple[JellyfinUser, ...]:
        """Return the server's users."""
        return catalogue.users((await self._get("/Users")).body)

    async def items(self, ids: Iterable[str], user_id: str | None = None) -> tuple[CatalogueItem, ...]:
        """Return what the library knows of *ids*; those that it does not know are not in the answer.

        *user_id* is needed by Jellyfin 10.8 only (facts B9).
        """
        wanted = list(dict.fromkeys(normalised_id(item_id) for item_id in ids))
        found: list[CatalogueItem] = []
        for start in range(0, len(wanted), _BATCH):
            query = {"ids": ",".join(wanted[start : start + _BATCH]), "fields": "ProviderIds"}
            if user_id is not None:
                query["userId"] = normalised_id(user_id)
            found.extend(catalogue.catalogue_items((await self._get("/Items", query)).body))
        return tuple(found)

    async def series_running(self, ids: Iterable[str]) -> dict[str, bool | None]:
        """Return of each series of *ids* whether more of it will come, None where the server does not know."""
        wanted = sorted({normalised_id(item_id) for item_id in ids})
        found: dict[str, bool | None] = {}
        for start in range(0, len(wanted), _BATCH):
            query = {"ids": ",".join(wanted[start : start + _BATCH]), "enableUserData": "false"}
            found |= episodes.running((await self._get("/Items", query)).body)
        return found

    async def series_totals(self, item_id: str, *, is_running: bool | None) -> Totals:
        """Return how many episodes a series has. A series that is gone is JellyfinUnreadable (404)."""
        query = {"enableImages": "false", "enableUserData": "false"}
        answer = await self._get(f"/Shows/{normalised_id(item_id)}/Episodes", query)
        return episodes.totals(answer.body, answer.server_at, is_running=is_running)

    async def plugins(self) -> tuple[Plugin, ...]:
        """Return the installed plugins. The key must be an administrator's, as every API key is."""
        return catalogue.plugins((await self._get("/Plugins")).body)

    async def plugin_configuration(self, plugin_id: str) -> bytes:
        """Return a plugin's configuration as it came; its keys and tokens may be in it."""
        return (await self._get(f"/Plugins/{normalised_id(plugin_id)}/Configuration")).body

    async def _get(self, path: str, query: Mapping[str, str] | None = None, *, is_public: bool = False) -> Answer:
        """GET *path* under the base path, following redirects on the same host only."""
        url = self._base.copy_with(path=self._base.path.rstrip("/") + path)
        if query:
            url = url.copy_merge_params(query)
        doing = f"GET {path} at {self.url}"
        for _hop in range(_REDIRECTS + 1):
            response, answer = await self._asked(url, doing, is_public=is_public)
            if not response.has_redirect_location:
                _raise_for(response.status_code, doing)
                return answer
            url = _next(url, response, doing)
        raise JellyfinUnreachable(f"{doing}: it redirects in a circle. Give the URL at which Jellyfin itself answers.")

    async def _asked(self, url: httpx.URL, doing: str, *, is_public: bool) -> tuple[httpx.Response, Answer]:
        headers = {"Accept": "application/json"}
        if not is_public:
            headers["Authorization"] = f'MediaBrowser Token="{self._key}"'
        request = self._http.build_request("GET", url, headers=headers, timeout=TIMEOUT)
        asked_at = self._now()
        try:
            response = await self._http.send(request, stream=True, follow_redirects=False)
            heard_at = self._now()
            try:
                body = await response.aread()
            finally:
                await response.aclose()
        except httpx.TimeoutException as error:
            raise JellyfinUnreachable(f"{doing}: no answer in time ({type(error).__name__}).") from error
        except httpx.DecodingError as error:
            raise JellyfinUnreadable(f"{doing}: its compression could not be undone.") from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise JellyfinUnreachable(f"{doing}: {type(error).__name__}: {error}") from error
        date = date_of(response.headers.get("date"))
        if date is not None:
            self._exchanges.append(Answered(asked_at, heard_at, date))
        return response, Answer(body, heard_at + self.offset, self._now() - asked_at)


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


def _checked(api_key: str) -> str:
    """Return *api_key* if it can be sent; a key with a line break would end up in an error's text."""
    if not api_key or not _ALLOWED_IN_KEY.issuperset(api_key):
        raise JellyfinRefused("The API key is empty, or has characters that no key of Jellyfin has: copy it again.")
    return api_key


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


def _raise_for(status: int, doing: str) -> None:
    if status == HTTPStatus.OK:
        return
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise JellyfinRefused(
            f"{doing}: {status}. The API key is wrong, or was revoked: make one under Dashboard › API Keys."
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        raise JellyfinUnreachable(f"{doing}: {status}. The server is starting, or not well; later it may answer.")
    if status == HTTPStatus.NOT_FOUND:
        raise JellyfinUnreadable(f"{doing}: 404. Is this Jellyfin's address, with its base path?")
    raise JellyfinUnreadable(f"{doing}: {status}, which Jellyfin does not answer to this question.")
