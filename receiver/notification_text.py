"""Single values of a notification, as templates and forms spell them: text, numbers and truths."""

from __future__ import annotations

import math
import re

_LONG = 2**63
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}
_NAMED = {"quot": '"', "amp": "&", "lt": "<", "gt": ">", "apos": "'"}

_ENTITY = re.compile(r"&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|(quot|amp|lt|gt|apos));")

# Handlebars encodes <, >, " and every character above 159 (facts A4): text that still has one of them, or an & that
# begins no entity, came through {{{triple}}} braces as it is.
_UNENCODED = re.compile(r"[<>\"\u00a0-\U0010ffff]|&(?!(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|quot|amp|lt|gt|apos);)")


def tidied(text: str) -> str:
    r"""Return *text* without the plugin's own ``\"`` (facts A3), and without what no database keeps.

    That is NUL, and lone halves of surrogate pairs; two halves that met become the character they spell.
    """
    plain = text.replace('\\"', '"').replace("\x00", "")
    if plain.isascii():
        return plain
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def unescaped(text: str) -> str:
    """Return the text that Handlebars encoded as *text*, or *text* itself where it was not encoded.

    It encodes UTF-16 units one by one, so an emoji is two entities; `tidied` joins them.
    """
    if "&" not in text or _UNENCODED.search(text):
        return text
    return _ENTITY.sub(_character, text)


def _character(entity: re.Match[str]) -> str:
    decimal, hexadecimal, name = entity.groups()
    if name is not None:
        return _NAMED[name]
    point = int(decimal) if decimal is not None else int(hexadecimal, 16)
    return chr(point) if point <= 0x10FFFF else entity.group()  # noqa: PLR2004 - the end of Unicode


def text_of(value: object) -> str | None:
    """Return *value* as text; None for an empty one (a template's missing key), a list or an object."""
    if isinstance(value, str):
        return value if value and not value.isspace() else None
    if isinstance(value, bool) or value is None:
        return None
    number = number_of(value)
    return None if number is None else str(number)


def number_of(value: object) -> int | None:
    """Return *value* as a whole number that fits into 64 bits, be it a number or its text; else None."""
    if isinstance(value, str):
        try:
            value = int(value) if len(value) < 24 else None  # noqa: PLR2004 - more digits than 64 bits can need
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return int(value) if -_LONG <= value < _LONG else None


def truth_of(value: object) -> bool | None:
    """Return *value* as a truth: ``true``, ``"True"``, ``1``; None where it is neither true nor false."""
    if isinstance(value, bool):
        return value
    text = text_of(value)
    return None if text is None else _TRUTHS.get(text.lower())
