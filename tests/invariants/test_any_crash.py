"""Any crash: whatever moment the process is gone at, the next one makes the same ledger, and loses nothing answered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from receiver.rehearsal.script import Script
from reconcile.arrivals import Answer, Outcome
from reconcile.errors import StoreAway
from tests.invariants.effort import examples
from tests.invariants.frail import Frail, PowerCut, cut_power
from tests.invariants.hearing import Evening, Heard, Told, heard_of
from tests.invariants.ledger import Ledger
from tests.invariants.scripts import brief_scripts
from tests.invariants.stage import Batches, Stage, copied, split

KEPT = {Outcome.RECORDED, Outcome.KNOWN}


class Crash(msgspec.Struct, frozen=True):
    """A process that gives way after a *share* of all that it would ask of its database."""

    share: float
    how: str


class Life:
    """An evening over one or more processes: what is still to be told, and what was answered.

    With *again*, whoever got no answer tells it again. What needs no transaction (a look without news) is *unsure*
    until it is flushed; a crash may lose 5 s of it, later looks say it again, and so do we.
    """

    def __init__(self, heard: Sequence[Heard], apart: Batches, *, again: bool) -> None:
        self.pending = list(heard)
        self.apart = apart
        self.again = again
        self.answered: list[Heard] = []
        self.unsure: list[Heard] = []

    async def live(self, stage: Stage) -> None:
        """Go on until everything is told, or the process is gone."""
        while self.pending:
            part = next(iter(split(self.pending, self.apart)))
            self.pending = self.pending[len(part) :]
            await self.tell(stage, part)
            try:
                await stage.tend()
            except StoreAway:
                continue
            self.unsure.clear()

    async def tell(self, stage: Stage, part: Sequence[Heard]) -> None:
        """Tell *part*, and note who was answered, also where the process is gone before the end of it."""
        waiting = stage.told(part)
        try:
            await stage.take_waiting()
        finally:
            unanswered = []
            for each, answer in zip(part, waiting, strict=True):
                said = answer.result() if answer.done() and not answer.exception() else StoreAway("no answer")
                answer.cancel()
                if said is None:
                    self.unsure.append(each)
                elif isinstance(said, Answer) and said.outcome in KEPT:
                    self.answered.append(each)
                else:
                    unanswered.append(each)
            if self.again:
                self.pending = unanswered + self.pending

    def die(self) -> None:
        """Note that the process is gone: what was not flushed is to be told again, or lost."""
        if self.again:
            self.pending = self.unsure + self.pending
        self.unsure = []


async def lived(life: Life, evening: Evening, url: str, crash: Crash | None, asked: float = 0) -> Stage:
    """Let one process live, until *crash* if there is one; return it."""
    store = Frail(url)
    stage = Stage(store, evening)
    task = asyncio.ensure_future(_whole_life(life, stage))
    if crash is not None:
        store.fuse = 1 + round(crash.share * asked)
        store.blow = {"power cut": cut_power, "cancelled": lambda: bool(task.cancel()), "away": _away}[crash.how]
    try:
        await task
    except (PowerCut, asyncio.CancelledError):
        await asyncio.sleep(0)
    except StoreAway:
        pass
    life.die()
    return stage


async def _whole_life(life: Life, stage: Stage) -> None:
    await stage.start()
    await life.live(stage)


def _away() -> None:
    raise StoreAway("a database that comes and goes")


class Outcomes(msgspec.Struct):
    """How an evening ended: the ledger without crashes, the one with them, that cut anew, and what was answered."""

    plain: Ledger
    survived: Ledger
    anew: Ledger
    answered: list[Heard]


async def outcomes(
    template: Path, evening: Evening, crashed: Sequence[Crash], apart: Batches, *, again: bool
) -> Outcomes:
    """Live through an evening without crashes and with them."""
    with copied(template) as one, copied(template) as other:
        stage = await lived(Life(evening.both, apart, again=True), evening, one, None)
        asked = stage.store.burnt if isinstance(stage.store, Frail) else 0
        await stage.settle()
        plain = await stage.ledger()
        await stage.store.close()
        life = Life(evening.both, apart, again=again)
        for crash in crashed:
            stage = await lived(life, evening, other, crash, asked)
            await stage.store.close()
        stage = await lived(life, evening, other, None)
        await stage.settle()
        found = Outcomes(plain, await stage.ledger(), await stage.cut_anew(), life.answered)
        await stage.store.close()
    return found


crashes = st.lists(
    st.builds(Crash, share=st.floats(0.0, 1.0), how=st.sampled_from(["power cut", "cancelled", "away"])),
    min_size=1,
    max_size=3,
)
batches = st.builds(Batches, sizes=st.lists(st.integers(3, 40), min_size=1, max_size=3).map(tuple))


@examples(8, 600)
@given(script=brief_scripts, crashed=crashes, apart=batches)
def test_told_again_after_crashes_the_ledger_is_as_if_there_had_been_none(
    sqlite_template: Path, script: Script, crashed: list[Crash], apart: Batches
) -> None:
    found = asyncio.run(outcomes(sqlite_template, heard_of(script), crashed, apart, again=True))

    assert found.survived == found.plain


@examples(6, 400)
@given(script=brief_scripts, crashed=crashes, apart=batches)
def test_never_told_again_every_answered_check_in_is_there_and_the_ledger_is_whole(
    sqlite_template: Path, script: Script, crashed: list[Crash], apart: Batches
) -> None:
    found = asyncio.run(outcomes(sqlite_template, heard_of(script), crashed, apart, again=False))

    kept = {(row[0][1:], dict(row[1:])["at"], dict(row[1:])["kind"]) for row in found.survived["check-ins"]}
    for each in found.answered:
        told = (each.observation,) if isinstance(each, Told) else each.observations
        for o in told:
            if o.check_in is not None:
                place = (o.key.session_id, o.key.user_id, o.key.item_id)
                assert (place, o.check_in.at, o.check_in.kind.value) in kept
    assert {name: found.survived[name] for name in found.anew} == found.anew
