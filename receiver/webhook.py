"""``POST /webhooks/jellyfin``: what the plugin sends, answered when it is kept.

A raw ASGI handler: it answers twice as many requests as a framework's own (facts/stack.md §1), and the plugin sends
one a second for each stream. The plugin never repeats a request, so what is refused here is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from time import perf_counter
from typing import Any
from urllib.parse import parse_qs

import msgspec
import structlog
from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from receiver.access import Access, Admitted, bearer
from receiver.hearing import Heard, Hearing, ahead_of_us
from receiver.intake import Intake
from receiver.metrics import Metrics
from receiver.notes import Notes
from receiver.notification import Notification, Peek, notification_of, observed, peek
from receiver.redaction import redacted, server_in, user_in
from receiver.spool import Spooled
from reconcile.errors import SpoolUnwritable
from reconcile.jellyfin.instants import instant
from reconcile.playback.check_in import Ignored, Key, Kind, Observation, Rejected
from reconcile.playback.identity import is_guid, normalised_id
from reconcile.store.deliveries import Delivery
from reconcile.tracker import NOT_RECORDED, Answer, Outcome, Tracker

log = structlog.get_logger()

PATH = "/webhooks/jellyfin"

MOST_BYTES = 1024 * 1024
"""A notification with all properties is 3 KB; what is longer than this is none."""

_REMEMBERED = 20_000
_STATUS = {Outcome.IGNORED: 200, Outcome.REJECTED: 400}
_KNOWN = Answer(Outcome.KNOWN, "still shown")
_OFF = Answer(Outcome.IGNORED, "recording is off")
_UNRECORDED = Answer(Outcome.IGNORED, NOT_RECORDED)

Told = tuple[str, str, str, str, str, bool]
"""What an automated Progress repeats for as long as the client has not reported again."""


class Refused(Exception):
    """The request is answered with an error: *status*, *detail* and further *headers*."""

    def __init__(self, status: int, detail: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


_RETRY = (b"retry-after", b"5")


def _unknown_token() -> Refused:
    return Refused(401, "Unauthorized", (b"www-authenticate", b"Bearer"))


def _too_long() -> Refused:
    return Refused(413, "The body is longer than 1 MiB.")


class Gone(Exception):
    """Whoever asked has hung up."""


class Webhook:
    """Answers the plugin. `waits_for` says why this process does not record, None if it does."""

    def __init__(  # noqa: PLR0913 - what it works with
        self,
        *,
        tracker: Tracker,
        intake: Intake,
        access: Access,
        notes: Notes,
        metrics: Metrics,
        hearing: Hearing,
        clock: Callable[[], datetime],
        is_on: bool,
    ) -> None:
        self.waits_for: str | None = "starting"
        self.servers: set[str] = set()
        self.polled: Callable[[str], bool] = lambda _server_id: False
        self._tracker = tracker
        self._intake = intake
        self._access = access
        self._notes = notes
        self._metrics = metrics
        self._hearing = hearing
        self._clock = clock
        self._is_on = is_on
        self._seen: dict[Told, tuple[Key, datetime, Kind]] = {}

    # --- HTTP -----------------------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began = perf_counter()
        try:
            answer = await self._answer(scope, receive)
        except Refused as refused:
            self._metrics.refused[str(refused.status)] += 1
            body = msgspec.json.encode({"status_code": refused.status, "detail": refused.detail, "extra": None})
            await _send(send, refused.status, body, *refused.headers)
        except Gone:
            return
        else:
            self._metrics.count(answer.outcome.value, perf_counter() - began)
            await _send(send, _STATUS.get(answer.outcome, 202), msgspec.json.encode(answer))

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        method: object = dict(scope).get("method")
        if method != "POST":
            raise Refused(405, "Method Not Allowed", (b"allow", b"POST"))
        headers = dict(scope["headers"])
        admitted = self._admitted(headers, scope["query_string"])
        if admitted is None:
            raise _unknown_token()
        if self.waits_for is not None:
            self._metrics.lost += 1
            raise Refused(503, f"This process does not record: {self.waits_for}", _RETRY)
        body = await _body(headers, receive)
        if not self._is_on:
            self._tracker.ignore(_OFF.reason)
            return _OFF
        try:
            return await self.take(body, headers.get(b"content-type", b"").decode("latin-1"), admitted)
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

    # --- one delivery ---------------------------------------------------------------------------------------------

    async def take(self, body: bytes, content_type: str, admitted: Admitted) -> Answer:
        """Take one body in, and return what became of it. Raises Refused, and SpoolUnwritable."""
        now = self._clock()
        glanced = peek(body)
        if glanced is not None:
            known = self._at_a_glance(glanced, now, admitted)
            if known is not None:
                return known
        told = notification_of(body, content_type)
        if isinstance(told, Rejected):
            return self._reject(body, content_type, told, now, admitted)
        heard = self._hear(told, now, admitted)
        sole = admitted.server_id or self.sole_server()
        found = observed(told, now, sole)
        if isinstance(found, Ignored):
            self._tracker.ignore(found.reason)
            return Answer(Outcome.IGNORED, found.reason)
        if isinstance(found, Rejected):
            return self._reject(body, content_type, found, now, admitted)
        self._flag(heard, found)
        if not self._is_recorded(found):
            self._tracker.ignore(NOT_RECORDED)
            return _UNRECORDED
        answer = await self._intake.take(told, found, Spooled(now, content_type, body, sole))
        if glanced is not None and answer.outcome in {Outcome.RECORDED, Outcome.KNOWN}:
            self._remember(glanced, found)
        return answer

    def _is_recorded(self, found: Observation) -> bool:
        """Say whether it may be kept: what was reported before an opt-out is not seen any longer after it."""
        user = (found.key.server_id, found.key.user_id)
        return self._tracker.is_recorded(found) and self._tracker.people.is_recorded(user, found.observed_at)

    def _at_a_glance(self, glanced: Peek, now: datetime, admitted: Admitted) -> Answer | None:
        """Answer an automated Progress that only says «still shown», None if there may be more to it."""
        seen = self._seen.get(_told(glanced))
        until = instant(glanced.utc_timestamp)
        if seen is None or until is None:
            return None
        key, at, kind = seen
        if admitted.server_id is not None and admitted.server_id != key.server_id:
            raise _unknown_token()
        # Whoever opted out meanwhile is not shown any longer, and the slow way says so.
        if not self._tracker.people.is_recorded((key.server_id, key.user_id), until):
            return None
        if not self._tracker.still_shown(key, at, kind, until):
            return None
        self._hearing.hear(key.server_id, now)
        return _KNOWN

    def _remember(self, glanced: Peek, found: Observation) -> None:
        if found.check_in is None:
            return
        self._seen[_told(glanced)] = (found.key, found.check_in.at, found.check_in.kind)
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]

    def _hear(self, told: Notification, now: datetime, admitted: Admitted) -> Heard | None:
        """Note which server was heard. Raises Refused if the token is another server's."""
        named = normalised_id(told.server_id or "") or admitted.server_id or self.sole_server()
        if named is None:
            return None
        if admitted.server_id is not None and named != admitted.server_id:
            raise _unknown_token()
        if named not in self.servers:
            if not is_guid(named):
                return None
            self.servers.add(named)
            self._notes.meet(named, told.server_name, told.server_version)
        heard = self._hearing.hear(named, now)
        at = instant(told.utc_timestamp)
        if at is not None:
            heard.samples.append(at - now)
            ahead = ahead_of_us(heard.samples)
            if ahead is not None and not self.polled(named):
                self._tracker.ahead[named] = ahead
        return heard

    def sole_server(self) -> str | None:
        """Return the only server there is, None if there are none or several."""
        return next(iter(self.servers)) if len(self.servers) == 1 else None

    def _flag(self, heard: Heard | None, found: Observation) -> None:
        for flag in found.flags:
            self._metrics.flags[flag] += 1
            if heard is not None:
                heard.flags[flag] += 1

    def _reject(self, body: bytes, content_type: str, said: Rejected, now: datetime, admitted: Admitted) -> Answer:
        kept = body if self._is_of_a_recorded(body, now, admitted) else redacted(body)
        found = Delivery(now, content_type, kept, outcome=Outcome.REJECTED.value, reason=said.reason)
        self._notes.reject(found, said.place)
        return Answer(Outcome.REJECTED, f"{said.reason} ({said.place})" if said.place else said.reason)

    def _is_of_a_recorded(self, body: bytes, now: datetime, admitted: Admitted) -> bool:
        """Say whether an unreadable body is about somebody who is recorded: then it may be replayed as it is."""
        user = user_in(body)
        server = server_in(body) or admitted.server_id or self.sole_server()
        return user is not None and server is not None and self._tracker.people.is_recorded((server, user), now)


def webhook_route(webhook: Webhook) -> ASGIRouteHandler:
    """Return the route that *webhook* answers."""

    @asgi(PATH, copy_scope=False)
    async def jellyfin(scope: Scope, receive: Receive, send: Send) -> None:
        await webhook(scope, receive, send)

    return jellyfin


def _told(glanced: Peek) -> Told:
    return (
        glanced.session_id,
        glanced.item_id,
        glanced.last_check_in,
        glanced.user_id,
        glanced.server_id,
        glanced.is_paused,
    )


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


async def _send(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", b"application/json"), length, *headers],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})
