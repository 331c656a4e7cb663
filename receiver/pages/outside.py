"""Errors outside of all pages, such as an address that leads nowhere: a page for browsers, as others are."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from litestar import Response
from litestar.exceptions import HTTPException
from litestar.middleware.csrf import CSRFMiddleware
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send
from litestar.utils.scope.state import ScopeState

from receiver.house import House
from receiver.pages.errors import AnyRequest, Handler, handlers
from receiver.pages.forms import CSRF_COOKIE, forms
from receiver.sign_in import COOKIE
from reconcile.errors import StoreError

NOT_FOR_BROWSERS = ("/api/", "/webhooks/", "/health/", "/metrics", "/schema", "/static/")

_READING = frozenset({"GET", "HEAD"})


def for_browsers(house: House, otherwise: Handler) -> Handler:
    """Return what becomes of an error outside of the pages: a page for browsers, for programs what *otherwise* says."""

    def http_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
        is_browser = "text/html" in request.headers.get("accept", "")
        if is_browser and not request.url.path.startswith(NOT_FOR_BROWSERS):
            return _Page(house, request, error)
        return otherwise(request, error)

    return http_error


class _Page(Response[Any]):
    """A page about *error*; who has signed in is asked when it is sent, which no guard has done before."""

    def __init__(self, house: House, request: AnyRequest, error: HTTPException) -> None:
        super().__init__(None, status_code=error.status_code)
        self._sent = _Sent(house, request, error)

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:  # noqa: ANN401 - the framework's business
        return self._sent


class _Sent(ASGIResponse):
    def __init__(self, house: House, request: AnyRequest, error: HTTPException) -> None:
        super().__init__(status_code=error.status_code)
        self._house = house
        self._request = request
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = self._request.cookies.get(COOKIE)
        if token:
            with suppress(StoreError):
                self._request.state["visitor"] = await self._house.sign_ins.visitor(token)
        if self._request.method in _READING:
            await CSRFMiddleware(self._page, forms(self._house))(scope, receive, send)
        else:
            ScopeState.from_scope(scope).csrf_token = self._request.cookies.get(CSRF_COOKIE, "")
            await self._page(scope, receive, send)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = handlers(self._house)[HTTPException](self._request, self._error)
        await page.to_asgi_response(app=None, request=self._request)(scope, receive, send)
