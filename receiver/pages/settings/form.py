"""The settings as a form: what each is called, what it is now, who fixed it, and what was entered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from receiver.house import House
from reconcile.adjusting import Plain, plain
from reconcile.errors import SettingRefused
from reconcile.settings import TABLE, Setting, checked
from reconcile.spelling import Number

_LONGEST = 40


class Field(msgspec.Struct, frozen=True):
    """One setting as a field: *kind* is ``switch``, ``slider`` or ``number``. *fixed*: the environment sets it."""

    name: str
    label: str
    kind: str
    value: str
    hint: str
    unit: str = ""
    low: int = 0
    high: int = 0
    fixed: bool = False
    error: str | None = None


GROUPS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "Recording",
        (
            ("JELLYFIN_ACTIVITY_MONITOR_ENABLED", "Record what is watched", "switch"),
            ("PLAYLEDGER_AUTO_LINK", "Record newcomers from first sight", "switch"),
        ),
    ),
    (
        "What counts as watched",
        (
            ("PLAYLEDGER_THRESHOLD", "Counts from this part on", "slider"),
            ("PLAYLEDGER_MIN_SECONDS", "Watched at least", "slider"),
            ("PLAYLEDGER_RECORD_PARTIALS", "Keep what does not count", "switch"),
        ),
    ),
    (
        "Advanced",
        (
            ("JELLYFIN_ACTIVITY_POLL_INTERVAL", "Pace of polls", "number"),
            ("PLAYLEDGER_SILENCE", "Silence that ends a play", "number"),
            ("PLAYLEDGER_PAUSED_TIMEOUT", "Silence that ends a paused play", "number"),
            ("PLAYLEDGER_RESUME_WINDOW", "Resumed within", "number"),
            ("PLAYLEDGER_FRESHNESS", "A report is fresh for", "number"),
            ("PLAYLEDGER_ABSENCE_GRACE", "Two looks agree after", "number"),
            ("PLAYLEDGER_RETENTION_DAYS", "Messages are kept for", "number"),
        ),
    ),
)

_SENTENCES = {
    "JELLYFIN_ACTIVITY_MONITOR_ENABLED": "Off, nothing is polled, and webhooks are answered «ignored».",
    "PLAYLEDGER_AUTO_LINK": "On, every Jellyfin user is linked and recorded when first seen; who opted out stays out.",
    "PLAYLEDGER_THRESHOLD": "Reached this far, it counts.",
    "PLAYLEDGER_MIN_SECONDS": "Watched for less, it is no watch; of something short, half of it is enough.",
    "PLAYLEDGER_RECORD_PARTIALS": "As partial rows of the history, from 10 min on.",
}
_SETTINGS: Mapping[str, Setting] = {setting.name: setting for setting in TABLE}
NAMES = tuple(name for _title, fields in GROUPS for name, _label, _kind in fields)
LABELS = {name: label for _title, fields in GROUPS for name, label, _kind in fields}
_KINDS = {name: kind for _title, fields in GROUPS for name, _label, kind in fields}


def entered(told: Mapping[str, Any], house: House) -> dict[str, str]:
    """Return what a form says of each setting that the environment leaves free; an unticked switch is not sent."""
    found = {}
    for name in NAMES:
        if name in house.settings.fixed:
            continue
        if _KINDS[name] == "switch":
            found[name] = "true" if told.get(name) == "true" else "false"
        elif name in told:
            found[name] = str(told[name])[:_LONGEST].strip().replace(",", ".")
    return found


def errors_of(values: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong with *values*, by name, in a sentence."""
    found = {}
    for name, text in values.items():
        try:
            checked(name, text)
        except SettingRefused as error:
            said = str(error).partition(" is refused: ")[2] or str(error)
            found[name] = said[:1].upper() + said[1:]
    return found


def fields(house: House, values: Mapping[str, str] | None = None) -> list[tuple[str, list[Field]]]:
    """Return all fields by group: as they are, or as they were entered, with what is wrong with them."""
    errors = errors_of(values or {})
    return [(title, [_field(house, *each, values or {}, errors) for each in group]) for title, group in GROUPS]


def _field(
    house: House, name: str, label: str, kind: str, values: Mapping[str, str], errors: Mapping[str, str]
) -> Field:
    setting = _SETTINGS[name]
    now = plain(name, getattr(house.settings, setting.attribute))
    bounds = setting.read if isinstance(setting.read, Number) else None
    default = spoken(name, setting.default)
    said = _SENTENCES.get(name, setting.sentence)
    return Field(
        name=name,
        label=label,
        kind=kind,
        value=values.get(name, written(now)),
        hint=f"{said} Default: {default}{f'; {bounds}' if bounds is not None else ''}.",
        unit=bounds.unit if bounds is not None else "",
        low=bounds.lowest if bounds is not None else 0,
        high=bounds.highest if bounds is not None else 0,
        fixed=name in house.settings.fixed,
        error=errors.get(name),
    )


def written(value: Plain | None) -> str:
    """Return a value as a form bears it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value or 0)


def spoken(name: str, text: str | None) -> str:
    """Return a setting's value as people read it: «85 %», «on»."""
    setting = _SETTINGS[name]
    if text is None:
        return "nothing"
    if not isinstance(setting.read, Number):
        return {"true": "on", "false": "off"}.get(text, text)
    return f"{text} {setting.read.unit}".rstrip()
