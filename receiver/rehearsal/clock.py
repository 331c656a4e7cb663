"""The simulated server's clock: virtual seconds, as instants and as .NET writes them."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from reconcile.playback.ticks import PER_SECOND

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEVER = "0001-01-01T00:00:00.0000000Z"
"""How .NET writes an instant that never was."""


class Clock:
    """Turns virtual seconds since *began* (an aware instant on the server's clock) into instants and texts.

    The texts have .NET's seven digits, the instants are cut to microseconds: one moment always becomes the same text.
    """

    def __init__(self, began: datetime) -> None:
        """Start at *began*."""
        self.began = began
        self._ticks = (began - EPOCH) // timedelta(microseconds=1) * 10

    def ticks(self, at: float) -> int:
        """Return virtual second *at* in ticks since 1970."""
        return self._ticks + round(at * PER_SECOND)

    def when(self, at: float) -> datetime:
        """Return virtual second *at* as an aware instant, cut to microseconds."""
        return EPOCH + timedelta(microseconds=self.ticks(at) // 10)

    def seconds(self, when: datetime) -> float:
        """Return the instant *when* in virtual seconds."""
        return (when - self.began) / timedelta(seconds=1)

    def text(self, at: float | None) -> str:
        """Return *at* as .NET's round-trip text with seven digits, ``0001-01-01…`` for None."""
        if at is None:
            return NEVER
        whole, part = divmod(self.ticks(at), PER_SECOND)
        return f"{_text(whole)}.{part:07d}Z"

    def local_text(self, at: float) -> str:
        """Return *at* as a local time two hours ahead of UTC, with its offset."""
        whole, part = divmod(self.ticks(at), PER_SECOND)
        return f"{_text(whole + 7200)}.{part:07d}+02:00"

    def json_text(self, at: float | None) -> str:
        """Return *at* as the server's JSON has it: with no zeros at the end of the fraction (facts A3)."""
        if at is None:
            return NEVER
        whole, part = divmod(self._ticks + round(at * PER_SECOND), PER_SECOND)
        fraction = f"{part:07d}"
        return f"{_text(whole)}.{fraction if part < _MILLISECOND else fraction.rstrip('0')}Z"


_MILLISECOND = PER_SECOND // 1000


@lru_cache(maxsize=65536)
def _text(second: int) -> str:
    day, rest = divmod(second, 86400)
    minutes, second = divmod(rest, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_day(day)}T{hour:02d}:{minute:02d}:{second:02d}"


@lru_cache(maxsize=1024)
def _day(day: int) -> str:
    return (EPOCH + timedelta(days=day)).strftime("%Y-%m-%d")
