"""``/settings``: every setting with its value, its bounds, and whether the environment has fixed it.

What is changed here is kept in the database, and counts at once wherever the environment is silent.
"""

from __future__ import annotations

from datetime import timedelta, tzinfo
from pathlib import Path
from typing import Any

import msgspec
from litestar import get, patch
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import FromQuery, JSONBody

from receiver.api.guard import ADMIN
from receiver.api.pages import Page
from receiver.api.resettlings import ResettlingWords
from receiver.api.words import struct_of
from receiver.house import House
from reconcile.adjusting import ADJUSTABLE, RULES, Plain, adjusted, spelt
from reconcile.settings import TABLE, Setting, Settings, checked
from reconcile.store import resettlings
from reconcile.store import settings as kept_settings

_MILLISECONDS = frozenset({"JELLYFIN_ACTIVITY_POLL_INTERVAL"})


class SettingWords(msgspec.Struct, frozen=True):
    """One setting. A secret has no *value* here, only *is_set*; *fixed*: the environment sets it.

    *adjustable*: it may be changed while the program runs.
    """

    name: str
    value: str | int | float | bool | None
    default: str | int | float | bool | None
    bounds: str
    sentence: str
    secret: bool
    is_set: bool
    fixed: bool
    adjustable: bool


class Adjusted(msgspec.Struct, frozen=True):
    """All settings as they are now, or would be, and which of them *changed*.

    *resettling* is what another rule does to the history; null where no rule changed.
    """

    items: list[SettingWords]
    dry_run: bool
    changed: list[str]
    resettling: ResettlingWords | None


_WAIT_SECONDS = 5.0
"""How long an answer waits for the history to be settled anew."""


@get("/settings", tags=["settings"], opt=ADMIN)
async def setting_list(house: NamedDependency[House]) -> Page[SettingWords]:
    """Return all settings."""
    return Page([_words(house.settings, setting) for setting in TABLE])


@patch("/settings", tags=["settings"])
async def change(
    house: NamedDependency[House], data: JSONBody[dict[str, Plain | None]], *, dry_run: FromQuery[bool] = False
) -> Adjusted:
    """Change settings by their names; null returns to the default. What the environment sets stays.

    Another rule settles the history anew in the background: *resettling* says how far that is after a few seconds, and
    GET /resettlings/{id} says the rest. With *dry_run* nothing changes, and *resettling* says what would; meanwhile
    the database is busy, and what comes in waits in the spool.
    """
    told = {name: spelt(name, value) for name, value in data.items()}
    fixed = sorted(told.keys() & house.settings.fixed)
    if fixed:
        raise HTTPException(
            status_code=409, detail=f"{', '.join(fixed)}: the environment sets it; change it there, and start again."
        )
    async with house.store.begin() as db:
        kept = await kept_settings.everything(db)
        after = adjusted(house.settings, {n: text for n, text in (kept | told).items() if text is not None})
        changes = _changes(house.settings, after)
        if not dry_run:
            for name, text in told.items():
                await (kept_settings.remove(db, name) if text is None else kept_settings.put(db, name, text))
        asked = None
        if changes.keys() & RULES:
            asked = await resettlings.add(db, house.clock(), changes, dry_run=dry_run)
    await house.refresh()
    house.resettler.wake()
    row = None if asked is None else await house.resettler.outcome(asked["id"], _WAIT_SECONDS)
    items = [_words(after if dry_run else house.settings, setting) for setting in TABLE]
    return Adjusted(items, dry_run, sorted(changes), None if row is None else struct_of(ResettlingWords, row))


def _changes(before: Settings, after: Settings) -> dict[str, dict[str, Any]]:
    """Return what differs, by name: the values before and after, as texts."""
    found: dict[str, dict[str, Any]] = {}
    for setting in TABLE:
        old, new = (_plain(setting.name, getattr(each, setting.attribute)) for each in (before, after))
        if setting.name in ADJUSTABLE and old != new and old is not None and new is not None:
            found[setting.name] = {"before": spelt(setting.name, old), "after": spelt(setting.name, new)}
    return found


def _words(settings: Settings, setting: Setting) -> SettingWords:
    value = getattr(settings, setting.attribute)
    return SettingWords(
        name=setting.name,
        value=None if setting.secret else _plain(setting.name, value),
        default=None if setting.default is None else _plain(setting.name, checked(setting.name, setting.default)),
        bounds=setting.bounds,
        sentence=setting.sentence,
        secret=setting.secret,
        is_set=value is not None,
        fixed=setting.name in settings.fixed,
        adjustable=setting.name in ADJUSTABLE,
    )


def _plain(name: str, value: object) -> str | int | float | bool | None:
    """Return *value* as one would write it: durations in the unit of their setting."""
    if isinstance(value, timedelta):
        return value / timedelta(milliseconds=1) if name in _MILLISECONDS else value.total_seconds()
    if isinstance(value, Path | tzinfo):
        return str(value)
    return value if isinstance(value, str | int | float | bool) else None
