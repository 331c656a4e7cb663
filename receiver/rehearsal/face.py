"""The simulated Jellyfin's HTTP side: what the service asks of a real one (facts B7, B9, G)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from receiver.rehearsal.library import SERVER_ID, SERVER_NAME, Library, Series, User
from receiver.rehearsal.performance import Performance
from receiver.rehearsal.snapshot import item_dto
from receiver.rehearsal.trouble import Trouble
from reconcile.playback.identity import normalised_id

WEBHOOK_PLUGIN = "71552a5a5c5c4350a2aeebe451a30173"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Answer = tuple[int, bytes]

NOT_FOUND: Answer = (404, b"")
UNAUTHORISED: Answer = (401, b"")
AWAY: Answer = (503, b'"The server is loading"')

_TOKEN = re.compile(r'^MediaBrowser\s.*?\bToken="([^"]*)"')


class Face:
    """An ASGI application over what happens on a performance.

    *now* tells the server's time, *token* is the only API key it takes. *requests* counts what was asked by path.
    Every answer has a Date of the server's own clock, so run it with the web server's own Date header off.
    """

    def __init__(self, performance: Performance, library: Library, now: Callable[[], datetime], token: str) -> None:
        """Show *performance*, whose items are in *library*."""
        self.performance, self.library, self.now, self.token = performance, library, now, token
        self.trouble = Trouble()
        self.requests: dict[str, int] = {}
        self.plugin_configuration: dict[str, Any] = {"ServerUrl": "", "GenericOptions": []}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = await _body(receive)
        self.requests[scope["path"]] = self.requests.get(scope["path"], 0) + 1
        if self.trouble.delay:
            await asyncio.sleep(self.trouble.delay)
        status, content = (self.trouble.status, b"") if self.trouble.status else self._answer(scope, sent)
        headers = [(b"content-type", b"application/json; charset=utf-8"), (b"date", _http_date(self.now()))]
        headers.append((b"content-length", str(len(content)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _answer(self, scope: Scope, sent: bytes) -> Answer:
        path = scope["path"].rstrip("/").lower()
        query = {name.lower(): value for name, value in parse_qsl(scope.get("query_string", b"").decode())}
        self.performance.advance(self.now())
        sessions = self.performance.sessions(self.now())
        if sessions is None:
            return AWAY
        if path == "/system/info/public":
            return _json(self._public())
        if not self._is_known(scope, query):
            return UNAUTHORISED
        if scope["method"] == "POST":
            return self._take(path, sent)
        return self._show(path, query, sessions)

    def _show(self, path: str, query: dict[str, str], sessions: bytes) -> Answer:
        match path:
            case "/sessions":
                return 200, self.trouble.sessions(sessions)
            case "/system/info":
                return _json({**self._public(), "HasPendingRestart": False})
            case "/users":
                users = self.performance.script.users
                return _json([_user(user, admin=user == users[0]) for user in users])
            case "/items":
                return _json(self._items(query.get("ids", ""), query.get("fields", "")))
            case "/plugins":
                return _json([_plugin(self.performance.plugin_version)])
        return _json(self.plugin_configuration) if _is_configuration(path) else NOT_FOUND

    def _take(self, path: str, sent: bytes) -> Answer:
        if not _is_configuration(path):
            return NOT_FOUND
        self.plugin_configuration = msgspec.json.decode(sent, type=dict[str, Any])
        return 204, b""

    def _is_known(self, scope: Scope, query: dict[str, str]) -> bool:
        headers = {bytes(name).lower(): bytes(value).decode("latin-1") for name, value in scope["headers"]}
        found = _TOKEN.match(headers.get(b"authorization", ""))
        return self.token in {found[1] if found else None, query.get("apikey")}

    def _public(self) -> dict[str, object]:
        return {
            "LocalAddress": "http://192.0.2.1:8096",
            "ServerName": SERVER_NAME,
            "Version": self.performance.server.version,
            "ProductName": "Jellyfin Server",
            "OperatingSystem": "",
            "Id": SERVER_ID,
            "StartupWizardCompleted": True,
        }

    def _items(self, ids: str, fields: str) -> dict[str, object]:
        wanted = {normalised_id(text) for text in ids.split(",")}
        series = {item.series for item in self.library.items if item.series}
        found = [item_dto(item) for item in self.library.items if item.id in wanted]
        found += [_series(one) for one in sorted(series, key=lambda one: one.name) if one.id in wanted]
        if "providerids" not in fields.lower():
            found = [{key: value for key, value in one.items() if key != "ProviderIds"} for one in found]
        return {"Items": found, "TotalRecordCount": len(found), "StartIndex": 0}


def _is_configuration(path: str) -> bool:
    parts = path.strip("/").split("/")
    return parts[0] == "plugins" and parts[-1] == "configuration" and normalised_id(parts[1]) == WEBHOOK_PLUGIN


def _series(series: Series) -> dict[str, object]:
    return {
        "Name": series.name,
        "ServerId": SERVER_ID,
        "Id": series.id,
        "ProductionYear": series.year,
        "ProviderIds": dict(series.providers),
        "IsFolder": True,
        "Type": "Series",
    }


def _user(user: User, *, admin: bool) -> dict[str, object]:
    policy = {"IsAdministrator": admin, "IsDisabled": False, "IsHidden": False}
    return {"Name": user.name, "ServerId": SERVER_ID, "Id": user.id, "HasPassword": True, "Policy": policy}


def _plugin(version: int) -> dict[str, object]:
    told = {"Name": "Webhook", "Version": f"{version}.0.0.0", "Id": WEBHOOK_PLUGIN, "Status": "Active"}
    return {**told, "ConfigurationFileName": "Jellyfin.Plugin.Webhook.xml", "CanUninstall": True, "HasImage": True}


def _json(content: object) -> Answer:
    return 200, msgspec.json.encode(content)


def _http_date(now: datetime) -> bytes:
    return format_datetime(now, usegmt=True).encode()


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
