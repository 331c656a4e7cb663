"""What is remembered of committed evidence, so that the next check-in of a key need not read its whole line again.

A remembered line is good only while the key's version is the one that was read within the transaction: whoever else
writes evidence of the key, in this process or another, makes the version grow.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from reconcile.changes import Unit
from reconcile.playback.check_in import Channel, CheckIn, DeviceFacts, ItemFacts, Key, Kind
from reconcile.playback.facts import Facts
from reconcile.playback.rules import Rules
from reconcile.playback.run import Run
from reconcile.playback.surroundings import Surroundings
from reconcile.playback.verdict import Standing, Viewing

MOST_LINES = 5_000
LOOKS_FOR = timedelta(hours=26)
"""How far back looks are remembered."""


class MemoryOutdated(Exception):
    """Something else is kept than is remembered: forget, and read."""


class Others(msgspec.Struct, frozen=True, gc=False):
    """The other playbacks of a unit, by the parts of their time that are its own; and the *watch* of an open one.

    *watch* is the id and the columns of the row that has the open playback among its own, None where none has.
    """

    viewings: tuple[Viewing, ...] = ()
    shares: Mapping[str, float] = {}
    watch: tuple[int, Mapping[str, Any]] | None = None


class Open(msgspec.Struct, frozen=True, gc=False):
    """The last playback of a key while nothing but its own check-ins can change it: what extending it goes by.

    *number* is its id, *last_at* and the rest are as kept; *rules* are those that it was judged by; *around* is without
    looks and intervals, *told* is what was told last and added nothing to the *facts*.
    """

    key_id: int
    key: Key
    facts: Facts
    told: tuple[Channel, ItemFacts, DeviceFacts] | None
    number: int
    unit: Unit
    last_at: datetime
    run: Run
    around: Surroundings
    standing: Standing
    others: Others
    rules: Rules


class Line(msgspec.Struct, frozen=True, gc=False):
    """A key's evidence from *start* on, as `cut` needs it: points that lie on the line between others may be missing.

    *horizon* is how far back it was sure that nothing else matters; *floor* the end of the playback before. *weight* is
    how many check-ins there were when it was last thinned.
    """

    version: int
    horizon: datetime | None
    start: datetime | None
    floor: datetime | None
    check_ins: tuple[CheckIn, ...]
    sightings: tuple[datetime, ...] = ()
    weight: int = 0
    open: Open | None = None

    def reaches(self, horizon: datetime | None) -> bool:
        """Say whether it holds all that matters from *horizon* on."""
        return self.horizon is None or (horizon is not None and horizon >= self.horizon)

    def known(self, check_in: CheckIn) -> CheckIn | None:
        """Return the check-in of the same identity, where it is the last one."""
        last = self.check_ins[-1] if self.check_ins else None
        return last if last is not None and last.identity == check_in.identity else None

    def appends(self, check_in: CheckIn) -> bool:
        """Say whether *check_in* comes after all that is remembered."""
        return bool(self.check_ins) and check_in.at > self.check_ins[-1].at

    def taking(self, news: Iterable[CheckIn], version: int) -> Line | None:
        """Return the line with *news* at its end; None if they belong elsewhere."""
        found = list(self.check_ins)
        for check_in in sorted(news, key=lambda c: c.at):
            if found and found[-1].identity == check_in.identity:
                found[-1] = check_in
            elif found and check_in.at > found[-1].at:
                found.append(check_in)
            else:
                return None
        return msgspec.structs.replace(self, check_ins=tuple(found), version=version, open=None)

    def showing(self, at: datetime, kind: Kind, until: datetime, version: int) -> Line | None:
        """Return the line whose last check-in was shown *until* then; None if it is another one that was."""
        last = self.check_ins[-1] if self.check_ins else None
        if last is None or last.at != at or last.kind is not kind:
            return None
        if until <= last.sighted_until:
            return self if version == self.version else msgspec.structs.replace(self, version=version)
        last = msgspec.structs.replace(last, sighted_until=until)
        return msgspec.structs.replace(self, check_ins=(*self.check_ins[:-1], last), version=version)

    def sighted(self, at: datetime, version: int) -> Line:
        """Return the line with one more bare sighting."""
        seen = tuple(sorted({*self.sightings, at}))
        return msgspec.structs.replace(self, sightings=seen, version=version, open=None)


class Looks(msgspec.Struct, frozen=True, gc=False):
    """A server's looks from *since* on, in order of time."""

    since: datetime
    taken: tuple[datetime, ...]

    def then(self, more: Sequence[datetime]) -> Looks:
        """Return these and *more*, which come after them."""
        return Looks(self.since, (*self.taken, *more)) if more else self

    def recent(self) -> Looks:
        """Return those of the last day or so."""
        if not self.taken or self.taken[-1] - self.since <= 2 * LOOKS_FOR:
            return self
        since = self.taken[-1] - LOOKS_FOR
        return Looks(since, self.taken[bisect_left(self.taken, since) :])


