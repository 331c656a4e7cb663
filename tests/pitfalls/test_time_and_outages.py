"""Pitfalls 1 to 10 (facts/peers.md §3): what is away, broken or asleep adds nothing, and loses nothing."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from msgspec.structs import replace

from receiver.rehearsal.steps import Close, Crash, Open, Pause, Play, Restart, Sleep, Stall
from tests.pitfalls.evening import (
    BROWSER,
    EPISODE,
    FILM,
    GUEST,
    HOUR,
    MINUTE,
    OTHER_FILM,
    PHONE,
    STRANGER,
    TELEVISION,
    VIEWER,
    Evening,
)
from tests.pitfalls.ledger import read_ledger


async def test_a_tracker_that_is_killed_counts_nothing_of_its_absence(evening: Evening) -> None:
    """1. Killed after 10 min; the client stops after 12; the tracker is back at four in the morning."""
    evening.flood = True
    evening.play(Open(FILM), Play(12 * MINUTE), Close())
    evening.killed(10 * MINUTE, 8 * HOUR)

    ledger = await evening.ledger()

    (playback,) = ledger.playbacks
    assert 600 - evening.tolerance <= playback.watched <= 720
    assert playback.ended_at <= evening.at(12 * MINUTE)
    assert not playback.completed
    assert ledger.watches == ()


@pytest.mark.parametrize("ended", [pytest.param(Crash(), id="gone"), pytest.param(Close("nothing"), id="left")])
async def test_a_server_that_is_away_for_three_hours_adds_nothing(evening: Evening, ended: Crash | Close) -> None:
    """2. The server refuses connections for 3 h after 600 s, and comes back without the session."""
    evening.play(Open(FILM), Play(600), Restart(3 * HOUR), ended)

    (playback,) = (await evening.ledger()).playbacks

    assert playback.watched == pytest.approx(600, abs=evening.tolerance)
    assert playback.ended_at <= evening.at(600 + evening.tolerance)


@pytest.mark.parametrize("how", ["deaf", "killed", "redeployed"])
async def test_a_gap_in_which_the_viewer_went_on_is_counted_because_the_position_proves_it(
    evening: Evening, how: str
) -> None:
    """3. We hear nothing for 50 min of a film that goes on."""
    evening.play(Open(FILM), Play(5700), Close())
    getattr(evening, how)(600, 3600)

    ledger = await evening.ledger()

    (playback,) = ledger.playbacks
    assert playback.watched == pytest.approx(5700, abs=evening.tolerance)
    assert [(row.completed, row.plays) for row in ledger.watches] == [(True, 1)]


@pytest.mark.parametrize("answer", [pytest.param(b"[]", id="an empty 200"), pytest.param(None, id="a 503")])
async def test_a_single_bad_poll_splits_nothing(evening: Evening, answer: bytes | None) -> None:
    """4. One look in the middle of 59 min shows no session at all, or is none."""
    evening.play(Open(FILM), Play(59 * MINUTE), Close())
    evening.look = lambda second, body: answer if 1800 <= second < 1812 else body

    (playback,) = (await evening.ledger()).playbacks

    assert playback.watched == pytest.approx(59 * MINUTE, abs=evening.tolerance)


@pytest.mark.parametrize(
    ("honest", "broken", "is_unreadable"),
    [
        pytest.param(b'"RunTimeTicks":', b'"RunTimeTicks":"a lot","Was":', True, id="a runtime in words"),
        pytest.param(b'"PlayState":{', b'"PlayState":[],"Was":{', True, id="a state that is a list"),
        pytest.param(b'"NowPlayingItem":{', b'"NowPlayingItem":null,"Was":{', False, id="no item"),
        pytest.param(b'"ProviderIds":{', b'"ProviderIds":null,"Was":{', False, id="no public ids"),
    ],
)
async def test_one_malformed_session_does_not_hide_the_others(
    evening: Evening, honest: bytes, broken: bytes, is_unreadable: bool
) -> None:
    """5. One session among three is malformed; the other two go on, and the bad one is counted."""
    evening.play(Open(FILM), Play(900), Close(), on=BROWSER, by=VIEWER)
    evening.play(Open(OTHER_FILM), Play(900), Close(), on=TELEVISION, by=GUEST)
    evening.play(Open(FILM), Play(900), Close(), on=PHONE, by=STRANGER)

    def with_one_broken(_second: float, body: bytes | None) -> bytes | None:
        if body is None:
            return None
        sessions = msgspec.json.decode(body, type=list[msgspec.Raw])
        mark = PHONE.device_id.encode()
        return msgspec.json.encode(
            [msgspec.Raw(bytes(s).replace(honest, broken)) if mark in bytes(s) else s for s in sessions]
        )

    evening.look = with_one_broken
    program = await evening.perform()
    ledger = await read_ledger(program.store)
    await program.close()

    for user in (VIEWER, GUEST):
        (playback,) = ledger.of(user)
        assert playback.watched == pytest.approx(900, abs=evening.tolerance)
    assert (program.malformed > 0) == (evening.way.has_polls and is_unreadable)


async def test_a_rolling_deploy_splits_nothing(evening: Evening) -> None:
    """6. Stopped in good order in the middle of 60 min, a new process after 5 s."""
    evening.play(Open(FILM), Play(HOUR), Close())
    evening.redeployed(1800, 1805)

    (playback,) = (await evening.ledger()).playbacks

    assert playback.watched == pytest.approx(HOUR, abs=evening.tolerance)


async def test_a_laptop_that_reports_the_same_position_for_nine_hours_watches_nothing(evening: Evening) -> None:
    """7. Listed as playing for 9 h with its position frozen, then 5 min more: one playback, by its position."""
    evening.every = 60.0
    device = replace(BROWSER, interval=60.0)
    evening.play(Open(FILM), Play(600), Stall(9 * HOUR), Play(300), Close(), on=device)

    (playback,) = (await evening.ledger()).playbacks

    assert playback.watched == pytest.approx(900, abs=max(evening.tolerance, 60.0))
    assert playback.reached == pytest.approx(900, abs=evening.tolerance)


@pytest.mark.parametrize(
    ("hours", "playbacks"),
    [
        pytest.param(7, 1, id="within the resume window"),
        pytest.param(9, 2, id="after the resume window, another sitting"),
    ],
)
async def test_a_closed_lid_watches_nothing(evening: Evening, hours: float, playbacks: int) -> None:
    """7. The lid is closed for hours, the server cleans up by itself, and the client goes on where it was."""
    evening.play(Open(FILM), Play(600), Sleep(hours * HOUR), Play(300), Close())

    ledger = await evening.ledger()

    assert len(ledger.playbacks) == playbacks
    # The client reports nothing when the lid closes: what lies between its last report and that, nobody can know.
    assert ledger.watched == pytest.approx(900, abs=evening.tolerance + BROWSER.interval)


async def test_a_pause_over_midnight_counts_for_the_day_on_which_it_was_completed(evening: Evening) -> None:
    """8. 40 min, a pause of 6 h, 20 min more on the same device: one play, on the day of its end."""
    evening.every = 30.0
    film, player = replace(FILM, runtime=65 * MINUTE), replace(TELEVISION, interval=30.0)
    evening.play(Open(film), Play(40 * MINUTE), Pause(6 * HOUR), Play(20 * MINUTE), Close(), on=player)

    ledger = await evening.ledger()

    (playback,) = ledger.playbacks
    (row,) = ledger.watches
    assert playback.watched == pytest.approx(HOUR, abs=evening.tolerance)
    assert (row.day, row.plays, row.completed) == ("2026-03-03", 1, True)


@pytest.mark.parametrize("server", ["10.11.8", "12.0.0"])
async def test_a_crashed_client_ends_at_its_last_report_whenever_the_server_notices(
    evening: Evening, server: str
) -> None:
    """9. The client dies after 30 min; the server stops the session 5 to 10 min later, at a position it guessed."""
    evening.server = server
    device = replace(BROWSER, interval=5.0)
    evening.play(Open(FILM), Play(1800), Crash(half_open=True), on=device)

    (playback,) = (await evening.ledger()).playbacks

    assert playback.watched == pytest.approx(1800, abs=device.interval + 1)
    assert playback.ended_at <= evening.at(1801)
    assert playback.reached <= 1801


async def test_neither_skewed_clocks_nor_summer_time_change_a_duration(evening: Evening) -> None:
    """10. The server is 7 min ahead, and the viewer's clock goes from 03:00 back to 02:00 during the play."""
    evening.clock_offset = 7 * MINUTE
    evening.began = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)
    evening.zone = ZoneInfo("Europe/Berlin")
    evening.play(Open(EPISODE), Play(EPISODE.runtime), Close())

    ledger = await evening.ledger()

    (playback,) = ledger.playbacks
    (row,) = ledger.watches
    assert playback.watched == pytest.approx(EPISODE.runtime, abs=evening.tolerance)
    assert abs((playback.started_at - evening.at(0)).total_seconds()) <= evening.tolerance
    assert (row.day, row.completed) == ("2026-10-25", True)
