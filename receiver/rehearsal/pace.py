"""How fast the simulated server's clock runs beside the real one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Pace:
    """The server's clock: it shows *began* when made, and runs *speed* times as fast as the real one.

    *real* tells the real time as an aware instant; *ahead* is how many seconds the server's clock is ahead.
    """

    def __init__(
        self,
        speed: float = 1.0,
        *,
        ahead: float = 0.0,
        began: datetime | None = None,
        real: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Start the clock."""
        self.speed = speed
        self._real = real
        self._started = real()
        self.began = (self._started if began is None else began) + timedelta(seconds=ahead)

    def now(self) -> datetime:
        """Return what the server's clock shows."""
        return self.began + (self._real() - self._started) * self.speed
