"""Cutting the evidence of one key into playbacks (DESIGN §4): the one place that decides what is one viewing."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from reconcile.playback.check_in import Channel, CheckIn, Kind
from reconcile.playback.coverage import Measure, Reach, Stretch, covered, joined, measured, passed_at, reached
from reconcile.playback.edges import Beginning, EndedBy, Ending, Sibling, absence, beginning, ending, is_shown, limit
from reconcile.playback.points import Point, points_of
from reconcile.playback.rules import ABSENT_HALF, BACK_AT_START, FASTEST, OPENING, TOLERANCE, Rules

if TYPE_CHECKING:
    from collections.abc import Sequence

FOREVER = datetime.max.replace(tzinfo=UTC)


class Playback(msgspec.Struct, frozen=True):
    """One item playing in one session for one user, from its first check-in to its end.

    *started_at* and *first_at* differ by what was played before the first check-in; *ended_at* is the time that the
    evidence supports, also while it is open. Positions and lengths are seconds. *completed_at* is when the threshold
    was passed, None if it was not, or the runtime is not known. *due_at* is when silence will have ended it.
    *looks* are the snapshots without which it would be cut otherwise.
    """

    started_at: datetime
    first_at: datetime
    last_at: datetime
    ended_at: datetime
    ended_by: EndedBy | None
    state: Kind
    due_at: datetime | None
    position: float | None
    reached_seconds: float
    completed_at: datetime | None
    stretches: tuple[Stretch, ...]
    covered: tuple[tuple[float, float], ...]
    skipped: tuple[tuple[float, float], ...]
    channels: frozenset[Channel]
    looks: tuple[datetime, ...]

    @property
    def is_open(self) -> bool:
        """Say whether it has not ended yet."""
        return self.ended_by is None

    @property
    def watched_seconds(self) -> float:
        """The seconds really spent playing."""
        return sum(stretch.seconds for stretch in self.stretches)


class Recorded(msgspec.Struct, frozen=True):
    """A dated interval in which a person was recorded; *until* is None while it lasts."""

    since: datetime
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Say whether *at* lies in it."""
        return self.since <= at and (self.until is None or at < self.until)


class Surroundings(msgspec.Struct, frozen=True):
    """What the check-ins of one key do not say themselves; every sequence is in order of time.

    *looks* are the server's, *siblings* the beginnings of other items in the session, *elsewhere* the check-ins of
    the same account and media in other sessions, *sightings* the bare ones. Empty *recorded* means: always. *floor*
    is the end of the playback before the first check-in, where the line is not given from its beginning.
    """

    looks: Sequence[datetime] = ()
    siblings: Sequence[Sibling] = ()
    elsewhere: Sequence[datetime] = ()
    sightings: Sequence[datetime] = ()
    recorded: Sequence[Recorded] = ()
    runtime: float | None = None
    floor: datetime | None = None


class _Run:
    """The points of one playback while it is being gathered, in lines between which nothing was played."""

    def __init__(self, first: Point, begun: Beginning) -> None:
        self.begun = begun
        self.lines: list[list[Point]] = [[first]]
        self.stop: Point | None = first if first.is_stop else None
        self.channels: frozenset[Channel] = first.channels

    @property
    def first(self) -> Point:
        return self.lines[0][0]

    @property
    def last(self) -> Point:
        return self.lines[-1][-1]

    def add(self, point: Point, *, counts: bool) -> None:
        """Take *point* in; the way to it is credited only if it *counts*."""
        self.channels |= point.channels
        if point.is_stop and (point.soft or point.position is None):
            self.stop = point
            return
        self.stop = point if point.is_stop else None
        if counts:
            self.lines[-1].append(point)
        else:
            self.lines.append([point])

    def points(self) -> list[Point]:
        return [point for line in self.lines for point in line]


def cut(check_ins: Sequence[CheckIn], around: Surroundings, rules: Rules, now: datetime) -> tuple[Playback, ...]:
    """Return the playbacks that *check_ins* of one key (gathered, in order of time) tell of at *now*.

    Pure: the same set gives the same playbacks, whatever the order in which it became known.
    """
    return _Cutter(around, rules, now).cut(check_ins)


def corners(check_ins: Sequence[CheckIn], around: Surroundings, rules: Rules, now: datetime) -> set[datetime]:
    """Return the instants of the check-ins without which `cut` would say something else, but for the stops."""
    cutter = _Cutter(around, rules, now)
    cutter.cut(check_ins)
    return {point.at for run in cutter.runs for point in measured(run.lines).corners}


