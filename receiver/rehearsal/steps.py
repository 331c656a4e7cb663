"""The steps of a programme: what a viewer, or fate, does next at one player."""

from __future__ import annotations

from typing import Literal

import msgspec

from receiver.rehearsal.library import Device, Item, User
from receiver.rehearsal.player import Player


class Step(msgspec.Struct, frozen=True):
    """Something that happens at a player."""

    def perform(self, player: Player) -> None:
        """Let it happen at *player*."""
        raise NotImplementedError

    def severs(self, device: Device) -> bool:  # noqa: ARG002 - some do, depending on the device
        """Say whether it makes the server forget who watches along at *device*."""
        return False


class Wait(Step, frozen=True):
    """Nothing plays for so many *seconds*."""

    seconds: float

    def perform(self, player: Player) -> None:
        """Let it happen at *player*."""
        player.now += self.seconds


class SignIn(Step, frozen=True):
    """*user* signs in on the device: the session is theirs from now on (facts F14)."""

    user: User

    def perform(self, player: Player) -> None:
        """Let it happen at *player*."""
        player.user = self.user
        player.send("touch")


class Open(Step, frozen=True):
    """*item* opens at *position* seconds, at *speed*; *twice* reports the start twice."""

    item: Item
    position: float = 0.0
    speed: float = 1.0
    twice: bool = False
    tags: tuple[str, ...] = ()

    def perform(self, player: Player) -> None:
        """Let it happen at *player*."""
        player.open(self.item, self.position, self.speed)
        player.sitting.tags += self.tags
        player.send("start", self.position)
        if self.twice:
            player.play(player.random.uniform(0.2, 4.0))
            player.send("start", player.position)
            player.sitting.tags.append("double start")


class Play(Step, frozen=True):
    """Play for so many *seconds*, or to the end."""

    seconds: float

    def perform(self, player: Player) -> None:
        """Let it happen at *player*."""
        player.play(self.seconds)


class PlayTo(Step, frozen=True):
    """Play until *position* seconds; nothing if that is passed already."""

    position: float

    def perform(self, player: Player) -> None:
        """Let it happen at *player*."""
        player.play((self.position - player.position) / player.speed)


class Pause(Step, frozen=True):
    """Pause for so many *seconds*. An *asleep* client reports nothing meanwhile (facts F18, F19)."""

    seconds: float
    asleep: bool = False
    tags: tuple[str, ...] = ()

    def perform(self, player: Player) -> None:
        """Let it happen at *player*."""
        player.bend("pause")
        player.send("progress", player.position, paused=True)
        player.stand(self.seconds, paused=True, silent=self.asleep)
        player.bend("resume")
        player.send("progress", player.position)
        player.sitting.tags += self.tags


class Stall(Step, frozen=True):
    """The picture stands still while it buffers; the client says it is playing."""

    seconds: float

    def perform(self, player: Player) -> None:
        """Let it happen at *player*."""
        player.bend("stall")
        player.stand(self.seconds, paused=False)


class Seek(Step, frozen=True):
    """Jump *by* so many seconds, within the item. Not all clients report that at once."""

    by: float

    def perform(self, player: Player) -> None:
        """Let it happen at *player*."""
        if player.item is None:
            return
        player.seek(min(max(0.0, player.position + self.by), max(0.0, player.item.runtime - 2.0)))
        if player.device.tells_seeks:
            player.send("progress", player.position)
        else:
            player.sitting.tags.append("silent seek")


class Sleep(Step, frozen=True):
    """The lid is closed for so many *seconds*: the client neither plays nor reports, and then goes on."""

    seconds: float

    def perform(self, player: Player) -> None:
        """Let it happen at *player*."""
        player.bend("pause")
        player.stand(self.seconds, paused=False, silent=True)
        player.bend("resume")
        player.sitting.tags.append("lid closed")


class Close(Step, frozen=True):
    """The viewer leaves. *told* says what the client reports: its position, 0, no position, nothing, or twice.

    *late* delays the Stop by so many seconds; *ghost* sends one more Progress after it (facts F22).
    """

    told: Literal["position", "zero", "null", "nothing", "twice"] = "position"
    late: float = 0.0
    ghost: bool = False

    def perform(self, player: Player) -> None:
        """Let it happen at *player*."""
        if player.item is None:
            return
        if self.told != "nothing":
            position = {"zero": 0.0, "null": None}.get(self.told, player.position)
            player.send("stop", position, after=self.late)
            if self.told == "twice":
                player.send("stop", position, after=player.random.uniform(0.05, 2.0))
        if self.ghost:
            player.send("progress", max(0.0, player.position - 0.3), after=player.random.uniform(0.3, 3.0))
        player.close(self._tags, hard=self.told != "nothing", unheard=self.told == "nothing")

    @property
    def _tags(self) -> tuple[str, ...]:
        tags = {"zero": "stop at 0", "null": "stop without position", "nothing": "no stop", "twice": "double stop"}
        found = [tags[self.told]] if self.told in tags else []
        return (*found, *(["late stop"] if self.late else []), *(["late progress"] if self.ghost else []))


class Crash(Step, frozen=True):
    """The client dies. Its socket closes with it, or stays half open (facts F4, F5)."""

    half_open: bool = False

    def perform(self, player: Player) -> None:
        """Let it happen at *player*."""
        if player.item is None:
            return
        silent = self.half_open or not player.device.socket
        if not silent:
            player.send("close socket")
        player.close(("crash, half open" if silent else "crash, socket closed",), hard=False, unheard=silent)

    def severs(self, device: Device) -> bool:
        """Say whether it makes the server forget who watches along at *device*."""
        return device.socket


class Flap(Step, frozen=True):
    """The WebSocket is lost for so many *seconds* while playing goes on over HTTP (facts F6)."""

    seconds: float

    def perform(self, player: Player) -> None:
        """Let it happen at *player*."""
        if not player.device.socket or player.item is None:
            return
        player.send("close socket")
        player.socket_lost_until = player.now + self.seconds
        player.play(self.seconds)
        player.send("touch")
        player.sitting.tags.append("socket flap")

    def severs(self, device: Device) -> bool:
        """Say whether it makes the server forget who watches along at *device*."""
        return device.socket


class Restart(Step, frozen=True):
    """The server restarts, and is away for so many *seconds* (facts F7)."""

    seconds: float

    def perform(self, player: Player) -> None:
        """Let it happen at *player*."""
        player.send("restart", seconds=self.seconds)

    def severs(self, device: Device) -> bool:  # noqa: ARG002 - as above
        """Say whether it makes the server forget who watches along at *device*."""
        return True


class Join(Step, frozen=True):
    """*user* begins to watch along, from now on and in what follows."""

    user: User

    def perform(self, player: Player) -> None:
        """Let it happen at *player*."""
        if player.item is None:
            player.send("touch")
        else:
            player.sitting.seats.append((self.user, player.now, None))
            player.sitting.tags.append("joined late")
        player.companions.append(self.user)
        player.send("add user", user=self.user)


class Leave(Step, frozen=True):
    """*user* watches along no longer."""

    user: User

    def perform(self, player: Player) -> None:
        """Let it happen at *player*."""
        player.companions.remove(self.user)
        player.send("remove user", user=self.user)
        if player.item is not None:
            sitting = player.sitting
            sitting.seats = [
                (user, since, player.now if user == self.user and until is None else until)
                for user, since, until in sitting.seats
            ]


class Programme(msgspec.Struct, frozen=True):
    """What happens at one player, from virtual second *begins* on."""

    device: Device
    user: User
    begins: float
    steps: tuple[Step, ...]
