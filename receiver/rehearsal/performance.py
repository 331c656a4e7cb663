"""A script performed live: its calls reach the simulated server when their time has come."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from random import Random

from receiver.rehearsal.clock import Clock
from receiver.rehearsal.dice import dice
from receiver.rehearsal.library import BYSTANDERS, User
from receiver.rehearsal.player import Call, Player
from receiver.rehearsal.plugin import Style, body, content_type, server_version
from receiver.rehearsal.script import Script
from receiver.rehearsal.server import Jellyfin, Notification
from receiver.rehearsal.session import Session
from receiver.rehearsal.snapshot import sessions_json


class Performance:
    """A simulated Jellyfin, the players of a script before it, and how far the play has come.

    With *flood* the plugin is told of every automatic Progress, one a second, as a real one is.
    """

    def __init__(
        self, script: Script, plugin_version: int = 21, *, style: Style = Style.SEND_ALL, flood: bool = True
    ) -> None:
        """Let every player of *script* write down its calls; nothing has reached the server yet."""
        self.script = script
        self.plugin_version = plugin_version
        self.style = style
        self.clock = Clock(script.began)
        version = server_version(plugin_version, script.server)
        self.server = Jellyfin(version, flood=flood, listed=_opened_earlier(script.users[-1]))
        random = dice(script.seed)
        self.players = [_played(number, script, random) for number in range(len(script.programmes))]
        calls = sorted((call for player in self.players for call in player.calls), key=lambda call: call.at)
        self._calls = deque(calls)

    def due(self, to: float) -> Iterator[tuple[Call, bool]]:
        """Serve the calls until virtual second *to*, one after another; yield each, and whether it was heard."""
        while self._calls and self._calls[0].at <= to:
            call = self._calls.popleft()
            yield call, serve(self.server, call)

    def advance(self, now: datetime) -> None:
        """Let time pass until *now*, on the server's clock, with everything that is due on the way."""
        second = self.clock.seconds(now)
        for _ in self.due(second):
            pass
        self.server.tell_ticks(second)

    def take(self) -> list[Notification]:
        """Return what the plugin has to send since the last time, in order."""
        told = sorted(self.server.notifications, key=lambda notification: notification.at)
        self.server.notifications.clear()
        return told

    def written(self, told: Notification) -> Iterator[tuple[User, bytes]]:
        """Yield the body of *told* for each of its users, in the order in which the plugin awaits them (facts A1)."""
        for user in told.users:
            yield user, body(told, user, self.clock, self.plugin_version, self.server.version, self.style)

    @property
    def content_type(self) -> str:
        """The content type of every body."""
        return content_type(self.plugin_version, self.style)

    def sessions(self, now: datetime) -> bytes | None:
        """Return the answer to ``GET /Sessions`` at *now* on the server's clock, None if the server is down."""
        second = self.clock.seconds(now)
        sessions = self.server.sessions(second)
        return None if sessions is None else sessions_json(sessions, second, self.clock, self.server.version)


def serve(server: Jellyfin, call: Call) -> bool:
    """Let *call* reach *server*; return whether it was heard."""
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


def _played(number: int, script: Script, random: Random) -> Player:
    programme = script.programmes[number]
    player = Player(number, programme.device, programme.user, programme.begins, random)
    for step in programme.steps:
        step.perform(player)
    player.finish()
    return player


def _opened_earlier(user: User) -> tuple[Session, ...]:
    """Return players that are still listed though they play nothing, the first since yesterday (facts B1)."""
    day = 86400.0
    return tuple(
        Session(device, device.session_id, -600.0, user, last_check_in=-day if device.socket else None)
        for device in BYSTANDERS
    )
