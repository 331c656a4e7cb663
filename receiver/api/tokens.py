"""``/tokens``: tokens for this API. A token is told once, when it is made; what is kept of it opens nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import JSONBody, PathParameter
from msgspec import Meta

from receiver.access import Scope
from receiver.api.guard import ADMIN
from receiver.api.pages import LARGEST_ID, Page
from receiver.house import House
from reconcile.secrets import fingerprint, new_token
from reconcile.store import tokens


class TokenWords(msgspec.Struct, frozen=True):
    """A token. *scopes*: ``read`` shows the history, ``admin`` shows and changes everything."""

    id: int
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None


class NewToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token to be: what it is called, and what it opens."""

    name: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$")]
    scopes: Annotated[frozenset[Scope], Meta(min_length=1)] = frozenset({Scope.READ})


class Minted(msgspec.Struct, frozen=True):
    """A token that was made. It is told this once."""

    token: str
    id: int
    name: str
    scopes: tuple[str, ...]
    created_at: datetime


@get("/tokens", tags=["tokens"], opt=ADMIN)
async def token_list(house: NamedDependency[House]) -> Page[TokenWords]:
    """Return the tokens, oldest first, without what would open anything. All of them: there are few."""
    async with house.store.read() as db:
        found = await tokens.api_tokens(db)
    return Page([TokenWords(each.id, each.name, each.scopes, each.created_at, each.last_used_at) for each in found])


@post("/tokens", tags=["tokens"])
async def create(house: NamedDependency[House], data: JSONBody[NewToken]) -> Minted:
    """Make a token."""
    return await make(house, data)


@delete("/tokens/{token_id:int}", tags=["tokens"])
async def revoke(house: NamedDependency[House], token_id: Annotated[int, PathParameter(ge=1, le=LARGEST_ID)]) -> None:
    """Revoke a token: it opens nothing from now on."""
    await remove(house, token_id)


async def make(house: House, wish: NewToken) -> Minted:
    """Make a token for the API, and return it: it is told this once. Raises StoreError."""
    token, now = new_token(), house.clock()
    name, scopes = wish.name.strip(), tuple(sorted(scope.value for scope in wish.scopes))
    async with house.store.begin() as db:
        number = await tokens.add_api_token(db, name, fingerprint(token), scopes, now)
    return Minted(token, number, name, scopes, now)


async def remove(house: House, token_id: int) -> None:
    """Revoke a token. Raises NotFoundException (404), or StoreError."""
    async with house.store.begin() as db:
        if not await tokens.remove_api_token(db, token_id):
            raise NotFoundException(f"There is no token {token_id}.")
