"""What was really watched: one truth per playback, as the design defines a playback, from what players really did."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from receiver.rehearsal.clock import Clock
from receiver.rehearsal.library import Item, User
from receiver.rehearsal.player import Corner, Sitting, Stretch

THRESHOLD, RESUME_WINDOW, TOLERANCE, FASTEST = 0.85, 8 * 3600.0, 3.0, 2.05
"""The design's defaults (DESIGN §§4 to 6): the truth is told by the same definition of one playback."""

PLAYED_THROUGH = 10.0
"""How long a stretch must be for its end to be reached, in seconds of position (DESIGN §5)."""

ZAP = 40.0
"""Less real watching than this, in seconds, is a zap."""


class Truth(msgspec.Struct, frozen=True):
    """One playback of one user as it really was. Instants are on the server's clock, positions in seconds.

    *reached* is the furthest position played through, or the final one; *covered* are the positions seen, merged.
    *unheard*: nobody told when it ended (or that this user watched along), so no rule can know. *faults* are tags of
    what went wrong, *corners* (at, what, jump) say where its line bends, *stretches* (since, until, start, end) when it
    was really playing, and from which position to which. *interval* is the time between two of the client's reports.
    """

    session_id: str
    user_id: str
    item: Item
    started_at: datetime
    ended_at: datetime
    watched_seconds: float
    reached: float
    final: float
    covered: tuple[tuple[float, float], ...]
    sittings: int
    unheard: bool
    faults: tuple[str, ...]
    corners: tuple[tuple[datetime, str, float], ...]
    stretches: tuple[tuple[datetime, datetime, float, float], ...]
    interval: float = 0.0

    @property
    def item_id(self) -> str:
        """The item's id."""
        return self.item.id

    @property
    def runtime(self) -> float:
        """The item's true runtime in seconds, also where the server does not know it."""
        return self.item.runtime

    @property
    def completed(self) -> bool:
        """Whether it reached the default threshold of the true runtime."""
        return self.reached >= THRESHOLD * self.item.runtime

    @property
    def hidden_seconds(self) -> float:
        """The most that short rewinds can hide: within one report interval they look just like buffering."""
        jumps = [-jump for _, what, jump in self.corners if what == "seek" and jump < 0.0]
        return sum(min(jump, 1.05 * self.interval) for jump in jumps if jump <= 1.05 * self.interval + TOLERANCE)

    @property
    def ordinary(self) -> bool:
        """Whether no fault touched it."""
        return not self.faults

    @property
    def zap(self) -> bool:
        """Whether it was looked at for moments only."""
        return self.watched_seconds < ZAP


class Part(msgspec.Struct):
    """What one user saw of one sitting."""

    user: User
    sitting: Sitting
    began: float
    ended: float
    opened: float
    left: float
    stretches: list[Stretch]
    unheard: bool


def truths(sittings: Iterable[Sitting], clock: Clock) -> tuple[Truth, ...]:
    """Return one truth per playback and user, the earliest first."""
    chains: dict[tuple[str, str, str], list[list[Part]]] = {}
    for part in sorted((part for sitting in sittings for part in _parts(sitting)), key=lambda part: part.began):
        sitting = part.sitting
        key = (sitting.device.session_id, part.user.id, sitting.item.id)
        playbacks = chains.setdefault(key, [])
        if playbacks and goes_on(playbacks[-1], part):
            playbacks[-1].append(part)
        else:
            playbacks.append([part])
    found = [_truth(parts, clock) for playbacks in chains.values() for parts in playbacks]
    return tuple(sorted(found, key=lambda truth: (truth.started_at, truth.session_id, truth.user_id)))


