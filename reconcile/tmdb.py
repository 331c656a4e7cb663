"""Asking The Movie Database for the number of a film or series that another source numbers (``/find``)."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import httpx
import msgspec

from reconcile.errors import TmdbRefused, TmdbUnreachable, TmdbUnreadable

URL = "https://api.themoviedb.org"

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
"""Seconds: for a connection, and for each read of an answer."""

LONGEST = 20.0
"""Seconds for a whole answer."""

_SOURCES = {"tvdb": "tvdb_id", "imdb": "imdb_id"}


class _Result(msgspec.Struct, frozen=True):
    id: int


class _Found(msgspec.Struct, frozen=True):
    movie_results: list[_Result] = []
    tv_results: list[_Result] = []


class TmdbClient:
    """Asks with *api_key*: a short one (v3) can only go in the query, a read access token (v4) goes in the header.

    It shares *http*, whose life is its maker's. No error tells an address with its query.
    """

    def __init__(self, api_key: str, http: httpx.AsyncClient, *, url: str = URL, longest: float = LONGEST) -> None:
        self._key = api_key.strip()
        self._http = http
        self._url = url.rstrip("/")
        self._longest = longest

    async def find(self, kind: str, source: str, value: str) -> str | None:
        """Return TMDB's id of the *kind* (``movie`` or ``series``) that *source* (``tvdb``, ``imdb``) calls *value*.

        None: TMDB knows none, or more than one. Raises TmdbUnreachable, TmdbRefused or TmdbUnreadable.
        """
        if not (value.isascii() and value.isalnum()):
            return None
        doing = f"Asking TMDB for the {kind} that {source.upper()} calls {value}"
        body = await self._asked(f"/3/find/{value}", {"external_source": _SOURCES[source]}, doing)
        try:
            told = msgspec.json.decode(body, type=_Found)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise TmdbUnreadable(f"{doing}: its answer could not be read ({type(error).__name__}).") from error
        results = told.movie_results if kind == "movie" else told.tv_results
        ids = {each.id for each in results}
        return str(ids.pop()) if len(ids) == 1 else None

    async def _asked(self, path: str, query: dict[str, str], doing: str) -> bytes:
        headers = {"Accept": "application/json"}
        if "." in self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        else:
            query = {**query, "api_key": self._key}
        request = self._http.build_request("GET", self._url + path, params=query, headers=headers, timeout=TIMEOUT)
        try:
            async with asyncio.timeout(self._longest):
                response = await self._http.send(request, follow_redirects=False)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TimeoutError) as error:
            # Its own words may hold the address, and with it the key.
            raise TmdbUnreachable(f"{doing}: {type(error).__name__}.") from None
        if response.status_code == HTTPStatus.OK:
            return response.content
        if response.status_code == HTTPStatus.NOT_FOUND:
            return b"{}"
        if response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise TmdbRefused(f"{doing}: {response.status_code}. TMDB_API_KEY is wrong, or was revoked.")
        raise TmdbUnreachable(f"{doing}: {response.status_code}. It wants to be asked later.")
