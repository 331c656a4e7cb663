"""The line of a playback in words: what its picture shows, for those who would rather read it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo

import msgspec

from receiver.pages.pictures.legend import signs_of
from receiver.pages.pictures.story import Leg, Story, Way, joined, legs
from receiver.pages.saying import at, counted, ending_in_words, for_long, listed, local, position, share_in_words

MOST = 200
"""Sentences; a playback that jumps more often is not read out."""

WORTH_SAYING = timedelta(seconds=10)
"""A pause shorter than this is one of the network, or of the thumb."""


class Clock(msgspec.Struct, frozen=True):
    """Tells the time in *zone*; the *day* is named only where it is another."""

    zone: tzinfo
    day: date

    def time(self, instant: datetime) -> str:
        """Return the time of *instant*."""
        return at(instant, self.zone, self.day)

    def span(self, leg: Leg) -> str:
        """Return «20:31 to 20:35», or one time where both are the same."""
        since, until = self.time(leg.since), self.time(leg.until)
        return since if since == until else f"{since} to {until}"


def line_in_words(it: Story, zone: tzinfo, *, most: int = MOST) -> list[str]:
    """Return what happened in order: «20:03 began at 0:00», «20:31 to 20:35 paused at 28:10», …, how it ended."""
    clock = Clock(zone, local(it.began[0], zone).date())
    first, *between = [said for _, said in sorted(_told(it, clock), key=lambda each: each[0])]
    if len(between) >= most:
        between = [*between[: most - 2], f"… and {len(between) - most + 2} more turns"]
    told = shared_in_words(it)
    return [first, *between, _end(it, clock), *([told] if told else [])]


def shared_in_words(it: Story) -> str:
    """Return how many check-ins more than one channel told of, and which; '' where none is so."""
    shared = [each for each in it.points if len(each.channels) > 1]
    if not shared:
        return ""
    names = [sign.value for sign in signs_of({channel for each in shared for channel in each.channels})]
    were = f"{counted(len(it.points), 'check-in')} {'was' if len(shared) == 1 else 'were'}"
    return f"{len(shared):,} of {were} told by more than one channel: {listed(names)}"


def _told(it: Story, clock: Clock) -> Iterator[tuple[datetime, str]]:
    """Yield what is to be said, with the instant that gives it its place."""
    since, where = it.began
    yield since, f"{clock.time(since)} began{f' at {position(where)}' if it.points else ''}"
    if not it.points:
        yield since, "no player told a position"
    for leg in joined(legs(it, it.points)):
        said = _said(leg, clock)
        if said:
            yield leg.since, said
    if it.completed_at is not None and it.runtime is not None:
        passed = position(it.rules.goal(it.runtime))
        said = f"{clock.time(it.completed_at)} passed {share_in_words(it.rules.threshold)}, which is {passed}"
        yield max(since, it.completed_at), said


def _said(leg: Leg, clock: Clock) -> str | None:
    start, end = position(leg.start), position(leg.end)
    if leg.way is Way.JUMPED:
        done = "skipped" if leg.end > leg.start else "went back"
        return f"{clock.time(leg.until)} {done} from {start} to {end}"
    if leg.way is Way.SILENT:
        moved = f"; meanwhile it went from {start} to {end}" if start != end else ""
        return f"no evidence from {clock.time(leg.since)} to {clock.time(leg.until)} ({_length(leg)}){moved}"
    if leg.way is Way.AWAY:
        return f"{clock.span(leg)} stopped at {start}, then went on"
    if leg.way is Way.PLAYED or leg.until - leg.since < WORTH_SAYING:
        return None
    done = "paused" if leg.way is Way.PAUSED else "stood still"
    return f"{clock.span(leg)} {done} at {start} for {_length(leg)}"


def _length(leg: Leg) -> str:
    return for_long((leg.until - leg.since).total_seconds())


def _end(it: Story, clock: Clock) -> str:
    time, where = clock.time(it.ended[0]), f" at {position(it.ended[1])}" if it.points else ""
    if it.is_open:
        return f"{time} last heard of{where}"
    how = ending_in_words(it.ended_by)
    by = f" {how}" if how.startswith("by ") else f": {how}" if how else ""
    return f"{time} ended{where}{by}"
