"""The simulated Jellyfin's HTTP side: what the service asks of a real one (facts B7, B9, G)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from receiver.rehearsal.asked import AWAY, FORBIDDEN, NOT_FOUND, NOTHING, UNAUTHORISED, Answer, Asked, as_json, asked
from receiver.rehearsal.kept import Kept
from receiver.rehearsal.library import SERVER_ID, SERVER_NAME, Library, Series
from receiver.rehearsal.performance import Performance
from receiver.rehearsal.pictures import WIDEST, picture, shape
from receiver.rehearsal.porter import Porter
from receiver.rehearsal.snapshot import item_dto
from receiver.rehearsal.trouble import Trouble
from receiver.rehearsal.workshop import WEBHOOK_PLUGIN, Workshop
from reconcile.playback.identity import normalised_id

__all__ = ["WEBHOOK_PLUGIN", "Face"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

RESTART_SECONDS = 5.0
"""How long a restart takes, in seconds of the server's clock."""


class Face:
    """An ASGI application over what happens on a performance.

    *now* tells the server's time, *token* is the API key that it takes from the beginning; its *porter* knows the
    others and the people, its *workshop* the plugin; *kept* is what was played before. *requests* counts what was
    asked by path.
    Every answer has a Date of the server's own clock, so run it with the web server's own Date header off.
    """

    def __init__(self, performance: Performance, library: Library, now: Callable[[], datetime], token: str) -> None:
        """Show *performance*, whose items are in *library*."""
        self.performance, self.library, self.now = performance, library, now
        self.porter = Porter(performance.script.users, token, now)
        self.workshop = Workshop(performance.plugin_version)
        self.kept = Kept()
        self.trouble = Trouble()
        self.requests: dict[str, int] = {}

    @property
    def token(self) -> str:
        """The API key that was there from the beginning."""
        return self.porter.key

    @token.setter
    def token(self, key: str) -> None:
        self.porter.key = key

    @property
    def plugin_configuration(self) -> dict[str, Any]:
        """The Webhook plugin's configuration."""
        return self.workshop.configuration

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
        status = self.trouble.status or self.trouble.of_path.get(scope["path"])
        answer = Answer(status) if status else self._answer(asked(scope, sent))
        headers = [(b"content-type", answer.content_type.encode()), (b"date", _http_date(self.now()))]
        headers.append((b"content-length", str(len(answer.content)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.content})

    def _answer(self, request: Asked) -> Answer:
        self.performance.advance(self.now())
        sessions = self.performance.sessions(self.now())
        if sessions is None:
            return AWAY
        anyone = self._show_anyone(request)
        if anyone is not None:
            return anyone
        if not self.porter.is_known(request.token):
            return UNAUTHORISED
        if (request.method, request.path) == ("GET", "/sessions"):
            return Answer(200, self.trouble.sessions(sessions))
        return self._show(request)

    def _show_anyone(self, request: Asked) -> Answer | None:
        if request.path == "/system/info/public":
            return as_json(self._public())
        if request.path.startswith("/items/") and request.path.endswith("/images/primary"):
            return self._picture(request)
        return self.porter.answer(request)

    def _show(self, request: Asked) -> Answer:
        answer = self.porter.answer_known(request)
        if answer is not None:
            return answer
        match request.method, request.path:
            case "GET", "/system/info":
                return as_json({**self._public(), "HasPendingRestart": self.workshop.status == "Restart"})
            case "GET", "/items":
                return as_json(self._items(request.query.get("ids", ""), request.query.get("fields", "")))
        if not self.porter.is_elevated(request.token):
            return FORBIDDEN
        if (request.method, request.path) == ("POST", "/system/restart"):
            return self._restart()
        return self.workshop.answer(request) or self.kept.answer(request) or NOT_FOUND

    def _restart(self) -> Answer:
        self.performance.server.restart(self.performance.clock.seconds(self.now()), RESTART_SECONDS)
        self.workshop.restarted()
        return NOTHING

    def _picture(self, request: Asked) -> Answer:
        item_id = normalised_id(request.path.split("/")[2])
        ratio = shape(self.library, item_id)
        if ratio is None:
            return NOT_FOUND
        told = request.query.get("maxwidth", "")
        width = min(int(told), WIDEST) if told.isdigit() and int(told) else WIDEST
        return Answer(200, picture(item_id, width, round(width * ratio)), "image/png")

    def _public(self) -> dict[str, object]:
        return {
            "LocalAddress": "http://192.0.2.1:8096",
            "ServerName": SERVER_NAME,
            "Version": self.performance.server.version,
            "ProductName": "Jellyfin Server",
            "OperatingSystem": "",
            "Id": self.trouble.server_id or SERVER_ID,
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
