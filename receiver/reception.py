"""What becomes of one body that the webhook brings: known at a glance, taken in, ignored, or kept as an example."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from receiver.access import Admitted
from receiver.hearing import Heard, Hearing, ahead_of_us
from receiver.intake import Intake
from receiver.metrics import Metrics
from receiver.notes import Notes
from receiver.notification import Notification, Peek, notification_of, observed, peek
from receiver.redaction import redacted, server_in, user_in
from receiver.spool import Spooled
from reconcile.arrivals import Answer, Outcome
from reconcile.jellyfin.instants import instant
from reconcile.playback.check_in import Ignored, Key, Kind, Observation, Rejected
from reconcile.playback.identity import is_guid, normalised_id
from reconcile.store.deliveries import Delivery
from reconcile.tracker import Tracker

_REMEMBERED = 20_000
_KNOWN = Answer(Outcome.KNOWN, "still shown")

Told = tuple[str, str, str, str, str, bool]
"""What an automated Progress repeats for as long as the client has not reported again."""


class OtherServerError(Exception):
    """The token is bound to another server than the body names."""


class Reception:
    """Takes bodies in. *servers* are those that are known, `polled` says of one whether its clock is known better."""

    def __init__(
        self,
        tracker: Tracker,
        intake: Intake,
        notes: Notes,
        metrics: Metrics,
        hearing: Hearing,
        clock: Callable[[], datetime],
    ) -> None:
        self.with_marks = False
        self.servers: set[str] = set()
        self.polled: Callable[[str], bool] = lambda _server_id: False
        self._tracker = tracker
        self._intake = intake
        self._notes = notes
        self._metrics = metrics
        self._hearing = hearing
        self._clock = clock
        self._seen: dict[Told, tuple[Key, datetime, Kind]] = {}

    async def take(self, body: bytes, content_type: str, admitted: Admitted) -> Answer:
        """Take one body in, and return what became of it. Raises OtherServerError, and SpoolUnwritable."""
        now = self._clock()
        glanced = peek(body)
        if glanced is not None:
            known = self._at_a_glance(glanced, now, admitted)
            if known is not None:
                return known
        told = notification_of(body, content_type)
        if isinstance(told, Rejected):
            return self._reject(body, content_type, told, now, admitted)
        heard = self._hear(told, now, admitted)
        sole = admitted.server_id or self.sole_server()
        found = observed(told, now, sole, with_marks=self.with_marks)
        if isinstance(found, Ignored):
            self._tracker.ignore(found.reason)
            return Answer(Outcome.IGNORED, found.reason)
        if isinstance(found, Rejected):
            return self._reject(body, content_type, found, now, admitted)
        self._flag(heard, found)
        if not self._is_recorded(found):
            reason = self._tracker.people.unrecorded((found.key.server_id, found.key.user_id))
            self._tracker.ignore(reason)
            return Answer(Outcome.IGNORED, reason)
        answer = await self._intake.take(told, found, Spooled(now, content_type, body, sole))
        if glanced is not None and answer.outcome in {Outcome.RECORDED, Outcome.KNOWN}:
            self._remember(glanced, found)
        return answer

    def _is_recorded(self, found: Observation) -> bool:
        """Say whether it may be kept: what was reported before an opt-out is not seen any longer after it."""
        user = (found.key.server_id, found.key.user_id)
        return self._tracker.is_recorded(found) and self._tracker.people.is_recorded(user, found.observed_at)

    def _at_a_glance(self, glanced: Peek, now: datetime, admitted: Admitted) -> Answer | None:
        """Answer an automated Progress that only says «still shown», None if there may be more to it."""
        seen = self._seen.get(_told(glanced))
        until = instant(glanced.utc_timestamp)
        if seen is None or until is None:
            return None
        key, at, kind = seen
        if admitted.server_id is not None and admitted.server_id != key.server_id:
            raise OtherServerError
        # Whoever opted out meanwhile is not shown any longer, and the slow way says so.
        if not self._tracker.people.is_recorded((key.server_id, key.user_id), until):
            return None
        if not self._tracker.still_shown(key, at, kind, until):
            return None
        self._hearing.hear(key.server_id, now)
        return _KNOWN

    def forget(self) -> None:
        """Forget what was seen: somebody is not to be remembered."""
        self._seen.clear()

    def _remember(self, glanced: Peek, found: Observation) -> None:
        if found.check_in is None:
            return
        self._seen[_told(glanced)] = (found.key, found.check_in.at, found.check_in.kind)
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]

    def _hear(self, told: Notification, now: datetime, admitted: Admitted) -> Heard | None:
        """Note which server was heard. Raises OtherServerError."""
        named = normalised_id(told.server_id or "") or admitted.server_id or self.sole_server()
        if named is None:
            return None
        if admitted.server_id is not None and named != admitted.server_id:
            raise OtherServerError
        if named not in self.servers:
            if not is_guid(named):
                return None
            self.servers.add(named)
            self._notes.meet(named, told.server_name, told.server_version)
        heard = self._hearing.hear(named, now)
        at = instant(told.utc_timestamp)
        if at is not None:
            heard.samples.append(at - now)
            ahead = ahead_of_us(heard.samples)
            if ahead is not None and not self.polled(named):
                self._tracker.ahead[named] = ahead
        return heard

    def sole_server(self) -> str | None:
        """Return the only server there is, None if there are none or several."""
        return next(iter(self.servers)) if len(self.servers) == 1 else None

    def _flag(self, heard: Heard | None, found: Observation) -> None:
        for flag in found.flags:
            self._metrics.flags[flag] += 1
            if heard is not None:
                heard.flags[flag] += 1

    def _reject(self, body: bytes, content_type: str, said: Rejected, now: datetime, admitted: Admitted) -> Answer:
        kept = self._presentable(body, now, admitted)
        found = Delivery(now, content_type, kept, outcome=Outcome.REJECTED.value, reason=said.reason)
        self._notes.reject(found, said.place)
        return Answer(Outcome.REJECTED, f"{said.reason} ({said.place})" if said.place else said.reason)

    def _presentable(self, body: bytes, now: datetime, admitted: Admitted) -> bytes:
        """Return what is kept of an unreadable body: all, so that it can be replayed, of somebody who is recorded.

        Nothing of somebody who was erased; of others what is left without those who can be found in it.
        """
        user = user_in(body)
        server = server_in(body) or admitted.server_id or self.sole_server()
        if user is not None and server is not None:
            people = self._tracker.people
            if people.is_recorded((server, user), now):
                return body
            if people.is_erased((server, user)):
                return b""
        return redacted(body)


def _told(glanced: Peek) -> Told:
    return (
        glanced.session_id,
        glanced.item_id,
        glanced.last_check_in,
        glanced.user_id,
        glanced.server_id,
        glanced.is_paused,
    )
