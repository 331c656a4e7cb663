"""How a ledger compares with the truth: missed, split, doubled, wrong, and by how many seconds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import msgspec

from receiver.rehearsal.truth import Truth
from reconcile.playback.days import local_day
from reconcile.playback.rules import Rules
from reconcile.playback.verdict import Viewing, judged

Place = tuple[str, str, str]
"""(session id, user id, item id)."""

MOMENT = 30.0
"""A playback of fewer watched seconds is not held against anyone: a zap."""

LOOSE = timedelta(seconds=60)
"""How far a playback may lie from a truth and still be about it."""

BACK = 35.0
"""A seek back by less than one report interval, in seconds, looks like buffering in every channel."""

UNHEARD = "died unheard"
AWAY = "it began, ended or jumped while we were away"
TABS = "behind another tab of the same browser"
JUMPED = "it jumped between the last look and the end"
_HIDING = frozenset({UNHEARD, AWAY, TABS})
"""What may hide so much that a playback or a watch is lost or made with it."""

_TOLD_APART = frozenset({"seek", "pause", "resume"})

LOOK = timedelta(seconds=12.5)
"""The longest time between two looks of a rehearsal."""

EDGE = 0.01
"""This close to the threshold, as a share of the runtime, a second decides whether it counts."""


class Found(msgspec.Struct, frozen=True):
    """A playback as the ledger has it."""

    place: Place
    started_at: datetime
    ended_at: datetime
    watched_seconds: float
    ended_by: str | None = None


class Row(msgspec.Struct, frozen=True, order=True):
    """A completed watch, as the ledger has it or as it truly was."""

    user_id: str
    item_id: str
    day: date
    plays: int


class Error(msgspec.Struct, frozen=True):
    """By how many seconds the watched time of one truth was missed, and what was going on."""

    seconds: float
    seed: int
    place: Place
    faults: tuple[str, ...]
    apart: str = ""


class Hearing(msgspec.Struct, frozen=True):
    """What could be heard: the *mode*, and the times, on the server's clock, in which our own service was *away*."""

    mode: str
    away: tuple[tuple[datetime, datetime], ...] = ()

    def misses(self, at: datetime) -> bool:
        """Say whether what happened *at* that instant reached nobody."""
        return any(since <= at <= until for since, until in self.away)


COUNTED = ("true", "missed", "split", "doubled", "wrong", "close", "hidden", "missed_apart", "split_apart")
"""What a score counts, by name."""


class Score(msgspec.Struct):
    """What a number of evenings came to."""

    true: int = 0
    missed: int = 0
    split: int = 0
    doubled: int = 0
    wrong: int = 0
    close: int = 0
    hidden: int = 0
    missed_apart: int = 0
    split_apart: int = 0
    errors: list[Error] = []
    notes: list[str] = []

    def add(self, other: Score) -> None:
        """Take the score of more evenings in."""
        for name in COUNTED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.errors = self.errors + other.errors
        self.notes = self.notes + other.notes


def scored(seed: int, truths: Sequence[Truth], found: Sequence[Found], rows: Iterable[Row], heard: Hearing) -> Score:
    """Return how what was *found* in one evening, and its completed watches, compare with the *truths*."""
    score = Score(errors=[], notes=[])
    mine: dict[Place, list[Truth]] = defaultdict(list)
    for truth in truths:
        mine[truth.session_id, truth.user_id, truth.item_id].append(truth)
    theirs: dict[Place, list[Found]] = defaultdict(list)
    for each in found:
        theirs[each.place].append(each)
    shared = _shared_by_tabs(truths)
    for place in sorted({*mine, *theirs}):
        if mine[place] or (place[0], place[2]) not in shared:
            _compare(score, seed, place, mine[place], theirs[place], heard)
    _compare_rows(score, seed, truths, set(rows), heard)
    return score


def _shared_by_tabs(truths: Iterable[Truth]) -> set[tuple[str, str]]:
    """Return the (session id, item id) pairs of tabs that share a session.

    Who watches along in one tab watches along in all of them, as far as the server can tell (facts B2, F15).
    """
    return {(truth.session_id, truth.item_id) for truth in truths if "two tabs" in truth.faults}


def _compare(
    score: Score, seed: int, place: Place, truths: Sequence[Truth], found: Sequence[Found], heard: Hearing
) -> None:
    matches: dict[int, list[Found]] = {number: [] for number in range(len(truths))}
    for each in found:
        overlaps = [_overlap(each, truth) for truth in truths]
        if overlaps and max(overlaps) >= -LOOSE:
            matches[overlaps.index(max(overlaps))].append(each)
        elif each.watched_seconds > MOMENT:
            score.doubled += 1
            score.notes.append(f"{seed}: doubled {place[2][:6]} at {each.started_at:%H:%M:%S}")
    for number, truth in enumerate(truths):
        _compare_one(score, seed, place, truth, matches[number], heard)


