"""Codes of Quick Connect that wait to be approved: what only we may know of them stays here, few, and not for long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from reconcile.secrets import fingerprint, new_token

LASTS = timedelta(minutes=10)
"""How long a code is waited for; Jellyfin lets it lapse about then."""

MOST = 50
"""How many may wait at once."""


class Pending(msgspec.Struct, frozen=True):
    """A *code* that somebody is to approve in Jellyfin, and the *secret* with which that is asked.

    *server_id* is None where the server is not known yet. *sign_in*: whose browser connects a server with it; None
    where somebody signs in.
    """

    code: str
    secret: str
    url: str
    server_id: str | None
    then: str
    at: datetime
    sign_in: int | None = None

    def __repr__(self) -> str:
        """Return it fit for logs."""
        return f"Pending({self.code!r})"


class Codes:
    """The codes that wait, by the fingerprint of a ticket that the browser holds."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._waiting: dict[str, Pending] = {}
        self._listening: dict[str, object] = {}

    def keep(self, pending: Pending) -> str | None:
        """Keep a code, and return the ticket for it; None if too many wait."""
        now = self._clock()
        self._waiting = {key: each for key, each in self._waiting.items() if now - each.at < LASTS}
        self._listening = {key: each for key, each in self._listening.items() if key in self._waiting}
        if len(self._waiting) >= MOST:
            return None
        ticket = new_token()
        self._waiting[fingerprint(ticket)] = pending
        return ticket

    def of(self, ticket: str, sign_in: int | None = None) -> Pending | None:
        """Return the code of *ticket*, None where it has lapsed or is another browser's to use."""
        found = self._waiting.get(fingerprint(ticket))
        if found is None or found.sign_in != sign_in or self._clock() - found.at >= LASTS:
            return None
        return found

    def listen(self, ticket: str) -> object:
        """Return a mark for who waits with *ticket*: whoever waited with it before is to ask no more."""
        mark, key = object(), fingerprint(ticket)
        if key in self._waiting:
            self._listening[key] = mark
        return mark

    def is_latest(self, ticket: str, mark: object) -> bool:
        """Say whether nobody listens with *ticket* since *mark* was given."""
        return self._listening.get(fingerprint(ticket)) is mark

    def drop(self, ticket: str) -> None:
        """Forget the code of *ticket*: it was used, or is worth nothing any more."""
        self._waiting.pop(fingerprint(ticket), None)
