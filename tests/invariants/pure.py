"""The ledger of an evening straight from the pure core: no database, no tracker, so that many examples are cheap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby

from reconcile.playback.check_in import CheckIn, Key, gathered
from reconcile.playback.cutting import cut
from reconcile.playback.edges import Sibling
from reconcile.playback.facts import Facts, item_of, learnt
from reconcile.playback.playback import Playback
from reconcile.playback.points import owned
from reconcile.playback.rules import Rules
from reconcile.playback.surroundings import Surroundings
from reconcile.playback.verdict import Verdict, judged, viewing
from tests.invariants.hearing import Heard, Seen, Told

RULES = Rules()
Lines = Mapping[Key, tuple[CheckIn, ...]]


class Sets:
    """The evidence that *heard* brings, as sets."""

    def __init__(self, heard: Iterable[Heard]) -> None:
        check_ins: dict[Key, list[CheckIn]] = {}
        self.sightings: dict[Key, set[datetime]] = {}
        self.facts: dict[Key, Facts] = {}
        self.looks: set[datetime] = set()
        for each in heard:
            if isinstance(each, Seen):
                self.looks.add(each.at)
            for told in (each.observation,) if isinstance(each, Told) else each.observations:
                line = check_ins.setdefault(told.key, [])
                if told.check_in is not None:
                    line.append(told.check_in)
                if told.sighting is not None:
                    self.sightings.setdefault(told.key, set()).add(told.sighting)
                self.facts[told.key] = learnt(self.facts.get(told.key, {}), told)
        self.lines: Lines = {key: gathered(line) for key, line in check_ins.items()}


def playbacks(heard: Iterable[Heard], now: datetime) -> dict[Key, tuple[Playback, ...]]:
    """Return the playbacks that *heard* tells of at *now* on the server's clock, by key."""
    return cut_all(Sets(heard), now)


def cut_all(sets: Sets, now: datetime) -> dict[Key, tuple[Playback, ...]]:
    """Return the playbacks that *sets* tell of at *now*, by key."""
    alone = {key: _cut(key, sets, {}, now) for key in sets.lines}
    return {key: _cut(key, sets, alone, now) for key in sorted(sets.lines)}


def surroundings(key: Key, sets: Sets, made: Mapping[Key, tuple[Playback, ...]]) -> Surroundings:
    """Return what lies around the line of *key*, where the playbacks *made* began."""
    siblings = sorted(
        Sibling(p.first_at, p.started_at)
        for other, found in made.items()
        if (other.session_id, other.user_id) == (key.session_id, key.user_id) and other.item_id != key.item_id
        for p in found
    )
    same_item = [(other, line) for other, line in sets.lines.items() if other.item_id == key.item_id and other != key]
    return Surroundings(
        looks=sorted(sets.looks),
        siblings=siblings,
        elsewhere=sorted(c.at for other, line in same_item if other.user_id == key.user_id for c in line),
        sightings=sorted(sets.sightings.get(key, ())),
        runtime=item_of(sets.facts[key]).runtime_seconds,
    )


def owned_line(key: Key, sets: Sets) -> tuple[CheckIn, ...]:
    """Return the check-ins of *key* that are its own user's."""
    return owned(sets.lines[key], told_to_others(key, sets))


def told_to_others(key: Key, sets: Sets) -> list[CheckIn]:
    """Return the check-ins of other users in the session of *key*."""
    return [
        c
        for other, line in sets.lines.items()
        if other.item_id == key.item_id and other.session_id == key.session_id and other != key
        for c in line
    ]


def _cut(key: Key, sets: Sets, made: Mapping[Key, tuple[Playback, ...]], now: datetime) -> tuple[Playback, ...]:
    return cut(owned_line(key, sets), surroundings(key, sets, made), RULES, now)


def verdicts(found: Mapping[Key, tuple[Playback, ...]], heard: Iterable[Heard]) -> dict[tuple[str, str], list[Verdict]]:
    """Return the verdicts by user and item, in order of time."""
    runtimes = {key: item_of(facts).runtime_seconds for key, facts in Sets(heard).facts.items()}
    by_unit = sorted(found, key=lambda key: (key.user_id, key.item_id))
    said: dict[tuple[str, str], list[Verdict]] = {}
    for unit, keys in groupby(by_unit, key=lambda key: (key.user_id, key.item_id)):
        viewings = [viewing(f"{key}{n}", p, runtimes[key]) for key in keys for n, p in enumerate(found[key])]
        told = judged(viewings, RULES)
        said[unit] = [told[v.name] for v in sorted(viewings, key=lambda v: (v.started_at, v.name))]
    return said
