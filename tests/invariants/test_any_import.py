"""Rows of another tool among what is heard live: any order and any repetition, and minutes that count once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from receiver.rehearsal.library import SERVER_ID, USERS
from receiver.rehearsal.script import Script
from reconcile.importing import observation
from reconcile.playback.imports import Play
from reconcile.recording import link_new
from reconcile.store.imports import Staged
from tests.invariants.effort import examples
from tests.invariants.hearing import Disorder, Evening, Heard, Told, heard_of
from tests.invariants.ledger import Ledger
from tests.invariants.scripts import brief_scripts, disorders
from tests.invariants.stage import Batches, Stage, copied, staged
from tests.invariants.test_any_order import PLAIN, batches


class Row(msgspec.Struct, frozen=True):
    """A row about what is heard at a *place* of an evening (a share of it): so far off, so long."""

    place: float
    off: float
    seconds: float
    source: str

    def told(self, evening: Evening) -> Told:
        """Return it as it is heard: at once, whenever it was."""
        heard = evening.told[min(len(evening.told) - 1, int(self.place * len(evening.told)))]
        said = heard.observation
        began = said.observed_at + timedelta(seconds=self.off)
        play = Play(said.key.user_id, said.key.item_id, began, self.seconds, "row 1", said.item)
        staged_row = Staged(1, said.key.server_id, said.key.user_id, play, is_applied=False)
        return Told(heard.arrives_at, observation(staged_row, self.source, began))


rows = st.lists(
    st.builds(
        Row,
        place=st.floats(0, 1),
        off=st.integers(-4000, 4000).map(float),
        seconds=st.integers(20, 6000).map(float),
        source=st.sampled_from(["playback-reporting", "jellystat"]),
    ),
    min_size=1,
    max_size=6,
)


@examples(8, 1000)
@given(script=brief_scripts, told=rows, disorder=disorders, apart=batches)
def test_imports_among_what_is_heard_in_any_order_give_the_same_ledger(
    sqlite_template: Path, script: Script, told: list[Row], disorder: Disorder, apart: Batches
) -> None:
    asyncio.run(_in_any_order(sqlite_template, heard_of(script), told, disorder, apart))


async def _in_any_order(template: Path, evening: Evening, told: list[Row], disorder: Disorder, apart: Batches) -> None:
    heard = _mixed(evening, told)
    with copied(template) as one, copied(template) as other:
        plain = await _ledger(one, evening, heard, PLAIN)
        mixed = await _ledger(other, evening, disorder.of(heard), apart)
    assert mixed == plain


def _mixed(evening: Evening, told: list[Row]) -> list[Heard]:
    return [*evening.both, *(row.told(evening) for row in told if evening.told)]


async def _ledger(url: str, evening: Evening, heard: Sequence[Heard], apart: Batches) -> Ledger:
    """Play *heard* where everybody is recorded from the beginning: an import makes nobody known."""
    async with _welcomed(url, evening) as stage:
        await stage.play(heard, apart)
        return await stage.ledger()


@asynccontextmanager
async def _welcomed(url: str, evening: Evening) -> AsyncIterator[Stage]:
    async with staged(url, evening) as stage:
        async with stage.store.begin() as db:
            for user in USERS:
                await link_new(db, SERVER_ID, user.id, user.name, "test", evening.recording.began)
            await stage.people.load(db)
        yield stage


@examples(8, 1000)
@given(script=brief_scripts, told=rows)
def test_imports_change_nothing_of_what_was_seen_live(sqlite_template: Path, script: Script, told: list[Row]) -> None:
    evening = heard_of(script)
    live, both = asyncio.run(_with_and_without(sqlite_template, evening, told))

    def seen(ledger: Ledger) -> list[object]:
        names = ("started_at", "ended_at", "watched_seconds", "covered", "ended_by")
        found = [dict(row[3:]) for row in ledger["playbacks"]]
        return [[each[name] for name in names] for each in found if each["ended_by"] != "imported"]

    assert seen(both) == seen(live)


async def _with_and_without(template: Path, evening: Evening, told: list[Row]) -> tuple[Ledger, Ledger]:
    with copied(template) as one, copied(template) as other:
        return await _ledger(one, evening, evening.both, PLAIN), await _ledger(
            other, evening, _mixed(evening, told), PLAIN
        )


@examples(8, 1000)
@given(script=brief_scripts, told=rows, apart=batches)
def test_what_is_kept_with_imports_is_what_cutting_all_of_it_anew_makes(
    sqlite_template: Path, script: Script, told: list[Row], apart: Batches
) -> None:
    asyncio.run(_as_cut_anew(sqlite_template, heard_of(script), told, apart))


async def _as_cut_anew(template: Path, evening: Evening, told: list[Row], apart: Batches) -> None:
    with copied(template) as url:
        async with _welcomed(url, evening) as stage:
            await stage.play(_mixed(evening, told), apart)
            kept, anew = await stage.current(), await stage.cut_anew()
    assert kept == anew
