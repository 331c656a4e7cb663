"""Evenings one after another: there is always something on, nothing twice, and nothing is left behind."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from receiver.rehearsal.face import Face
from receiver.rehearsal.library import library
from receiver.rehearsal.performance import Performance
from receiver.rehearsal.season import BETWEEN, Season, evening
from receiver.rehearsal.sender import Sender
from receiver.rehearsal.steps import Open
from tests.receiver.houses import NINE_PM, WEBHOOK, WEBHOOK_TOKEN, Clock, program
from tests.receiver.pages.visitors import browser

KEY = "an-api-key-of-the-household"


def opened(number: int) -> list[str]:
    """Return what is opened on an evening, by id."""
    steps = (step for programme in evening(NINE_PM, number).programmes for step in programme.steps)
    return [step.item.id for step in steps if isinstance(step, Open)]


def season(clock: Clock) -> Season:
    return Season(Face(Performance(evening(clock.at), flood=False), library(), clock, KEY))


def test_no_episode_is_seen_twice_before_all_were_seen() -> None:
    seen = [item for number in range(64) for item in opened(number)[:2]]

    assert len(seen) == len(set(seen)) == 128
    assert opened(64)[:2] == opened(0)[:2]


def test_whoever_follows_a_series_sees_its_episodes_in_order() -> None:
    series = library().episodes[3]

    seen = [item for number in range(3, 64, 8) for item in opened(number)[:2]]

    assert seen == [item.id for item in series]
    assert {evening(NINE_PM, number).programmes[0].user for number in range(3, 64, 8)} == {
        evening(NINE_PM, 3).programmes[0].user
    }


def test_after_a_day_something_still_plays_most_of_the_time() -> None:
    clock = Clock()
    it, playing, evenings = season(clock), 0, set()
    for _ in range(24 * 12):
        clock.at += timedelta(minutes=5)
        it.performance.advance(clock.at)
        it.performance.take()
        if it.is_over(clock.at):
            it.go_on(clock.at)
        sessions = it.performance.sessions(clock.at) or b""
        playing += b"NowPlayingItem" in sessions
        evenings.add(it.number)

    assert playing > 0.9 * 24 * 12
    assert len(evenings) >= 12


@pytest.mark.parametrize("after", [BETWEEN, 600.0], ids=["before another", "before the end"])
def test_an_evening_is_over_when_all_have_left_and_not_before(after: float) -> None:
    clock = Clock()
    it = season(clock)
    last = max(player.now for player in it.performance.players)

    assert not it.is_over(NINE_PM + timedelta(seconds=last + after - 1), after)
    assert it.is_over(NINE_PM + timedelta(seconds=last + after + 1), after)


async def test_the_ledger_of_two_evenings_is_what_was_played(tmp_path: Path) -> None:
    clock = Clock()
    it = season(clock)
    async with program(tmp_path, clock=clock) as here, browser(here) as plugin:
        sender = Sender(plugin, WEBHOOK, WEBHOOK_TOKEN)
        while it.number < 2:
            clock.at += timedelta(minutes=1)
            await sender.catch_up(it.performance, clock.at)
            if it.is_over(clock.at):
                it.go_on(clock.at)
        history = (await here.get("/history"))["items"]
        playbacks = (await here.get("/playbacks"))["items"]

    assert len(playbacks) == 6
    assert len(history) == 5  # the first film was left halfway
    assert {each["ended_by"] for each in playbacks} == {"stop"}
    assert set(sender.answers) == {202}
