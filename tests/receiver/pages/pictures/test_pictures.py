"""Strips, rings, calendars, medals and bars can be drawn of anything, and say in words what they show."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver import pages
from receiver.pages import pictures
from receiver.pages.pictures import days
from receiver.pages.pictures.bars import Bars, bars
from receiver.pages.pictures.days import Year, calendar, calendar_for_any_width, calendar_in_words, first_day, step_of
from receiver.pages.pictures.glyphs import GLYPHS, family_of, tier_of
from receiver.pages.pictures.medal import medal
from receiver.pages.pictures.progress import bar, ring
from receiver.pages.pictures.strip import strip
from receiver.pages.pictures.svg import Size
from reconcile.playback.badges import BADGES, BY_CODE, Badge
from tests.receiver.pages.pictures.looking import count, looked_at, texts

Draw = Callable[[str, str, int, int | None], str]

ANY_FLOAT = st.floats() | st.floats(-10, 7000)
MAYBE = st.none() | ANY_FLOAT
SUNDAY = date(2026, 11, 22)
HOSTILE = "</title><script>alert('1')</script> & \"Söhne\" \x00\x1f\ud800\ufffe"


def described(root: ET.Element) -> str:
    return root.findtext("desc") or ""


# --- strip --------------------------------------------------------------------------------------------------------


def test_a_strip_says_how_much_is_covered_and_where_it_plays() -> None:
    root = looked_at(strip("one", [(0, 900), (800, 1000), (3000, 3100)], 4000, threshold=85, position=3100))

    assert root.findtext("title") == "At 51:40 of 1:06:40"
    assert described(root) == "27 % covered; it counts from 85 %."
    assert (count(root, "pic-covered"), count(root, "pic-threshold"), count(root, "pic-here")) == (2, 1, 1)
    here = next(each for each in root.iter("line") if each.get("class") == "pic-here")
    assert here.get("x1") == "775"


def test_a_strip_of_unknown_length_is_a_dashed_track() -> None:
    root = looked_at(strip("one", [(0, 900)], None, threshold=85, position=900))

    assert described(root) == "15:00 covered; the runtime is not known, so it cannot be placed."
    assert (count(root, "pic-unknown"), count(root, "pic-covered")) == (1, 0)


@settings(deadline=None)
@given(
    covered=st.lists(st.lists(ANY_FLOAT, min_size=2, max_size=2), max_size=300),
    runtime=MAYBE,
    threshold=MAYBE,
    position=MAYBE,
)
def test_any_strip_can_be_drawn(
    covered: list[list[float]], runtime: float | None, threshold: float | None, position: float | None
) -> None:
    looked_at(strip("any", covered, runtime, threshold=threshold, position=position))


# --- ring and bar -------------------------------------------------------------------------------------------------


def test_a_ring_says_its_share_and_its_numbers() -> None:
    root = looked_at(ring("one", "The Long Road", 7, 24))

    assert (texts(root), described(root)) == (["29 %"], "7 of 24.")


@pytest.mark.parametrize("draw", [ring, bar], ids=["ring", "bar"])
@settings(deadline=None)
@given(title=st.text(), done=st.integers(-5, 10**9), total=st.none() | st.integers(-5, 10**9))
def test_any_progress_can_be_drawn(draw: Draw, title: str, done: int, total: int | None) -> None:
    root = looked_at(draw("any", f"T{title}", done, total))

    assert bool(total and total > 0) == (count(root, "pic-unknown") == 0)


# --- calendar -----------------------------------------------------------------------------------------------------


def test_the_year_begins_on_the_monday_fifty_two_weeks_before_this_one() -> None:
    assert first_day(SUNDAY) == date(2025, 11, 17)
    assert first_day(SUNDAY + timedelta(days=1)) == date(2025, 11, 24)


@pytest.mark.parametrize(
    ("minutes", "step"), [(0, 0), (1, 1), (30, 1), (31, 2), (60, 2), (61, 3), (120, 3), (121, 4), (180, 4), (181, 5)]
)
def test_a_day_has_one_of_five_sizes(minutes: int, step: int) -> None:
    assert step_of(60.0 * minutes) == step


@pytest.mark.parametrize("size", [days.WIDE, days.NARROW], ids=["wide", "narrow"])
def test_days_of_nothing_and_days_not_recorded_look_different(size: Size) -> None:
    year = Year({SUNDAY: 4000.0}, SUNDAY, [SUNDAY - timedelta(days=1), SUNDAY - timedelta(days=2)])

    root = looked_at(calendar("one", year, size))

    cells = next(each for each in root.iter("path") if each.get("class") == "pic-cell")
    slashes = next(each for each in root.iter("path") if each.get("class") == "pic-unrecorded")
    assert ((cells.get("d") or "").count("M"), (slashes.get("d") or "").count("M")) == (53 * 7 - 2, 2)
    assert {"Mon", "Jan", "Jul", "Nov", "not recorded"} <= set(texts(root))
    assert count(root, "pic-today") == 1


def test_a_calendar_in_words_tells_the_sum_the_fullest_day_and_the_months() -> None:
    seconds = {SUNDAY: 5400.0, SUNDAY - timedelta(days=1): 8000.0, date(2026, 3, 3): 60.0}

    said = calendar_in_words(Year(seconds, SUNDAY, [date(2026, 3, 4)]))

    assert said[:2] == [
        "17 November 2025 to 22 November 2026: 3 h 44 min on 3 days",
        "Most on one day: 2 h 13 min, on Saturday, 21 November 2026",
    ]
    assert "March 2026: 60 s on 1 day" in said
    assert "April 2026: nothing" in said
    assert said[-1] == "Not recorded: 1 day"


def test_both_calendars_stand_on_one_page_without_an_id_in_common() -> None:
    both = str(calendar_for_any_width("year", Year({}, SUNDAY)))

    assert both.count('id="pic-year-wide"') == both.count('id="pic-year-narrow"') == 1


@settings(deadline=None)
@given(
    today=st.dates(),
    ago=st.dictionaries(st.integers(0, 400), ANY_FLOAT, max_size=400),
    missing=st.lists(st.integers(0, 400)),
    size=st.sampled_from([days.WIDE, days.NARROW]),
)
def test_any_year_can_be_drawn_and_told(today: date, ago: dict[int, float], missing: list[int], size: Size) -> None:
    def day(back: int) -> date:
        return date.fromordinal(max(1, today.toordinal() - back))

    year = Year({day(back): seconds for back, seconds in ago.items()}, today, [day(back) for back in missing])

    looked_at(calendar("any", year, size))
    assert calendar_in_words(year)


# --- medals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("badge", BADGES, ids=lambda badge: badge.code)
def test_every_badge_has_a_medal_with_a_glyph_of_its_family(badge: Badge) -> None:
    assert family_of(badge) in GLYPHS
    struck = looked_at(medal(badge.code, badge, badge.threshold, earned=True))
    assert (count(struck, "pic-earned"), count(struck, "pic-way")) == (1, 0)
    assert described(struck) == f"{badge.sentence} Earned."


def test_a_medal_not_yet_earned_shows_how_far_it_is() -> None:
    root = looked_at(medal("one", BY_CODE["movies_1000"], 250, earned=False))

    assert described(root) == "Completed 1,000 different films. Not yet earned: 250 of 1,000 so far."
    assert (texts(root), count(root, "pic-way"), count(root, "pic-pip")) == (["1,000"], 1, 6)


def test_tiers_follow_the_threshold_within_a_family() -> None:
    assert [tier_of(BY_CODE[code]) for code in ("movies_10", "movies_1000", "streak_100", "binge")] == [1, 6, 3, 1]


@settings(deadline=None)
@given(done=st.integers(-5, 10**9), threshold=st.integers(1, 10**9), text=st.text(), earned=st.booleans())
def test_any_badge_can_be_struck(done: int, threshold: int, text: str, earned: bool) -> None:
    badge = msgspec.structs.replace(BADGES[0], name=f"N{text}", sentence=text, kinds=("new",), threshold=threshold)

    looked_at(medal("any", badge, done, earned=earned))


# --- bars ---------------------------------------------------------------------------------------------------------


def test_bars_say_the_most_the_latest_and_what_is_missing() -> None:
    it = Bars("Lag", [1.0, None, 12.5, 2.0], ("20:00", "now"), lambda value: f"{value:.1f} s", [2.0, 2.0, None, 4.0])

    root = looked_at(bars("one", it))

    assert described(root) == "From 20:00 to now: at most 12.5 s, latest 2.0 s; 1 not measured."
    assert (count(root, "pic-value"), count(root, "pic-missing")) == (3, 1)
    assert texts(root) == ["at most 12.5 s", "expected", "20:00", "now"]


@settings(deadline=None)
@given(values=st.lists(MAYBE, max_size=300), expected=st.lists(MAYBE, max_size=300), edge=st.text())
def test_any_bars_can_be_drawn(values: list[float | None], expected: list[float | None], edge: str) -> None:
    looked_at(bars("any", Bars("Lag", values, (edge, edge), expected=expected)))


# --- all of them --------------------------------------------------------------------------------------------------


def test_what_others_wrote_stays_text() -> None:
    root = looked_at(ring(HOSTILE, HOSTILE, 1, 2))

    assert root.findtext("title") == "</title><script>alert('1')</script> & \"Söhne\" "
    assert root.find("script") is None


def test_every_class_that_is_drawn_has_its_rule_in_the_style_sheet() -> None:
    sheet = (Path(pages.__file__).parent / "static" / "style.css").read_text("utf-8")
    ruled = set(re.findall(r"\.(pic-[a-z-]+)", sheet))
    sources = [path.read_text("utf-8") for path in Path(pictures.__file__).parent.glob("*.py")]

    drawn = {name for source in sources for name in re.findall(r"\bpic-[a-z]+(?:-[a-z]+)*\b", source)}

    assert drawn - ruled <= {"pic-step", "pic-spot"} | WITHOUT_A_LOOK


WITHOUT_A_LOOK = {"pic-earned"}
"""The struck medal is the plain one."""
