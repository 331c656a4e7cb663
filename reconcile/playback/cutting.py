"""Cutting the evidence of one key into playbacks (DESIGN §4): the one place that decides what is one viewing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from reconcile.playback.check_in import CheckIn, Kind
from reconcile.playback.coverage import Stretch, Walk, stretch_from, stretch_to
from reconcile.playback.edges import (
    Beginning,
    EndedBy,
    Ending,
    Floor,
    absence,
    beginning,
    ending,
    is_shown,
    limit,
    resumed,
)
from reconcile.playback.imports import imported, is_imported
from reconcile.playback.playback import Cut, Playback
from reconcile.playback.points import Point, is_told, placed, point_of, points_of
from reconcile.playback.reach import Reach, covered, joined, passed_at, reached
from reconcile.playback.rules import (
    ABSENT_HALF,
    BACK_AT_START,
    FASTEST,
    OPENING,
    REPORTS_EVERY,
    SAME_PLACE,
    TOLERANCE,
    Rules,
)
from reconcile.playback.run import Run
from reconcile.playback.surroundings import Surroundings

if TYPE_CHECKING:
    from collections.abc import Sequence

FOREVER = datetime.max.replace(tzinfo=UTC)


def cut(check_ins: Sequence[CheckIn], around: Surroundings, rules: Rules, now: datetime) -> tuple[Playback, ...]:
    """Return the playbacks that *check_ins* of one key (gathered, in order of time) tell of at *now*.

    Pure: the same set gives the same playbacks, whatever the order in which it became known.
    """
    return cut_whole(check_ins, around, rules, now).playbacks


def cut_whole(check_ins: Sequence[CheckIn], around: Surroundings, rules: Rules, now: datetime) -> Cut:
    """Return what `cut` returns, and what extending the last playback, or thinning the line, goes by."""
    if is_imported(check_ins):
        return Cut(imported(check_ins, around), None, frozenset(each.at for each in check_ins))
    return _Cutter(around, rules, now).cut(check_ins)


def extended(
    run: Run, before: CheckIn, check_in: CheckIn, around: Surroundings, rules: Rules, now: datetime
) -> tuple[Run, Playback] | None:
    """Return the last run with one more *check_in*, as `cut` would; None where only `cut` can tell.

    *before* is the key's last check-in so far, as it is known now. Cut all again where the playback had ended, or ends
    with this, where the check-in is a stop, or is not the last one, or begins something new.
    """
    return _Cutter(around, rules, now).extended(run, before, check_in)


class _Cutter:
    def __init__(self, around: Surroundings, rules: Rules, now: datetime) -> None:
        self.around = around
        self.rules = rules
        self.now = now
        self.runtime = around.runtime

    def cut(self, check_ins: Sequence[CheckIn]) -> Cut:
        recorded = [c for c in check_ins if self.around.is_recorded(c.at, c.at)]
        playbacks: list[Playback] = []
        turns: set[datetime] = set()
        run: Run | None = None
        points = points_of(recorded, self.around.sightings, self.runtime, self.rules)
        for number, point in enumerate(points):
            following = points[number + 1] if number + 1 < len(points) else None
            where = placed(point, islice(points, number + 1, None), self.rules) if point.position is None else point
            if run is not None:
                ended = self._has_ended(run, point)
                if self._goes_on(run, where, ended=ended):
                    run = self._gone_on(run, point, following, ended=ended)
                    continue
            if point.is_stop and (point.soft or point.position is None):
                continue
            before: tuple[Run, Playback] | None = None
            if run is not None:
                before = (run, self._playback(run, where))
                playbacks.append(before[1])
                turns.update(run.walk.bends())
            run = Run.of(point, self._beginning(point, following, before))
        if run is not None:
            playbacks.append(self._playback(run, None))
            turns.update(run.walk.bends())
        return Cut(tuple(playbacks), run, frozenset(turns))

    def extended(self, run: Run, before: CheckIn, check_in: CheckIn) -> tuple[Run, Playback] | None:
        is_plain = (
            run.stop is None and before.at == run.last.at and check_in.at > before.at and not self.around.sightings
        )
        if not is_plain or check_in.kind is Kind.STOPPED or check_in.left_by is not None:
            return None
        if check_in.position is None or run.last.position is None:
            return None
        if before.sighted_until != run.last.shown_until:
            run = run.still_at(point_of(before, before.sighted_until, self.rules))
        point = point_of(check_in, check_in.sighted_until, self.rules)
        if self._has_ended(run, point) or not self._goes_on(run, point, ended=False):
            return None
        if is_told(run.last, point) and not run.last.reported:
            return None
        run = run.to(point)
        playback = self._playback(run, None)
        return (run, playback) if playback.is_open else None

    # --- does it go on? -----------------------------------------------------------------------------------------

    def _goes_on(self, run: Run, point: Point, *, ended: bool) -> bool:
        """Say whether *point* belongs to the playback *run* (DESIGN §4)."""
        a = run.last
        if not self.around.is_recorded(a.at, point.at):
            return False
        if point.is_stop and point.soft:
            return True
        if self._is_rewatch(run, point):
            return False
        if not ended:
            return True
        end = self._ending(run, point)
        ended_at = max(end.at, run.stop.at) if run.stop is not None and run.is_stopped else end.at
        if point.at - ended_at > self.rules.resume_window:
            return False
        if point.position is None or a.position is None:
            return True
        near = self.rules.near(self.runtime)
        where = a.position if end.position is None else end.position
        if abs(point.position - where) <= near:
            return True
        if point.position >= where - near and self._is_completed(run, end):
            return True
        if run.is_stopped:
            return False
        moved = point.position - a.position
        elapsed = (point.at - a.at).total_seconds()
        return -TOLERANCE <= moved <= FASTEST * elapsed + TOLERANCE

    def _has_ended(self, run: Run, point: Point) -> bool:
        """Say whether the playback had ended before *point*: by a stop, by silence, or by absence."""
        if run.stop is not None or point.at > limit(run.last, self.rules):
            return True
        return self._absence(run, point.at) is not None

    def _absence(self, run: Run, until: datetime) -> tuple[datetime, datetime] | None:
        looks = self.around.looks
        if not looks or looks[-1] <= run.last.shown_until:
            return None
        return absence(run.last, looks, until, self.rules, shown=is_shown(run.channels))

    def _is_rewatch(self, run: Run, point: Point) -> bool:
        """Say whether *point* is back at the start of an item that had been completed."""
        a = run.last
        if self.runtime is None or a.position is None or point.position is None or point.is_stop:
            return False
        drop = BACK_AT_START * self.runtime
        alive = (a.until - a.at).total_seconds()
        if self.runtime - point.position < drop or a.position + ABSENT_HALF + alive - point.position < drop:
            return False
        end = self._ending(run, point)
        before = a.position if end.position is None else max(a.position, end.position)
        if before - point.position < drop:
            return False
        opening = max(self.rules.opening(self.runtime), (point.at - a.at).total_seconds())
        return point.position <= opening and self._is_completed(run, end)

    def _is_completed(self, run: Run, end: Ending) -> bool:
        """Say whether the playback's own reach passes the threshold."""
        if self.runtime is None:
            return False
        return self._reach(run, end, self._played(run, run.walk.done(), end)).position >= self.rules.goal(self.runtime)

    def _gone_on(self, run: Run, point: Point, following: Point | None, *, ended: bool) -> Run:
        """Return *run* with *point*, and what the way there proves (DESIGN §5).

        Whoever comes back after a soft end may resume before the place they left: their position then says less than
        what had been seen until they left, which a look of their session may tell. So that counts as it would if they
        had not come back.
        """
        last = run.last
        is_whole = not ended and (point.at - last.at <= REPORTS_EVERY or self.around.is_alone(last.at, point.at))
        if is_whole or (point.is_stop and point.soft):
            return run.to(point)
        run = run.having(*(self._absence(run, point.at) or ()))
        is_proved = not run.is_stopped and self.around.is_alone(last.at, point.at)
        if point.position is None or last.position is None:
            return run.after_all_at(point) if is_proved else run.back_at(point)
        if run.stop is last:
            return run.back_at(point)
        end = self._soft_ending(run, point.at, None)
        seen = (last.until - last.at).total_seconds() if last.kind is Kind.PLAYING else 0.0
        seen = seen if last.left_by is None else max(seen, end.credit - SAME_PLACE)
        if is_proved and (point.is_stop or point.position - last.position >= seen):
            return run.after_all_at(point)
        back = resumed(point, self.around.looks, Floor(end.at, last.shown_until), told=is_told(point, following))
        run = run.having(*back.looks)
        played = stretch_from(last, end.credit), stretch_to(point, back.credit)
        return run.back_at(point, *(each for each in played if each.seconds > 0))

    # --- its edges ----------------------------------------------------------------------------------------------

    def _beginning(self, first: Point, following: Point | None, before: tuple[Run, Playback] | None) -> Beginning:
        """Return where *first* began, *before* being the playback before it."""
        ended_at, shown_until = self.around.floor, None
        if before is not None:
            run, playback = before
            ended_at = playback.ended_at if run.stop is None else max(playback.ended_at, run.stop.at)
            shown_until = run.last.shown_until
        interval = self.around.interval_of(first.at)
        floor = Floor(ended_at, shown_until, None if interval is None else interval.since)
        told = is_told(first, following)
        return beginning(first, self.around.looks, floor, self.runtime, self.rules, told=told)

    def _ending(self, run: Run, following: Point | None) -> Ending:
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

    def _soft_ending(self, run: Run, until: datetime, restart: datetime | None) -> Ending:
        last = run.last
        known_until = min(until, self.now + timedelta.resolution)
        sibling = self.around.replaced_at(last.at, until)
        replaced_at = sibling if sibling is not None else restart
        end = ending(
            last,
            absent=self._absence(run, known_until),
            replaced_at=replaced_at,
            restart=sibling is None,
            now=self.now if until == FOREVER else FOREVER,
            runtime=self.runtime,
            rules=self.rules,
        )
        if run.stop is not None and run.is_stopped:
            end = end.by_then(run.stop.at, last)
        interval = self.around.interval_of(last.at)
        return end if interval is None or interval.until is None else end.by_then(interval.until, last)

    # --- what it comes to ---------------------------------------------------------------------------------------

    def _played(self, run: Run, walk: Walk, end: Ending) -> tuple[Stretch, ...]:
        """Return the stretches of *walk* from the beginning of *run* to its *end*, both of which nobody saw."""
        played = walk.stretches
        if run.begun.credit > 0:
            played = (stretch_to(run.first, run.begun.credit), *played)
        if end.credit > 0 and run.last.position is not None:
            played = (*played, stretch_from(run.last, end.credit))
        return played

    def _reach(self, run: Run, end: Ending, played: Sequence[Stretch]) -> Reach:
        final = end.position if end.position is not None else run.last.position
        if final is None:
            known = run.walk.last
            final = known.position if known is not None else None
        return reached(played, Reach(0.0 if final is None else final, end.at))

    def _playback(self, run: Run, following: Point | None) -> Playback:
        begun, end = run.begun, self._ending(run, following)
        walk = run.walk.done()
        played = self._played(run, walk, end)
        reach = self._reach(run, end, played)
        looks = {*run.looks, *end.looks, *begun.looks}
        if following is not None:
            looks.update(self._absence(run, following.at) or ())
        completed_at = None
        if self.runtime is not None:
            completed_at = passed_at(played, self.rules.goal(self.runtime), reach)
        return Playback(
            started_at=begun.at,
            first_at=run.first.at,
            last_at=run.last.at,
            ended_at=max(end.at, run.last.at),
            ended_by=end.by,
            state=Kind.STOPPED if end.by is not None else run.last.kind,
            due_at=limit(run.last, self.rules) if end.by is None else None,
            position=end.position,
            reached_seconds=reach.position,
            completed_at=completed_at,
            stretches=played,
            covered=covered(played),
            skipped=joined(walk.skipped) if walk.skipped else (),
            channels=run.channels,
            looks=tuple(sorted(looks)),
            server_completed=run.server_completed,
        )
