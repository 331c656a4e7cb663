"""Browsers without a window: clients that keep cookies, and fill in the forms of the pages they get."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html.parser import HTMLParser

import httpx

from receiver.sign_in import COOKIE
from tests.receiver.houses import Program


@asynccontextmanager
async def browser(program: Program) -> AsyncIterator[httpx.AsyncClient]:
    """Return somebody who has not signed in."""
    transport = httpx.ASGITransport(program.app)  # type: ignore[arg-type] # httpx spells ASGI without its types
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as visitor:
        yield visitor


@asynccontextmanager
async def owner(program: Program) -> AsyncIterator[httpx.AsyncClient]:
    """Return the holder of the administrator's token, signed in."""
    async with browser(program) as visitor:
        token = await program.house.sign_ins.by_admin_token(program.house.settings.admin_token, "a test")
        assert token is not None
        visitor.cookies.set(COOKIE, token)
        yield visitor


@asynccontextmanager
async def viewer(
    program: Program, server_id: str, user_id: str, *, name: str = "viewer", is_administrator: bool = False
) -> AsyncIterator[httpx.AsyncClient]:
    """Return a Jellyfin user, signed in; an administrator of their server if that is said."""
    async with browser(program) as visitor:
        token = await program.house.sign_ins.by_user(
            (server_id, user_id), name, "a test", is_administrator=is_administrator
        )
        visitor.cookies.set(COOKIE, token)
        yield visitor


class _Fields(HTMLParser):
    def __init__(self, action: str | None) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._action = action
        self._is_within = action is None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "form" and self._action is not None:
            self._is_within = told.get("action") == self._action
        if tag != "input" or not self._is_within or (name := told.get("name")) is None:
            return
        if told.get("type") not in {"checkbox", "radio"} or "checked" in told:
            self.fields[name] = told.get("value") or ""


def form_of(page: httpx.Response, action: str | None = None) -> dict[str, str]:
    """Return what a browser would send of the form with that *action*, or of all forms of a page, if nobody types."""
    parser = _Fields(action)
    parser.feed(page.text)
    assert "_csrf_token" in parser.fields, page.text
    return parser.fields
