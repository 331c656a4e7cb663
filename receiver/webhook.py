"""``POST /webhooks/jellyfin``: what the plugin sends, answered when it is kept.

A raw ASGI handler: it answers twice as many requests as a framework's own (facts/stack.md §1), and the plugin sends
one a second for each stream. The plugin never repeats a request, so what is refused here is lost.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any
from urllib.parse import parse_qs

import msgspec
import structlog
from litestar import asgi
from litestar.enums import ScopeType
from litestar.handlers import ASGIRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from receiver.access import Access, Admitted, bearer
from receiver.metrics import Metrics
from receiver.reception import OtherServerError, Reception
from reconcile.arrivals import Answer, Outcome
from reconcile.errors import SpoolUnwritable
from reconcile.tracker import Tracker

log = structlog.get_logger()

PATH = "/webhooks/jellyfin"

MOST_BYTES = 1024 * 1024
"""A notification with all properties is 3 KB; what is longer than this is none."""

_STATUS = {Outcome.IGNORED: 200, Outcome.REJECTED: 400}
_OFF = Answer(Outcome.IGNORED, "recording is off")


class Refused(Exception):
    """The request is answered with an error: *status*, *detail* and further *headers*."""

    def __init__(self, status: int, detail: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


_RETRY = (b"retry-after", b"5")
_JSON = (b"content-type", b"application/json")
_encoded = msgspec.json.Encoder().encode


def _unknown_token() -> Refused:
    return Refused(401, "Unauthorized", (b"www-authenticate", b"Bearer"))


def _too_long() -> Refused:
    return Refused(413, "The body is longer than 1 MiB.")


class Gone(Exception):
    """Whoever asked has hung up."""


class Webhook:
    """Answers the plugin. `waits_for` says why this process does not record, None if it does; `is_on` if it is to."""

    def __init__(
        self, reception: Reception, tracker: Tracker, access: Access, metrics: Metrics, *, is_on: bool
    ) -> None:
        self.waits_for: str | None = "starting"
        self._reception = reception
        self._tracker = tracker
        self._access = access
        self._metrics = metrics
        self.is_on = is_on

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began = perf_counter()
        try:
            answer = await self._answer(scope, receive)
        except Refused as refused:
            self._metrics.refused[str(refused.status)] += 1
            await _send(send, refused.status, _error(refused.status, refused.detail), *refused.headers)
        except Gone:
            return
        else:
            self._metrics.count(answer.outcome.value, perf_counter() - began)
            await _send(send, _STATUS.get(answer.outcome, 202), _encoded(answer))

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        if scope["type"] != ScopeType.HTTP or scope["method"] != "POST":
            raise Refused(405, "Method Not Allowed", (b"allow", b"POST"))
        headers = dict(scope["headers"])
        admitted = self._admitted(headers, scope["query_string"])
        if admitted is None:
            raise _unknown_token()
        if self.waits_for is not None:
            self._metrics.lost += 1
            raise Refused(503, f"This process does not record: {self.waits_for}", _RETRY)
        body = await _body(headers, receive)
        if not self.is_on:
            self._tracker.ignore(_OFF.reason)
            return _OFF
        try:
            return await self._reception.take(body, headers.get(b"content-type", b"").decode("latin-1"), admitted)
        except OtherServerError as error:
            raise _unknown_token() from error
        except SpoolUnwritable as error:
            self._metrics.lost += 1
            raise Refused(503, "It can be kept nowhere now: see the log.", _RETRY) from error

    def _admitted(self, headers: dict[bytes, bytes], query: bytes) -> Admitted | None:
        header = headers.get(b"authorization")
        token = bearer(header.decode("latin-1")) if header is not None else None
        if token is None and (given := headers.get(b"x-playledger-token")) is not None:
            token = given.decode("latin-1")
        if token is None and query:
            token = next(iter(parse_qs(query.decode("latin-1"), max_num_fields=20).get("token", ())), None)
        return None if token is None else self._access.webhook(token)


def webhook_route(webhook: Webhook) -> ASGIRouteHandler:
    """Return the route that *webhook* answers."""

    @asgi(PATH, copy_scope=False)
    async def jellyfin(scope: Scope, receive: Receive, send: Send) -> None:
        await webhook(scope, receive, send)

    return jellyfin


def at_the_door(webhook: Webhook, app: ASGIApp) -> ASGIApp:
    """Return *app* with *webhook* before it: the way through a framework costs as much as a Progress that is known.

    What goes wrong is answered as *app* would: the log says what it was.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["path"] != PATH:
            await app(scope, receive, send)
            return
        try:
            await webhook(scope, receive, send)
        except Exception as error:
            log.exception("a request failed", error=type(error).__name__)
            await _send(send, 500, _error(500, "Internal Server Error"))

    return answer


async def _body(headers: dict[bytes, bytes], receive: Receive) -> bytes:
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > MOST_BYTES:
        raise _too_long()
    parts: list[bytes] = []
    size = 0
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > MOST_BYTES:
            raise _too_long()
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _error(status: int, detail: str) -> bytes:
    return _encoded({"status_code": status, "detail": detail, "extra": None})


async def _send(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [_JSON, length, *headers]})
    await send({"type": "http.response.body", "body": body, "more_body": False})
