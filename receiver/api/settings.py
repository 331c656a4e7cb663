"""``/settings``: every setting with its value, its bounds, and whether the environment has fixed it.

What is changed here is kept in the database, and counts at once wherever the environment is silent.
"""

from __future__ import annotations

import msgspec
from litestar import get, patch
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from receiver.api.guard import ADMIN
from receiver.api.pages import Page
from receiver.api.resettlings import ResettlingWords
from receiver.api.words import struct_of
from receiver.house import House
from receiver.wishes import adjust
from reconcile.adjusting import ADJUSTABLE, Plain, plain
from reconcile.settings import TABLE, Setting, Settings, checked


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
    plan, row = await adjust(house, data, dry_run=dry_run, wait=_WAIT_SECONDS)
    items = [_words(plan.after if dry_run else house.settings, setting) for setting in TABLE]
    return Adjusted(items, dry_run, sorted(plan.changes), None if row is None else struct_of(ResettlingWords, row))


def _words(settings: Settings, setting: Setting) -> SettingWords:
    value = getattr(settings, setting.attribute)
    return SettingWords(
        name=setting.name,
        value=None if setting.secret else plain(setting.name, value),
        default=None if setting.default is None else plain(setting.name, checked(setting.name, setting.default)),
        bounds=setting.bounds,
        sentence=setting.sentence,
        secret=setting.secret,
        is_set=value is not None,
        fixed=setting.name in settings.fixed,
        adjustable=setting.name in ADJUSTABLE,
    )
