"""Who may come in: the tokens of the Webhook plugin and of the callers of the API."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.secrets import fingerprint, is_same
from reconcile.store import tokens
from reconcile.store.engine import Transactions


class Scope(StrEnum):
    """What a token opens: *read* shows history, *admin* shows and changes everything."""

    READ = "read"
    ADMIN = "admin"


class Caller(msgspec.Struct, frozen=True):
    """Somebody whose token is good. *token_id* is None for the administrator's own token."""

    scopes: frozenset[Scope]
    token_id: int | None = None
    last_used_at: datetime | None = None

    def may(self, scope: Scope) -> bool:
        """Say whether the caller has *scope*; who administers may read."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


ADMINISTRATOR = Caller(frozenset(Scope))


class Admitted(msgspec.Struct, frozen=True):
    """A webhook with a good token. *server_id*: it speaks for that server only; None: for whatever it names."""

    server_id: str | None = None


ANYONE = Admitted()

_USED_EVERY = timedelta(hours=1)
"""How exactly the last use of a token is kept."""


class Access:
    """Tokens of the settings, and those that were made in the pages."""

    def __init__(self, webhook_token: str, admin_token: str) -> None:
        self._admin_token = admin_token
        self._webhook = hashlib.sha256(webhook_token.encode()).digest()
        self._bound: Mapping[bytes, str | None] = {}

    async def load(self, db: AsyncConnection) -> None:
        """Read the webhook tokens anew: they are in memory, as the database may be away when they are needed."""
        self._bound = {bytes.fromhex(each): server for each, server in (await tokens.webhook_tokens(db)).items()}

    def webhook(self, token: str) -> Admitted | None:
        """Return for whom *token* speaks, None if it is not one of ours. Every token is compared, each in full."""
        given = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        found = ANYONE if hmac.compare_digest(given, self._webhook) else None
        for known, server_id in self._bound.items():
            if hmac.compare_digest(given, known):
                found = Admitted(server_id)
        return found

    async def caller(self, store: Transactions, token: str) -> Caller | None:
        """Return who calls the API with *token*, None if it is not one of ours. Raises StoreAway."""
        if is_same(token, self._admin_token):
            return ADMINISTRATOR
        async with store.read() as db:
            found = await tokens.api_token(db, fingerprint(token))
        if found is None:
            return None
        known = frozenset(Scope(each) for each in found.scopes if each in set(Scope))
        return Caller(known, found.id, found.last_used_at)


def is_use_to_be_noted(caller: Caller, now: datetime) -> bool:
    """Say whether it is time to note that the caller's token was used."""
    if caller.token_id is None:
        return False
    return caller.last_used_at is None or now - caller.last_used_at >= _USED_EVERY


def bearer(header: str | None) -> str | None:
    """Return the token in an ``Authorization`` header."""
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
