"""A server's API keys (facts G)."""

from __future__ import annotations

import msgspec

from reconcile.jellyfin.catalogue import decoded


class ApiKey(msgspec.Struct, frozen=True):
    """A key, and the name under which it was made: several may bear one name. *made_at* is the server's own text."""

    app: str
    token: str
    made_at: str

    def __repr__(self) -> str:
        """Return it fit for logs."""
        return f"ApiKey({self.app!r})"


class _Key(msgspec.Struct, frozen=True, rename="pascal"):
    access_token: str
    app_name: str | None = None
    date_created: str | None = None


class _Keys(msgspec.Struct, frozen=True, rename="pascal"):
    items: tuple[_Key, ...]


def api_keys(body: bytes) -> tuple[ApiKey, ...]:
    """Return the keys of an answer to ``GET /Auth/Keys``. Raises JellyfinUnreadable."""
    told = decoded(body, _Keys, "API keys").items
    return tuple(ApiKey(key.app_name or "", key.access_token, key.date_created or "") for key in told)
