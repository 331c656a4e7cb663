"""Errors as JSON: always the same three fields, and never a word about our inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException

from reconcile.errors import JellyfinError, PlayledgerError, SeerrError, SettingRefused, StoreError

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
    named = [f"{each.get('key', 'body')}: {each.get('message')}" for each in said if isinstance(each, dict)]
    return "; ".join(named) or error.detail


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
