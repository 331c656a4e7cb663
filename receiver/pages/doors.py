"""Who may come in: a signed-in browser on every page but the entrance, with the rights that the page asks for."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException, ServiceUnavailableException
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from receiver.house import House
from receiver.sign_in import COOKIE, LASTS
from receiver.visitors import Visitor, Who

Connection = ASGIConnection[Any, Any, Any, Any]

FOR_ANYONE = {"who": Who.ANYONE}
FOR_ADMINISTRATORS = {"who": Who.ADMINISTRATOR}
FOR_OWNERS = {"who": Who.OWNER}
"""What a page says of itself; without it, it is for whoever has signed in."""

_READING = frozenset({"GET", "HEAD"})


def guard(house: House) -> Guard:
    """Return the guard of all pages; it leaves the `Visitor` in the request's state."""

    async def check(connection: Connection, handler: BaseRouteHandler) -> None:
        who = Who(handler.opt.get("who", Who.VISITOR))
        token = connection.cookies.get(COOKIE)
        visitor = await house.sign_ins.visitor(token) if token else None
        connection.state["visitor"] = visitor
        if who is not Who.ANYONE:
            if visitor is None:
                raise NotAuthorizedException("Sign in first.")
            if visitor.who < who:
                raise PermissionDeniedException("This page is for administrators.")
        if connection.scope.get("method") not in _READING and house.waits_for is not None:
            raise ServiceUnavailableException(f"This process does not record: {house.waits_for}")

    return check


def visitor_of(connection: Connection) -> Visitor:
    """Return who has signed in. Raises NotAuthorizedException (401) if nobody has."""
    visitor = connection.state.get("visitor")
    if not isinstance(visitor, Visitor):
        raise NotAuthorizedException("Sign in first.")
    return visitor


def cookie_of(connection: Connection, token: str) -> Cookie:
    """Return the cookie of a signed-in browser: out of reach for scripts and other sites, and of TLS only behind it."""
    return Cookie(
        key=COOKIE,
        value=token,
        max_age=int(LASTS.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=is_behind_tls(connection),
    )


def is_behind_tls(connection: Connection) -> bool:
    """Say whether the browser speaks TLS, to us or to what stands before us."""
    told = connection.headers.get("x-forwarded-proto", "")
    return "https" in {connection.url.scheme, told.partition(",")[0].strip().lower()}


def address_of(connection: Connection) -> str:
    """Return the browser's address: what a proxy on a network of ours says of it, else where the request came from."""
    peer = connection.client.host if connection.client is not None else ""
    told = connection.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return told if _is_near(peer) and _is_address(told) else peer


def _is_near(address: str) -> bool:
    return _is_address(address) and ip_address(address).is_private


def _is_address(text: str) -> bool:
    """Say whether it is an address and nothing more: it is remembered, and strangers may send whatever they like."""
    try:
        return "%" not in text and bool(ip_address(text))
    except ValueError:
        return False


async def is_as_before(house: House, connection: Connection, visitor: Visitor) -> bool:
    """Say whether *visitor* is signed in still, with the rights that they had. Raises StoreAway."""
    return await house.sign_ins.visitor(connection.cookies.get(COOKIE, "")) == visitor