class _Cutter:
    def __init__(self, around: Surroundings, rules: Rules, now: datetime) -> None:
        self.around = around
        self.rules = rules
        self.now = now
        self.runtime = around.runtime
        self.runs: list[_Run] = []

    def cut(self, check_ins: Sequence[CheckIn]) -> tuple[Playback, ...]:
        recorded = [c for c in check_ins if self._recorded_at(c.at)]
        playbacks: list[Playback] = []
        run: _Run | None = None
        for point in points_of(recorded, self.around.sightings, self.runtime, self.rules):
            if run is not None:
                ended = self._has_ended(run, point)
                if self._goes_on(run, point, ended=ended):
                    run.add(point, counts=self._counts(run, point, ended=ended))
                    continue
            if point.is_stop and (point.soft or point.position is None):
                continue
            if run is not None:
                playbacks.append(self._playback(run, point))
            run = _Run(point, self._beginning(point, playbacks[-1] if playbacks else None))
            self.runs.append(run)
        if run is not None:
            playbacks.append(self._playback(run, None))
        return tuple(playbacks)

    # --- does it go on? -----------------------------------------------------------------------------------------

    def _goes_on(self, run: _Run, point: Point, *, ended: bool) -> bool:
        """Say whether *point* belongs to the playback *run* (DESIGN §4)."""
        a = run.last
        if not self._recorded_between(a.at, point.at):
            return False
        if point.is_stop and point.soft:
            return True
        if self._is_rewatch(run, point):
            return False
        if not ended:
            return True
        if point.position is None or a.position is None:
            return True
        end = self._ending(run, point)
        ended_at = max(end.at, run.stop.at) if run.stop is not None and not run.stop.soft else end.at
        if point.at - ended_at > self.rules.resume_window:
            return False
        near = self.rules.near(self.runtime)
        where = a.position if end.position is None else end.position
        if abs(point.position - where) <= near:
            return True
        if point.position >= where - near and self._is_completed(run, end):
            return True
        if run.stop is not None and not run.stop.soft:
            return False
        moved = point.position - a.position
        elapsed = (point.at - a.at).total_seconds()
        return -TOLERANCE <= moved <= FASTEST * elapsed + TOLERANCE

    def _has_ended(self, run: _Run, point: Point) -> bool:
        """Say whether the playback had ended before *point*: by a stop, by silence, or by absence."""
        if run.stop is not None or point.at > limit(run.last, self.rules):
            return True
        return absence(run.last, self.around.looks, point.at, self.rules, shown=is_shown(run.channels)) is not None

    def _is_rewatch(self, run: _Run, point: Point) -> bool:
        """Say whether *point* is back at the start of an item that had been completed."""
        a = run.last
        if self.runtime is None or a.position is None or point.position is None or point.is_stop:
            return False
        drop = BACK_AT_START * self.runtime
        if self.runtime - point.position < drop or a.position + ABSENT_HALF + self._alive(a) - point.position < drop:
            return False
        end = self._ending(run, point)
        before = a.position if end.position is None else max(a.position, end.position)
        if before - point.position < drop:
            return False
        opening = max(self.rules.opening(self.runtime), (point.at - a.at).total_seconds())
        return point.position <= opening and self._is_completed(run, end)

    def _alive(self, point: Point) -> float:
        return (point.until - point.at).total_seconds()

    def _is_completed(self, run: _Run, end: Ending) -> bool:
        """Say whether the playback's own reach passes the threshold."""
        if self.runtime is None:
            return False
        measure = self._measure(run, end)
        return self._reach(run, end, measure).position >= self.rules.goal(self.runtime)

    def _counts(self, run: _Run, point: Point, *, ended: bool) -> bool:
        """Say whether the way from *run* to *point* may be credited."""
        if not ended:
            return True
        if run.stop is not None and not run.stop.soft:
            return False
        elsewhere = self.around.elsewhere
        return bisect_right(elsewhere, run.last.at) == bisect_left(elsewhere, point.at)

    # --- its edges ----------------------------------------------------------------------------------------------

    def _beginning(self, first: Point, before: Playback | None) -> Beginning:
        floor = before.ended_at if before is not None else self.around.floor
        for interval in self.around.recorded:
            if interval.holds(first.at):
                floor = interval.since if floor is None else max(floor, interval.since)
        return beginning(first, self.around.looks, floor, self.runtime, self.rules)

    def _ending(self, run: _Run, following: Point | None) -> Ending:
        """Return how *run* ended, *following* being the first point that is not its own."""
        last = run.last
        if run.stop is not None and run.stop is last:
            return Ending(EndedBy.STOP, last.at, 0.0, last.position)
        until = following.at if following is not None else FOREVER
        if run.stop is not None:
            by = EndedBy.IDLE if run.stop.soft else EndedBy.STOP
            end = self._soft_ending(run, until, None)
            if by is EndedBy.IDLE and end.by in (EndedBy.ABSENCE, EndedBy.SUPERSEDED):
                return end
            return msgspec.structs.replace(end, by=by)
        restart = None
        if following is not None and following.position is not None:
            played = timedelta(seconds=following.position)
            if played <= max(timedelta(seconds=OPENING), following.at - last.at):
                restart = following.at - played
        return self._soft_ending(run, until, restart)

    def _soft_ending(self, run: _Run, until: datetime, restart: datetime | None) -> Ending:
        last = run.last
        known_until = min(until, self.now + timedelta.resolution)
        sibling = self._replaced_by(last, until)
        replaced_at = sibling if sibling is not None else restart
        end = ending(
            last,
            absent=absence(last, self.around.looks, known_until, self.rules, shown=is_shown(run.channels)),
            replaced_at=replaced_at,
            restart=sibling is None,
            now=self.now if until == FOREVER else FOREVER,
            runtime=self.runtime,
            rules=self.rules,
        )
        return self._within_recorded(last, end)

    def _replaced_by(self, last: Point, until: datetime) -> datetime | None:
        """Return the beginning of the first sibling that began after *last*, and before the playback went on."""
        siblings = self.around.siblings
        index = bisect_right(siblings, last.at, key=lambda sibling: sibling.first_at)
        if index == len(siblings) or siblings[index].first_at >= until:
            return None
        return siblings[index].began_at

    def _within_recorded(self, last: Point, end: Ending) -> Ending:
        for interval in self.around.recorded:
            if interval.holds(last.at) and interval.until is not None and end.at > interval.until:
                credit = min(end.credit, (interval.until - last.at).total_seconds())
                position = None if last.position is None else last.position + credit
                return msgspec.structs.replace(end, at=interval.until, credit=credit, position=position)
        return end

    def _recorded_at(self, at: datetime) -> bool:
        return not self.around.recorded or any(interval.holds(at) for interval in self.around.recorded)

    def _recorded_between(self, since: datetime, until: datetime) -> bool:
        if not self.around.recorded:
            return True
        return any(interval.holds(since) and interval.holds(until) for interval in self.around.recorded)

    # --- what it comes to ---------------------------------------------------------------------------------------

    def _measure(self, run: _Run, end: Ending) -> Measure:
        measure = measured(run.lines)
        last = run.last
        if run.begun.credit > 0:
            measure.stretches.insert(0, Stretch(run.begun.at, run.begun.credit, 0.0, run.begun.credit))
        if end.credit > 0 and last.position is not None:
            measure.stretches.append(Stretch(last.at, end.credit, last.position, last.position + end.credit))
        return measure

    def _reach(self, run: _Run, end: Ending, measure: Measure) -> Reach:
        final = end.position if end.position is not None else run.last.position
        if final is None:
            known = [p.position for p in run.points() if p.position is not None]
            final = known[-1] if known else 0.0
        return reached(measure.stretches, Reach(final, end.at))

    def _playback(self, run: _Run, following: Point | None) -> Playback:
        end = self._ending(run, following)
        measure = self._measure(run, end)
        reach = self._reach(run, end, measure)
        parts = covered(measure.stretches)
        looks = {*end.looks, *(() if run.begun.look is None else (run.begun.look,))}
        completed_at = None
        if self.runtime is not None:
            completed_at = passed_at(measure.stretches, self.rules.goal(self.runtime), reach)
        return Playback(
            started_at=run.begun.at,
            first_at=run.first.at,
            last_at=run.last.at,
            ended_at=max(end.at, run.last.at),
            ended_by=end.by,
            state=Kind.STOPPED if end.by is not None else run.last.kind,
            due_at=limit(run.last, self.rules) if end.by is None else None,
            position=end.position,
            reached_seconds=reach.position,
            completed_at=completed_at,
            stretches=tuple(measure.stretches),
            covered=parts,
            skipped=joined(measure.skipped),
            channels=run.channels,
            looks=tuple(sorted(looks)),
        )
