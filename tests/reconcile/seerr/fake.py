"""A Seerr that answers as facts A and B7 say it does, errors included, over ASGI."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

KEY = "MTcwMDAwMDAwMDAwMA=="
JELLYFIN_KEY = "jellyfins-own-key"
URL = "http://seerr.test"
SERVER = "5e" * 16

Scope = MutableMapping[str, Any]
Reply = tuple[int, Any]

_PUBLIC = {"/status", "/settings/public"}
_KNOWN: dict[str, set[str]] = {
    "/user": {"take", "skip", "sort", "q", "includeIds"},
    "/media": {"take", "skip", "filter", "sort"},
    "/tracking/watch": {"take", "skip", "mediaType"},
}
_NO = {"status": 403, "error": "You do not have permission to access this endpoint"}


class FakeSeerr:
    """*is_new*: a version after 3.1.0. *is_fork*: it keeps watches. *csrf*: it refuses whatever writes."""

    def __init__(self, *, is_new: bool = False, is_fork: bool = False) -> None:
        self.is_new = is_new
        self.is_fork = is_fork
        self.csrf = False
        self.initialized = True
        self.media_server = 2
        self.server_id = SERVER
        self.address = ("jellyfin.test", 8096, False, "/base")
        self.users: list[dict[str, Any]] = [_user(1, "owner", None)]
        self.media: list[dict[str, Any]] = []
        self.lists: dict[int, list[dict[str, Any]]] = {}
        self.series: dict[int, dict[str, Any]] = {}
        self.tracked: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str, dict[str, str], str | None]] = []
        self.hanging: set[str] = set()
        self.broken: set[str] = set()
        self.loses_answers = False
        self.is_down = False
        self._entries = 0

    # --- what it knows --------------------------------------------------------------------------------------------

    def has_user(self, number: int, name: str, jellyfin_user_id: str | None) -> None:
        self.users = sorted(
            [*(u for u in self.users if u["id"] != number), _user(number, name, jellyfin_user_id)], key=_id
        )

    def has_media(self, number: int, media_type: str, tmdb_id: int, **more: object) -> None:
        row = {"id": number, "mediaType": media_type, "tmdbId": tmdb_id, "status": 5, "seasons": []}
        row |= {
            "updatedAt": "2026-01-01T00:00:00.000Z",
            "tvdbId": None,
            "imdbId": None,
            "jellyfinMediaId": None,
            **more,
        }
        self.media = [*(each for each in self.media if each["id"] != number), row]

    def lists_for(self, user: int, media_type: str, tmdb_id: int) -> None:
        self._entries += 1
        entry = {"id": self._entries, "mediaType": media_type, "tmdbId": tmdb_id, "title": "A Title"}
        self.lists.setdefault(user, []).append(entry)

    def count(self, path: str, method: str = "GET") -> int:
        return sum((m, p) == (method, path) for m, p, _query, _user in self.asked)

    # --- how it answers -------------------------------------------------------------------------------------------

    async def __call__(
        self,
        scope: Scope,
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        if scope["type"] != "http":
            return
        if self.is_down:
            raise ConnectionError("nobody is there")
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        body = (await receive()).get("body", b"")
        path = scope["path"].removeprefix("/api/v1")
        self.asked.append((scope["method"], path, query, headers.get("x-api-user")))
        status, told = await self._reply(scope["method"], path, query, headers, body)
        content = b"" if told is None else json.dumps(told).encode()
        kind = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": kind})
        await send({"type": "http.response.body", "body": content})

    async def _reply(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> Reply:
        if path in self.hanging:
            await asyncio.Event().wait()
        if path in self.broken:
            return 500, {"message": "Something went wrong"}
        if path in _PUBLIC:
            return self._public(path, query)
        as_user = headers.get("x-api-user") or ""
        if as_user and not as_user.isdecimal():
            await asyncio.Event().wait()  # the rejection is not caught: there is never an answer
        if headers.get("x-api-key") != KEY or not self.initialized:
            return 403, _NO
        if as_user and int(as_user) not in {user["id"] for user in self.users}:
            return 403, _NO
        if method != "GET" and self.csrf:
            return 403, {"message": "invalid csrf token"}
        unknown = query.keys() - _known(path, method, is_new=self.is_new)
        if unknown:
            return 400, {"message": f"Unknown query parameter '{min(unknown)}'"}
        reply = self._private(method, path, query, int(as_user or 1), body)
        if self.loses_answers and method == "POST":
            await asyncio.Event().wait()
        return reply

    def _public(self, path: str, query: dict[str, str]) -> Reply:
        if query:
            return 400, {"message": f"Unknown query parameter '{min(query)}'"}
        if path == "/status":
            return 200, {"version": "develop-a1b2c3", "commitTag": "local", "updateAvailable": False}
        told = {"initialized": self.initialized, "mediaServerType": self.media_server, "applicationTitle": "Seerr"}
        return 200, told

    def _private(self, method: str, path: str, query: dict[str, str], user: int, body: bytes) -> Reply:
        parts = path.strip("/").split("/")
        match method, parts:
            case "GET", ["settings", "jellyfin"]:
                return 200, self._jellyfin() if user == 1 else _NO
            case "GET", ["user"]:
                return 200, _page(self.users, query, usual=10)
            case "GET", ["media"]:
                newest = sorted(self.media, key=_updated if query.get("sort") == "modified" else _id, reverse=True)
                return 200, _page(newest, query, usual=20)
            case "GET", ["user", number, "watchlist"]:
                return self._watchlist(int(number), int(query.get("page", "1")))
            case "DELETE", ["watchlist", number]:
                return self._unlist(user, int(number), query)
            case "GET", ["tv", number]:
                found = self.series.get(int(number))
                return (200, found) if found else (500, {"message": "Unable to retrieve series."})
            case _ if parts[:2] == ["tracking", "watch"] and self.is_fork:
                return self._track(method, parts[2:], user, body)
            case _:
                return 404, {"message": "not found", "errors": [{"path": path, "message": "not found"}]}

    def _jellyfin(self) -> dict[str, Any]:
        ip, port, use_ssl, base = self.address
        told = {"name": "media", "ip": ip, "port": port, "useSsl": use_ssl, "urlBase": base, "libraries": []}
        return {**told, "serverId": self.server_id, "apiKey": JELLYFIN_KEY}

    def _watchlist(self, user: int, page: int) -> Reply:
        entries = self.lists.get(user, [])
        shown = entries[20 * (page - 1) : 20 * page]
        pages = max(1, -(-len(entries) // 20))
        return 200, {"page": page, "totalPages": pages, "totalResults": len(entries), "results": shown}

    def _unlist(self, user: int, tmdb_id: int, query: dict[str, str]) -> Reply:
        entries = self.lists.get(user, [])
        if self.is_new and "mediaType" not in query:
            return 400, {"message": "Query parameter 'mediaType' is required"}
        wanted = query.get("mediaType")
        found = next((e for e in entries if e["tmdbId"] == tmdb_id and wanted in {None, e["mediaType"]}), None)
        if found is None:
            return (404 if self.is_new else 401), {"message": "not Found"}
        entries.remove(found)
        return 204, None

    def _track(self, method: str, rest: list[str], user: int, body: bytes) -> Reply:
        mine = [row for row in self.tracked if row["userId"] == user]
        if method == "GET" and not rest:
            return 200, {"pageInfo": {"pages": 1, "results": len(mine)}, "results": mine}
        if method == "GET":
            return 200, [row for row in mine if row["mediaId"] == int(rest[0])]
        told = json.loads(body)
        if told["mediaId"] not in {each["id"] for each in self.media}:
            return 404, {"message": "Media not found"}
        row = {"id": len(self.tracked) + 1, "userId": user, **told}
        self.tracked.append(row)
        return 201, row


def _known(path: str, method: str, *, is_new: bool) -> set[str]:
    if path.endswith("/watchlist"):
        return {"page"}
    if path.startswith("/watchlist/") and method == "DELETE":
        return {"mediaType"} if is_new else set()
    return _KNOWN.get(path, set())


def _page(rows: list[dict[str, Any]], query: dict[str, str], *, usual: int) -> dict[str, Any]:
    take, skip = int(query.get("take", "0")) or usual, int(query.get("skip", "0"))
    info = {"pages": -(-len(rows) // take), "pageSize": take, "results": len(rows), "page": skip // take + 1}
    return {"pageInfo": info, "results": rows[skip : skip + take]}


def _user(number: int, name: str, jellyfin_user_id: str | None) -> dict[str, Any]:
    told = {"id": number, "displayName": name, "username": None, "jellyfinUsername": name, "userType": 3}
    return {**told, "jellyfinUserId": jellyfin_user_id, "email": name}


def _id(row: dict[str, Any]) -> int:
    return int(row["id"])


def _updated(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["updatedAt"]).astimezone(UTC)
