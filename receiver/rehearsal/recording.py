"""A played evening: what the plugin sent, what ``/Sessions`` would have said at any instant, and the truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import cached_property
from random import Random

import msgspec

from receiver.rehearsal.dice import dice
from receiver.rehearsal.library import User
from receiver.rehearsal.performance import Performance
from receiver.rehearsal.player import Call, Sitting
from receiver.rehearsal.plugin import Style
from receiver.rehearsal.script import Script
from receiver.rehearsal.server import Jellyfin, Notification
from receiver.rehearsal.truth import Truth, truths

SETTLED = timedelta(hours=12)
"""How long after the last event everything must be settled."""


class Delivery(msgspec.Struct, frozen=True):
    """One notification on the wire. *sent_at* is its UtcTimestamp (server's clock), *arrives_at* is on our clock."""

    sent_at: datetime
    arrives_at: datetime
    body: bytes
    content_type: str


class Recording:
    """What an evening left behind. Instants are on the server's clock, but for the arrival of deliveries."""

    def __init__(self, performance: Performance, until: datetime, truths: tuple[Truth, ...]) -> None:
        """Take what was played on *performance*; see `record`."""
        self.script = performance.script
        self.performance = performance
        self.server = performance.server
        self.clock = performance.clock
        self.began = performance.script.began
        self.until = until
        self.users: tuple[User, ...] = performance.script.users
        self.clock_offset = performance.script.clock_offset
        self.truths = truths

    @cached_property
    def deliveries(self) -> list[Delivery]:
        """What the plugin sent, in order of arrival (written when first asked for: polls alone need none of it)."""
        random = dice(self.script.seed)
        told = sorted(self.server.notifications, key=lambda notification: notification.at)
        found = [delivery for notification in told for delivery in _sent(self, notification, random)]
        return sorted(found, key=lambda delivery: delivery.arrives_at)

    def snapshot(self, at: datetime) -> bytes | None:
        """Return the answer to ``GET /Sessions`` at *at* on the server's clock, None if the server was down."""
        return self.performance.sessions(at)

    def looks(self, every: float = 10.0, jitter: float = 0.0, seed: int = 0) -> Iterator[tuple[datetime, bytes | None]]:
        """Yield (instant, answer) from beginning to `until`, *every* so many seconds with ±*jitter* as a share."""
        random, at = dice(seed), self.began
        while at < self.until:
            yield at, self.snapshot(at)
            at += timedelta(seconds=every * random.uniform(1.0 - jitter, 1.0 + jitter))

    def our_time(self, at: datetime) -> datetime:
        """Return the instant *at* of the server's clock on our own."""
        return at - timedelta(seconds=self.clock_offset)


def record(
    script: Script, plugin_version: int = 21, *, flood: bool = False, style: Style = Style.SEND_ALL
) -> Recording:
    """Play *script*; return what came of it. With *flood* every automatic Progress is delivered, one a second."""
    performance = Performance(script, plugin_version, style=style, flood=flood)
    sittings = [sitting for player in performance.players for sitting in player.sittings]
    _serve_all(performance)
    _tag_tabs(sittings)
    last = max([performance.server.now, *(sitting.ended for sitting in sittings)])
    performance.server.tell_ticks(last + SETTLED.total_seconds())
    told = max([last, *(notification.at for notification in performance.server.notifications)])
    return Recording(performance, performance.clock.when(told) + SETTLED, truths(sittings, performance.clock))


def _serve_all(performance: Performance) -> None:
    away: list[tuple[float, float]] = []
    for call, heard in performance.due(float("inf")):
        if call.what == "restart" and heard:
            away.append((call.at, call.at + call.seconds))
        if call.sitting is not None:
            _note(performance.server, call, performance.players[call.owner].sittings[call.sitting], heard=heard)
    for sitting in (sitting for player in performance.players for sitting in player.sittings):
        if any(sitting.began < until and since < sitting.ended for since, until in away):
            sitting.tags.append("restart")


def _note(server: Jellyfin, call: Call, sitting: Sitting, *, heard: bool) -> None:
    """Write into the truth what the server heard of it."""
    if call.item is None:
        return
    if not heard:
        if call.what in {"stop", "close socket"}:
            sitting.hard, sitting.unheard = False, True
        return
    sitting.heard += 1
    state = server.sessions(call.at) or ()
    if call.what == "close socket" and "crash, socket closed" in sitting.tags:
        # Another tab holds the session: nothing vanishes.
        sitting.unheard = any(session.id == call.device.session_id for session in state)
    if len(sitting.seats) > 1 and call.what in {"start", "progress", "stop"}:
        present = {user.id for session in state if session.id == call.device.session_id for user in session.users}
        sitting.lost |= {u.id for u, since, until in sitting.seats if since + 1.0 < call.at and not until} - present


def _tag_tabs(sittings: list[Sitting]) -> None:
    """Tag what was played in two tabs of one app at once (facts F13)."""
    for one in sittings:
        for other in sittings:
            same = one.owner != other.owner and one.device == other.device
            if same and one.began < other.ended and other.began < one.ended:
                one.tags.append("two tabs")
                break


def _sent(recording: Recording, told: Notification, random: Random) -> Iterable[Delivery]:
    """Yield one delivery per user, one after another: the plugin awaits each (facts A1, A5)."""
    clock, kind = recording.clock, recording.performance.content_type
    sent_at = clock.when(told.at)
    at = told.at - recording.clock_offset
    for _, body in recording.performance.written(told):
        at += random.uniform(0.003, 0.03)
        yield Delivery(sent_at, clock.when(at), body, kind)
