"""What a channel brings of an evening, read once: notifications, and looks with all that they show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from itertools import takewhile
from random import Random

import msgspec

from receiver.notification import read
from receiver.rehearsal.evening import evening
from receiver.rehearsal.library import SERVER_ID
from receiver.rehearsal.recording import Recording, record
from receiver.rehearsal.script import Script
from reconcile.jellyfin.sessions import farewell, session_observations
from reconcile.jellyfin.snapshot import decode_snapshot
from reconcile.playback.check_in import Observation

PACE = 10.0
"""Seconds between two looks, give or take a quarter."""

QUIET = 8
"""How many looks before and after anything plays are kept; the rest of a night says nothing."""


AFTERWARDS = timedelta(minutes=45)
"""How long after the last playback it is still looked: Jellyfin has cleaned up after everyone by then (facts B5)."""


class Told(msgspec.Struct, frozen=True):
    """A notification: when it reached us (our clock), and what it says."""

    arrives_at: datetime
    observation: Observation


class Seen(msgspec.Struct, frozen=True):
    """A look: when its answer reached us (our clock), when it was given (the server's), and what it shows or lacks."""

    arrives_at: datetime
    at: datetime
    observations: tuple[Observation, ...]


Heard = Told | Seen


class Evening:
    """All that could be heard of a recording, each in order of arrival. Read when first asked for."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.ahead = timedelta(seconds=recording.clock_offset)
        self.over_at = recording.our_time(recording.until)

    @cached_property
    def told(self) -> tuple[Told, ...]:
        """What the webhook brings."""
        sent = self.recording.deliveries
        return tuple(Told(d.arrives_at, _read(d.body, d.content_type, d.arrives_at)) for d in sent)

    @cached_property
    def seen(self) -> tuple[Seen, ...]:
        """What polls bring."""
        return tuple(_looks(self.recording))

    @cached_property
    def both(self) -> tuple[Heard, ...]:
        """Both channels, in order of arrival."""
        return tuple(sorted((*self.told, *self.seen), key=lambda heard: heard.arrives_at))

    def __repr__(self) -> str:
        return f"<the evening of {self.recording.script!r}>"


def heard_of(script: Script, plugin_version: int = 21, *, flood: bool = False) -> Evening:
    """Play *script* and listen to it."""
    return Evening(record(script, plugin_version, flood=flood))


def generated(seed: int, *, faults: bool = True, plugin_version: int = 21) -> Evening:
    """Listen to the generated evening of *seed*."""
    return heard_of(evening(seed, faults=faults), plugin_version)


def _read(body: bytes, content_type: str, arrives_at: datetime) -> Observation:
    found = read(body, content_type, arrives_at)
    if not isinstance(found, Observation):
        raise TypeError(found)
    return found


def _looks(recording: Recording) -> Iterable[Seen]:
    over = max((truth.ended_at for truth in recording.truths), default=recording.began) + AFTERWARDS
    every = recording.looks(PACE, 0.25, recording.script.seed)
    looks = [(at, body) for at, body in takewhile(lambda look: look[0] < over, every) if body is not None]
    busy = {number for number, (_at, body) in enumerate(looks) if b'"NowPlayingItem"' in body}
    near = {other for number in busy for other in range(number - QUIET, number + QUIET + 1)}
    before: dict[str, tuple[Observation, ...]] = {}
    for number, (at, body) in enumerate(looks):
        if number in near:
            sessions = decode_snapshot(body).sessions
            idle = [each for each in sessions if each.item_id is None]
            gone = [farewell(each, told, at) for each in idle for told in before.get(each.id, ())]
            found = {each.id: session_observations(each, SERVER_ID, at) for each in sessions if each.item_id}
            before = {number: told for number, told in found.items() if isinstance(told, tuple)}
            told = [each for of_one in before.values() for each in of_one] + [each for each in gone if each]
            yield Seen(recording.our_time(at), at, tuple(told))


class Disorder(msgspec.Struct, frozen=True):
    """What happens to what is heard: moves and repetitions (from, to, as shares of the whole), or a whole shuffle."""

    moves: tuple[tuple[float, float], ...] = ()
    repeats: tuple[tuple[float, float], ...] = ()
    shuffle: int | None = None

    def of(self, heard: Sequence[Heard]) -> list[Heard]:
        """Return *heard* out of order, and some of it more than once."""
        found = list(heard)
        for start, to in self.repeats:
            found.insert(round(to * len(found)), found[min(len(found) - 1, int(start * len(found)))])
        for start, to in self.moves:
            each = found.pop(min(len(found) - 1, int(start * len(found))))
            found.insert(round(to * len(found)), each)
        if self.shuffle is not None:
            Random(self.shuffle).shuffle(found)
        return found
