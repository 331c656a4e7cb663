"""Strategies: evenings by their seed, and evenings written step by step, so that a failing one shrinks."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from receiver.rehearsal.library import DEVICES, USERS, Device, User, library
from receiver.rehearsal.script import Script
from receiver.rehearsal.steps import (
    Close,
    Crash,
    Flap,
    Join,
    Leave,
    Open,
    Pause,
    Play,
    Programme,
    Restart,
    Seek,
    SignIn,
    Sleep,
    Stall,
    Step,
    Wait,
)
from tests.invariants.hearing import Disorder

EIGHT_PM = datetime(2024, 3, 7, 20, tzinfo=UTC)
ITEMS = (*sorted(library().shorts, key=lambda short: short.runtime)[:4], *library().episodes[0][:2], library().films[0])
LONG_ITEMS = (*library().episodes[0][:3], *library().films[:2])
"""Of at least 20 min: nobody seeks back over 30 % of one, which would be a rewatch."""


def _seconds(least: int, most: int) -> st.SearchStrategy[float]:
    return st.integers(least, most).map(float)


_ordinary = st.one_of(
    st.builds(Play, seconds=_seconds(1, 500)),
    st.builds(Pause, seconds=_seconds(1, 400)),
    st.builds(Seek, by=_seconds(-200, 200)),
)
_odd = st.one_of(
    _ordinary,
    st.builds(Pause, seconds=_seconds(60, 5000), asleep=st.booleans()),
    st.builds(Stall, seconds=_seconds(1, 60)),
    st.builds(Sleep, seconds=_seconds(30, 5000)),
    st.builds(Flap, seconds=_seconds(1, 60)),
    st.builds(Restart, seconds=_seconds(10, 150)),
)
_openings = st.builds(
    Open,
    item=st.sampled_from(ITEMS),
    position=st.sampled_from([0.0, 20.0, 70.0, 300.0]),
    speed=st.sampled_from([1.0, 1.5]),
    twice=st.booleans(),
)
_closes = st.builds(
    Close,
    told=st.sampled_from(["position", "zero", "null", "nothing", "twice"]),
    late=st.sampled_from([0.0, 2.0]),
    ghost=st.booleans(),
)
_ends: st.SearchStrategy[Step] = st.one_of(_closes, st.builds(Crash, half_open=st.booleans()))
_waits = st.builds(Wait, seconds=_seconds(1, 900))


@st.composite
def _sitting(draw: st.DrawFn) -> list[Step]:
    """One item from opening to leaving, perhaps with company, perhaps after somebody else has signed in."""
    before: list[Step] = [SignIn(draw(st.sampled_from(USERS[:2])))] if draw(st.booleans()) else []
    steps: list[Step] = [draw(_openings), *draw(st.lists(_odd, min_size=1, max_size=4)), draw(_ends)]
    if draw(st.integers(0, 4)) == 4:
        place = draw(st.integers(0, len(steps) - 1))
        steps = [*steps[:place], Join(USERS[2]), *steps[place:], Wait(1.0), Leave(USERS[2])]
    return [*before, *steps, draw(_waits)]


@st.composite
def _brief_sitting(draw: st.DrawFn) -> list[Step]:
    things = st.one_of(
        st.builds(Play, seconds=_seconds(1, 90)),
        st.builds(Pause, seconds=_seconds(1, 60)),
        st.builds(Seek, by=_seconds(-60, 60)),
    )
    return [draw(_openings), *draw(st.lists(things, min_size=1, max_size=3)), draw(_ends), Wait(draw(_seconds(1, 60)))]


@st.composite
def _plain_steps(draw: st.DrawFn) -> tuple[Step, ...]:
    """Items watched one after another, each once; every step long enough for all channels to hear of it."""
    steps: list[Step] = []
    for item in draw(st.lists(st.sampled_from(LONG_ITEMS), min_size=1, max_size=3, unique=True)):
        steps += [Open(item, draw(st.sampled_from([0.0, 70.0, 300.0]))), Play(draw(_seconds(60, 600)))]
        for thing in draw(st.lists(_ordinary, max_size=3)):
            steps += [thing, Play(draw(_seconds(60, 300)))]
        steps += [Close(), Wait(draw(_seconds(60, 900)))]
    return tuple(steps)


@st.composite
def _leaving_and_returning(draw: st.DrawFn) -> tuple[Step, ...]:
    """One item in two sittings, the second from where the first was left, or a little before."""
    item, first = draw(st.sampled_from(LONG_ITEMS)), draw(_seconds(60, 600))
    back = draw(st.just(0.0) | _seconds(1, 30))
    away, second = draw(_seconds(45, 3000)), draw(_seconds(60, 300))
    return (Open(item), Play(first), Close(), Wait(away), Open(item, first - back), Play(second), Close())


def _programmes(
    sittings: st.SearchStrategy[list[Step]], devices: st.SearchStrategy[Device], users: st.SearchStrategy[User]
) -> st.SearchStrategy[Programme]:
    steps = st.lists(sittings, min_size=1, max_size=3).map(lambda each: tuple(step for some in each for step in some))
    return st.builds(Programme, device=devices, user=users, begins=_seconds(0, 900), steps=steps)


def _scripts(
    programmes: st.SearchStrategy[Programme], most: int, offsets: st.SearchStrategy[float]
) -> st.SearchStrategy[Script]:
    return st.builds(
        Script,
        seed=st.integers(0, 3),
        began=st.just(EIGHT_PM),
        programmes=st.lists(programmes, min_size=1, max_size=most).map(tuple),
        clock_offset=offsets,
    )


odd_scripts = _scripts(
    _programmes(_sitting(), st.sampled_from(DEVICES[:3]), st.sampled_from(USERS[:2])),
    3,
    st.sampled_from([0.0, 300.0, -300.0]),
)
"""Whatever can go wrong, at up to three players: two may be tabs of one browser."""

brief_scripts = _scripts(
    _programmes(_brief_sitting(), st.sampled_from(DEVICES[:3]), st.sampled_from(USERS[:2])), 2, st.just(0.0)
)
"""The same for a few minutes: what is tried again and again must not take long."""


def _at_one_player(steps: st.SearchStrategy[tuple[Step, ...]]) -> st.SearchStrategy[Script]:
    device, user = st.sampled_from(DEVICES[:3]), st.sampled_from(USERS[:2])
    programmes = st.builds(Programme, device=device, user=user, begins=_seconds(0, 900), steps=steps)
    return _scripts(programmes, 1, st.just(0.0))


plain_scripts = _at_one_player(_plain_steps())
"""Play, pause, seek and stop, at one player."""

returning_scripts = _at_one_player(_leaving_and_returning())
"""Leave, and go on later."""

seeds = st.integers(0, 100_000)

_share = st.floats(0.0, 1.0)
_pairs = st.lists(st.tuples(_share, _share), max_size=8).map(tuple)
disorders = st.builds(Disorder, moves=_pairs, repeats=_pairs, shuffle=st.none() | st.integers(0, 1000))
"""Orders that nobody would think of."""
