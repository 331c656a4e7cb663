"""A played evening: what the plugin sent, what ``/Sessions`` would have said at any instant, and the truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import cached_property
from random import Random

import msgspec

from receiver.rehearsal.clock import Clock
from receiver.rehearsal.dice import dice
from receiver.rehearsal.library import BYSTANDERS, User
from receiver.rehearsal.player import Call, Player, Sitting
from receiver.rehearsal.plugin import Style, body, content_type, server_version
from receiver.rehearsal.script import Script
from receiver.rehearsal.server import Jellyfin, Notification
from receiver.rehearsal.session import Session
from receiver.rehearsal.snapshot import sessions_json
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

    def __init__(self, script: Script, plugin_version: int, style: Style, server: Jellyfin) -> None:
        """Take what *server* did; see `record`."""
        self.script = script
        self.plugin_version = plugin_version
        self.style = style
        self.server = server
        self.clock = Clock(script.began)
        self.began = script.began
        self.until = script.began
        self.users: tuple[User, ...] = script.users
        self.clock_offset = script.clock_offset
        self.truths: tuple[Truth, ...] = ()

    @cached_property
    def deliveries(self) -> list[Delivery]:
        """What the plugin sent, in order of arrival (written when first asked for: polls alone need none of it)."""
        random = dice(self.script.seed)
        told = sorted(self.server.notifications, key=lambda notification: notification.at)
        found = [delivery for notification in told for delivery in _sent(self, notification, random)]
        return sorted(found, key=lambda delivery: delivery.arrives_at)

    def snapshot(self, at: datetime) -> bytes | None:
        """Return the answer to ``GET /Sessions`` at *at* on the server's clock, None if the server was down."""
        second = self.clock.seconds(at)
        sessions = self.server.sessions(second)
        return None if sessions is None else sessions_json(sessions, second, self.clock, self.server.version)

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
    listed = _opened_earlier(script.users[-1])
    server = Jellyfin(server_version(plugin_version, script.server), flood=flood, listed=listed)
    recording = Recording(script, plugin_version, style, server)
    random = dice(script.seed)
    players = [_played(number, script, random) for number in range(len(script.programmes))]
    _serve(server, players)
    sittings = [sitting for player in players for sitting in player.sittings]
    _tag_tabs(sittings)
    last = max([server.now, *(sitting.ended for sitting in sittings)])
    server.advance(last + SETTLED.total_seconds())
    server.tell_ticks(last + SETTLED.total_seconds())
    told = max([last, *(notification.at for notification in server.notifications[-1:])])
    recording.until = recording.clock.when(told) + SETTLED
    recording.truths = truths(sittings, recording.clock)
    return recording


def _played(number: int, script: Script, random: Random) -> Player:
    programme = script.programmes[number]
    player = Player(number, programme.device, programme.user, programme.begins, random)
    for step in programme.steps:
        step.perform(player)
    if player.item is not None:
        player.close(hard=False, unheard=True)
    return player


def _opened_earlier(user: User) -> tuple[Session, ...]:
    """Return players that are still listed though they play nothing, the first since yesterday (facts B1)."""
    day = 86400.0
    return tuple(
        Session(device, device.session_id, -600.0, user, last_check_in=-day if device.socket else None)
        for device in BYSTANDERS
    )


def _serve(server: Jellyfin, players: list[Player]) -> None:
    calls = sorted((call for player in players for call in player.calls), key=lambda call: call.at)
    away: list[tuple[float, float]] = []
    for call in calls:
        heard = _serve_one(server, call)
        if call.what == "restart" and heard:
            away.append((call.at, call.at + call.seconds))
        if call.sitting is not None:
            _note(server, call, players[call.owner].sittings[call.sitting], heard=heard)
    for sitting in (sitting for player in players for sitting in player.sittings):
        if any(sitting.began < until and since < sitting.ended for since, until in away):
            sitting.tags.append("restart")


def _serve_one(server: Jellyfin, call: Call) -> bool:
    owner = call.owner if call.socket else None
    device, user, item = call.device, call.user, call.item
    match call.what:
        case "touch":
            return server.touch(device, user, call.at, owner)
        case "start" if item:
            return server.playback_start(device, user, item, call.position, call.at, owner)
        case "progress" if item:
            return server.progress(device, user, item, call.position, call.at, owner, paused=call.paused)
        case "stop" if item:
            return server.stop(device, user, item, call.position, call.at, owner)
        case "close socket":
            return server.socket_closed(device, call.at, call.owner)
        case "add user":
            return server.add_user(device, user, call.at)
        case "remove user":
            return server.remove_user(device, user, call.at)
        case "restart":
            return server.restart(call.at, call.seconds)
    return False


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
    clock, version, style = recording.clock, recording.plugin_version, recording.style
    kind = content_type(version, style)
    sent_at = clock.when(told.at)
    at = told.at - recording.clock_offset
    for user in told.users:
        at += random.uniform(0.003, 0.03)
        text = body(told, user, clock, version, recording.server.version, style)
        yield Delivery(sent_at, clock.when(at), text, kind)
