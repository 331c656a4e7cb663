"""Pitfalls 29 to 33 (facts/peers.md §3): completed is what was really played through, and nothing else."""

import pytest
from msgspec.structs import replace

from receiver.rehearsal.steps import Close, Open, Play, PlayTo, Seek, Wait
from reconcile.playback.rules import Rules
from tests.pitfalls.evening import EPISODE, FILM, MINUTE, Evening

DAY = 86400.0


async def test_a_skip_to_the_end_completes_nothing(evening: Evening) -> None:
    """29. 31 s watched, then a jump to 95.8 %."""
    evening.play(Open(FILM), Play(31), Seek(0.958 * FILM.runtime - 31), Play(15), Close())

    ledger = await evening.ledger()

    (playback,) = ledger.playbacks
    assert playback.watched == pytest.approx(46, abs=2 * evening.tolerance)
    assert playback.verdict == "too_short"
    assert playback.server_completed is (True if evening.way.has_webhooks else None), "kept beside it, deciding nothing"
    assert ledger.watches == ()


async def test_where_coverage_is_required_a_longer_look_before_the_skip_completes_nothing_either(
    evening: Evening,
) -> None:
    """29. 10 min watched, then a jump to 95.8 %; the account wants to have seen what it counts."""
    evening.rules = Rules(require_coverage=True)
    evening.play(Open(FILM), Play(600), Seek(0.958 * FILM.runtime - 600), Play(60), Close())

    ledger = await evening.ledger()

    assert [each.verdict for each in ledger.playbacks] == ["skipped"]
    assert "really seen" in ledger.playbacks[0].sentence
    assert ledger.playbacks[0].server_completed is (True if evening.way.has_webhooks else None)
    assert ledger.watches == ()


@pytest.mark.parametrize(
    ("share", "completed"),
    [
        pytest.param(0.88, True, id="stopped at the credits, at 88 %"),
        pytest.param(0.89, True, id="stopped by what is up next, at 89 %"),
        pytest.param(0.83, False, id="stopped before the threshold, at 83 %"),
    ],
)
async def test_who_stops_at_the_credits_has_seen_it(evening: Evening, share: float, completed: bool) -> None:
    """30. Completed from 85 % on, whatever the server's own 90 % say."""
    evening.play(Open(EPISODE), PlayTo(share * EPISODE.runtime), Close())

    ledger = await evening.ledger()

    assert [each.completed for each in ledger.playbacks] == [completed]
    assert {each.server_completed for each in ledger.playbacks} <= {False, None}
    assert len(ledger.watches) == completed


async def test_who_resumes_for_the_last_ten_minutes_has_watched_ten_minutes(evening: Evening) -> None:
    """31. Starts at 80 min and watches 10: not 90 min, and it completes what the evening before began."""
    evening.play(
        *(Open(FILM), Play(80 * MINUTE), Close(), Wait(DAY)),
        *(Open(FILM, 80 * MINUTE), Play(10 * MINUTE), Close()),
    )

    ledger = await evening.ledger()

    first, second = ledger.playbacks
    assert second.watched == pytest.approx(600, abs=evening.tolerance)
    assert second.covered == pytest.approx(600, abs=evening.tolerance)
    assert (first.completed, second.completed) == (False, True)
    assert "watched 90 min" in second.sentence
    assert [(row.day, row.plays) for row in ledger.watches] == [("2026-03-03", 1)]


async def test_a_loop_is_watched_again_and_again_and_seen_once(evening: Evening) -> None:
    """32. 20 min of play inside a loop of 5 min."""
    evening.play(Open(FILM), Play(300), *(Seek(-300), Play(300)) * 3, Close())

    ledger = await evening.ledger()

    (playback,) = ledger.playbacks
    # Polls lose up to one interval around each seek (DESIGN §2, invariant 2).
    assert playback.watched == pytest.approx(1200, abs=evening.tolerance * (1 if evening.way.has_webhooks else 4))
    assert playback.covered == pytest.approx(300, abs=evening.tolerance)
    assert ledger.watches == ()


async def test_a_short_of_100_seconds_can_be_completed(evening: Evening) -> None:
    """33. The minimum of 120 s is half the runtime where that is less."""
    short = replace(FILM, runtime=100.0)
    evening.play(Open(short), PlayTo(100), Close())

    ledger = await evening.ledger()

    assert [(row.completed, row.plays) for row in ledger.watches] == [(True, 1)]


@pytest.mark.parametrize("told", ["position", "null", "zero"])
async def test_an_item_without_a_runtime_is_never_completed_by_itself(evening: Evening, told: str) -> None:
    """33. Nothing is divided by zero; the playback is kept, to be judged when the runtime is learnt."""
    unknown = replace(FILM, runtime_known=False)
    close = {"position": Close(), "null": Close("null"), "zero": Close("zero")}[told]
    evening.play(Open(unknown), Play(1200), close)

    ledger = await evening.ledger()

    (playback,) = ledger.playbacks
    assert playback.watched == pytest.approx(1200, abs=evening.tolerance)
    assert playback.verdict == "unknown_runtime"
    assert ledger.watches == ()
