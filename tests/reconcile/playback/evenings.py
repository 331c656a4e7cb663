"""Ordinary evenings for the rules: instants count in seconds from eight, positions are where an undisturbed film is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from reconcile.playback.check_in import Channel, CheckIn, Kind, gathered
from reconcile.playback.cutting import cut
from reconcile.playback.edges import Sibling
from reconcile.playback.playback import Playback
from reconcile.playback.rules import Rules
from reconcile.playback.surroundings import Recorded, Surroundings

EIGHT_PM = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
HOUR = 3600.0
RUNTIME = 6000.0
NEXT_MORNING = 48 * HOUR
DEFAULTS = Rules()


def at(second: float) -> datetime:
    """Return the instant *second* seconds after eight."""
    return EIGHT_PM + timedelta(seconds=second)


def since_eight(when: datetime) -> float:
    """Return an instant in seconds after eight."""
    return (when - EIGHT_PM).total_seconds()


def check_in(
    second: float,
    position: float | None = None,
    kind: Kind = Kind.PLAYING,
    *,
    known: bool = True,
    reported: bool = True,
    until: float | None = None,
    seen: float | None = None,
    channel: Channel = Channel.WEBHOOK,
    completed: bool | None = None,
    left_by: float | None = None,
) -> CheckIn:
    """Return what a client reported *second* seconds after eight; its position is the same number if none is given."""
    where = second if position is None else position
    seen_at = at(second if seen is None else seen)
    return CheckIn(
        at=at(second),
        kind=kind,
        position=where if known else None,
        reported=reported,
        seen_at=seen_at,
        sighted_until=seen_at if until is None else at(until),
        channels=frozenset({channel}),
        server_completed=completed,
        left_by=None if left_by is None else at(left_by),
    )


def looked(
    second: float, position: float | None = None, *, until: float | None = None, left_by: float | None = None
) -> CheckIn:
    """Return a check-in that only looks have shown."""
    return check_in(second, position, reported=False, until=until, channel=Channel.POLL, left_by=left_by)


def paused(second: float, position: float | None = None, *, until: float | None = None) -> CheckIn:
    """Return a paused check-in."""
    return check_in(second, position, Kind.PAUSED, until=until)


def stop(second: float, position: float | None = None, *, known: bool = True, completed: bool | None = None) -> CheckIn:
    """Return the client's own Stop."""
    return check_in(second, position, Kind.STOPPED, known=known, completed=completed)


def idle_stop(second: float, *, completed: bool | None = None) -> CheckIn:
    """Return the Stop that the server sends for a client that has gone silent."""
    return check_in(second, None, Kind.STOPPED, known=False, reported=False, completed=completed)


def line(start: float, end: float, position: float | None = None, *, every: float = 10.0) -> list[CheckIn]:
    """Return the reports of a film that plays undisturbed from *start* to *end*, at *position* first."""
    first = start if position is None else position
    steps = int((end - start) // every)
    return [check_in(start + n * every, first + n * every) for n in range(steps + 1)]


def cut_evening(
    *check_ins: CheckIn,
    looks: Sequence[float] = (),
    siblings: Sequence[tuple[float, float]] = (),
    elsewhere: Sequence[float] = (),
    sightings: Sequence[float] = (),
    recorded: Sequence[tuple[float, float | None]] = (),
    runtime: float | None = RUNTIME,
    rules: Rules = DEFAULTS,
    now: float = NEXT_MORNING,
    floor: float | None = None,
) -> tuple[Playback, ...]:
    """Return the playbacks of an evening; siblings are (first check-in, beginning)."""
    around = Surroundings(
        looks=[at(second) for second in looks],
        siblings=[Sibling(at(first), at(began)) for first, began in siblings],
        elsewhere=[at(second) for second in elsewhere],
        sightings=[at(second) for second in sightings],
        recorded=[Recorded(at(since), None if until is None else at(until)) for since, until in recorded],
        runtime=runtime,
        floor=None if floor is None else at(floor),
    )
    return cut(gathered(list(check_ins)), around, rules, at(now))


def watched(playbacks: Sequence[Playback]) -> list[float]:
    """Return the watched seconds of each."""
    return [round(playback.watched_seconds, 3) for playback in playbacks]
