"""The canary sings in a process of its own, and says what it found."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from receiver.api.status import notices_of
from receiver.canary import MODES, Canary, Song
from tests.receiver.houses import NINE_PM, Clock, program
from tests.receiver.pages.visitors import owner


async def test_an_evening_is_played_over_each_channel_and_comes_out_right(tmp_path: Path) -> None:
    canary = Canary(tmp_path / "canary", Clock(NINE_PM))

    await canary.sing()

    assert tuple(canary.songs) == MODES
    assert [song.error for song in canary.songs.values()] == [None] * 3
    assert all(song.true for song in canary.songs.values())
    assert canary.faults == 0
    assert not (tmp_path / "canary").exists()


async def test_where_no_process_can_be_started_that_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    canary = Canary(tmp_path / "canary", Clock())
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))

    await canary.sing()

    assert all("It could not be begun" in str(song.error) for song in canary.songs.values())


def test_what_polls_cannot_know_raises_no_alarm() -> None:
    assert Song("poll", NINE_PM, true=2, wrong=1).faults == 0
    assert Song("poll", NINE_PM, true=2, missed=1).faults == 1
    assert Song("both", NINE_PM, true=2, wrong=1).faults == 1


async def test_a_wrong_ledger_is_told_of(tmp_path: Path) -> None:
    async with program(tmp_path) as here, owner(here) as visitor:
        before = await visitor.get("/admin/health")
        here.house.canary.songs = {
            "webhook": Song("webhook", NINE_PM, true=2, doubled=1, median_seconds=0.1, worst_seconds=4.0),
            "poll": Song("poll", NINE_PM, error="It took too long."),
        }
        after = await visitor.get("/admin/health")
        counted = await here.http.get("/metrics")
        notices = notices_of(here.house, None, None)

    assert "The first one is played five minutes after the start." in before.text
    assert "0, 0, 1" in after.text
    assert "It took too long." in after.text
    assert "playledger_canary_faults 1.0" in counted.text
    assert any("made-up evening" in each for each in notices)
