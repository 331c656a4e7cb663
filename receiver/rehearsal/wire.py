"""Three ways in which the plugin writes its keys: Send All, a Handlebars template, a form (facts A3, A4, A5)."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from urllib.parse import urlencode


class Guid(str):
    """A .NET Guid, kept as 32 hexadecimal digits: templates print it with dashes."""

    __slots__ = ()


class Moment(str):
    """A .NET DateTime, kept as its round-trip text with seven digits."""

    __slots__ = ()


Value = str | int | float | bool | None
Fields = dict[str, Value]

# Send All: System.Text.Json with its default encoder


def send_all(fields: Fields) -> str:
    """Return *fields* as .NET writes a dictionary: flat, escaped to ASCII, nulls included."""
    return f"{{{pairs(fields)}}}"


def pairs(fields: Fields) -> str:
    """Return *fields* as JSON pairs, without the braces."""
    return ",".join([f'"{key}":{_literal(value)}' for key, value in fields.items()])


def _literal(value: Value) -> str:
    if isinstance(value, Moment):
        return f'"{json_moment(value)}"'
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    return f"{value:g}" if isinstance(value, float) else str(value)


_SPECIAL = re.compile(r"\\\\|\\\"|\\u[0-9a-f]{4}|['&<>+`\x7f]")


@lru_cache(maxsize=65536)
def quoted(text: str) -> str:
    r"""Return *text* as a JSON string, quotes, apostrophes and what is not ASCII as ``\uXXXX`` (facts A3)."""
    return _SPECIAL.sub(_spelled, json.dumps(text))


def _spelled(found: re.Match[str]) -> str:
    match = found[0]
    if match == "\\\\":
        return match
    return rf"\u{match[2:].upper()}" if match.startswith("\\u") else rf"\u{ord(match[-1]):04X}"


def json_moment(text: str) -> str:
    """Trim the fraction; where the milliseconds are 0 the converter prints seven digits and Z, whatever the kind."""
    if text.startswith("000", 20):
        return f"{text[:27]}Z"
    return f"{text[:27].rstrip('0')}{text[27:]}"


# A template of the usual kind, and the form that is made of its body

TEMPLATE_KEYS = (
    *("NotificationType", "ServerId", "ServerName", "UtcTimestamp", "UserId", "NotificationUsername", "Id", "Client"),
    *("DeviceId", "DeviceName", "ClientName", "LastPlaybackCheckIn", "LastActivityDate", "ItemId", "ItemType", "Name"),
    *("SeriesName", "SeriesId", "SeasonNumber", "EpisodeNumber", "Year", "RunTimeTicks", "PlaybackPositionTicks"),
    *("IsPaused", "IsAutomated", "PlayedToCompletion", "Provider_tmdb", "Provider_imdb", "Provider_tvdb"),
)
_TEMPLATE_LINES = ",\n".join(f'  "{key}": "{{{{{key}}}}}"' for key in TEMPLATE_KEYS)
TEMPLATE = f"{{\n{_TEMPLATE_LINES}\n}}"
"""Handlebars, every value in quotes: what careful admins paste."""


def template(fields: Fields, text: str = TEMPLATE) -> str:
    """Return *text* with every ``{{Key}}`` HTML-encoded and every ``{{{Key}}}`` raw (facts A4)."""
    return _PLACE.sub(lambda found: _placed(fields, found), text)


_PLACE = re.compile(r"\{\{\{(\w+)\}\}\}|\{\{(\w+)\}\}")


def _placed(fields: Fields, found: re.Match[str]) -> str:
    raw, encoded = found.groups()
    return printed(fields.get(raw)) if raw else html_encoded(printed(fields.get(encoded)))


def printed(value: Value) -> str:
    """Return *value* as .NET prints it: ``True``, dashed Guids, nothing for what is missing."""
    if value is None:
        return ""
    if isinstance(value, Guid):
        return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"
    return str(value)


def html_encoded(text: str) -> str:
    """Return *text* as Handlebars.Net's older encoder leaves it."""
    named = {'"': "&quot;", "&": "&amp;", "<": "&lt;", ">": "&gt;"}
    return "".join(named.get(char, char if ord(char) <= 159 else f"&#{ord(char)};") for char in text)  # noqa: PLR2004 - facts A4


def form(fields: Fields) -> str:
    """Return the form that GenericForm posts: every value as text (facts A5)."""
    return urlencode({key: _form_text(value) for key, value in fields.items()})


def _form_text(value: Value) -> str:
    if isinstance(value, Moment):
        return json_moment(value)
    return "" if value is None else str(value)
