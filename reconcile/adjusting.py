"""Settings that may be changed while the program runs: what is kept of them counts where the environment is silent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta, tzinfo
from pathlib import Path
from typing import Any

import msgspec
import structlog

from reconcile.errors import SettingRefused
from reconcile.settings import TABLE, Settings, checked

log = structlog.get_logger()

RULES = frozenset(
    {
        "PLAYLEDGER_THRESHOLD",
        "PLAYLEDGER_MIN_SECONDS",
        "PLAYLEDGER_RECORD_PARTIALS",
        "PLAYLEDGER_SILENCE",
        "PLAYLEDGER_PAUSED_TIMEOUT",
        "PLAYLEDGER_RESUME_WINDOW",
        "PLAYLEDGER_FRESHNESS",
        "PLAYLEDGER_ABSENCE_GRACE",
    }
)
"""What playbacks are cut and judged by: when one of these changes, the history is settled anew."""

ADJUSTABLE = RULES | {
    "JELLYFIN_ACTIVITY_MONITOR_ENABLED",
    "JELLYFIN_ACTIVITY_POLL_INTERVAL",
    "PLAYLEDGER_AUTO_LINK",
    "PLAYLEDGER_RETENTION_DAYS",
}

Plain = bool | int | float | str
"""A value as JSON has it."""

_MILLISECONDS = frozenset({"JELLYFIN_ACTIVITY_POLL_INTERVAL"})

_ADJUSTABLE = tuple(setting for setting in TABLE if setting.name in ADJUSTABLE)


def adjusted(settings: Settings, kept: Mapping[str, str]) -> Settings:
    """Return *settings* with what is *kept* (texts by name), else the default, where the environment is silent.

    What is kept and makes no sense is passed over, with a word in the log: a running program goes on.
    """
    values: dict[str, Any] = {}
    for setting in _ADJUSTABLE:
        if setting.name in settings.fixed or setting.default is None:
            continue
        values[setting.attribute] = checked(setting.name, setting.default)
        if setting.name in kept:
            try:
                values[setting.attribute] = checked(setting.name, kept[setting.name])
            except SettingRefused as error:
                log.warning("a setting in the database is passed over", reason=str(error))
    return msgspec.structs.replace(settings, **values)


def spelt(name: str, value: Plain | None) -> str | None:
    """Return *value* as it is kept for the setting *name*; None returns to the default.

    Raises SettingRefused for what may not be changed while the program runs, or is out of its bounds.
    """
    if name not in ADJUSTABLE:
        if name not in {setting.name for setting in TABLE}:
            checked(name, "")  # says which name was meant
        raise SettingRefused(f"{name} is set in the environment only. These can be changed: {_names()}.")
    if value is None:
        return None
    text = _text(value)
    checked(name, text)
    return text


def plain(name: str, value: object) -> Plain | None:
    """Return the *value* of the setting *name* as one would write it: durations in its unit, None where it has none."""
    if isinstance(value, timedelta):
        return value / timedelta(milliseconds=1) if name in _MILLISECONDS else value.total_seconds()
    if isinstance(value, Path | tzinfo):
        return str(value)
    return value if isinstance(value, str | int | float | bool) else None


def differing(before: Settings, after: Settings) -> dict[str, dict[str, str | None]]:
    """Return what may be changed and differs, by name: the values before and after, as they are kept."""
    found: dict[str, dict[str, str | None]] = {}
    for setting in _ADJUSTABLE:
        old, new = (plain(setting.name, getattr(each, setting.attribute)) for each in (before, after))
        if old != new and old is not None and new is not None:
            found[setting.name] = {"before": spelt(setting.name, old), "after": spelt(setting.name, new)}
    return found


def _text(value: Plain) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _names() -> str:
    return ", ".join(setting.name for setting in _ADJUSTABLE)
