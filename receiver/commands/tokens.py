"""``playledger tokens``: a token is shown once, when it is made; what is kept of it opens nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from receiver.access import Scope
from receiver.commands import world
from receiver.commands.world import Ledger
from reconcile.errors import SettingRefused
from reconcile.secrets import fingerprint, new_token
from reconcile.store import tokens

_SHOWN = 10
"""How many characters of a fingerprint are shown: enough to tell them apart."""


def listed() -> Iterator[str]:
    """Yield the tokens of the API, then those of webhooks."""
    api, webhooks = asyncio.run(_listed())
    if not api and not webhooks:
        yield "There are only the two tokens of the settings: the administrator's and the webhook's."
    for each in api:
        used = f"last used {each.last_used_at:%Y-%m-%d}" if each.last_used_at else "never used"
        yield f"{each.id:>4}  API      {each.name:24} {', '.join(each.scopes):12} {used}"
    for print_, server_id in sorted(webhooks.items()):
        yield f"{print_[:_SHOWN]}  webhook  for {server_id or 'any server'}"


def make(name: str, server: str | None, *, is_admin: bool) -> list[str]:
    """Make a token and say what it is."""
    if server is not None and is_admin:
        raise SettingRefused("A webhook token opens nothing else: leave --admin out.")
    token = new_token()
    what = asyncio.run(_make(name, token, server, is_admin=is_admin))
    return [token, f"This is {what}. It is shown this once."]


def revoke(token: str) -> list[str]:
    """Revoke a token by its number, or by the beginning of its fingerprint."""
    return [asyncio.run(_revoke(token))]


async def _listed() -> tuple[list[tokens.ApiToken], dict[str, str | None]]:
    async with world.ledger(await world.settings_of()) as ledger, ledger.store.read() as db:
        return await tokens.api_tokens(db), await tokens.webhook_tokens(db)


async def _make(name: str, token: str, server: str | None, *, is_admin: bool) -> str:
    async with world.ledger(await world.settings_of()) as ledger, ledger.store.begin() as db:
        if server is not None:
            server_id = _server(ledger, server)
            await tokens.add_webhook_token(db, fingerprint(token), server_id, world.now())
            return f"a webhook token for the server {server}"
        scope = Scope.ADMIN if is_admin else Scope.READ
        number = await tokens.add_api_token(db, name, fingerprint(token), (scope.value,), world.now())
        return f"API token {number}, {name}, which may {'change everything' if is_admin else 'read'}"


def _server(ledger: Ledger, wanted: str) -> str:
    for each in ledger.servers:
        if wanted in (each.id, each.name):
            return each.id
    known = ", ".join(each.name or each.id for each in ledger.servers) or "none yet"
    raise SettingRefused(f"There is no server {wanted}. Known are: {known}.")


async def _revoke(token: str) -> str:
    async with world.ledger(await world.settings_of()) as ledger, ledger.store.begin() as db:
        if token.isdigit() and await tokens.remove_api_token(db, int(token)):
            return f"API token {token} opens nothing any more."
        found = [each for each in await tokens.webhook_tokens(db) if each.startswith(token.lower())]
        if len(found) == 1 and len(token) >= _SHOWN:
            await tokens.remove_webhook_token(db, found[0])
            return f"The webhook token {found[0][:_SHOWN]} opens nothing any more."
    raise SettingRefused(f"There is no token {token}: playledger tokens list shows their numbers.")
