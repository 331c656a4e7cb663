"""Errors as pages: what went wrong and what to do, and never a word about our inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import structlog
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.exceptions import HTTPException, ValidationException
from litestar.response import Redirect

from receiver.house import House
from receiver.pages.forms import CSRF_COOKIE
from receiver.pages.rendering import page
from reconcile.errors import JellyfinError, PlayledgerError, SeerrError, StoreError

log = structlog.get_logger()

AnyRequest = Request[Any, Any, Any]

TITLES = {
    400: "That does not fit",
    401: "Sign in first",
    403: "Not for you",
    404: "Nothing here",
    405: "Nothing here",
    413: "Too much at once",
    429: "Too many tries",
    502: "The media server does not do its part",
    503: "Not just now",
}


Handler = Callable[[AnyRequest, Any], Response[Any]]


def handlers(house: House) -> dict[int | type[Exception], Handler]:
    """Return what becomes of the exceptions of pages."""

    def http_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
        if error.status_code == 401 and request.method == "GET":  # noqa: PLR2004 - «not signed in»
            wished = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return Redirect(f"/sign-in?then={quote(wished)}", status_code=303)
        detail = error.detail if error.detail != "Not Found" else "There is no page at this address."
        if "CSRF" in detail:
            detail = "This form was open for too long, or came from another site: go back, reload, and send it again."
            return _told(request, error.status_code, detail, cookies=[Cookie(key=CSRF_COOKIE, max_age=0)])
        if isinstance(error, ValidationException):
            said = error.extra if isinstance(error.extra, list) else []
            detail = "; ".join(f"{each.get('key')}: {each.get('message')}" for each in said) or detail
        return _told(request, error.status_code, detail)

    def ours(request: AnyRequest, error: PlayledgerError) -> Response[Any]:
        if isinstance(error, StoreError):
            return _told(request, 503, str(error))
        if isinstance(error, JellyfinError | SeerrError):
            return _told(request, 502, str(error))
        return _told(request, 400, str(error))

    def unexpected(request: AnyRequest, error: Exception) -> Response[Any]:
        log.error("a page failed", error=type(error).__name__, exc_info=error)
        return _told(request, 500, "An error of ours; the log says more.")

    def _told(request: AnyRequest, status: int, detail: str, cookies: list[Cookie] | None = None) -> Response[Any]:
        title = TITLES.get(status, "Something went wrong")
        answer = page(request, house, "error.html", status=status, title=title, detail=detail)
        answer.cookies.extend(cookies or ())
        return answer

    return {HTTPException: http_error, PlayledgerError: ours, Exception: unexpected}
