"""Who is to hear of what one transaction did, and what they have heard before."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile import messages
from reconcile.people import People
from reconcile.playback.news import Kind, is_news
from reconcile.store import outbox, tellable
from reconcile.store.outbox import Message
from reconcile.store.targets import Target, is_about

Row = dict[str, Any]


class Told(msgspec.Struct):
    """What one target was told about one subject: the last id and data, and every kind."""

    message_id: str
    data: Row
    kinds: set[str]


class Hearers:
    """The targets as far as one transaction concerns them, and the messages *queued* for them."""

    def __init__(self, db: AsyncConnection, people: People, now: datetime) -> None:
        self.db = db
        self.people = people
        self.now = now
        self.queued: list[Message] = []

    def want(self, *kinds: Kind) -> bool:
        """Say whether anybody asked for any of *kinds*."""
        return any(kind in target.events for target in self.people.targets for kind in kinds)

    def of(self, account_id: int, kinds: Iterable[Kind], at: datetime) -> list[Target]:
        """Return who is to be told of an account's fact of that instant; nobody if it is old, or they opted out."""
        asked = [kind for kind in kinds if is_news(kind, at, self.now, self.people.global_rules)]
        if not asked or not self.people.has_opted_in(account_id, self.now):
            return []
        targets = (target for target in self.people.targets if is_about(target, account_id))
        return [target for target in targets if any(kind in target.events for kind in asked)]

    async def told(self, subjects: Collection[str]) -> dict[tuple[int, str], Told]:
        """Return what each target (by id) was told about each of *subjects*."""
        found: dict[tuple[int, str], Told] = {}
        for target_id, subject, kind, number, body in await outbox.said(self.db, subjects):
            before = found.get((target_id, subject))
            kinds = {kind} if before is None else before.kinds | {kind}
            found[target_id, subject] = Told(number, messages.data_of(body), kinds)
        return found

    def account(self, number: int) -> dict[str, object]:
        """Return whose it is, in words."""
        known = self.people.accounts.get(number)
        return {"id": number, "name": None if known is None else known.name}

    async def media(self, numbers: Iterable[int | None]) -> dict[int, Row]:
        """Return media by id."""
        return await tellable.media_of(self.db, {number for number in numbers if number is not None})
