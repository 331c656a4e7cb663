"""The line of a playback shows what happened, whatever happened, and says the same in words."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone, tzinfo
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.pages.pictures.line import NARROW, WIDE, line, line_for_any_width
from receiver.pages.pictures.line_words import MOST, line_in_words
from receiver.pages.pictures.story import Story, story
from receiver.pages.pictures.svg import Size
from receiver.pages.pictures.visible import visible
from reconcile.playback.check_in import Channel, CheckIn, Kind
from tests.receiver.pages.pictures.looking import count, looked_at, texts
from tests.receiver.pages.pictures.rows import told
from tests.reconcile.playback.evenings import DEFAULTS, at, check_in

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [UTC, BERLIN, ZoneInfo("Asia/Kathmandu"), ZoneInfo("Pacific/Kiritimati"), timezone(timedelta(hours=-12))]


def played(since: float, until: float, ahead: float = 0.0, channel: Channel = Channel.WEBHOOK) -> list[CheckIn]:
    """Return a report every 10 s; the positions are *ahead* of the clock by so much."""
    return [
        check_in(second, second + ahead, channel=channel)
        for second in (since + 10 * n for n in range(int((until - since) / 10) + 1))
    ]


def paused(since: float, until: float, position: float) -> list[CheckIn]:
    return [check_in(since + 10 * n, position, Kind.PAUSED) for n in range(int((until - since) / 10))]


def evening() -> Story:
    """Play, pause for 4 min, skip 210 s ahead, say nothing for 10 min, go back 300 s, stop."""
    return told(
        *played(4, 1680),
        *paused(1690, 1930, 1690),
        *played(1930, 2700, -240, Channel.POLL),
        *played(2710, 3000, -30),
        *played(3600, 3900, -30, Channel.SOCKET),
        *played(3910, 5000, -330),
        check_in(5010, 4680, Kind.STOPPED),
    )


def test_an_evening_is_told_in_order_with_its_pauses_jumps_and_gaps() -> None:
    said = line_in_words(evening(), BERLIN)

    assert said == [
        "21:00 began at 0:00",
        "21:28 to 21:32 paused at 28:10 for 4 min",
        "21:45 skipped from 41:10 to 44:40",
        "no evidence from 21:50 to 22:00 (10 min); meanwhile it went from 49:30 to 59:30",
        "22:05 went back from 1:04:30 to 59:40",
        "22:23 ended at 1:18:00 by a stop",
    ]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_an_evening_is_drawn_with_every_way_of_going_and_every_channel(size: Size) -> None:
    root = looked_at(line("one", evening(), BERLIN, size))

    for class_ in ("pic-played", "pic-paused", "pic-jumped", "pic-silent", "pic-no-evidence", "pic-stop"):
        assert count(root, class_) >= 1, class_
    for class_ in ("pic-webhook", "pic-poll", "pic-socket"):
        assert count(root, class_) > 1, class_
    assert {"85 %", "1:40:00", "0:00", "22:00", "webhook", "jump", "no evidence"} <= set(texts(root))


def shared(until: float, *others: Channel) -> Story:
    """Return an hour of webhooks, of which those until that second were told by *others* too."""
    both = [msgspec.structs.replace(each, channels=each.channels | set(others)) for each in played(0, until)]
    return told(*both, *played(until + 10, 3600))


def test_a_check_in_that_two_channels_told_of_shows_both() -> None:
    root = looked_at(line("one", shared(1790, Channel.POLL), UTC))

    assert count(root, "pic-also") > 5
    assert count(root, "pic-also-poll") > 5
    assert count(root, "pic-webhook") > count(root, "pic-also-poll")
    assert {"webhook", "poll", "around another: told it too"} <= set(texts(root))


def test_both_channels_are_said_in_words_too() -> None:
    it = shared(1790, Channel.POLL, Channel.SOCKET)
    said = "180 of 361 check-ins were told by more than one channel: webhook, socket and poll"

    assert line_in_words(it, UTC)[-1] == said
    assert said in (looked_at(line("one", it, UTC)).findtext("desc") or "")


def test_where_each_check_in_came_by_one_channel_nothing_is_said_of_that() -> None:
    root = looked_at(line("one", evening(), UTC))

    assert count(root, "pic-also") == 0
    assert not any("more than one channel" in said for said in line_in_words(evening(), UTC))


def test_both_sizes_stand_on_one_page_without_an_id_in_common() -> None:
    both = str(line_for_any_width("one", evening(), BERLIN))

    assert both.count('id="pic-one-wide"') == both.count('id="pic-one-narrow"') == 1


def test_a_stop_that_was_come_back_to_is_no_pause() -> None:
    stopped = check_in(910, 910, Kind.STOPPED)
    said = line_in_words(told(*played(0, 900), stopped, *played(2400, 3000, -1490), runtime=None), UTC)

    assert said[1] == "20:15 to 20:40 stopped at 15:10, then went on"
    assert said[-1] == "20:50 ended at 25:10: nothing more was heard"


def test_the_threshold_is_told_where_it_was_passed() -> None:
    said = line_in_words(told(*played(0, 5600), check_in(5610, kind=Kind.STOPPED)), UTC)

    assert said == ["20:00 began at 0:00", "21:25 passed 85 %, which is 1:25:00", "21:33 ended at 1:33:30 by a stop"]


def test_the_day_is_named_where_it_is_another() -> None:
    said = line_in_words(told(*played(3 * 3600, 5 * 3600, -3 * 3600), runtime=9000), UTC)

    assert said[-1] == "3 Mar 01:00 ended at 2:00:00: nothing more was heard"


def test_one_that_still_plays_is_only_last_heard_of() -> None:
    assert line_in_words(told(*played(0, 60), now=at(70)), UTC)[-1] == "20:01 last heard of at 1:00"


def test_without_positions_there_is_an_empty_picture_that_says_so() -> None:
    it = told(check_in(0, known=False), check_in(60, known=False))

    assert "No player told a position." in texts(looked_at(line("one", it, UTC)))
    assert line_in_words(it, UTC)[:2] == ["20:00 began", "no player told a position"]


def test_an_unknown_runtime_has_no_threshold_to_draw() -> None:
    root = looked_at(line("one", told(*played(0, 600), runtime=None), UTC))

    assert count(root, "pic-threshold") == count(root, "pic-ceiling") == 0
    assert "of unknown length" in (root.findtext("desc") or "")


def test_seven_hundred_reports_of_a_straight_line_are_drawn_as_few() -> None:
    root = looked_at(line("one", told(*played(0, 7000), runtime=7200), UTC))

    assert 30 <= count(root, "pic-spot") <= 160


def test_thinning_keeps_the_corners() -> None:
    zigzag = [(float(x), 100.0 if (x // 50) % 2 else 0.0) for x in range(600)]

    kept = visible(zigzag, corners=90, apart=1000)

    corners = [x for x in range(1, 599) if zigzag[x - 1][1] != zigzag[x][1] or zigzag[x + 1][1] != zigzag[x][1]]
    assert set(corners) <= set(kept)
    assert len(kept) <= len(corners) + 2


@settings(deadline=None)
@given(
    places=st.lists(st.tuples(st.floats(0, 700), st.floats(0, 300)), max_size=300).map(sorted),
    corners=st.integers(2, 90),
)
def test_thinning_is_bounded_and_keeps_the_ends(places: list[tuple[float, float]], corners: int) -> None:
    kept = visible(places, corners, apart=11)

    assert len(kept) <= corners + 700 / 11 + 1
    assert kept == sorted(set(kept))
    assert not places or {0, len(places) - 1} <= set(kept)


INSTANTS = st.datetimes(timezones=st.just(UTC)) | st.integers(0, 40_000).map(at)
ANY_FLOAT = st.floats() | st.floats(-100, 10_000)
MAYBE = st.none() | ANY_FLOAT


@st.composite
def line_rows(draw: st.DrawFn) -> dict[str, Any]:
    when = draw(INSTANTS)
    return {
        "at": when,
        "kind": draw(st.sampled_from([kind.value for kind in Kind])),
        "position": draw(MAYBE),
        "reported": draw(st.booleans()),
        "seen_at": draw(INSTANTS | st.just(when)),
        "sighted_until": draw(INSTANTS | st.just(when)),
        "channels": draw(st.integers(0, 31)),
    }


ANY_ROW = st.fixed_dictionaries(
    {
        "runtime_seconds": MAYBE,
        "started_at": INSTANTS,
        "first_at": INSTANTS,
        "last_at": INSTANTS,
        "ended_at": st.none() | INSTANTS,
        "ended_by": st.sampled_from([None, "stop", "idle", "absence", "superseded", "restart", "silence"]),
        "open": st.booleans(),
        "position_seconds": MAYBE,
        "covered": st.lists(st.lists(ANY_FLOAT, min_size=2, max_size=2), max_size=60),
        "completed_at": st.none() | INSTANTS,
    }
)


@settings(deadline=None)
@given(row=ANY_ROW, rows=st.lists(line_rows(), max_size=30), zone=st.sampled_from(ZONES))
def test_whatever_is_in_the_rows_can_be_drawn_and_told(
    row: dict[str, Any], rows: list[dict[str, Any]], zone: tzinfo
) -> None:
    it = story(row, rows, DEFAULTS)

    for size in (WIDE, NARROW):
        looked_at(line("any", it, zone, size))
    assert 2 <= len(line_in_words(it, zone)) <= MOST + 1


@pytest.mark.parametrize("seed", range(5))
def test_the_wildest_evening_stays_small(seed: int) -> None:
    random = Random(seed)
    kinds = (Kind.PLAYING, Kind.PAUSED)
    it = told(*(check_in(7.0 * n, random.uniform(0, 4000), random.choice(kinds)) for n in range(1500)))

    assert count(looked_at(line("wild", it, UTC)), "pic-spot") <= 160
    assert len(line_in_words(it, UTC)) <= MOST + 1


def test_times_are_those_of_the_zone_where_it_was_watched() -> None:
    it = told(*played(0, 3600))

    assert "21:00" in texts(looked_at(line("one", it, UTC)))
    assert "02:30" in texts(looked_at(line("one", it, ZoneInfo("Asia/Kathmandu"))))