def _compare_one(score: Score, seed: int, place: Place, truth: Truth, found: Sequence[Found], heard: Hearing) -> None:
    if truth.zap and not found:
        return
    apart = why_apart(truth, heard)
    score.true += 1
    if not found:
        if apart in _HIDING:
            score.missed_apart += 1
        else:
            score.missed += 1
        score.notes.append(f"{seed}: missed {place[2][:6]} {truth.faults}{f' ({apart})' if apart else ''}")
        return
    real = [each for each in found if each.watched_seconds > MOMENT]
    if len(real) > 1:
        if apart in _HIDING:
            score.split_apart += 1
        else:
            score.split += 1
        score.notes.append(f"{seed}: split {place[2][:6]} {truth.faults}{f' ({apart})' if apart else ''}")
    watched = sum(each.watched_seconds for each in found)
    score.errors.append(Error(abs(watched - truth.watched_seconds), seed, place, truth.faults, apart))


def _overlap(found: Found, truth: Truth) -> timedelta:
    return min(found.ended_at, truth.ended_at) - max(found.started_at, truth.started_at)


def why_apart(truth: Truth, heard: Hearing) -> str:
    """Return why no rule can know how long this was watched, '' where one can (DESIGN §5, Bars)."""
    if truth.unheard:
        return UNHEARD
    if "slow" in truth.faults:
        return "played slower than 1×: a position cannot tell that from buffering"
    if any(heard.misses(at) for at, what, _jump in truth.corners if what != "stall"):
        return AWAY
    jumps = [jump for _at, what, jump in truth.corners if what == "seek"]
    if any(-BACK <= jump < 0 for jump in jumps) or "silent seek" in truth.faults:
        return "a seek inside one report interval"
    if heard.mode == "poll" and "two tabs" in truth.faults:
        return TABS
    if heard.mode == "poll" and _is_hasty(truth):
        return "a seek or pause inside one report interval"
    return ""


def _is_hasty(truth: Truth) -> bool:
    """Say whether a seek or a pause may have come and gone between two looks, with another corner of the line.

    A look shows the last report only; one interval after a report the next takes its place.
    """
    unseen = LOOK + timedelta(seconds=truth.interval)
    corners = sorted(truth.corners)
    pairs = ((one, other) for one, other in pairwise(corners) if other[0] - one[0] < unseen)
    return any(not _TOLD_APART.isdisjoint((one[1], other[1])) for one, other in pairs)


def why_hidden(truth: Truth, heard: Hearing) -> str:
    """Return why no rule can know whether this was watched to its end, '' where one can.

    A position is told with the next report, and a poll sees it with the next look: a jump closer to the end than that
    is in no poll.
    """
    if heard.mode == "poll":
        unseen = truth.ended_at - LOOK - timedelta(seconds=truth.interval)
        if any(what == "seek" and at > unseen for at, what, _jump in truth.corners):
            return JUMPED
    apart = why_apart(truth, heard)
    return apart if apart in _HIDING else ""


def _compare_rows(score: Score, seed: int, truths: Sequence[Truth], rows: set[Row], heard: Hearing) -> None:
    real, close = true_rows(truths, Rules())
    hidden = {(truth.user_id, truth.item_id) for truth in truths if why_hidden(truth, heard)}
    shared = {item_id for _session, item_id in _shared_by_tabs(truths)}
    hidden |= {(truth.user_id, item_id) for truth in truths for item_id in shared if truth.item_id != item_id}
    for row in sorted(real ^ rows):
        who = (row.user_id, row.item_id)
        if who in close:
            score.close += 1
        elif who in hidden:
            score.hidden += 1
        else:
            score.wrong += 1
        side = "lacks" if row in real else "has"
        score.notes.append(f"{seed}: the ledger {side} a watch of {row.item_id[:6]} on {row.day}")


def true_rows(truths: Iterable[Truth], rules: Rules) -> tuple[set[Row], set[tuple[str, str]]]:
    """Return the completed watches that truly were, and the (user, item) pairs within 1 % of the threshold."""
    viewings: dict[tuple[str, str], list[Viewing]] = defaultdict(list)
    close: set[tuple[str, str]] = set()
    truths = list(truths)
    # A runtime that was told once is known for good: what was played before is judged again (DESIGN §6).
    told = {truth.item_id for truth in truths if truth.item.runtime_known}
    for number, truth in enumerate(truths):
        who = (truth.user_id, truth.item_id)
        viewings[who].append(_viewing(f"{number:04}", truth, known=truth.item_id in told))
        if abs(truth.reached / truth.runtime - rules.threshold / 100) < EDGE:
            close.add(who)
    found: set[Row] = set()
    for (user_id, item_id), each in viewings.items():
        plays = Counter(local_day(v.at, UTC) for v in judged(each, rules).values() if v.completed)
        found |= {Row(user_id, item_id, day, number) for day, number in plays.items()}
    return found, close


def _viewing(name: str, truth: Truth, *, known: bool) -> Viewing:
    goal = 0.85 * truth.runtime
    passed = [
        since + (until - since) * max(0.0, (goal - start) / (end - start))
        for since, until, start, end in truth.stretches
        if end >= goal and end > start
    ]
    return Viewing(
        name=name,
        started_at=truth.started_at,
        ended_at=truth.ended_at,
        last_watched_at=truth.stretches[-1][1] if truth.stretches else truth.ended_at,
        watched_seconds=truth.watched_seconds,
        reached_seconds=truth.reached,
        runtime=truth.runtime if known else None,
        covered=truth.covered,
        completed_at=passed[0] if passed else None,
        channels=frozenset(),
    )


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which *share* of *values* lie; 0 where there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
