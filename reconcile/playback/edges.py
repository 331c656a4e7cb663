"""The two edges of a playback: where it began before anyone heard of it, and where it ended when nobody said so."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from reconcile.playback.check_in import Channel, Kind
from reconcile.playback.rules import (
    ABSENT_HALF,
    LEFT_WHOLE,
    OPENING,
    REPORTS_APART,
    REPORTS_EVERY,
    REPORTS_OFF,
    SUPERSEDED_WHOLE,
    TOLERANCE,
    Rules,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.playback.points import Point

_LOOKS = frozenset({Channel.POLL, Channel.SOCKET})


class EndedBy(StrEnum):
    """What tells us that a playback is over."""

    STOP = "stop"
    IDLE = "idle"
    ABSENCE = "absence"
    SUPERSEDED = "superseded"
    RESTART = "restart"
    SILENCE = "silence"
    IMPORTED = "imported"


class Beginning(msgspec.Struct, frozen=True, gc=False):
    """When a playback began, the seconds played before its first check-in, and the look that says so."""

    at: datetime
    credit: float = 0.0
    look: datetime | None = None

    @property
    def looks(self) -> tuple[datetime, ...]:
        """The look that says so, or none."""
        return () if self.look is None else (self.look,)


class Ending(msgspec.Struct, frozen=True, gc=False):
    """How a playback ended: *by* is None while it is open, *at* is what the evidence supports.

    *credit* are the seconds played after the last check-in, *position* is where that led. *looks* prove it.
    """

    by: EndedBy | None
    at: datetime
    credit: float
    position: float | None
    looks: tuple[datetime, ...] = ()

    def by_then(self, at: datetime, last: Point) -> Ending:
        """Return where it had led from *last* by that instant, if it ends later."""
        if self.at <= at:
            return self
        credit = min(self.credit, (at - last.at).total_seconds())
        position = None if last.position is None else last.position + credit
        return msgspec.structs.replace(self, at=at, credit=credit, position=position)


class Sibling(msgspec.Struct, frozen=True, order=True, gc=False):
    """The beginning of another item in the same session, for the same user."""

    first_at: datetime
    began_at: datetime


class Floor(msgspec.Struct, frozen=True, gc=False):
    """What a beginning does not reach back over; each is None where there is none.

    The key's playback before *ended_at* then, and looks showed it until *shown_until*; the person has been recorded
    since *recorded_since*.
    """

    ended_at: datetime | None = None
    shown_until: datetime | None = None
    recorded_since: datetime | None = None

    def is_free(self, began: datetime, tolerance: timedelta) -> bool:
        """Say whether something may have begun then; *tolerance* is for the end before it, never for the opt-in."""
        if self.recorded_since is not None and began < self.recorded_since:
            return False
        return self.ended_at is None or began >= self.ended_at - tolerance


def beginning(
    first: Point, looks: Sequence[datetime], floor: Floor, runtime: float | None, rules: Rules, *, told: bool
) -> Beginning:
    """Return where the playback that *first* opens began. *told* says that the client's own report of it was heard."""
    position = first.position
    if position is None or position <= 0:
        return Beginning(first.at)
    began = first.at - timedelta(seconds=position)
    is_free = floor.is_free(began, timedelta(seconds=TOLERANCE))
    if is_free and position <= rules.opening(runtime):
        return Beginning(began, position)
    if position > OPENING:
        return resumed(first, looks, floor, told=told)
    look = _look_without(first, looks, floor)
    is_proved = look is not None and position - TOLERANCE <= (first.at - look).total_seconds() <= OPENING
    return Beginning(began, position, look) if is_free and is_proved else Beginning(first.at, 0.0, look)


def resumed(first: Point, looks: Sequence[datetime], floor: Floor, *, told: bool) -> Beginning:
    """Return where what *first* shows in the middle of an item began, or went on.

    A look shows only the last report. Where others fit between *first* and the last look that lacked it, half of them
    are credited, as at an end that nobody saw; not where the client's own report of *first* was *told*.
    """
    look = _look_without(first, looks, floor)
    if look is None or told or first.kind is not Kind.PLAYING or first.position is None:
        return Beginning(first.at, 0.0, look)
    unseen = ((first.at - look).total_seconds() + REPORTS_OFF) // REPORTS_APART * REPORTS_APART
    credit = min(unseen / 2, first.position)
    began = first.at - timedelta(seconds=credit)
    return Beginning(began, credit, look) if floor.is_free(began, timedelta()) else Beginning(first.at, 0.0, look)


