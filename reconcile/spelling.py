"""How the values of settings are spelt: each reader returns the value, or raises ValueError saying what is needed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta, tzinfo
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

TOKEN_LENGTH = 16
"""A token shorter than this is refused."""

_YES = frozenset({"true", "1", "yes", "on"})
_NO = frozenset({"false", "0", "no", "off"})
_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
_ZONES = "/zoneinfo/"


class Number(msgspec.Struct, frozen=True):
    """Reads a number from *lowest* to *highest* of *unit*, and makes of it what is kept."""

    lowest: int
    highest: int
    unit: str
    make: Callable[[float], object]

    def __call__(self, text: str) -> object:
        """Return the value that *text* spells."""
        try:
            number = float(text)
        except ValueError:
            raise ValueError(self._need) from None
        if not self.lowest <= number <= self.highest or (self.make is int and not number.is_integer()):
            raise ValueError(self._need)
        return self.make(number)

    def __str__(self) -> str:
        """Return the bounds, such as ``5–300 s``."""
        return f"{self.lowest}–{self.highest} {self.unit}".rstrip()

    @property
    def _need(self) -> str:
        number = "a whole number" if self.make is int else "a number"
        return f"{number} from {self.lowest} to {self.highest} {self.unit}".rstrip() + " is needed"


def seconds(lowest: int, highest: int) -> Number:
    """Return the reader of a duration in seconds."""
    return Number(lowest, highest, "s", lambda number: timedelta(seconds=number))


def milliseconds(lowest: int, highest: int) -> Number:
    """Return the reader of a duration in milliseconds."""
    return Number(lowest, highest, "ms", lambda number: timedelta(milliseconds=number))


def plain(text: str) -> str:
    """Return *text*, which must not be empty or hold a line break."""
    if not text or not text.isprintable():
        raise ValueError("one line of text is needed")
    return text


def switch(text: str) -> bool:
    """Return what ``true`` or ``false`` says (1, yes, on; 0, no, off)."""
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise ValueError("true or false is needed")


def token(text: str) -> str:
    """Return *text* if it is long enough to be a token and can be sent in a header."""
    if len(text) < TOKEN_LENGTH or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"{TOKEN_LENGTH} characters or more are needed, ASCII and without blanks")
    return text


def folder(text: str) -> Path:
    """Return the absolute path of a folder."""
    return Path(plain(text)).expanduser().absolute()


def web_address(text: str) -> str:
    """Return an http address without a slash at its end; a path (Jellyfin's base URL) is kept."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("an address such as http://jellyfin:8096 is needed")
    return text.rstrip("/")


def target_address(text: str) -> str:
    """Return an http address as written: its query may be what the other side knows us by."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment or not text.isprintable():
        raise ValueError("an address such as https://reader.example/hook is needed")
    return text


def database_url(text: str) -> str:
    """Return the address of a database with our drivers in it; libpq's ``sslmode`` becomes asyncpg's ``ssl``."""
    scheme, _, rest = text.partition("://")
    if scheme not in _DRIVERS:
        raise ValueError("sqlite:///path or postgresql://user:password@host/name is needed")
    if scheme.startswith("sqlite") and (not rest.startswith("/") or rest == "/" or ":memory:" in rest):
        raise ValueError("SQLite needs a file: sqlite:///path, or sqlite:////path from the root")
    address, question, query = rest.partition("?")
    return f"{_DRIVERS[scheme]}://{address}{question}{query.replace('sslmode=', 'ssl=')}"


def time_zone(text: str) -> tzinfo:
    """Return the zone of an IANA name such as ``Europe/Lisbon``."""
    try:
        return ZoneInfo(text.removeprefix(":"))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("the name of a time zone such as Europe/Lisbon is needed") from None


def system_zone(link: Path = Path("/etc/localtime")) -> tzinfo:
    """Return the zone that this machine is set to, UTC if it does not say."""
    _, found, name = str(link.resolve()).partition(_ZONES)
    try:
        return time_zone(name) if found else UTC
    except ValueError:
        return UTC
