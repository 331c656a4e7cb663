"""What people wish of accounts, series and settings, done: the API and the pages call the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar.exceptions import HTTPException
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.house import House
from reconcile.accounts import change_account, checked_zone
from reconcile.adjusting import RULES, Plain, adjusted, differing, spelt
from reconcile.awarding import count_series
from reconcile.changes import Settled
from reconcile.difference import Difference, differences_of
from reconcile.following import follow
from reconcile.settings import Settings
from reconcile.store import accounts, progress, resettlings
from reconcile.store import settings as kept_settings
from reconcile.trial import trial

Row = dict[str, Any]


class Ruled(msgspec.Struct, frozen=True):
    """An account as it is, or would be, and what that does to its history."""

    account: Row
    settled: Settled
    differences: list[Difference]


async def rule(house: House, number: int, values: Mapping[str, object], *, dry_run: bool = False) -> Ruled | None:
    """Change an account's name or own rules, and settle its history by them; None if there is none of that id.

    With *dry_run* nothing changes: it is one transaction, as long as the account's history, that is taken back. What
    comes in meanwhile waits in the spool. Raises SettingRefused, StoreAway.
    """
    if isinstance(zone := values.get("time_zone"), str):
        checked_zone(zone)
    done = None
    async with trial(house.store, dry_run=dry_run) as db:
        if await accounts.one(db, number) is None:
            return None
        settled = await change_account(db, house.people.fresh(), number, values, house.clock(), house.tracker.ahead)
        found = await differences_of(db, settled)
        done = Ruled(await accounts.one(db, number) or {}, settled, found)
    if not dry_run:
        await house.refresh()
        house.tracker.events.tell(done.settled)
    return done


async def give_up(house: House, account: int, media_id: int, *, is_abandoned: bool) -> Row | None:
    """Note that an account gave a series up, or take that back; None if it has completed nothing of it."""
    settled, now = Settled(), house.clock()
    async with house.store.begin() as db:
        if await progress.one(db, account, media_id) is None:
            return None
        if is_abandoned:
            await progress.abandon(db, account, media_id, now)
        else:
            await progress.resume(db, account, media_id)
        settled.badges += await count_series(db, house.people, account, media_id)
        await follow(db, house.people, now, settled)
        row = await progress.one(db, account, media_id)
    house.tracker.events.tell(settled)
    return row


# --- settings --------------------------------------------------------------------------------------------------------


class Plan(msgspec.Struct, frozen=True):
    """What settings are to be: *told* as they are kept (None: the default), and what differs, by name."""

    told: dict[str, str | None]
    after: Settings
    changes: dict[str, dict[str, str | None]]

    @property
    def rules(self) -> set[str]:
        """The names of those that settle the history anew."""
        return self.changes.keys() & RULES


async def planned(house: House, db: AsyncConnection, values: Mapping[str, Plain | None]) -> Plan:
    """Return what *values* would make of the settings.

    Raises SettingRefused, and HTTPException (409) for what the environment sets.
    """
    told = {name: spelt(name, value) for name, value in values.items()}
    fixed = sorted(told.keys() & house.settings.fixed)
    if fixed:
        said = f"{', '.join(fixed)}: the environment sets it; change it there, and start again."
        raise HTTPException(status_code=409, detail=said)
    kept = await kept_settings.everything(db)
    after = adjusted(house.settings, {n: text for n, text in (kept | told).items() if text is not None})
    return Plan(told, after, differing(house.settings, after))


async def adjust(
    house: House, values: Mapping[str, Plain | None], *, dry_run: bool = False, wait: float = 0.0
) -> tuple[Plan, Row | None]:
    """Change settings by their names; return what that was, and the resettling that another rule asks for.

    The resettling is told as far as it is after *wait* seconds. With *dry_run* nothing changes, and it says what would.
    """
    async with house.store.begin() as db:
        plan = await planned(house, db, values)
        if not dry_run:
            for name, text in plan.told.items():
                await (kept_settings.remove(db, name) if text is None else kept_settings.put(db, name, text))
        asked = await resettlings.add(db, house.clock(), plan.changes, dry_run=dry_run) if plan.rules else None
    await house.refresh()
    house.resettler.wake()
    if asked is None or wait <= 0:
        return plan, asked
    return plan, await house.resettler.outcome(asked["id"], wait)
