"""Whether a server's webhooks are heard, as it is told while somebody waits for the first."""

from __future__ import annotations

from datetime import datetime

import msgspec

from receiver.house import House
from reconcile.store.servers import Server


class Listening(msgspec.Struct, frozen=True):
    """When a server's webhooks were heard last, how often since the start, and what their template lacks."""

    last_at: datetime | None = None
    count: int = 0
    flags: tuple[str, ...] = ()


def listening_of(house: House, server: Server) -> Listening:
    """Return what was heard of *server* by webhook."""
    heard = house.hearing.servers.get(server.id)
    return Listening() if heard is None else Listening(heard.last_at, heard.count, tuple(sorted(heard.flags)))
