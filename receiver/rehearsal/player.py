"""A client app: what it shows, what it reports, and when the report reaches the server."""

from __future__ import annotations

from random import Random
from typing import Literal

import msgspec

from receiver.rehearsal.dice import chance, dice
from receiver.rehearsal.library import Device, Item, User

What = Literal["touch", "start", "progress", "stop", "close socket", "add user", "remove user", "restart"]

LINGERING = ((0.3, 0.3, 2.0), (0.2, 2.0, 40.0))
"""What a viewer still asks of the server after a Stop: (odds, seconds after it, at the least and the most)."""

SOON = 6.0
"""Seconds within which the next item's start tells the end of the one before it."""


class Call(msgspec.Struct, frozen=True):
    """One request as it reaches the server at virtual second *at*.

    *sitting* is the number of the sitting it tells of, in its player; *seconds* is how long a restart takes.
    """

    at: float
    what: What
    owner: int
    device: Device
    user: User
    item: Item | None = None
    position: float | None = None
    paused: bool = False
    socket: bool = True
    sitting: int | None = None
    seconds: float = 0.0


class Stretch(msgspec.Struct, frozen=True):
    """A time of real playing: from second *since* to *until*, from position *start* to *end*."""

    since: float
    until: float
    start: float
    end: float


class Corner(msgspec.Struct, frozen=True):
    """Where the line of playing bends: a start, stop, pause, resume, seek or stall, and how far a seek went."""

    at: float
    what: str
    jump: float = 0.0


class Sitting(msgspec.Struct):
    """One item from the moment it is opened to the moment it is left, in one app: what really happened.

    *seats* are who watched, each from when until when (None: to the end). *hard*: the server heard a Stop; *unheard*:
    nothing told when it ended; *heard* counts the calls it heard, *lost* holds who watched along without its knowing.
    """

    owner: int
    device: Device
    item: Item
    seats: list[tuple[User, float, float | None]]
    began: float
    opened: float
    ended: float = 0.0
    left: float = 0.0
    hard: bool = False
    unheard: bool = False
    heard: int = 0
    lost: set[str] = set()
    stretches: list[Stretch] = []
    corners: list[Corner] = []
    tags: list[str] = []


class Player:
    """Plays a programme step by step in virtual time, and writes down both the calls it makes and the truth."""

    def __init__(self, owner: int, device: Device, user: User, at: float, random: Random) -> None:
        """Sit before *device* at virtual second *at*; *owner* tells its sockets from those of other tabs."""
        self.owner, self.device, self.user, self.random = owner, device, user, random
        self.now = at
        self.item: Item | None = None
        self.position = 0.0
        self.speed = 1.0
        self.companions: list[User] = []
        self.calls: list[Call] = []
        self.sittings: list[Sitting] = []
        self.socket_lost_until = 0.0
        self._arrived = at
        self._next_report = at
        self._lingering: list[Call] = []

    @property
    def sitting(self) -> Sitting:
        """The sitting that goes on, or the last one."""
        return self.sittings[-1]

    def send(
        self,
        what: What,
        position: float | None = None,
        *,
        paused: bool = False,
        after: float = 0.0,
        seconds: float = 0.0,
        user: User | None = None,
    ) -> Call:
        """Make a call, *after* so many seconds more than the usual latency. Calls of one app keep their order."""
        usual = self.now + self.random.uniform(0.02, 0.2)
        at = usual + after
        if after == 0.0:
            at = self._arrived = max(usual, self._arrived + 0.001)
        call = Call(
            at=at,
            what=what,
            owner=self.owner,
            device=self.device,
            user=user or self.user,
            item=self.item,
            position=None if position is None else round(position, 3),
            paused=paused,
            socket=self._has_socket,
            sitting=len(self.sittings) - 1 if self.sittings else None,
            seconds=seconds,
        )
        self.calls += [asked for asked in self._lingering if asked.at < at]
        self._lingering.clear()
        self.calls.append(call)
        return call

    @property
    def _has_socket(self) -> bool:
        return self.device.socket and self.now >= self.socket_lost_until

    def _linger(self) -> None:
        """Let the viewer look around in the app, unless something else follows first."""
        random = dice(f"after {self.now}")
        moments = [random.uniform(least, most) for odds, least, most in LINGERING if chance(random, odds)]
        for moment in moments:
            asked = Call(self.now + moment, "touch", self.owner, self.device, self.user, socket=self._has_socket)
            self._lingering.append(asked)

    def open(self, item: Item, position: float, speed: float) -> None:
        """Begin to show *item* at *position*."""
        previous = self.sittings[-1] if self.sittings else None
        if previous is not None and previous.unheard and self.now - previous.ended <= SOON:
            previous.unheard = False  # the next item's start tells it
        self.item, self.position, self.speed = item, position, speed
        seats: list[tuple[User, float, float | None]] = [
            (user, self.now, None) for user in (self.user, *self.companions)
        ]
        self.sittings.append(Sitting(self.owner, self.device, item, seats, self.now, position))
        self._corner("start")
        self._next_report = self.now + self._interval()

    def close(self, tags: tuple[str, ...] = (), *, hard: bool, unheard: bool) -> None:
        """Leave the item."""
        sitting = self.sitting
        sitting.ended, sitting.left = self.now, self.position
        sitting.hard, sitting.unheard = hard, unheard
        sitting.tags += tags
        self._corner("stop")
        self.item = None
        if hard:
            self._linger()

    def finish(self) -> None:
        """Come to the end of the programme: what is still open is left without a word."""
        if self.item is not None:
            self.close(hard=False, unheard=True)
        self.calls += self._lingering
        self._lingering.clear()

    def play(self, seconds: float) -> None:
        """Play for so many seconds, or to the end of the item."""
        if self.item is None:
            return
        seconds = max(0.0, min(seconds, (self.item.runtime - self.position) / self.speed))
        since, start = self.now, self.position
        self._pass(seconds, self.speed, paused=False)
        if seconds > 0.0:
            self.sitting.stretches.append(Stretch(since, self.now, start, self.position))

    def stand(self, seconds: float, *, paused: bool, silent: bool = False) -> None:
        """Show a still picture for so many seconds: paused, buffering, or asleep (*silent*)."""
        if silent:
            self.now += seconds
            self._next_report = max(self._next_report, self.now)
        else:
            self._pass(seconds, 0.0, paused=paused)

    def seek(self, to: float) -> float:
        """Jump to position *to*; return by how much."""
        jump = to - self.position
        self.position = to
        self._corner("seek", jump)
        return jump

    def bend(self, what: str) -> None:
        """Note that the line of playing bends here."""
        self._corner(what)

    def _corner(self, what: str, jump: float = 0.0) -> None:
        self.sitting.corners.append(Corner(self.now, what, jump))

    def _interval(self) -> float:
        return self.device.interval * self.random.uniform(0.985, 1.035)

    def _pass(self, seconds: float, speed: float, *, paused: bool) -> None:
        since, start, until = self.now, self.position, self.now + seconds
        while self._next_report < until:
            self.now = self._next_report
            self.position = start + (self.now - since) * speed
            self.send("progress", self.position, paused=paused)
            self._next_report += self._interval()
        self.now, self.position = until, start + seconds * speed
