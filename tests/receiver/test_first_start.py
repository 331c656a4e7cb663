"""The link of the first start: printed until the set-up was finished once, and at every start of the demonstration."""

from __future__ import annotations

from pathlib import Path

from receiver import first_start
from receiver.commands.serve import link_of, welcome
from tests.receiver.houses import program


async def test_the_link_is_printed_until_the_set_up_is_finished(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        before = await link_of(here.house, is_open=False)
        async with here.house.store.begin() as db:
            await first_start.finish(db, here.clock())
        after = await link_of(here.house, is_open=False)
        of_demo = await link_of(here.house, is_open=True)
        lines = list(welcome(here.house.settings, 8484, before))
        without = list(welcome(here.house.settings, 8484, after))

    assert before is not None
    assert after is None
    assert of_demo is not None
    assert f"  http://127.0.0.1:8484{before}" in lines
    assert "listens on" in lines[-1]
    assert not any("/welcome/" in line for line in without)


async def test_a_process_that_does_not_record_prints_none(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        here.house.webhook.waits_for = "another process records"
        found = await link_of(here.house, is_open=True)

    assert found is None
