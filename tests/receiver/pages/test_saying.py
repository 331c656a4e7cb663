"""What the pages say is what people say."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.pages import saying
from receiver.pages.saying import Toward, counts_in
from reconcile.playback.check_in import Kind
from reconcile.playback.edges import EndedBy
from reconcile.playback.rules import Rules
from tests.receiver.pages.pictures.rows import row_of
from tests.reconcile.playback.evenings import DEFAULTS, EIGHT_PM, at, check_in

BERLIN = ZoneInfo("Europe/Berlin")
STRICT = msgspec.structs.replace(DEFAULTS, require_coverage=True)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (45.4, "45 s"),
        (119.4, "119 s"),
        (119.6, "2 min"),
        (52 * 60, "52 min"),
        (3569, "59 min"),
        (3571, "1 h 00 min"),
        (3840, "1 h 04 min"),
        (312.4 * 3600, "312 h"),
        (-0.2, "0 s"),
        (-90, "-90 s"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_durations(seconds: float | None, said: str) -> None:
    assert saying.for_long(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0:00"), (59.9, "0:59"), (1690, "28:10"), (3730, "1:02:10"), (-3, "0:00"), (None, "–"), (float("inf"), "–")],
)
def test_positions(seconds: float | None, said: str) -> None:
    assert saying.position(seconds) == said


@pytest.mark.parametrize(("percent", "said"), [(84.99, "84 %"), (85.0, "85 %"), (100.0, "100 %"), (None, "–")])
def test_shares_are_rounded_down(percent: float | None, said: str) -> None:
    assert saying.share_in_words(percent) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (3, "just now"),
        (-3, "just now"),
        (40, "40 s ago"),
        (260, "4 min ago"),
        (3 * 3600, "3 h ago"),
        (2 * 86400, "2 days ago"),
        (90 * 86400, "3 months ago"),
        (1100 * 86400, "3 years ago"),
        (-240, "in 4 min"),
    ],
)
def test_how_long_ago(seconds: float, said: str) -> None:
    assert saying.ago(EIGHT_PM - timedelta(seconds=seconds), EIGHT_PM) == said


def test_what_never_happened_was_never() -> None:
    assert (saying.ago(None, EIGHT_PM), saying.at(None, UTC)) == ("never", "–")


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2026, 11, 22), "today"),
        (date(2026, 11, 21), "yesterday"),
        (date(2026, 11, 23), "tomorrow"),
        (date(2026, 11, 16), "Monday"),
        (date(2026, 11, 15), "Sun 15 November"),
        (date(2025, 11, 14), "14 November 2025"),
    ],
)
def test_days_have_the_names_that_people_use(day: date, said: str) -> None:
    assert saying.day_in_words(day, date(2026, 11, 22)) == said


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            "not counted: marked as not me by viewer on 2026-11-21",
            "not counted: marked as not me by viewer on 21 November",
        ),
        (
            "2025-11-22 viewer: A Film, would now count: reached 90 %",
            "22 November 2025, viewer: A Film, would now count: reached 90 %",
        ),
        (
            "viewer: the badge «Ten films» is earned, on 2026-03-02",
            "viewer: the badge «Ten films» is earned, on 2 March",
        ),
        (
            "viewer: the badge «Ten films» was earned on 2026-03-02, not on 2025-12-31",
            "viewer: the badge «Ten films» was earned on 2 March, not on 31 December 2025",
        ),
        ("2026-11-22 viewer: Live on 2026-11-20, now counts", "22 November, viewer: Live on 2026-11-20, now counts"),
        ("2026-13-45 viewer: A Film", "2026-13-45, viewer: A Film"),
        ("counted: reached 96 % of 58 min", "counted: reached 96 % of 58 min"),
    ],
    ids=["marked", "of another year", "a badge", "two dates", "a title with a date", "no such date", "no date"],
)
def test_a_sentence_of_the_ledgers_says_its_dates_as_people_do(told: str, said: str) -> None:
    assert saying.dated(told, date(2026, 11, 22)) == said


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (None, "21:00"),
        (date(2026, 3, 2), "21:00"),
        (date(2026, 3, 3), "2 Mar 21:00"),
        (date(2027, 1, 1), "2 Mar 2026 21:00"),
    ],
    ids=["no day", "the same day", "another day", "another year"],
)
def test_a_time_names_its_day_where_that_is_another(day: date | None, said: str) -> None:
    assert saying.at(EIGHT_PM, BERLIN, day) == said


@pytest.mark.parametrize(
    ("it", "rules", "said"),
    [
        (Toward(0, 0, None), DEFAULTS, "cannot count yet: the runtime is not known"),
        (Toward(5028, 5028, 6000, 5028), DEFAULTS, "counts in 1:12"),
        (Toward(5028, 5028, 6000, 4000), DEFAULTS, "counts in 18:20"),
        (Toward(5100, 5100, 6000, 5100), DEFAULTS, "counts"),
        (Toward(5200, 5000, 6000, 100), DEFAULTS, "counts"),
        (Toward(5200, 20, 6000, 5200), DEFAULTS, "counts in 1:40"),
        (Toward(5950, 20, 6000, 5950), DEFAULTS, "will not count: watched 20 s, the minimum is 2 min"),
        (Toward(80, 80, 100, 80), DEFAULTS, "counts in 0:05"),
        (Toward(5200, 4000, 6000, 5200, 4000), STRICT, "will not count: too much was skipped, 85 % must be seen"),
        (Toward(4000, 4000, 6000, 4000, 3900), STRICT, "counts in 20:00"),
        (Toward(5000, 5000, 6000, 5000, 3000), DEFAULTS, "counts in 1:40"),
    ],
    ids=[
        "unknown runtime",
        "nearly there",
        "wound back before it was reached",
        "there",
        "wound back after it was reached",
        "the minimum is missing",
        "too little is left for the minimum",
        "half of a short runtime is enough",
        "too much skipped",
        "a little skipped",
        "skipping is allowed",
    ],
)
def test_when_it_counts(it: Toward, rules: Rules, said: str) -> None:
    assert counts_in(it, rules) == said


def test_a_row_says_what_counting_goes_by() -> None:
    row = row_of([check_in(0), check_in(10), check_in(20, until=20)], now=at(25))

    assert counts_in(saying.toward(row), DEFAULTS) == "counts in 1:24:40"


def playing(second: float, *, paused: bool = False) -> tuple[dict[str, Any], datetime]:
    """Return the row of a playback of ten seconds, paused or not, as it stands at that *second*."""
    last = check_in(10, kind=Kind.PAUSED if paused else Kind.PLAYING)
    return row_of([check_in(0), last], now=at(12)), at(second)


@pytest.mark.parametrize(
    ("second", "paused", "said"),
    [
        (12, False, "playing"),
        (44, False, "playing"),
        (50, False, "not heard from for 40 s"),
        (310, False, "ending"),
        (250, True, "paused for 4 min"),
        (1810, True, "ending"),
    ],
    ids=["just heard", "quiet, as players are", "quieter than players are", "overdue", "paused", "paused for too long"],
)
def test_how_a_playback_stands(second: float, paused: bool, said: str) -> None:
    assert saying.state_in_words(*playing(second, paused=paused)) == said


def test_a_pause_is_as_long_as_it_lasts_however_often_the_player_reports() -> None:
    row = row_of([check_in(0), check_in(10, 10, Kind.PAUSED), check_in(240, 10, Kind.PAUSED)], now=at(245))

    assert saying.state_in_words(row, at(250)) == "paused for 4 min"


def test_a_closed_playback_is_ended_whatever_the_time() -> None:
    row = row_of([check_in(0), check_in(10, kind=Kind.STOPPED)])

    assert (saying.state_in_words(row, at(12)), saying.ending_in_words(row["ended_by"])) == ("ended", "by a stop")


@pytest.mark.parametrize("by", EndedBy)
def test_every_ending_has_its_words(by: EndedBy) -> None:
    assert " " in saying.ending_in_words(by.value)


@pytest.mark.parametrize(
    ("names", "said"),
    [([], "–"), (["poll"], "poll"), (["poll", "webhook"], "poll and webhook"), (["a", "b", "c"], "a, b and c")],
)
def test_lists(names: list[str], said: str) -> None:
    assert saying.listed(names) == said


def test_counts_have_their_plural() -> None:
    assert [saying.counted(n, "film") for n in (0, 1, 1204)] == ["0 films", "1 film", "1,204 films"]


@settings(deadline=None)
@given(seconds=st.floats())
def test_anything_can_be_said_as_a_duration_or_a_position(seconds: float) -> None:
    assert saying.for_long(seconds)
    assert saying.position(seconds)


@settings(deadline=None)
@given(instant=st.datetimes(timezones=st.just(UTC)), now=st.datetimes(timezones=st.just(UTC)))
def test_any_instant_can_be_said(instant: datetime, now: datetime) -> None:
    assert saying.ago(instant, now)
    assert saying.at(instant, ZoneInfo("Pacific/Kiritimati"), now.date())
    assert saying.at(instant, ZoneInfo("America/Los_Angeles"), now.date())
    assert saying.day_in_words(instant.date(), now.date())
