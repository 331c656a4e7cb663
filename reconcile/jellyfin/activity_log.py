"""When plays began, as the server's own activity log tells: in UTC, but without the item (facts G)."""

from __future__ import annotations

from datetime import datetime

import msgspec

from reconcile.jellyfin.catalogue import decoded
from reconcile.jellyfin.client import JellyfinClient
from reconcile.jellyfin.instants import instant
from reconcile.playback.identity import NOBODY, normalised_id

PAGE = 500
PAGES = 40
"""How far back it is read at most: 20,000 entries. The server itself keeps them for 30 days unless told otherwise."""

_START = "VideoPlayback"


class _Entry(msgspec.Struct, frozen=True, rename="pascal"):
    id: int = 0
    type: str | None = None
    user_id: str | None = None
    date: str | None = None


class _Entries(msgspec.Struct, frozen=True, rename="pascal"):
    items: tuple[_Entry, ...] = ()


async def starts(
    client: JellyfinClient, since: datetime, *, page: int = PAGE, pages: int = PAGES
) -> dict[str, list[datetime]]:
    """Return the UTC instants, in order, at which each user (id) began to watch something at or after *since*.

    The newest entries come first; what is logged meanwhile moves the rest, so an entry may be given twice, and is
    counted once. Only an administrator's key may ask. Raises what every question to a server does.
    """
    found: dict[int, tuple[str, datetime]] = {}
    for number in range(pages):
        entries = decoded(await client.activity_log(number * page, page, since), _Entries, "its activity log").items
        for entry in entries:
            at, user_id = instant(entry.date), normalised_id(entry.user_id or "")
            if entry.type == _START and at is not None and at >= since and user_id not in {"", NOBODY}:
                found[entry.id] = (user_id, at)
        if len(entries) < page:
            break
    told: dict[str, list[datetime]] = {}
    for user_id, at in sorted(found.values()):
        told.setdefault(user_id, []).append(at)
    return told
