"""Who may call: a bearer token on every route, an administrator's for whatever changes or tells of others' bodies."""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import (
    ClientException,
    NotAuthorizedException,
    PermissionDeniedException,
    ServiceUnavailableException,
)
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter
from litestar.types import Guard

from receiver.access import Caller, Scope, bearer, is_use_to_be_noted
from receiver.house import House
from reconcile.errors import StoreError
from reconcile.store import tokens

ADMIN = {"scope": Scope.ADMIN}
"""What a route says that only administrators may call."""

Connection = ASGIConnection[Any, Any, Any, Any]

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def guard(house: House) -> Guard:
    """Return the guard of all routes of the API."""

    async def check(connection: Connection, handler: BaseRouteHandler) -> None:
        token = bearer(connection.headers.get("authorization"))
        caller = None if token is None else await house.access.caller(house.store, token)
        if caller is None:
            raise NotAuthorizedException(
                "A token is needed: Authorization: Bearer …", headers={"www-authenticate": "Bearer"}
            )
        is_reading = connection.scope.get("method") in _READING
        scope = handler.opt.get("scope") or (Scope.READ if is_reading else Scope.ADMIN)
        if not caller.may(scope):
            raise PermissionDeniedException(f"This token lacks the scope «{scope}».")
        connection.state["caller"] = caller
        _check_query(connection, handler)
        if not is_reading and house.waits_for is not None:
            raise ServiceUnavailableException(f"This process does not record: {house.waits_for}")
        if caller.token_id is not None and is_use_to_be_noted(caller, house.clock()):
            await _note_use(house, caller.token_id)

    return check


def _check_query(connection: Connection, handler: BaseRouteHandler) -> None:
    """Refuse what a route does not ask for: a misspelt ``dry_run`` would be a change, a misspelt filter no filter."""
    if not connection.scope.get("query_string"):
        return
    asked = {
        field.kwarg_definition.name or name
        for name, field in handler.parsed_fn_signature.parameters.items()
        if isinstance(field.kwarg_definition, QueryParameter)
    }
    unknown = sorted(set(connection.query_params.keys()) - asked)
    if unknown:
        there = f"these are: {', '.join(sorted(asked))}" if asked else "there are none"
        raise ClientException(f"{', '.join(unknown)}: no such query parameter here; {there}.")


def speaker(connection: Connection) -> str:
    """Return in whose name a request speaks: what an audit trail remembers."""
    caller = connection.state.get("caller")
    number = caller.token_id if isinstance(caller, Caller) else None
    return "an administrator" if number is None else f"token {number}"


async def _note_use(house: House, token_id: int) -> None:
    if house.waits_for is not None:
        return
    try:
        async with house.store.begin() as db:
            await tokens.used(db, token_id, house.clock())
    except StoreError:
        return  # that it was used is told again at the next use
