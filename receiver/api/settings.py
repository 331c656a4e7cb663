"""``/settings``: every setting with its value, its bounds, and whether the environment has fixed it."""

from __future__ import annotations

from datetime import timedelta, tzinfo
from pathlib import Path

import msgspec
from litestar import get
from litestar.di import NamedDependency

from receiver.api.guard import ADMIN
from receiver.api.pages import Page
from receiver.house import House
from reconcile.settings import TABLE, Setting

_MILLISECONDS = frozenset({"JELLYFIN_ACTIVITY_POLL_INTERVAL"})


class SettingWords(msgspec.Struct, frozen=True):
    """One setting. A secret has no *value* here, only *is_set*; *fixed*: the environment sets it."""

    name: str
    value: str | int | float | bool | None
    default: str | None
    bounds: str
    sentence: str
    secret: bool
    is_set: bool
    fixed: bool


@get("/settings", tags=["settings"], opt=ADMIN)
async def setting_list(house: NamedDependency[House]) -> Page[SettingWords]:
    """Return all settings."""
    return Page([_words(house, setting) for setting in TABLE])


def _words(house: House, setting: Setting) -> SettingWords:
    value = getattr(house.settings, setting.attribute)
    return SettingWords(
        name=setting.name,
        value=None if setting.secret else _plain(setting.name, value),
        default=setting.default,
        bounds=setting.bounds,
        sentence=setting.sentence,
        secret=setting.secret,
        is_set=value is not None,
        fixed=setting.name in house.settings.fixed,
    )


def _plain(name: str, value: object) -> str | int | float | bool | None:
    """Return *value* as one would write it: durations in the unit of their setting."""
    if isinstance(value, timedelta):
        return value / timedelta(milliseconds=1) if name in _MILLISECONDS else value.total_seconds()
    if isinstance(value, Path | tzinfo):
        return str(value)
    return value if isinstance(value, str | int | float | bool) else None
