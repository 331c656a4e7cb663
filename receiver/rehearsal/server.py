"""A simulated Jellyfin: what its sessions do when clients report, vanish, or fall silent (facts B and A1)."""

from __future__ import annotations

from bisect import bisect_right

import msgspec
from msgspec.structs import replace

from receiver.rehearsal.library import Device, Item, User
from receiver.rehearsal.session import Session

IDLE_PERIOD = 300.0
"""Seconds between two checks for idle sessions, and how old a last check-in must be by then (facts B5)."""

BUILD_LAG = 0.003
"""Seconds between a report and the plugin's UtcTimestamp."""


class Notification(msgspec.Struct, frozen=True):
    """What the plugin is about to tell each of *users*: one event, at virtual second *at*.

    *session* is the session as it stands when the payload is built; *completed* is known on a Stop only.
    """

    kind: str
    at: float
    item: Item
    session: Session
    users: tuple[User, ...]
    position: float | None
    paused: bool = False
    automated: bool = False
    completed: bool | None = None


class Jellyfin:
    """Sessions in memory, driven by calls at rising virtual seconds. A call made while it is down returns False.

    *notifications* collects what the Webhook plugin sends. With *flood* every automatic Progress is among them, one a
    second; else only the last one before each other thing that happens to the session, which says as much.
    """

    def __init__(self, version: str = "10.11.8", *, flood: bool = False, listed: tuple[Session, ...] = ()) -> None:
        """Start with the sessions in *listed*: apps that were opened earlier and are still shown."""
        self.version = version
        self.flood = flood
        self.now = 0.0
        self.notifications: list[Notification] = []
        self._idle_at: float | None = None
        self._up_at: float | None = None
        self._sessions: dict[str, Session] = {session.id: session for session in listed}
        self._times: list[float] = [float("-inf")]
        self._states: list[tuple[Session, ...] | None] = [listed]

    def sessions(self, at: float) -> tuple[Session, ...] | None:
        """Return the sessions as they stood at *at*, None if the server was down."""
        return self._states[bisect_right(self._times, at) - 1]

    # What clients do

    def touch(self, device: Device, user: User | None, at: float, owner: int | None = None) -> bool:
        """Take any request of *user*; *owner* numbers the WebSocket that the app holds open, if any (facts B1)."""
        if not self._is_up(at):
            return False
        self._seen(device, user, at, owner)
        return True

    def playback_start(
        self, device: Device, user: User | None, item: Item, position: float | None, at: float, owner: int | None = None
    ) -> bool:
        """Take a client's report that *item* starts at *position* seconds."""
        if not self._is_up(at):
            return False
        session = self._reported(self._seen(device, user, at, owner), item, position, at, paused=False)
        self._tell("PlaybackStart", session, item, position, at)
        return True

    def progress(
        self,
        device: Device,
        user: User | None,
        item: Item,
        position: float | None,
        at: float,
        owner: int | None = None,
        *,
        paused: bool = False,
    ) -> bool:
        """Take a client's report on the way. It needs no Start before it: it revives what was stopped (facts B3)."""
        if not self._is_up(at):
            return False
        session = self._reported(self._seen(device, user, at, owner), item, position, at, paused=paused)
        self._tell("PlaybackProgress", session, item, position, at, paused=paused)
        return True

    def stop(
        self, device: Device, user: User | None, item: Item, position: float | None, at: float, owner: int | None = None
    ) -> bool:
        """Take a client's report that *item* stopped. Whatever is playing there is wiped (facts B3)."""
        if not self._is_up(at):
            return False
        self._stopped(self._seen(device, user, at, owner), item, position, at)
        return True

    def socket_closed(self, device: Device, at: float, owner: int) -> bool:
        """Close a WebSocket; with the last one the session goes, without any Stop (facts B1)."""
        if not self._is_up(at):
            return False
        session = self._sessions.get(device.session_id)
        if session is None or owner not in session.sockets:
            return True
        session = replace(self._ticked(session, at), sockets=session.sockets - {owner})
        if session.sockets:
            self._keep(session, at)
        else:
            del self._sessions[device.session_id]
            self._remember(at)
        return True

    def switch_user(self, device: Device, user: User, at: float) -> bool:
        """Sign *user* in on *device*: the session keeps its id and what it plays (facts F14)."""
        return self.touch(device, user, at)

    def add_user(self, device: Device, user: User, at: float) -> bool:
        """Let *user* watch along in the session of *device*."""
        session = self._present(device, at)
        if session is None:
            return False
        if user not in session.users:
            self._keep(replace(self._ticked(session, at), additional=(*session.additional, user)), at)
        return True

    def remove_user(self, device: Device, user: User, at: float) -> bool:
        """Let *user* watch along no longer."""
        session = self._present(device, at)
        if session is None:
            return False
        rest = tuple(other for other in session.additional if other != user)
        self._keep(replace(self._ticked(session, at), additional=rest), at)
        return True

    # What the server does

    def restart(self, at: float, seconds: float) -> bool:
        """Go down at *at* for *seconds*; everything about sessions is forgotten (facts B1, F7)."""
        if not self._is_up(at):
            return False
        for session in self._sessions.values():
            self._ticked(session, at)
        self._sessions.clear()
        self._idle_at = None
        self._up_at = at + seconds
        self._note(at, None)
        return True

    def advance(self, to: float) -> None:
        """Let time pass until *to*: come back up, and stop idle sessions on the way."""
        if self._up_at is not None and self._up_at <= to:
            self._note(self._up_at, ())
            self._up_at = None
        while self._idle_at is not None and self._idle_at <= to:
            self._stop_idle(self._idle_at)
        self.now = max(self.now, to)

    def tell_ticks(self, to: float) -> None:
        """Announce the automatic ticks that are due until *to*, without waiting for another thing to happen."""
        self.advance(to)
        for session in tuple(self._sessions.values()):
            self._sessions[session.id] = self._ticked(session, to)

    def _is_up(self, at: float) -> bool:
        self.advance(at)
        return self._up_at is None

    def _present(self, device: Device, at: float) -> Session | None:
        return self._sessions.get(device.session_id) if self._is_up(at) else None

    def _seen(self, device: Device, user: User | None, at: float, owner: int | None) -> Session:
        known = self._sessions.get(device.session_id)
        sockets = frozenset[int]() if owner is None else frozenset((owner,))
        if known is None:
            session = Session(device, device.session_id, at, user, sockets=sockets)
        else:
            session = replace(
                self._ticked(known, at),
                device=device,
                user=user,
                additional=tuple(other for other in known.additional if other != user) if user else (),
                last_activity=at,
                sockets=known.sockets | sockets,
            )
        return self._keep(session, at)

    def _reported(self, session: Session, item: Item, position: float | None, at: float, *, paused: bool) -> Session:
        if self._idle_at is None:
            self._idle_at = at + IDLE_PERIOD
        last_paused = (session.last_paused if session.paused else at) if paused else None
        return self._keep(
            replace(
                session,
                item=item,
                position=position,
                paused=paused,
                last_check_in=at,
                last_paused=last_paused,
                ticking=True,
                since=at,
                told=0,
            ),
            at,
        )

    def _stopped(self, session: Session, item: Item, position: float | None, at: float) -> None:
        cleared = replace(
            session,
            item=None,
            position=None,
            paused=False,
            ticking=False,
            told=0,
            last_activity=session.activity(at),
        )
        self._keep(cleared, at)
        self._tell("PlaybackStop", cleared, item, position, at, completed=counts_as_played(item, position))

    def _stop_idle(self, at: float) -> None:
        for session in tuple(self._sessions.values()):
            item, last = session.item, session.last_check_in
            if item is not None and (last is None or at - last > IDLE_PERIOD):
                position = session.position if self._stops_at_last_report else session.guess(at)
                self._stopped(self._ticked(session, at), item, position, at)
        playing = any(session.item is not None for session in self._sessions.values())
        self._idle_at = at + IDLE_PERIOD if playing else None

    @property
    def _stops_at_last_report(self) -> bool:
        return int(self.version.split(".", 1)[0]) >= 12  # noqa: PLR2004 - Jellyfin's own number

    def _ticked(self, session: Session, at: float) -> Session:
        """Announce the ticks of *session* until *at* that were not announced yet."""
        ticks = session.ticks(at)
        if session.item is None or ticks <= session.told:
            return session
        for number in range(session.told + 1 if self.flood else ticks, ticks + 1):
            due = session.tick_at(number)
            position = (session.position or 0.0) + number
            self._tell("PlaybackProgress", session, session.item, position, due - BUILD_LAG + 0.001, automated=True)
        return replace(session, told=ticks)

    def _tell(  # noqa: PLR0913 - a notification has this many facts
        self,
        kind: str,
        session: Session,
        item: Item,
        position: float | None,
        at: float,
        *,
        paused: bool = False,
        automated: bool = False,
        completed: bool | None = None,
    ) -> None:
        if session.users:  # the plugin says nothing of a session without a user (facts A1)
            built = at + BUILD_LAG
            told = Notification(kind, built, item, session, session.users, position, paused, automated, completed)
            self.notifications.append(told)

    def _keep(self, session: Session, at: float) -> Session:
        self._sessions[session.id] = session
        self._remember(at)
        return session

    def _remember(self, at: float) -> None:
        self._note(at, tuple(self._sessions.values()))

    def _note(self, at: float, state: tuple[Session, ...] | None) -> None:
        if self._times[-1] == at:
            self._states[-1] = state
        else:
            self._times.append(at)
            self._states.append(state)


def counts_as_played(item: Item, position: float | None) -> bool:
    """Return PlayedToCompletion of a Stop at *position*: Jellyfin's own rule (facts A7, D1)."""
    runtime = item.known_runtime
    if position is None or runtime is None:
        return True
    share = position / runtime
    return share > 0.9 or position >= runtime - 1.0 or (runtime < 300.0 and share >= 0.05)  # noqa: PLR2004 - facts D1
