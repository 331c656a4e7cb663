"""New rules over the whole history while the program runs: a few keys at a time, remembering only what changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.changes import BadgeChange, Change, Settled, Unit
from reconcile.difference import Difference, differences_of
from reconcile.people import People
from reconcile.playback.check_in import Key
from reconcile.settling import Settling
from reconcile.store import resettlings
from reconcile.store.engine import Transactions
from reconcile.store.locks import lock_sessions
from reconcile.trial import trial

BATCH = 50
"""How many keys one transaction settles, more only where a session has more."""

SHOWN = 100
"""How many differences are told one by one."""

Heard = Callable[[Settled], None]
"""Told what each transaction did, after its commit."""

Progress = Callable[[int, int], Awaitable[None]]
"""Told how many keys are settled, and of how many; not within a transaction, unless it is a trial."""


class _Sum(msgspec.Struct):
    """What all transactions did together: each row before the first and after the last."""

    rows: dict[tuple[Unit, str], Change] = {}
    badges: dict[tuple[int, str], BadgeChange] = {}

    def add(self, settled: Settled) -> None:
        """Add what one more did."""
        for change in settled.watches:
            place = (change.unit, change.day)
            first = self.rows.get(place)
            self.rows[place] = change if first is None else msgspec.structs.replace(change, before=first.before)
        for badge in settled.badges:
            sort = (badge.account, badge.code)
            earlier = self.badges.get(sort)
            self.badges[sort] = badge if earlier is None else msgspec.structs.replace(badge, before=earlier.before)

    @property
    def settled(self) -> Settled:
        """Return it as if it had been one."""
        return Settled(watches=list(self.rows.values()), badges=list(self.badges.values()))


async def rerule(
    store: Transactions,
    people: People,
    clock: Callable[[], datetime],
    *,
    dry_run: bool,
    ahead: Mapping[str, timedelta],
    heard: Heard,
    progress: Progress,
) -> dict[str, Any]:
    """Settle every key by the rules of *people*; return what that did, as the API tells it. Raises StoreAway.

    It may be stopped and begun again: what is settled already does not change. With *dry_run* all of it is one
    transaction that is taken back; until then nothing else can be written, and what comes in waits in the spool.
    """
    sum_, place, done = _Sum(), None, 0
    async with store.read() as db:
        await people.load(db)
        total = await resettlings.count_keys(db)
    if dry_run:
        async with trial(store, dry_run=True) as db:
            while (step := await _step(db, people, clock(), ahead, place)) is not None:
                place, settled, count = step
                sum_.add(settled)
                done += count
            return _words(await differences_of(db, sum_.settled), sum_, is_dry=True)
    while True:
        async with store.begin() as db:
            await people.load(db)
            step = await _step(db, people, clock(), ahead, place)
        if step is None:
            break
        place, settled, count = step
        sum_.add(settled)
        heard(settled)
        done += count
        await progress(done, total)
    async with store.read() as db:
        return _words(await differences_of(db, sum_.settled), sum_, is_dry=False)


async def _step(
    db: AsyncConnection, people: People, now: datetime, ahead: Mapping[str, timedelta], place: Key | None
) -> tuple[Key, Settled, int] | None:
    """Settle the keys after *place*; return the last of them, what that did, and how many they are."""
    batch = await resettlings.keys_after(db, place, BATCH)
    if not batch:
        return None
    await lock_sessions(db, {(key.server_id, key.session_id, key.user_id) for _number, key in batch})
    settled = await Settling(db, people, now, ahead=ahead, whole=True).settle([number for number, _key in batch])
    return batch[-1][1], settled, len(batch)


def _words(found: list[Difference], sum_: _Sum, *, is_dry: bool) -> dict[str, Any]:
    badges = [each for each in sum_.badges.values() if each.is_earned or each.is_revoked]
    return {
        "differences": [each.sentence(is_dry=is_dry) for each in found[:SHOWN]],
        "differences_in_all": len(found),
        "came": sum(each.before is None for each in found),
        "went": sum(each.after is None for each in found),
        "badges_earned": sum(each.is_earned for each in badges),
        "badges_revoked": sum(each.is_revoked for each in badges),
    }
