"""How one item is watched: where it begins and ends, and the pauses, seeks and mishaps on the way."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from msgspec.structs import replace

from receiver.rehearsal.dice import chance
from receiver.rehearsal.library import Item
from receiver.rehearsal.mishaps import Mishaps
from receiver.rehearsal.steps import (
    Close,
    Crash,
    Flap,
    Open,
    Pause,
    PlayTo,
    Restart,
    Seek,
    Sleep,
    Stall,
    Step,
    Wait,
)

MINUTE, HOUR = 60.0, 3600.0


class End(NamedTuple):
    """Where a viewing was left, in seconds. *natural*: at the end or in the credits; *early*: somewhere before."""

    position: float
    natural: bool
    early: bool


def viewing(item: Item, mishaps: Mishaps, begin: float | None = None) -> tuple[list[Step], End]:
    """Return the steps of watching *item* once, from *begin* (else from the start, or an old resume point)."""
    random = mishaps.random
    start = _begin(item, random) if begin is None else begin
    end = _end(item, start, random)
    if mishaps.happens("runtime unknown"):
        item = replace(item, runtime_known=False)
    steps: list[Step] = [_opening(item, start, mishaps)]
    steps += _middle(item, start, end.position, mishaps)
    steps += _ending(item, end, mishaps)
    return steps, end


def zap(item: Item, mishaps: Mishaps) -> list[Step]:
    """Return the steps of looking at *item* for a few seconds."""
    seconds = mishaps.random.uniform(2.0, 35.0)
    return [Open(item), PlayTo(seconds), _close(mishaps)]


def near_old_position(item: Item, end: End, mishaps: Mishaps) -> list[Step]:
    """Return the steps of going on later the same evening near where it was left, or none."""
    random = mishaps.random
    if not chance(random, 0.4):
        return []
    away = random.uniform(40.0, 900.0) if chance(random, 0.6) else random.uniform(900.0, 3 * HOUR)
    back = 0.0 if chance(random, 0.5) else random.uniform(0.0, min(30.0, 0.05 * item.runtime))  # well within «near»
    position = max(0.0, end.position - back)
    goal = _end(item, position, random)
    steps = _middle(item, position, goal.position, mishaps)
    return [Wait(away), Open(item, position), *steps, PlayTo(goal.position), _close(mishaps)]


def after_the_end(item: Item, mishaps: Mishaps) -> list[Step]:
    """Return the steps of watching *item* again from the start."""
    steps, _ = viewing(item, mishaps.none(), begin=0.0)
    first = replace(steps[0], tags=("rewatch",)) if isinstance(steps[0], Open) else steps[0]
    return [Wait(mishaps.random.uniform(30.0, 1200.0)), first, *steps[1:]]


def _begin(item: Item, random: Random) -> float:
    """Jellyfin keeps no resume point below 5 % or above 90 %, and none of what is shorter than five minutes."""
    if item.runtime < 300.0 or chance(random, 0.82):  # noqa: PLR2004 - facts D1
        return 0.0
    return round(item.runtime * random.uniform(0.06, 0.8), 3)


def _end(item: Item, start: float, random: Random) -> End:
    runtime = item.runtime
    kind = random.choices(("to the end", "in the credits", "anywhere"), (45, 23, 32))[0]
    if kind == "to the end":
        return End(runtime, natural=True, early=False)
    if kind == "in the credits":
        return End(max(start + 5.0, runtime * random.uniform(0.83, 0.999)), natural=True, early=False)
    return End(start + (runtime - start) * random.uniform(0.02, 0.9), natural=False, early=True)


def _opening(item: Item, start: float, mishaps: Mishaps) -> Open:
    random = mishaps.random
    if mishaps.happens("fast"):
        speed, tags = random.choice((1.25, 1.5)), ["fast"]
    elif mishaps.happens("slow"):
        speed, tags = 0.9, ["slow"]
    else:
        speed, tags = 1.0, []
    tags += [] if item.runtime_known else ["runtime unknown"]
    return Open(item, start, speed, twice=mishaps.happens("double start"), tags=tuple(tags))


def _middle(item: Item, start: float, end: float, mishaps: Mishaps) -> list[Step]:
    """Return what happens between *start* and *end*, each thing at a position of its own."""
    random, steps, length = mishaps.random, list[Step](), end - start
    things = _ordinary_things(length, random) + _mishaps(mishaps, tight=length < 2 * MINUTE)
    places = sorted(random.uniform(start, end) for _ in things)
    for thing, place in zip(random.sample(things, len(things)), places, strict=True):
        steps += [PlayTo(place), _in_bounds(thing, item, place, end, random)]
    return [*steps, PlayTo(end)]


def _ordinary_things(length: float, random: Random) -> list[Step]:
    share = min(1.0, length / 3000.0)
    things: list[Step] = [_pause(random) for _ in range(3) if chance(random, 0.35 * share)]
    things += [_seek(random) for _ in range(3) if chance(random, 0.22 * share)]
    things += [Stall(random.uniform(1.0, 12.0)) for _ in range(2) if chance(random, 0.15 * share)]
    return things


def _pause(random: Random) -> Pause:
    return Pause(random.uniform(4.0, 90.0) if chance(random, 0.6) else random.uniform(90.0, 1500.0))


def _seek(random: Random) -> Seek:
    if chance(random, 0.35):
        return Seek(random.choice((-10.0, 10.0, 30.0, -30.0)))
    return Seek(random.choice((-1.0, 1.0, 1.0)) * random.uniform(40.0, 900.0))


def _in_bounds(thing: Step, item: Item, place: float, end: float, random: Random) -> Step:
    """Keep a seek between the start and *end*, and from looking like a rewatch."""
    if not isinstance(thing, Seek):
        return thing
    if thing.by > 0:
        return Seek(min(thing.by, max(0.0, (end - place) * random.uniform(0.5, 0.9))))
    return Seek(-min(-thing.by, max(0.0, place - 1.0), 0.25 * item.runtime))


def _mishaps(mishaps: Mishaps, *, tight: bool) -> list[Step]:
    """Return what goes wrong on the way; in *tight* viewings nothing that takes long."""
    random = mishaps.random
    found: list[Step] = []
    if tight:
        return found
    if mishaps.happens("socket flap"):
        found.append(Flap(random.uniform(1.0, 40.0)))
    if mishaps.happens("restart"):
        found.append(Restart(random.uniform(15.0, 150.0)))
    if mishaps.happens("paused past midnight"):
        found.append(Pause(random.uniform(4 * HOUR, 7.4 * HOUR), tags=("paused past midnight",)))
    if mishaps.happens("paused past midnight, asleep"):
        asleep = random.uniform(2 * HOUR, 7.4 * HOUR)
        found.append(Pause(asleep, asleep=True, tags=("paused past midnight, asleep",)))
    if mishaps.happens("lid closed"):
        found.append(Sleep(random.uniform(60.0, 7 * HOUR)))
    return found


def _ending(item: Item, end: End, mishaps: Mishaps) -> list[Step]:
    """Return how the item is left: by a Stop of some kind, or a crash, perhaps with a return."""
    random = mishaps.random
    for what, crash in (("crash, socket closed", Crash()), ("crash, half open", Crash(half_open=True))):
        if mishaps.happens(what):
            return [crash, *(_back(item, end, mishaps) if mishaps.happens("crash and come back") else [])]
    if mishaps.happens("gives up after a restart") and mishaps.happens("restart"):
        return [Restart(random.uniform(15.0, 150.0)), Wait(0.5), Crash(half_open=True)]
    return [_close(mishaps)]


def _back(item: Item, end: End, mishaps: Mishaps) -> list[Step]:
    """Return after a crash to where the server last heard of it, and watch a little more."""
    random = mishaps.random
    position = max(0.0, end.position - random.uniform(0.0, 12.0))
    more = PlayTo(min(item.runtime, position + random.uniform(30.0, 1200.0)))
    return [Wait(random.uniform(8.0, 400.0)), Open(item, position), more, _close(mishaps)]


def _close(mishaps: Mishaps) -> Close:
    if mishaps.happens("stop at 0"):
        return Close("zero")
    if mishaps.happens("stop without position"):
        return Close("null")
    if mishaps.happens("no stop"):
        return Close("nothing")
    if mishaps.happens("double stop"):
        return Close("twice")
    if mishaps.happens("late progress"):
        return Close(ghost=True)
    return Close(late=mishaps.random.uniform(0.5, 4.0) if mishaps.happens("late stop") else 0.0)
