"""Targets of outbound webhooks: adding one with its secret, and trying whether it hears."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile import messages
from reconcile.errors import SettingRefused
from reconcile.playback.news import FACTS, Kind
from reconcile.secrets import Safe
from reconcile.signing import new_secret
from reconcile.spelling import target_address
from reconcile.store import outbox, targets
from reconcile.store.outbox import Message, Row
from reconcile.store.targets import Target


def checked_url(text: str) -> str:
    """Return the address of a target. Raises SettingRefused."""
    try:
        return target_address(text.strip())
    except ValueError as error:
        raise SettingRefused(f"url: {error}.") from error


def checked_events(names: Iterable[str]) -> tuple[str, ...]:
    """Return *names* in order. Raises SettingRefused if one is none of the events."""
    known = [kind.value for kind in FACTS]
    wanted = set(names)
    if not wanted or not wanted <= set(known):
        raise SettingRefused(f"events: one or more of {', '.join(known)} are needed.")
    return tuple(name for name in known if name in wanted)


async def add(
    db: AsyncConnection,
    safe: Safe,
    url: str,
    events: tuple[str, ...],
    account_id: int | None,
    now: datetime,
    *,
    active: bool = True,
) -> tuple[int, str]:
    """Add a target; return its id and the secret with which its messages are signed."""
    number = await targets.add(db, url, events, account_id, now, active=active)
    return number, await renew(db, safe, number)


async def renew(db: AsyncConnection, safe: Safe, number: int) -> str:
    """Give a target a new secret, and return it."""
    secret = new_secret()
    await targets.set_secret(db, number, safe.encrypted(secret, targets.purpose(number)))
    return secret


async def test(db: AsyncConnection, target: Target, now: datetime) -> Row:
    """Queue a test message for *target*, each time another, and return its row."""
    number = messages.message_id(Kind.TEST.value, uuid.uuid4())
    body = messages.body(Kind.TEST, now, {"sentence": "This is a test: it says nothing of anybody."})
    await outbox.queue(db, [Message(number, target.id, None, Kind.TEST.value, f"test/{number}", body)], now)
    found = await outbox.messages(db, outbox.Sought(target=target.id, kind=Kind.TEST.value), None, 1)
    return found[0]
