"""What the rules say of a playback, with the reason in a plain sentence (DESIGN §6)."""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from reconcile.playback.check_in import Channel
from reconcile.playback.reach import joined, length

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconcile.playback.playback import Playback
    from reconcile.playback.rules import Rules

IMPORT_ALONE = frozenset({Channel.IMPORT})

CHAIN = timedelta(days=30)
"""How far back a playback may complete what an earlier one began."""

BEFORE = timedelta(minutes=2)
"""So much of an import must lie before what was seen live for it to tell more than that: clocks differ by less."""

FURTHER = 50.0
"""The share, in percent, that must be seen since the last completion for a further one."""


class Code(StrEnum):
    """The verdict in a word."""

    COMPLETED = "completed"
    PARTIAL = "partial"
    UNFINISHED = "unfinished"
    TOO_SHORT = "too_short"
    SKIPPED = "skipped"
    SEEN_ALREADY = "seen_already"
    SAME_SEAT = "same_seat"
    TOLD_TWICE = "told_twice"
    UNKNOWN_RUNTIME = "unknown_runtime"
    CORRECTED = "corrected"
    MARKED = "marked"


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """The outcome and why. *percent* is of the runtime, 0 to 100, None where that is not known.

    *at* is the instant that decides the day: when it completed, else its last watched second.
    """

    code: Code
    sentence: str
    percent: float | None
    at: datetime

    @property
    def completed(self) -> bool:
        """Say whether it counts as watched."""
        return self.code is Code.COMPLETED


class Viewing(msgspec.Struct, frozen=True, gc=False):
    """What judging needs to know of a playback. *name* identifies it, and orders those that began together.

    Lengths and positions are seconds; *covered* are the parts seen, without overlaps. *seat* is where it was watched
    (server, session, item): two users of one account in one seat are one viewer.
    """

    name: str
    started_at: datetime
    ended_at: datetime
    last_watched_at: datetime
    watched_seconds: float
    reached_seconds: float
    runtime: float | None
    covered: tuple[tuple[float, float], ...]
    completed_at: datetime | None
    channels: frozenset[Channel]
    seat: tuple[str, ...] = ()

    @property
    def is_imported(self) -> bool:
        """Say whether nothing but an import tells of it: for how long, not from where to where (facts E)."""
        return self.channels == IMPORT_ALONE


def viewing(name: str, playback: Playback, runtime: float | None) -> Viewing:
    """Return *playback* as it is judged."""
    return Viewing(
        name=name,
        started_at=playback.started_at,
        ended_at=playback.ended_at,
        last_watched_at=playback.stretches[-1].ended_at if playback.stretches else playback.ended_at,
        watched_seconds=playback.watched_seconds,
        reached_seconds=playback.reached_seconds,
        runtime=runtime,
        covered=playback.covered,
        completed_at=playback.completed_at,
        channels=playback.channels,
    )


class Standing(msgspec.Struct, frozen=True, gc=False):
    """What judging a viewing goes by besides itself: its *chain*, and when the unit was completed last."""

    chain: tuple[Viewing, ...] = ()
    completed_at: datetime | None = None

    def judge(self, viewing: Viewing, rules: Rules) -> Verdict:
        """Return the verdict on *viewing*, of which all but itself stands so."""
        since = viewing.ended_at - CHAIN
        chain = [earlier for earlier in self.chain if earlier.ended_at >= since]
        return judge(viewing, chain, rules, again=self.completed_at is not None and self.completed_at >= since)


def judged(viewings: Iterable[Viewing], rules: Rules) -> dict[str, Verdict]:
    """Return the verdict on each of an account's *viewings* of one media unit, by name.

    They are judged in order of time, each with its chain: the playbacks that ended within 30 days before it, back to
    but not including the last completed one.
    """
    return {viewing.name: verdict for viewing, _standing, verdict in _judged(viewings, rules)}


def alone(viewings: Iterable[Viewing], name: str, rules: Rules) -> Standing | None:
    """Return how the viewing called *name* stands; None unless it began when all others of the unit were over."""
    last = None
    for each in _judged(viewings, rules):
        if last is not None and each[0].started_at < last[0].ended_at:
            return None
        last = each
    return None if last is None or last[0].name != name else last[1]


def _judged(viewings: Iterable[Viewing], rules: Rules) -> Iterator[tuple[Viewing, Standing | None, Verdict]]:
    chain: list[Viewing] = []
    completed_at: datetime | None = None
    everything = sorted(believed(viewings), key=lambda v: (v.ended_at, v.started_at, v.name))
    doubles = seated_twice(everything)
    again = told_twice(everything)
    for each in everything:
        if each.name in doubles:
            said = "counted once: another linked user of the same account watched in the same seat"
            yield each, None, Verdict(Code.SAME_SEAT, said, None, each.last_watched_at)
            continue
        if each.name in again:
            yield each, None, Verdict(Code.TOLD_TWICE, again[each.name], None, each.last_watched_at)
            continue
        found = Standing(tuple(chain), completed_at)
        verdict = found.judge(each, rules)
        yield each, found, verdict
        if verdict.completed:
            completed_at = each.ended_at
            chain = []
        else:
            chain.append(each)


