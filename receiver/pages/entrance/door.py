"""The door as a page, and what happens to whoever is let in by it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from litestar.response import Redirect, Template

from receiver.house import House
from receiver.pages.doors import cookie_of
from receiver.pages.rendering import AnyRequest, page, redirect
from receiver.visitors import Visitor

LONGEST_PATH = 300
"""Of where somebody wants to go, as the forms of the door take it."""


async def shown(  # noqa: PLR0913 - what was entered is shown again
    request: AnyRequest,
    house: House,
    then: str,
    *,
    status: int = 200,
    error: str | None = None,
    server: str = "",
    name: str = "",
    by_token: bool = False,
) -> Template:
    """Return the door, with what was entered before but for secrets. *by_token*: the token's part is in use."""
    doorways = await house.doorways.each()
    return page(
        request,
        house,
        "entrance/sign_in.html",
        status=status,
        then=within(then),
        doorways=doorways,
        has_code=any(each.has_code for each in doorways),
        error=error,
        server=server,
        entered=name,
        by_token=by_token,
    )


async def admit(request: AnyRequest, house: House, token: str, path: str, said: str | None = None) -> Redirect:
    """Return the way in for a browser that bears *token* from now on; what it bore before is worth nothing any more."""
    before: Any = request.state.get("visitor")
    if isinstance(before, Visitor):
        await house.sign_ins.sign_out(before.sign_in)
    answer = redirect(path, said)
    answer.set_cookie(cookie_of(request, token))
    return answer


def within(path: str) -> str:
    """Return *path* if it leads to a page of ours, else the live page."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_ours and len(path) <= LONGEST_PATH else "/now"


def later(wait: timedelta, who: str = "from this address") -> str:
    """Return that somebody has to wait, and for how long."""
    return f"Too many tries {who}: wait for {max(1, round(wait.total_seconds() / 60))} min."
