"""Asking Seerr: what to ask, how long to wait, and what its refusals mean (facts A1 to A6, B7).

Nothing is asked with a parameter that a route does not know: Seerr answers those with 400. Every question has a limit
for its whole answer: some questions are never answered at all (facts A1).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import httpx
import msgspec

from reconcile.errors import (
    SeerrMissing,
    SeerrReadOnly,
    SeerrRefused,
    SeerrUnreachable,
    SeerrUnreadable,
    SeerrUnready,
)
from reconcile.seerr import answers
from reconcile.seerr.answers import (
    JellyfinOfSeerr,
    Listed,
    PublicSettings,
    SeerrMedia,
    SeerrUser,
    SeriesTotals,
    Tracked,
)

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
"""Seconds: for a connection, and for each read of an answer."""

LONGEST = 30.0
"""Seconds for a whole answer, however slowly it drips. ``/status`` asks GitHub before it answers (facts A2)."""

PAGE = 100
_MOST_PAGES = 10_000
_MOST_LISTED_PAGES = 200
_ALLOWED_IN_KEY = frozenset(map(chr, range(0x21, 0x7F)))
_OK = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT})


class Removal(StrEnum):
    """What became of the wish to take something from a watchlist."""

    REMOVED = "removed"
    NOT_LISTED = "not listed"
    AMBIGUOUS = "ambiguous"
    """This version removes by number alone, and the list has a film and a series of that number."""


class Answer(msgspec.Struct, frozen=True):
    """A status and a body."""

    status: int
    body: bytes


class SeerrClient:
    """Asks one Seerr. It shares *http*, whose life is its maker's; *longest* is in seconds.

    All its questions raise SeerrUnreachable, SeerrRefused (with SeerrUnready and SeerrReadOnly), SeerrMissing or
    SeerrUnreadable.
    """

    def __init__(self, url: str, api_key: str, http: httpx.AsyncClient, *, longest: float = LONGEST) -> None:
        self._base = _base(url)
        self._key = _checked(api_key.strip())
        self._http = http
        self._longest = longest

    @property
    def url(self) -> str:
        """The address, fit for logs."""
        return str(self._base).rstrip("/")

    # --- what it is -----------------------------------------------------------------------------------------------

    async def public_settings(self) -> PublicSettings:
        """Return what Seerr tells everybody. Needs no key, sends none, and is purely local to Seerr (facts A2)."""
        return answers.public_settings((await self._asked("GET", "/settings/public", is_public=True)).body)

    async def version(self) -> str:
        """Return the version, to be shown. Not to be asked often: a release asks GitHub on each call (facts A2)."""
        return answers.version((await self._asked("GET", "/status", is_public=True)).body)

    async def jellyfin(self) -> JellyfinOfSeerr:
        """Return how Seerr reaches its Jellyfin, with its key (facts A4)."""
        return answers.jellyfin((await self._asked("GET", "/settings/jellyfin")).body)

    async def can_track(self) -> bool:
        """Say whether this is the fork that keeps watches (facts B7)."""
        try:
            body = (await self._asked("GET", "/tracking/watch")).body
        except SeerrMissing:
            return False
        return body.lstrip().startswith(b"{") and b'"results"' in body

    # --- lists ----------------------------------------------------------------------------------------------------

    async def users(self) -> list[SeerrUser]:
        """Return all users, each once, in the order of their ids (facts A3)."""
        found: dict[int, SeerrUser] = {}
        async for _total, rows in self._pages("/user", "users", {}):
            told = (answers.user(row) for row in rows)
            found.update((each.id, each) for each in told if each is not None)
        return [found[number] for number in sorted(found)]

    async def media(self, *, latest_first: bool = False) -> AsyncIterator[tuple[int, list[SeerrMedia]]]:
        """Yield the media page by page, each with how many there are in all (facts A5)."""
        query = {"sort": "modified"} if latest_first else {}
        async for total, rows in self._pages("/media", "media", query):
            told = (answers.media(row) for row in rows)
            yield total, [each for each in told if each is not None]

    async def series(self, tmdb_id: str) -> SeriesTotals:
        """Return how many episodes a series has; Seerr must reach TMDB for this (facts A5)."""
        return answers.series((await self._asked("GET", f"/tv/{_number(tmdb_id)}")).body)

    # --- in the name of a user ------------------------------------------------------------------------------------

    async def watchlist(self, user_id: int) -> list[Listed]:
        """Return the watchlist of a user (facts A6)."""
        found: list[Listed] = []
        for number in range(1, _MOST_LISTED_PAGES):
            asked = await self._asked("GET", f"/user/{_user(user_id)}/watchlist", {"page": str(number)})
            entries, pages = answers.watchlist(asked.body)
            found.extend(entries)
            if number >= pages or not entries:
                break
        return found

    async def unlist(self, user_id: int, media_type: str, tmdb_id: str) -> Removal:
        """Take something from a user's watchlist, and never another thing of the same number.

        Seerr after 3.1.0 wants the media type; 3.1.0 and before refuse it and go by the number alone (facts A6), so
        there the list decides first whether the number means one thing only.
        """
        path = f"/watchlist/{_number(tmdb_id)}"
        told = await self._told("DELETE", path, {"mediaType": media_type}, as_user=user_id)
        if told.status == HTTPStatus.BAD_REQUEST and b"query param" in told.body.lower():
            same = {each.media_type for each in await self.watchlist(user_id) if each.tmdb_id == tmdb_id}
            if media_type not in same:
                return Removal.NOT_LISTED
            if len(same) > 1:
                return Removal.AMBIGUOUS
            told = await self._told("DELETE", path, as_user=user_id)
        if told.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND} and b"not found" in told.body.lower():
            return Removal.NOT_LISTED
        await self._raise_for(told, f"DELETE {path} at {self.url}", user_id)
        return Removal.REMOVED

    async def track(
        self,
        user_id: int,
        *,
        media_id: int,
        media_type: str,
        season: int | None,
        episode: int | None,
        minutes: int,
        watched_at: datetime,
    ) -> None:
        """Have the fork keep a watch of a user (facts B7)."""
        told: dict[str, Any] = {"mediaId": media_id, "mediaType": media_type, "runtimeMinutes": minutes}
        if media_type == answers.TV:
            told |= {"seasonNumber": season, "episodeNumber": episode}
        told["watchedAt"] = watched_at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{watched_at.microsecond // 1000:03}Z"
        await self._asked("POST", "/tracking/watch", json=told, as_user=user_id)

    async def tracked(self, user_id: int, media_id: int) -> list[Tracked]:
        """Return what the fork keeps of a user and one media."""
        return answers.tracked((await self._asked("GET", f"/tracking/watch/{media_id}", as_user=user_id)).body)

    # --- asking ---------------------------------------------------------------------------------------------------

    async def _pages(
        self, path: str, what: str, query: Mapping[str, str]
    ) -> AsyncIterator[tuple[int, list[dict[str, Any]]]]:
        skip = 0
        for _page in range(_MOST_PAGES):
            asked = await self._asked("GET", path, {"take": str(PAGE), "skip": str(skip), **query})
            told = answers.page(asked.body, what)
            yield told.total, told.results
            skip += len(told.results)
            if not told.results or skip >= told.total:
                return

    async def _asked(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        json: Mapping[str, Any] | None = None,
        as_user: int | None = None,
        is_public: bool = False,
    ) -> Answer:
        told = await self._told(method, path, query, json=json, as_user=as_user, is_public=is_public)
        await self._raise_for(told, f"{method} {path} at {self.url}", as_user)
        return told

    async def _told(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        json: Mapping[str, Any] | None = None,
        as_user: int | None = None,
        is_public: bool = False,
    ) -> Answer:
        url = self._base.copy_with(path=self._base.path.rstrip("/") + "/api/v1" + path)
        headers = {"Accept": "application/json"}
        if not is_public:
            headers["X-Api-Key"] = self._key
        if as_user is not None:
            headers["X-API-User"] = str(_user(as_user))
        doing = f"{method} {path} at {self.url}"
        request = self._http.build_request(
            method, url, params=query or None, json=json, headers=headers, timeout=TIMEOUT
        )
        try:
            async with asyncio.timeout(self._longest):
                response = await self._http.send(request, follow_redirects=False)
        except (httpx.TimeoutException, TimeoutError) as error:
            raise SeerrUnreachable(f"{doing}: no whole answer in time ({type(error).__name__}).") from error
        except httpx.DecodingError as error:
            raise SeerrUnreadable(f"{doing}: its compression could not be undone.") from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise SeerrUnreachable(f"{doing}: {type(error).__name__}: {error}") from error
        return Answer(response.status_code, response.content)

    async def _raise_for(self, told: Answer, doing: str, as_user: int | None) -> None:
        status = told.status
        if status in _OK:
            return
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise await self._refusal(told, doing, as_user)
        if status == HTTPStatus.NOT_FOUND:
            raise SeerrMissing(f"{doing}: 404. Seerr does not have this; or is this not Seerr's address?")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            raise SeerrUnreachable(f"{doing}: {status}. Seerr, or what it asks itself, is not well; later it may be.")
        if status in range(300, 400):
            raise SeerrUnreachable(f"{doing}: it redirects. Give the URL at which Seerr itself answers.")
        raise SeerrUnreadable(f"{doing}: {status}, which Seerr does not answer to this question.")

    async def _refusal(self, told: Answer, doing: str, as_user: int | None) -> SeerrRefused:
        """Return what a 401 or 403 means: it says the same in different cases (facts A1)."""
        if b"csrf" in told.body.lower():
            return SeerrReadOnly(
                f"{doing}: Seerr's CSRF protection refuses it. Turn that off under Settings › Network, or do without."
            )
        if not (await self.public_settings()).initialized:
            return SeerrUnready(f"{doing}: {told.status}. Seerr's own set-up is not finished: finish it first.")
        if as_user is not None:
            return SeerrRefused(
                f"{doing}: {told.status}. Seerr has no user {as_user}, or they may not; or the key is wrong."
            )
        return SeerrRefused(f"{doing}: {told.status}. The API key is wrong: copy it from Seerr's Settings › General.")


def _base(url: str) -> httpx.URL:
    """Return the address of Seerr, its base path kept, without query, fragment and user."""
    try:
        base = httpx.URL(url.strip())
    except (httpx.InvalidURL, UnicodeError) as error:
        raise SeerrUnreachable("The address of Seerr is no URL: it should look like http://host:5055") from error
    if base.scheme not in {"http", "https"} or not base.host:
        raise SeerrUnreachable("The address of Seerr is no URL: it should look like http://host:5055")
    path = base.path.rstrip("/").removesuffix("/api/v1")
    return base.copy_with(userinfo=b"", query=None, fragment=None, path=path or "/")


def _checked(api_key: str) -> str:
    """Return *api_key* if it can be sent; one with a line break would end up in an error's text."""
    if not api_key or not _ALLOWED_IN_KEY.issuperset(api_key):
        raise SeerrRefused("Seerr's API key is empty, or has characters that no key has: copy it again.")
    return api_key


def _user(user_id: int) -> int:
    """Return *user_id* if Seerr can bear it: anything but a whole number above 0 hangs or kills it (facts A1)."""
    if type(user_id) is not int or user_id < 1:
        raise ValueError(f"a user of Seerr has a number above 0, not {user_id!r}")
    return user_id


def _number(tmdb_id: str) -> str:
    if not (tmdb_id.isascii() and tmdb_id.isdigit()):
        raise SeerrUnreadable(f"TMDB's ids are numbers, and {tmdb_id[:40]!r} is none.")
    return tmdb_id
