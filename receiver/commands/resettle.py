"""``playledger resettle``."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping

from receiver.commands import world
from reconcile.errors import SettingRefused
from reconcile.resettling import Resettled, resettle_all
from reconcile.settings import Settings, read_settings
from reconcile.store import settings as kept_settings

NAMES = {
    "threshold": "PLAYLEDGER_THRESHOLD",
    "min_seconds": "PLAYLEDGER_MIN_SECONDS",
    "record_partials": "PLAYLEDGER_RECORD_PARTIALS",
}


def resettle(
    overrides: Mapping[str, float | bool], *, dry_run: bool, progress: Callable[[int, int], None]
) -> Iterator[str]:
    """Settle everything again, with *overrides* over the rules, and yield what that changes.

    Raises SettingRefused if a rule is to be changed that the environment sets.
    """
    found = asyncio.run(_resettle(overrides, dry_run=dry_run, progress=progress))
    yield from (each.sentence(is_dry=dry_run) for each in found.watches)
    yield from (each.sentence(is_dry=dry_run) for each in found.badges)
    yield f"{len(found.watches)} rows of the history {'would change' if dry_run else 'changed'}."
    if found.badges:
        yield f"{len(found.badges)} badges {'would come or go' if dry_run else 'came or went'}."
    if overrides and not dry_run:
        names = ", ".join(NAMES[name] for name in overrides)
        yield f"{names} kept: serve goes by it within seconds, or from its next start."


async def _resettle(
    overrides: Mapping[str, float | bool], *, dry_run: bool, progress: Callable[[int, int], None]
) -> Resettled:
    settings = await world.settings_of()
    told = {NAMES[name]: str(value).lower() for name, value in overrides.items()}
    if not dry_run:
        _check(settings, told)
    async with world.ledger(settings, alone=True) as ledger:
        if told and not dry_run:
            async with ledger.store.begin() as db:
                for name, value in told.items():
                    await kept_settings.put(db, name, value)
        return await resettle_all(
            ledger.store,
            ledger.people,
            overrides,
            world.now,
            dry_run=dry_run,
            ahead=ledger.ahead,
            progress=progress,
        )


def _check(settings: Settings, told: Mapping[str, str]) -> None:
    fixed = sorted(told.keys() & settings.fixed)
    if fixed:
        raise SettingRefused(f"{', '.join(fixed)} is set in the environment: change it there, then resettle.")
    read_settings(os.environ, told)