def seated_twice(viewings: Sequence[Viewing]) -> set[str]:
    """Return the names of the viewings that another one of the same seat, at the same time, stands for."""
    doubles: set[str] = set()
    seats: dict[tuple[str, ...], list[Viewing]] = {}
    for each in sorted(viewings, key=lambda v: (-v.watched_seconds, v.started_at, v.name)):
        if not each.seat:
            continue
        there = seats.setdefault(each.seat, [])
        if any(each.started_at < other.ended_at and other.started_at < each.ended_at for other in there):
            doubles.add(each.name)
        else:
            there.append(each)
    return doubles


def believed(viewings: Iterable[Viewing]) -> list[Viewing]:
    """Return *viewings* with every import only up to where something seen live begins: from there on that one tells.

    What an import tells of the time before, in which we were deaf or not there yet, is believed. Done again it changes
    nothing.
    """
    everything = list(viewings)
    live = sorted(each.started_at for each in everything if not each.is_imported)
    return [_up_to(each, live) if each.is_imported else each for each in everything]


def _up_to(each: Viewing, live: Sequence[datetime]) -> Viewing:
    index = bisect_left(live, each.started_at + BEFORE)
    if index == len(live) or live[index] >= each.ended_at:
        return each
    until = live[index]
    seconds = min(each.watched_seconds, (until - each.started_at).total_seconds())
    return msgspec.structs.replace(
        each, ended_at=until, last_watched_at=until, watched_seconds=seconds, reached_seconds=seconds
    )


def told_twice(viewings: Sequence[Viewing]) -> dict[str, str]:
    """Return the names of the imported viewings that something better tells of, each with the sentence for it.

    Better is what was seen live, then what is longer. It tells of a row if at least half of the row's time, or more
    than two minutes of it where it was seen live, lie within it: clocks and pauses of two tools are never the same.
    """
    rows = [each for each in viewings if each.is_imported]
    live = [each for each in viewings if not each.is_imported]
    stand: list[Viewing] = []
    found: dict[str, str] = {}
    for each in sorted(rows, key=lambda v: (-v.watched_seconds, v.started_at, v.name)):
        if any(_shared(each, other) > BEFORE or _is_half(each, other) for other in live):
            found[each.name] = "counted once: it was seen live too"
        elif any(_is_half(each, other) for other in stand):
            found[each.name] = "counted once: another import tells of it too"
        else:
            stand.append(each)
    return found


def _is_half(each: Viewing, other: Viewing) -> bool:
    return _shared(each, other) * 2 >= each.ended_at - each.started_at


def _shared(one: Viewing, other: Viewing) -> timedelta:
    return min(one.ended_at, other.ended_at) - max(one.started_at, other.started_at)


def judge(viewing: Viewing, chain: Sequence[Viewing], rules: Rules, *, again: bool = False) -> Verdict:
    """Return the verdict on *viewing*, which continues *chain*; *again*: the unit was completed within 30 days."""
    runtime = viewing.runtime
    watched = viewing.watched_seconds + sum([earlier.watched_seconds for earlier in chain])
    last = viewing.last_watched_at
    if not runtime or runtime <= 0:
        said = f"not counted: the runtime is not known; watched {spoken(watched)}"
        return Verdict(Code.UNKNOWN_RUNTIME, said, None, last)
    reached = min(runtime, watched) if viewing.is_imported else viewing.reached_seconds
    percent = min(100.0, 100.0 * reached / runtime)
    minimum = min(rules.min_seconds, runtime / 2)
    if watched < minimum:
        said = f"not counted: watched {spoken(watched)}, the minimum is {spoken(minimum)}"
        return Verdict(Code.TOO_SHORT, said, percent, last)
    proof = f"reached {_percent(percent)} of {spoken(runtime)}, watched {spoken(watched)}"
    if viewing.is_imported:
        proof = f"watched {spoken(watched)} of {spoken(runtime)} by an import that does not say which part"
    if reached < rules.goal(runtime):
        code = Code.PARTIAL if watched >= rules.partial_min_seconds else Code.UNFINISHED
        said = f"not counted: {proof}; the threshold is {_percent(rules.threshold)}"
        return Verdict(code, said, percent, last)
    seen = _share_seen(viewing, chain, runtime)
    if again and seen < FURTHER:
        said = f"not counted again: completed within 30 days, and since then only {_percent(seen)} was seen ({proof})"
        return Verdict(Code.SEEN_ALREADY, said, percent, last)
    if rules.require_coverage and seen < rules.threshold:
        said = f"not counted: {proof}, but only {_percent(seen)} was really seen, {_percent(rules.threshold)} is needed"
        return Verdict(Code.SKIPPED, said, percent, last)
    return Verdict(Code.COMPLETED, f"counted: {proof}", percent, viewing.completed_at or last)


def _share_seen(viewing: Viewing, chain: Sequence[Viewing], runtime: float) -> float:
    """Return the share of the item that was seen, in percent; what an import tells of counts as if it was seen once."""
    parts = [part for each in (*chain, viewing) for part in each.covered]
    imported = sum(each.watched_seconds for each in (*chain, viewing) if each.is_imported)
    return min(100.0, 100.0 * (length(joined(parts)) + imported) / runtime)


_IN_SECONDS, _IN_MINUTES = 180, 100


def spoken(seconds: float) -> str:
    """Return *seconds* as one would say them: «97 s», «52 min», «2 h 5 min»."""
    if seconds < _IN_SECONDS:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    if minutes < _IN_MINUTES:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def _percent(share: float) -> str:
    """Return *share* rounded down: what is called 85 % has reached it."""
    return f"{int(share * 10) / 10:g} %"
