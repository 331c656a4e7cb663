"""A session as the server holds it between two things that happen, with the seconds it guesses (facts B4)."""

from __future__ import annotations

import math

import msgspec

from receiver.rehearsal.library import Device, Item, User

TICK_LAG = 0.004
"""How late the server's one-second timer fires, in seconds."""


class Session(msgspec.Struct, frozen=True):
    """One client app on one device. All times are virtual seconds; *position* is the last one the client reported.

    *since* is when the one-second timer was last started, *told* how many of its ticks were announced already.
    """

    device: Device
    id: str
    last_activity: float
    user: User | None = None
    additional: tuple[User, ...] = ()
    last_check_in: float | None = None
    last_paused: float | None = None
    item: Item | None = None
    position: float | None = None
    paused: bool = False
    ticking: bool = False
    since: float = 0.0
    told: int = 0
    sockets: frozenset[int] = frozenset()

    @property
    def users(self) -> tuple[User, ...]:
        """Everyone who is watching: whom the plugin sends a notification each."""
        return self.additional if self.user is None else (self.user, *self.additional)

    def tick_at(self, number: int) -> float:
        """Return when tick *number* (from 1) is due."""
        return self.since + number + TICK_LAG

    def ticks(self, at: float) -> int:
        """Return how many automatic ticks have been made until *at*: none while paused, none past the runtime."""
        if not self.ticking or self.paused or self.item is None:
            return 0
        passed = max(0, math.floor(at - self.since - TICK_LAG))
        runtime = self.item.known_runtime
        if runtime is None:
            return passed
        return max(0, min(passed, math.ceil(runtime - (self.position or 0.0)) - 1))

    def guess(self, at: float) -> float | None:
        """Return the position that the server shows at *at*, in seconds."""
        ticks = self.ticks(at)
        return self.position if ticks == 0 else (self.position or 0.0) + ticks

    def activity(self, at: float) -> float:
        """Return LastActivityDate at *at*: it moves with every tick (facts B6)."""
        ticks = self.ticks(at)
        return self.last_activity if ticks == 0 else max(self.last_activity, self.tick_at(ticks))