def _look_without(first: Point, looks: Sequence[datetime], floor: Floor) -> datetime | None:
    """Return the last look before *first*, which lacked it; None if it was too long ago to say when *first* began."""
    index = bisect_left(looks, first.at)
    if not index or (first.at - looks[index - 1]).total_seconds() > ABSENT_HALF:
        return None
    look = looks[index - 1]
    return None if floor.shown_until is not None and look <= floor.shown_until else look


def absence(
    last: Point, looks: Sequence[datetime], until: datetime, rules: Rules, *, shown: bool
) -> tuple[datetime, datetime] | None:
    """Return the first look without the playback, and the one that agrees; None if it was not absent before *until*.

    *shown* says whether looks have ever shown this playback: what they never saw they cannot miss.
    """
    if not shown:
        return None
    index = bisect_right(looks, last.shown_until)
    if index == len(looks) or looks[index] >= until:
        return None
    agrees = bisect_left(looks, looks[index] + rules.absence_grace)
    if agrees == len(looks) or looks[agrees] >= until:
        return None
    return looks[index], looks[agrees]


def is_shown(channels: frozenset[Channel]) -> bool:
    """Say whether looks have shown the playback that these *channels* told of."""
    return not channels.isdisjoint(_LOOKS)


def limit(last: Point, rules: Rules) -> datetime:
    """Return until when the playback may be silent after *last*."""
    return last.until + (rules.paused_timeout if last.kind is Kind.PAUSED else rules.silence)


def ending(
    last: Point,
    *,
    absent: tuple[datetime, datetime] | None,
    replaced_at: datetime | None,
    restart: bool,
    now: datetime,
    runtime: float | None,
    rules: Rules,
) -> Ending:
    """Return how the playback whose last check-in is *last* (no stop) ended, or that it is still open at *now*.

    *replaced_at* is the beginning of what came next in the session: another item, or (*restart*) the same anew.
    """
    silent_at = limit(last, rules)
    if replaced_at is not None and replaced_at <= silent_at and (absent is None or replaced_at <= absent[0]):
        until = max(replaced_at, last.at)
        gap = (until - last.until).total_seconds()
        is_whole = gap <= SUPERSEDED_WHOLE or (not restart and _ran_out(last, gap, runtime))
        share = 1.0 if is_whole else 0.5 if gap <= ABSENT_HALF else 0.0
        by = EndedBy.RESTART if restart else EndedBy.SUPERSEDED
        return _ended(by, last, gap * share, runtime, ())
    if absent is not None and absent[0] <= silent_at:
        return _ended(EndedBy.ABSENCE, last, _unseen(last, absent[0]), runtime, absent)
    over = EndedBy.SILENCE if now >= silent_at else None
    return _ended(over, last, 0.0, runtime, ())


def _ran_out(last: Point, gap: float, runtime: float | None) -> bool:
    """Say whether the item came to its end in the *gap* before the next one: autoplay (facts F9 to F11)."""
    if runtime is None or last.position is None or gap > REPORTS_EVERY.total_seconds():
        return False
    return last.position + (last.until - last.at).total_seconds() + gap >= runtime


def _unseen(last: Point, absent_at: datetime) -> float:
    """Return how many seconds *last* was played on after it was shown, until *absent_at* at the latest.

    Half of the gap, as nobody saw the end. Where a look says by when it had been left, until about then: a Stop is the
    last thing that most clients ask in their session (facts B1, B6). Only half of that where one more report would have
    come before: then something else was asked since.
    """
    # Where the plugin's one-a-second Progress is heard, the last one is the end, and nothing is added.
    if Channel.WEBHOOK in last.channels:
        return 0.0
    left_by = last.left_by if last.left_by is not None and last.left_by <= absent_at else None
    gap = max(0.0, ((left_by or absent_at) - last.until).total_seconds())  # a look's own instant may be a second off
    if left_by is not None and gap <= REPORTS_APART + REPORTS_OFF:
        return min(gap, LEFT_WHOLE) + max(0.0, gap - LEFT_WHOLE) / 2
    return gap / 2 if gap <= ABSENT_HALF else 0.0


def _ended(by: EndedBy | None, last: Point, added: float, runtime: float | None, looks: tuple[datetime, ...]) -> Ending:
    """Return the ending *added* seconds after *last* was still alive; while paused nothing is played."""
    position = last.position
    if last.kind is not Kind.PLAYING:
        return Ending(by, last.until, 0.0, position, looks)
    alive = max(0.0, (last.until - last.at).total_seconds() + added)
    if position is None:
        return Ending(by, last.at + timedelta(seconds=alive), 0.0, None, looks)
    credit = alive if runtime is None else max(0.0, min(alive, runtime - position))
    at = last.at + timedelta(seconds=credit) if credit else last.at
    return Ending(by, at, credit, position + credit, looks)
