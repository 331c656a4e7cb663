"""A check-in more at the end of a line: extending the last playback says what cutting everything again would."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given

from receiver.rehearsal.script import Script
from reconcile.playback.check_in import CheckIn
from reconcile.playback.cutting import cut_whole, extended
from reconcile.playback.facts import item_of
from reconcile.playback.surroundings import Surroundings
from reconcile.playback.thinning import thinned
from tests.invariants.effort import examples
from tests.invariants.hearing import Evening, generated, heard_of
from tests.invariants.pure import RULES, Sets
from tests.invariants.scripts import odd_scripts, seeds

PLACES = 12
"""From how many places of a line it is extended, until that can no longer be done, or this often."""


def extensions_of(evening: Evening) -> int:
    """Extend the lines of *evening*, and compare with the whole cut; return how often it could be done."""
    sets = Sets(evening.both)
    looks = sorted(sets.looks)
    return sum(
        _extensions(line, Surroundings(looks=looks, runtime=item_of(sets.facts[key]).runtime_seconds))
        for key, line in sets.lines.items()
    )


def _extensions(line: Sequence[CheckIn], around: Surroundings) -> int:
    extensions = 0
    for start in range(1, len(line), max(1, len(line) // PLACES)):
        # What is remembered is thinned, and must do as well.
        thin = thinned(line[:start], around, RULES, line[start - 1].sighted_until).kept
        run = cut_whole(thin, around, RULES, line[start - 1].sighted_until).run
        for number in range(start, min(start + PLACES, len(line))):
            now = line[number].sighted_until
            grown = None if run is None else extended(run, line[number - 1], line[number], around, RULES, now)
            if grown is None:
                break
            run, playback = grown
            assert playback == cut_whole(line[: number + 1], around, RULES, now).playbacks[-1]
            extensions += 1
    return extensions


@examples(30, 3000)
@given(script=odd_scripts)
def test_extending_says_what_cutting_again_would(script: Script) -> None:
    extensions_of(heard_of(script, 21))


@examples(2, 60)
@given(seed=seeds)
def test_an_ordinary_evening_is_mostly_extended(seed: int) -> None:
    assert extensions_of(generated(seed, plugin_version=21)) > PLACES * PLACES
