"""Any channel: webhooks, polls, both, or each where the other is deaf, tell of the same playbacks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from receiver.rehearsal.script import Script
from receiver.rehearsal.truth import Truth
from reconcile.playback.check_in import Key
from tests.invariants.effort import examples
from tests.invariants.hearing import PACE, Evening, Heard, heard_of
from tests.invariants.ledger import Ledger
from tests.invariants.pure import RULES, playbacks, verdicts
from tests.invariants.scripts import odd_scripts, plain_scripts, returning_scripts
from tests.invariants.stage import Batches, copied, played

LOOK = 1.25 * PACE
"""The longest time between two looks, in seconds: the interval of DESIGN §5."""

HEARD = 4.0
"""By how many seconds webhooks may be wrong about an ordinary playback (DESIGN §5, Bars)."""


class Deaf(msgspec.Struct, frozen=True):
    """When one channel brings nothing: from and to as shares of the evening; the other channel hears all of it."""

    since: float
    until: float
    webhook: bool


def lossy(evening: Evening, deaf: Sequence[Deaf]) -> list[Heard]:
    """Return what is heard where at every moment one channel at least is there."""
    if not evening.both:
        return []
    began, length = evening.both[0].arrives_at, evening.both[-1].arrives_at - evening.both[0].arrives_at
    # One after another, and looks are back for a minute before webhooks go: a look never bridges both silences.
    spans: list[tuple[datetime, datetime, bool]] = []
    for each in sorted(deaf, key=lambda d: (d.since, d.until)):
        since, until = began + each.since * length, began + each.until * length
        if since < until and (not spans or since >= spans[-1][1] + timedelta(minutes=1)):
            spans.append((since, until, each.webhook))
    told = [t for t in evening.told if not _is_deaf(t.arrives_at, spans, webhook=True)]
    seen = [s for s in evening.seen if not _is_deaf(s.arrives_at, spans, webhook=False)]
    return sorted([*told, *seen], key=lambda heard: heard.arrives_at)


def _is_deaf(at: datetime, spans: Sequence[tuple[datetime, datetime, bool]], *, webhook: bool) -> bool:
    return any(since <= at < until and which is webhook for since, until, which in spans)


def edges(truth: Truth) -> int:
    """Return how many starts, stops, pauses, resumes and seeks a playback has."""
    return len(truth.corners)


def assert_true(evening: Evening, heard: Sequence[Heard], slack: float, per_edge: float) -> None:
    """Check playbacks and verdicts against the truth, within *slack* seconds and so many more *per_edge*.

    A seek back by less than one report interval looks like buffering in every channel (DESIGN §5, Bars), so what such
    seeks hide is allowed for.
    """
    found = playbacks(heard, evening.recording.until)
    said = verdicts(found, heard)
    wanted = {(t.session_id, t.user_id, t.item_id): t for t in evening.recording.truths}
    assert {_place(key) for key, made in found.items() if made} == set(wanted)
    for key, made in found.items():
        truth = wanted[_place(key)]
        bound = slack + truth.hidden_seconds + per_edge * edges(truth)
        assert len(made) == 1
        assert abs(made[0].watched_seconds - truth.watched_seconds) <= bound
        (verdict,) = said[key.user_id, key.item_id]
        minimum = min(RULES.min_seconds, truth.runtime / 2)
        if abs(truth.watched_seconds - minimum) > bound and abs(truth.reached - RULES.goal(truth.runtime)) > bound:
            assert verdict.completed == (truth.watched_seconds >= minimum and truth.completed)


def _place(key: Key) -> tuple[str, str, str]:
    return (key.session_id, key.user_id, key.item_id)


deafness = st.lists(st.builds(Deaf, since=st.floats(0, 1), until=st.floats(0, 1), webhook=st.booleans()), max_size=4)


@examples(25, 3000)
@given(script=plain_scripts)
def test_webhooks_alone_tell_of_every_playback_to_the_second(script: Script) -> None:
    evening = heard_of(script)

    assert_true(evening, evening.told, HEARD, 0)


@examples(25, 3000)
@given(script=plain_scripts)
def test_polls_alone_tell_of_every_playback_within_an_interval_per_edge(script: Script) -> None:
    evening = heard_of(script)

    assert_true(evening, evening.seen, HEARD, LOOK)


@examples(25, 3000)
@given(script=returning_scripts)
def test_polls_alone_tell_of_whoever_leaves_and_returns_within_an_interval_per_sitting(script: Script) -> None:
    evening = heard_of(script)

    assert_true(evening, evening.seen, HEARD + 2 * LOOK, 0)


@examples(25, 3000)
@given(script=plain_scripts)
def test_both_together_are_as_good_as_webhooks_alone(script: Script) -> None:
    evening = heard_of(script)

    assert_true(evening, evening.both, HEARD, 0)


@examples(40, 3000)
@given(script=plain_scripts, deaf=deafness)
def test_where_one_channel_is_deaf_the_other_covers(script: Script, deaf: list[Deaf]) -> None:
    evening = heard_of(script)

    assert_true(evening, lossy(evening, deaf), HEARD + LOOK * 2 * len(deaf), LOOK)


channels = st.sampled_from(["webhook", "poll", "both"])


@examples(6, 500)
@given(script=odd_scripts, version=st.sampled_from([21, 14]), channel=channels)
def test_the_program_makes_of_a_channel_what_the_pure_core_makes_of_it(
    sqlite_template: Path, script: Script, version: int, channel: str
) -> None:
    evening = heard_of(script, version)
    channels_heard: dict[str, Sequence[Heard]] = {"webhook": evening.told, "poll": evening.seen, "both": evening.both}
    heard = channels_heard[channel]

    async def kept() -> Ledger:
        with copied(sqlite_template) as url:
            return await played(url, evening, heard, Batches((40,)))

    wanted = [
        (key, each.started_at, each.ended_at, each.ended_by, round(each.watched_seconds, 3))
        for key, made in playbacks(heard, evening.recording.until).items()
        for each in made
    ]
    rows = [(Key(*row[0]), dict(row[3:])) for row in asyncio.run(kept())["playbacks"]]
    columns = ("started_at", "ended_at", "ended_by", "watched_seconds")
    found = [(key, *(row[name] for name in columns)) for key, row in rows]
    assert sorted(found) == sorted(wanted)
