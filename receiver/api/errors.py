"""Errors as JSON: always the same three fields, and never a word about our inside."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException

from receiver.access import Scope
from reconcile.errors import JellyfinError, PlayledgerError, SeerrError, SettingRefused, StoreError
from reconcile.playback.corrections import What
from reconcile.staging import Source

log = structlog.get_logger()

AnyRequest = Request[Any, Any, Any]


def http_error(_request: AnyRequest, error: Exception) -> Response[dict[str, object]]:
    """Return an error that a route, or the framework, raised on purpose."""
    if not isinstance(error, HTTPException):
        return unexpected(_request, error)
    return _response(error.status_code, _detail(error), error.extra or None, error.headers)


def our_error(_request: AnyRequest, error: Exception) -> Response[dict[str, object]]:
    """Return one of our own: the database is away, a media server does not do its part, or a setting is wrong."""
    if isinstance(error, StoreError):
        return _response(503, str(error), None, {"retry-after": "5"})
    if isinstance(error, JellyfinError | SeerrError):
        return _response(502, str(error))
    if isinstance(error, SettingRefused):
        return _response(400, str(error))
    return unexpected(_request, error)


def unexpected(_request: AnyRequest, error: Exception) -> Response[dict[str, object]]:
    """Return that something went wrong; the log says what."""
    log.error("a request failed", error=type(error).__name__, exc_info=error)
    return _response(500, "Internal Server Error")


def _detail(error: HTTPException) -> str:
    """Return what is wrong with which field, where the framework says so; else the error's own words."""
    said = error.extra if isinstance(error, ValidationException) and isinstance(error.extra, list) else []
    named = [_plainly(str(each.get("key", _BODY)), str(each.get("message"))) for each in said if isinstance(each, dict)]
    missing = _NOT_GIVEN.match(error.detail)
    return "; ".join(named) or (error.detail if missing is None else f"{missing[1]}: it is missing.")


_BODY = "data"
"""What the framework calls a body."""


def _plainly(key: str, message: str) -> str:
    """Return what the framework says of the field *key*, as one would say it."""
    if (key, message) == (_BODY, repr(_BODY)):
        return "a JSON body is needed."
    if (found := _MISSING.fullmatch(message)) is not None:
        return f"{_within(key, found[1])}: it is missing."
    if (found := _UNKNOWN.fullmatch(message)) is not None:
        return f"{_within(key, found[1])}: there is no such field here."
    choices = _CHOICES.get(key.partition("[")[0], ()) if message.startswith("Invalid enum value") else ()
    if choices:
        return f"{key}: one of {', '.join(choices)} is needed."
    return f"{'body' if key == _BODY else key}: {message}"


_CHOICES = {"what": tuple(What), "scopes": tuple(Scope), "source": tuple(Source)}
_NOT_GIVEN = re.compile("Missing required query parameter '(.*?)' for path ")
_MISSING = re.compile("Object missing required field `(.*)`")
_UNKNOWN = re.compile("Object contains unknown field `(.*)`")


def _within(key: str, name: str) -> str:
    return name if key == _BODY else f"{key}.{name}"


def _response(
    status: int, detail: str, extra: object = None, headers: dict[str, str] | None = None
) -> Response[dict[str, object]]:
    content: dict[str, object] = {"status_code": status, "detail": detail, "extra": extra}
    return Response(content, status_code=status, headers=headers, media_type=MediaType.JSON)


HANDLERS: dict[int | type[Exception], Callable[[AnyRequest, Any], Response[Any]]] = {
    HTTPException: http_error,
    PlayledgerError: our_error,
    Exception: unexpected,
}
