"""Rehoming: what people say an item is, or that they were wrong, and the history that follows it (DESIGN §7, §8).

What was said is a recorded fact that `identity_of` obeys; so do replays and resettling. Here the rows follow at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.changes import Settled
from reconcile.people import People
from reconcile.playback.check_in import Key
from reconcile.playback.media import Match
from reconcile.settling import Settling
from reconcile.store import matches, media, titles
from reconcile.store.concerned import keys_of_items, keys_of_media
from reconcile.store.keys import touch
from reconcile.store.locks import lock_sessions
from reconcile.store.matches import Item


class Rehomed(msgspec.Struct):
    """What was said, by id; which media the items are now; and what that did to the history."""

    said: list[int]
    media: list[int]
    settled: Settled


class Rehoming:
    """Rehomes items within the transaction *db*; *ahead* is how far each server's clock is ahead of *now*."""

    def __init__(
        self, db: AsyncConnection, people: People, now: datetime, ahead: Mapping[str, timedelta] | None = None
    ) -> None:
        self._db = db
        self._people = people
        self._now = now
        self._ahead = ahead

    async def match(self, items: Sequence[Item], what: Match, by: str) -> Rehomed:
        """Keep that *items* are *what*, and have their history follow."""
        said = await matches.say(self._db, items, what, by, self._now)
        return await self._follow(items, said)

    async def undo(self, number: int, by: str) -> Rehomed | None:
        """Take back what was said under *number*; None if there is nothing to be taken back."""
        row = await matches.undo(self._db, number, by, self._now)
        return None if row is None else await self._follow([(row["server_id"], row["item_id"])], [number])

    async def rehome(self, items: Collection[Item]) -> Settled:
        """Find out anew which media *items* are, and those that were one with them, and settle what that concerns.

        In one transaction, however many playbacks there are: half of a split would be seen as a merge.
        """
        local_names = [f"{server_id}:{item_id}" for server_id, item_id in items]
        concerned = await titles.owners(self._db, local_names)
        keys = await self._keys(items, concerned)
        await lock_sessions(self._db, {(key.server_id, key.session_id, key.user_id) for key in keys.values()})
        # Whoever remembers one of these playbacks, remembers it under the media that it was.
        await touch(self._db, keys)
        await media.unbind(self._db, concerned, local_names)
        settling = Settling(self._db, self._people, self._now, ahead=self._ahead, whole=True)
        settled = await settling.settle(sorted(keys))
        await media.drop_unused(self._db, concerned)
        await titles.name(self._db, concerned | await titles.owners(self._db, local_names))
        return settled

    async def _follow(self, items: Collection[Item], said: list[int]) -> Rehomed:
        settled = await self.rehome(items)
        now = await titles.owners(self._db, [f"{server_id}:{item_id}" for server_id, item_id in items])
        return Rehomed(said, sorted(now), settled)

    async def _keys(self, items: Collection[Item], media_ids: Collection[int]) -> dict[int, Key]:
        found = await keys_of_media(self._db, media_ids)
        for server_id in sorted({server for server, _item in items}):
            found |= await keys_of_items(self._db, server_id, [item for server, item in items if server == server_id])
        return found
