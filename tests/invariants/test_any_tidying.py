"""Any tidying: what may be forgotten of an evening that is long over changes nothing of what it says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from receiver.rehearsal.script import Script
from reconcile.housekeeping import tidy
from reconcile.playback.check_in import CheckIn, Key
from reconcile.playback.playback import Playback
from reconcile.playback.thinning import thinned
from tests.invariants.effort import examples
from tests.invariants.hearing import Evening, Heard, Told, heard_of
from tests.invariants.ledger import Ledger
from tests.invariants.pure import RULES, Sets, cut_all, owned_line, surroundings, told_to_others
from tests.invariants.scripts import brief_scripts, odd_scripts
from tests.invariants.stage import copied, staged
from tests.invariants.test_any_order import PLAIN

MONTH = timedelta(days=30)
versions = st.sampled_from([21, 14])
channels = st.sampled_from(["poll", "both"])


def heard_by(evening: Evening, channel: str) -> Sequence[Heard]:
    """Return what the *channel* brings of *evening*."""
    return evening.seen if channel == "poll" else evening.both


@examples(40, 5000)
@given(script=odd_scripts, version=versions, channel=channels)
def test_the_pure_core_needs_no_more_than_tidying_keeps(script: Script, version: int, channel: str) -> None:
    evening = heard_of(script, version)
    now = evening.recording.until
    sets = Sets(heard_by(evening, channel))
    whole = cut_all(sets, now)

    for key in sorted(sets.lines):
        sets.lines = {**sets.lines, key: _thinned(key, sets, whole, now)}
    sets.looks = {look for made in whole.values() for each in made for look in each.looks}

    assert cut_all(sets, now) == whole


def _thinned(key: Key, sets: Sets, whole: dict[Key, tuple[Playback, ...]], now: datetime) -> tuple[CheckIn, ...]:
    """Return the line of *key* as tidying leaves it: what is another user's own stays."""
    found = thinned(owned_line(key, sets), surroundings(key, sets, whole), RULES, now, told_to_others(key, sets))
    gone = {each.identity for each in found.gone}
    longer = {each.identity: each for each in found.extended}
    return tuple(longer.get(each.identity, each) for each in sets.lines[key] if each.identity not in gone)


@examples(8, 600)
@given(script=brief_scripts, version=versions, channel=channels)
def test_a_tidied_ledger_made_anew_or_replayed_is_the_same(
    sqlite_template: Path, script: Script, version: int, channel: str
) -> None:
    evening = heard_of(script, version)
    before, anew, replayed = asyncio.run(_tidied(sqlite_template, evening, heard_by(evening, channel)))

    assert anew == before
    assert replayed == before


async def _tidied(template: Path, evening: Evening, heard: Sequence[Heard]) -> tuple[Ledger, Ledger, Ledger]:
    with copied(template) as url:
        async with staged(url, evening) as stage:
            await stage.play(heard, PLAIN)
            before = await stage.current()
            await tidy(stage.store, stage.people, stage.now + MONTH, MONTH)
            anew = await stage.cut_anew()
            await stage.play([each for each in heard if isinstance(each, Told)], PLAIN)
            return before, anew, await stage.current()