class Memory:
    """Lines by key, and looks by server, as committed."""

    def __init__(self) -> None:
        self._lines: OrderedDict[int, Line] = OrderedDict()
        self._looks: dict[str, Looks] = {}
        self._open: dict[Key, int] = {}
        self._units: dict[Unit, set[int]] = {}

    def draft(self) -> Draft:
        """Return what one transaction may change; it counts from `adopt` on."""
        return Draft(self._lines, self._looks, self._open)

    def adopt(self, draft: Draft) -> None:
        """Remember what *draft* says: its transaction is committed."""
        for key_id, line in draft.changed.items():
            before = self._lines.pop(key_id, None)
            if line is not None:
                self._lines[key_id] = line
            self._note_open(key_id, before, line)
        while len(self._lines) > MOST_LINES:
            key_id, gone = self._lines.popitem(last=False)
            self._note_open(key_id, gone, None)
        for server_id, looks in draft.looks.items():
            if looks is None:
                self._looks.pop(server_id, None)
            else:
                self._looks[server_id] = looks.recent()

    def forget(self) -> None:
        """Forget everything: the rules or the people have changed."""
        self._lines.clear()
        self._looks.clear()
        self._open.clear()
        self._units.clear()

    def forget_units(self, units: Iterable[Unit]) -> None:
        """Forget how the open playbacks of *units* stand: something else has changed there."""
        for unit in units:
            for key_id in tuple(self._units.get(unit, ())):
                line = self._lines[key_id]
                self._lines[key_id] = shut = msgspec.structs.replace(line, open=None)
                self._note_open(key_id, line, shut)

    def _note_open(self, key_id: int, before: Line | None, line: Line | None) -> None:
        was, now = None if before is None else before.open, None if line is None else line.open
        if was is now:
            return
        if was is not None and (now is None or now.unit != was.unit):
            self._open.pop(was.key, None)
            self._units[was.unit].discard(key_id)
            if not self._units[was.unit]:
                del self._units[was.unit]
        if now is not None:
            self._open[now.key] = key_id
            self._units.setdefault(now.unit, set()).add(key_id)


class Draft:
    """What one transaction reads of the memory, and what it changes."""

    def __init__(self, lines: OrderedDict[int, Line], looks: dict[str, Looks], opened: dict[Key, int]) -> None:
        self._lines = lines
        self._looks = looks
        self._open = opened
        self.changed: dict[int, Line | None] = {}
        self.looks: dict[str, Looks | None] = {}

    def line(self, key_id: int, version: int) -> Line | None:
        """Return the line of a key, if it is remembered and of *version*."""
        line = self.latest(key_id)
        return line if line is not None and line.version == version else None

    def latest(self, key_id: int) -> Line | None:
        """Return the line of a key as it is remembered, of whatever version."""
        return self.changed[key_id] if key_id in self.changed else self._lines.get(key_id)

    def open_line(self, key: Key) -> tuple[Line, Open] | None:
        """Return the line of *key* and its open playback, if both are remembered."""
        key_id = self._open.get(key)
        if key_id is None:
            return None
        line = self.latest(key_id)
        return None if line is None or line.open is None else (line, line.open)

    def set(self, key_id: int, line: Line | None) -> None:
        """Remember *line*; None forgets the key's."""
        self.changed[key_id] = line

    def looks_of(self, server_id: str) -> Looks | None:
        """Return the remembered looks of a server."""
        return self.looks[server_id] if server_id in self.looks else self._looks.get(server_id)

    def has_read(self, server_id: str) -> bool:
        """Say whether this transaction has read a server's latest looks already."""
        return self.looks.get(server_id) is not None

    def set_looks(self, server_id: str, looks: Looks | None) -> None:
        """Remember a server's looks; None forgets them."""
        self.looks[server_id] = looks