def goes_on(before: list[Part], part: Part) -> bool:
    """Say whether *part* is the same playback as what came *before* it in its session (DESIGN §4)."""
    last, runtime = before[-1], part.sitting.item.runtime
    gap, moved = part.began - last.ended, part.opened - last.left
    near = min(120.0, 0.1 * runtime)
    completed = reached(before) >= THRESHOLD * runtime
    if gap > RESUME_WINDOW:
        return False
    if completed and -moved >= 0.3 * runtime and part.opened <= min(60.0, 0.05 * runtime):
        return False
    if abs(moved) <= near:
        return True
    if not last.sitting.hard and -TOLERANCE <= moved <= FASTEST * gap + TOLERANCE:
        return True
    return completed and moved >= -near


def reached(parts: list[Part]) -> float:
    """Return the furthest position played through, or the final one, whichever is greater."""
    return max((parts[-1].left, *(run.end for run in _runs(parts) if run.end - run.start >= PLAYED_THROUGH)))


def covered(stretches: Iterable[Stretch]) -> tuple[tuple[float, float], ...]:
    """Return the positions that *stretches* saw, merged and in order."""
    merged: list[tuple[float, float]] = []
    for start, end in sorted((stretch.start, stretch.end) for stretch in stretches):
        if merged and start <= merged[-1][1] + 1e-6:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)


def _runs(parts: list[Part]) -> list[Stretch]:
    """Return what was played in one go, pauses and stalls between."""
    runs: list[Stretch] = []
    for stretch in (stretch for part in parts for stretch in part.stretches):
        if runs and abs(runs[-1].end - stretch.start) < 1e-6:  # noqa: PLR2004 - the same position, in floats
            runs[-1] = Stretch(runs[-1].since, stretch.until, runs[-1].start, stretch.end)
        else:
            runs.append(stretch)
    return runs


def _parts(sitting: Sitting) -> list[Part]:
    return [_part(sitting, user, since, until) for user, since, until in sitting.seats]


def _part(sitting: Sitting, user: User, since: float, until: float | None) -> Part:
    ended = sitting.ended if until is None else until
    stretches = [clipped for stretch in sitting.stretches if (clipped := _clipped(stretch, since, ended))]
    whole = since <= sitting.began and until is None
    opened = sitting.opened if since <= sitting.began or not stretches else stretches[0].start
    left = sitting.left if until is None or not stretches else stretches[-1].end
    # Who joins in the middle is known from the next report on, and not before.
    unheard = sitting.unheard or sitting.heard == 0 or user.id in sitting.lost or since > sitting.began
    return Part(user, sitting, since, ended, opened, left, sitting.stretches if whole else stretches, unheard)


def _clipped(stretch: Stretch, since: float, until: float) -> Stretch | None:
    begin, end = max(since, stretch.since), min(until, stretch.until)
    if end <= begin:
        return None
    speed = (stretch.end - stretch.start) / (stretch.until - stretch.since)
    return Stretch(
        begin, end, stretch.start + (begin - stretch.since) * speed, stretch.end - (stretch.until - end) * speed
    )


def _truth(parts: list[Part], clock: Clock) -> Truth:
    first, last = parts[0], parts[-1]
    stretches = [stretch for part in parts for stretch in part.stretches]
    return Truth(
        session_id=first.sitting.device.session_id,
        user_id=first.user.id,
        # What the server knows of its runtime in one sitting, it tells of the others too.
        item=max((part.sitting.item for part in parts), key=lambda item: item.runtime_known),
        started_at=clock.when(first.began),
        ended_at=clock.when(last.ended),
        watched_seconds=sum(stretch.until - stretch.since for stretch in stretches),
        reached=reached(parts),
        final=last.left,
        covered=covered(stretches),
        sittings=len(parts),
        unheard=any(part.unheard for part in parts),
        faults=tuple(sorted({tag for part in parts for tag in part.sitting.tags})),
        corners=tuple(_corner(corner, clock) for part in parts for corner in part.sitting.corners),
        interval=first.sitting.device.interval,
        stretches=tuple((clock.when(s.since), clock.when(s.until), s.start, s.end) for s in stretches),
    )


def _corner(corner: Corner, clock: Clock) -> tuple[datetime, str, float]:
    return (clock.when(corner.at), corner.what, corner.jump)
