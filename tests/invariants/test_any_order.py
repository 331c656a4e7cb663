"""Any order, any repetition: every permutation and duplication of the same evidence gives the same ledger."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from receiver.rehearsal.script import Script
from tests.invariants.effort import examples
from tests.invariants.hearing import Disorder, Evening, Heard, generated, heard_of
from tests.invariants.pure import playbacks, verdicts
from tests.invariants.scripts import brief_scripts, disorders, odd_scripts, seeds
from tests.invariants.stage import Batches, copied, played, split, staged
from tests.postgres import Postgres

batches = st.builds(
    Batches,
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=4).map(tuple),
    tending=st.integers(1, 6),
)
large_batches = st.builds(Batches, sizes=st.lists(st.integers(30, 200), min_size=1, max_size=4).map(tuple))
versions = st.sampled_from([21, 14])

PLAIN = Batches((60,))
"""An ordinary evening: arrivals in order, with time to tend between."""


# --- the pure core ---------------------------------------------------------------------------------------------------


@examples(40, 5000)
@given(script=odd_scripts, version=versions, disorder=disorders)
def test_the_pure_core_makes_the_same_of_any_order(script: Script, version: int, disorder: Disorder) -> None:
    evening = heard_of(script, version)
    mixed = disorder.of(evening.both)

    one, other = playbacks(evening.both, evening.recording.until), playbacks(mixed, evening.recording.until)

    assert other == one
    assert verdicts(other, mixed) == verdicts(one, evening.both)


# --- the whole program -----------------------------------------------------------------------------------------------


@examples(4, 1000)
@given(script=odd_scripts, version=versions, disorder=disorders, apart=batches)
def test_a_written_evening_in_any_order_gives_the_same_ledger(
    sqlite_template: Path, script: Script, version: int, disorder: Disorder, apart: Batches
) -> None:
    asyncio.run(_in_any_order(sqlite_template, heard_of(script, version), disorder, apart))


@examples(10, 1000)
@given(script=brief_scripts, version=versions, disorder=disorders, apart=batches)
def test_a_few_minutes_in_any_order_give_the_same_ledger(
    sqlite_template: Path, script: Script, version: int, disorder: Disorder, apart: Batches
) -> None:
    asyncio.run(_in_any_order(sqlite_template, heard_of(script, version), disorder, apart))


@examples(1, 200)
@given(seed=seeds, version=versions, disorder=disorders, apart=large_batches)
def test_a_generated_evening_in_any_order_gives_the_same_ledger(
    sqlite_template: Path, seed: int, version: int, disorder: Disorder, apart: Batches
) -> None:
    asyncio.run(_in_any_order(sqlite_template, generated(seed, plugin_version=version), disorder, apart))


async def _in_any_order(template: Path, evening: Evening, disorder: Disorder, apart: Batches) -> None:
    with copied(template) as one, copied(template) as other:
        plain = await played(one, evening, evening.both, PLAIN)
        mixed = await played(other, evening, disorder.of(evening.both), apart)
    assert mixed == plain


@examples(3, 100)
@given(script=brief_scripts, version=versions, disorder=disorders, apart=batches)
def test_postgresql_makes_the_same_ledger_of_any_order_as_sqlite_of_the_right_one(
    sqlite_template: Path,
    postgres: Postgres,
    postgres_template: str,
    script: Script,
    version: int,
    disorder: Disorder,
    apart: Batches,
) -> None:
    async def both() -> None:
        evening = heard_of(script, version)
        with copied(sqlite_template) as url:
            plain = await played(url, evening, evening.both, PLAIN)
        mixed = await played(postgres.new_database(postgres_template), evening, disorder.of(evening.both), apart)
        assert mixed == plain

    asyncio.run(both())


# --- settling by parts -----------------------------------------------------------------------------------------------


@examples(8, 600)
@given(script=brief_scripts, version=versions, disorder=disorders, apart=batches)
def test_after_every_batch_the_ledger_is_what_cutting_everything_again_makes_of_it(
    sqlite_template: Path, script: Script, version: int, disorder: Disorder, apart: Batches
) -> None:
    """But for what is open: what a look merely still shows is cut again only at its next check-in, or its limit."""
    evening = heard_of(script, version)
    asyncio.run(_by_parts(sqlite_template, evening, disorder.of(evening.both), apart))


async def _by_parts(template: Path, evening: Evening, heard: list[Heard], apart: Batches) -> None:
    with copied(template) as url:
        async with staged(url, evening) as stage:
            for part in split(heard, apart):
                await stage.take(part)
                await stage.tend()
                assert await stage.current() == await stage.cut_anew()
