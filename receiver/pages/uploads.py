"""Forms with a file: whoever may not send one, or sends too much, is refused before anything of it is read.

Files are closed when the answer has been given, whatever became of the form.
"""

from __future__ import annotations

from litestar.connection import ASGIConnection
from litestar.datastructures import FormMultiDict
from litestar.exceptions import ClientException
from litestar.middleware import MiddlewareProtocol
from litestar.types import ASGIApp, Guard, Receive, Scope, Send
from litestar.utils.scope.state import ScopeState

from receiver.importer import LARGEST, TOO_LARGE
from receiver.pages.doors import Connection

UPLOAD = {"is_upload": True}
"""What a route says of itself whose form may be large."""

UPLOADED = LARGEST + 64 * 1024
"""Bytes of such a form: the file, and what it says besides."""


class TooLarge(ClientException):
    """The file is too large."""

    status_code = 413


class Uploads(MiddlewareProtocol):
    """Asks *check*, the guard of the pages, before the form is read, which is done where forms prove their origin."""

    def __init__(self, app: ASGIApp, check: Guard) -> None:
        self._app = app
        self._check = check

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Go on, if whoever sends it may. Raises what the guard does, and TooLarge (413)."""
        handler = scope["route_handler"]
        if not handler.opt.get("is_upload"):
            await self._app(scope, receive, send)
            return
        connection: Connection = ASGIConnection(scope, receive, send)
        found = self._check(connection, handler)
        if found is not None:
            await found
        told = connection.headers.get("content-length", "")
        if told.isdecimal() and int(told) > UPLOADED:
            raise TooLarge(TOO_LARGE)
        try:
            await self._app(scope, receive, send)
        finally:
            form = ScopeState.from_scope(scope).form
            if isinstance(form, dict):
                await FormMultiDict.from_form_data(form).close()
