"""One request to the simulated Jellyfin, and one answer."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

_FIELDS = re.compile(r'(\w+)="([^"]*)"')


class Answer(NamedTuple):
    """What is sent back."""

    status: int
    content: bytes = b""
    content_type: str = "application/json; charset=utf-8"


NOTHING = Answer(204)
BAD = Answer(400, b"Error processing request.", "text/plain")
UNAUTHORISED = Answer(401)
FORBIDDEN = Answer(403, b"Error processing request.", "text/plain")
NOT_FOUND = Answer(404)
AWAY = Answer(503, b'"The server is loading"')


class Asked(msgspec.Struct, frozen=True):
    """What came in. *path* is in lower case without a slash at its end, *last* its last part as it came.

    *header* holds the fields of an ``Authorization: MediaBrowser …`` header, names of *query* are in lower case.
    """

    method: str
    path: str
    last: str
    query: dict[str, str]
    header: dict[str, str]
    body: bytes

    @property
    def token(self) -> str | None:
        """The key or token that is presented."""
        return self.header.get("Token") or self.query.get("apikey")

    def told(self) -> dict[str, Any]:
        """Return the body as an object, an empty one if it is none."""
        try:
            return msgspec.json.decode(self.body, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return {}


def asked(scope: MutableMapping[str, Any], body: bytes) -> Asked:
    """Return what came in."""
    headers = {bytes(name).lower(): bytes(value).decode("latin-1") for name, value in scope["headers"]}
    told = headers.get(b"authorization", "")
    path = str(scope["path"]).rstrip("/")
    return Asked(
        method=scope["method"],
        path=path.lower(),
        last=path.rpartition("/")[2],
        query={name.lower(): value for name, value in parse_qsl(scope.get("query_string", b"").decode())},
        header=dict(_FIELDS.findall(told)) if told.startswith("MediaBrowser ") else {},
        body=body,
    )


def as_json(content: object) -> Answer:
    """Return *content* as the server sends it."""
    return Answer(200, msgspec.json.encode(content))
