"""From one snapshot to the next: what is news in it, at the price of a few comparisons where nothing is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec
import structlog

from reconcile.jellyfin.sessions import Described, described, farewell, observed
from reconcile.jellyfin.snapshot import Guest, Session, Snapshot
from reconcile.playback.check_in import Channel, Ignored, Key, Kind, Observation
from reconcile.recording import NOT_RECORDED
from reconcile.tracker import Tracker

log = structlog.get_logger()

AlreadyShown = Callable[[Key, datetime, Kind, datetime], bool]


class Seen(msgspec.Struct, gc=False):
    """What a session said when it was read last, what it *told*, and the check-ins (key, at, kind) that this was."""

    checked_in: str | None
    is_paused: bool
    user_id: str | None
    guests: list[Guest] | None
    item_id: str
    shown: tuple[tuple[Key, datetime, Kind], ...]
    told: tuple[Observation, ...]
    known: Described | None = None

    def is_of(self, session: Session, item_id: str) -> bool:
        """Say whether *session*, playing *item_id*, says nothing else now."""
        state = session.play_state
        return (
            self.checked_in == session.last_playback_check_in
            and self.item_id == item_id
            and self.user_id == session.user_id
            and self.is_paused == (state is not None and state.is_paused)
            and self.guests == session.additional_users
        )


class News(msgspec.Struct):
    """What a snapshot says: *observations* to take in, and the keys that it *still* shows without news.

    Among the observations are the farewells of what the snapshot before has shown and this one lacks.
    """

    observations: list[Observation]
    still: list[Key]

    @property
    def is_playing(self) -> bool:
        """Whether anything plays."""
        return bool(self.still) or any(not told.is_farewell for told in self.observations)


class Snapshots:
    """Reads a server's snapshots one after another, each against the one before, for *tracker*.

    *malformed* counts the sessions that could not be read, however often they were shown.
    """

    def __init__(self, server_id: str, tracker: Tracker, channel: Channel = Channel.POLL) -> None:
        self.server_id = server_id
        self.malformed = 0
        self._tracker = tracker
        self._channel = channel
        self._seen: dict[str, Seen] = {}
        self._set_aside: set[str] = set()

    def news(self, snapshot: Snapshot, at: datetime) -> News:
        """Return what *snapshot*, taken *at* (the server's clock), says that the one before did not."""
        found = News([], [])
        seen: dict[str, Seen] = {}
        malformed = {told.reason for told in snapshot.malformed}
        for session in snapshot.sessions:
            item = session.now_playing_item
            known = self._seen.get(session.id)
            if item is None:
                if known is not None:
                    found.observations += filter(None, (farewell(session, told, at) for told in known.told))
                continue
            if known is None or not known.is_of(session, item.id) or not self._is_all_known(known, at, found):
                try:
                    known = self._read(session, item.id, known, at, found)
                except Exception as error:  # noqa: BLE001 - one odd session must not hide the others
                    malformed.add(f"{type(error).__name__} while a session was read")
                    continue
            seen[session.id] = known
        self._seen = seen
        self._count(len(snapshot.malformed), malformed)
        return found

    def forget(self) -> None:
        """Read the next snapshot as if it were the first."""
        self._seen = {}

    def _is_all_known(self, known: Seen, at: datetime, found: News) -> bool:
        """Note that what is *known* was still shown *at*; return whether that was all there is to it."""
        people, still = self._tracker.people, len(found.still)
        for key, checked_in, kind in known.shown:
            if not people.is_recorded((key.server_id, key.user_id), checked_in):
                continue
            if not self._tracker.still_shown(key, checked_in, kind, max(at, checked_in)):
                del found.still[still:]
                return False
            found.still.append(key)
        return True

    def _read(self, session: Session, item_id: str, before: Seen | None, at: datetime, found: News) -> Seen:
        before_it = None if before is None else before.known
        known = before_it if before_it and before_it.is_of(session) else described(session, self.server_id)
        told = observed(session, known, at, self._channel) if isinstance(known, Described) else known or ()
        if isinstance(told, Ignored):
            if _is_new(session, item_id, before):
                self._tracker.ignore(told.reason)
            told = ()
        recorded = [each for each in told if self._tracker.is_recorded(each)]
        if len(recorded) < len(told) and _is_new(session, item_id, before):
            self._tracker.ignore(NOT_RECORDED, len(told) - len(recorded))
        found.observations.extend(recorded)
        shown = tuple([(o.key, o.check_in.at, o.check_in.kind) for o in told if o.check_in is not None])
        return Seen(
            session.last_playback_check_in,
            session.is_paused,
            session.user_id,
            session.additional_users,
            item_id,
            shown,
            tuple(told),
            known if isinstance(known, Described) else None,
        )

    def _count(self, unreadable: int, reasons: set[str]) -> None:
        self.malformed += max(unreadable, len(reasons))
        for reason in sorted(reasons - self._set_aside):
            log.warning("a session was set aside", server=self.server_id, reason=reason)
        self._set_aside = reasons


def _is_new(session: Session, item_id: str, before: Seen | None) -> bool:
    """Say whether somebody else plays, or something else is played, than *before* in this session."""
    return before is None or before.item_id != item_id or before.user_id != session.user_id
