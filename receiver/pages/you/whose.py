"""Whose pages these are: one's own below ``/you``, another's below ``/people/…`` for whoever may see them."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException, NotFoundException
from litestar.response import Redirect, Template

from receiver.house import House
from receiver.pages.doors import visitor_of
from receiver.pages.rendering import AnyRequest, page
from receiver.visitors import Visitor
from reconcile.playback.rules import Rules
from reconcile.store.people import Account

OWN = "/you"


class Whose(msgspec.Struct, frozen=True):
    """An account whose pages *visitor* looks at; *base* is where they begin, *rules* and *zone* are what it goes by."""

    account: Account
    visitor: Visitor
    base: str
    rules: Rules
    zone: tzinfo

    @property
    def is_own(self) -> bool:
        """Whether they are the visitor's own."""
        return self.visitor.account_id == self.account.id

    @property
    def tabs(self) -> list[tuple[str, str]]:
        """The pages there are: address and name."""
        names = (
            ("", "Overview"),
            ("/activity", "Activity"),
            ("/series", "Series"),
            ("/badges", "Badges"),
            ("/privacy", "Privacy"),
        )
        return [(self.base + path, name) for path, name in names]


class NobodyError(HTTPException):
    """Whoever has signed in has no account of their own."""

    status_code = 404


def whose(request: AnyRequest, house: House) -> Whose:
    """Return whose page is asked for. Raises NotFoundException (404) for what is not theirs to see, and NobodyError."""
    visitor = visitor_of(request)
    asked = request.path_params.get("account_id")
    number = visitor.account_id if asked is None else asked
    if number is None:
        raise NobodyError("There is no account of yours here.")
    account = house.people.accounts.get(number)
    if account is None or not visitor.may_see(number):
        raise NotFoundException("There is no such person here.")
    base = OWN if asked is None else f"/people/{number}"
    return Whose(account, visitor, base, house.people.rules(number), house.people.zone_of(number))


def theirs(path: str = "") -> list[str]:
    """Return where a page is: one's own, and another's."""
    return [f"{OWN}{path}", "/people/{account_id:int}" + path]


def shown(request: AnyRequest, house: House, it: Whose, name: str, *, status: int = 200, **context: object) -> Template:
    """Return the page *name* of an account, by the clocks of its own zone."""
    return page(request, house, name, status=status, whose=it, zone=it.zone, **context)


def to_you(_request: AnyRequest, _error: NobodyError) -> Response[Any]:
    """Lead whoever has no account to where that is said."""
    return Redirect(OWN, status_code=303)
