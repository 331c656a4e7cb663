"""What hand-written templates do to JSON: the repairs that are safe, and words for the rest."""

from __future__ import annotations

import json
import re
from typing import NoReturn

from reconcile.playback.check_in import Rejected

# A string up to its closing quote (or to the end of the text, so that this stays linear), or a bare truth outside one.
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|\b(?:True|False)\b', re.DOTALL)

_WORDS = {
    "Expecting ',' delimiter": "a comma is missing",
    "Expecting ':' delimiter": "a colon is missing",
    "Expecting value": "a value is missing",
    "Expecting property name enclosed in double quotes": "a key in double quotes is missing",
    "Unterminated string starting at": "the closing quote is missing of the string that begins",
    "Invalid \\escape": "JSON knows no such backslash",
    "Invalid \\uXXXX escape": "four hexadecimal digits are missing",
    "Extra data": "something follows the end",
}


def repaired(text: str) -> str:
    r"""Return *text* with its template traps mended, every character where it was.

    Bare ``True`` and ``False`` (facts A4) become JSON's. A quote that the plugin escaped and Handlebars encoded,
    ``\&quot;``, is no JSON: it becomes an entity of the same length. Raw newlines and tabs inside strings are left to
    `parsed`, which lets them be.
    """
    return _TOKEN.sub(_mended, text)


def _mended(token: re.Match[str]) -> str:
    found = token.group()
    return found.replace("\\&quot;", "&#0034;") if found[0] == '"' else found.lower()


def parsed(text: str) -> object:
    """Return what the JSON *text* says, or Rejected with a reason in words and its place."""
    try:
        return json.loads(text, strict=False, parse_constant=_refused)
    except json.JSONDecodeError as error:
        return Rejected(f"not JSON: {_words(error)}", place_of(text, error.pos))
    except RecursionError:
        return Rejected("not JSON that we read: nested too deeply")
    except ValueError as error:
        return Rejected(f"not JSON: {error}" if error.args == (_NO_NUMBER,) else "not JSON: a number is too long")


_NO_NUMBER = "NaN and Infinity are no numbers"


def _refused(_constant: str) -> NoReturn:
    raise ValueError(_NO_NUMBER)


def _words(error: json.JSONDecodeError) -> str:
    rest = error.doc[error.pos :].lstrip()
    if not error.doc.strip():
        return "the body is empty"
    before = error.doc[: error.pos].rstrip()
    if error.msg.startswith("Illegal trailing comma") or (before.endswith(",") and rest[:1] in {"}", "]"}):
        return "a comma too many"
    if not rest:
        return "the body ends too early"
    return _WORDS.get(error.msg, error.msg)


def place_of(text: str, position: int) -> str:
    """Return where in *text* the character at *position* stands, counted from 1: «line 4, column 17»."""
    line = text.count("\n", 0, position) + 1
    return f"line {line}, column {position - text.rfind(chr(10), 0, position)}"
