"""Two histories, month by month: nothing of either is left out, and what both tell of is said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.pages.pictures.months import (
    MOST,
    NARROW,
    WIDE,
    Month,
    in_words,
    months_of,
    timeline,
    timeline_for_any_width,
)

COUNTS = st.fixed_dictionaries({"rows": st.integers(0, 10**6), "seen": st.integers(0, 10**6)})
NAMES = st.dates(date(1970, 1, 1), date(2100, 12, 31)).map(lambda day: f"{day:%Y-%m}")


def both(*counts: tuple[int, int], first: int = 1) -> tuple[Month, ...]:
    """Return months from January 2024 on, each with its rows and what was seen."""
    return tuple(
        Month(date(2024 + (first - 1 + n) // 12, (first - 1 + n) % 12 + 1, 1), *each) for n, each in enumerate(counts)
    )


def test_months_between_of_which_nothing_is_told_are_there_too() -> None:
    found = months_of({"2023-11": {"rows": 3, "seen": 0}, "2024-02": {"rows": 0, "seen": 2}})

    assert [each.name for each in found] == ["November 2023", "December 2023", "January 2024", "February 2024"]
    assert [(each.rows, each.seen) for each in found] == [(3, 0), (0, 0), (0, 0), (0, 2)]


def test_of_many_years_the_latest_months_are_shown() -> None:
    found = months_of({"1970-01": {"rows": 1}, "2026-11": {"rows": 2}})

    assert len(found) == MOST
    assert (found[-1].name, found[-1].rows) == ("November 2026", 2)


@pytest.mark.parametrize(
    ("months", "said"),
    [
        pytest.param(
            both((3, 0), (2, 1), (0, 4)),
            "5 rows from January 2024 to February 2024 of the import; 5 playbacks from February 2024 to March 2024 "
            "seen live. Both tell of 1 month: February 2024.",
            id="overlap",
        ),
        pytest.param(
            both((1, 0), (0, 0), (0, 1)),
            "1 row in January 2024 of the import; 1 playback in March 2024 seen live. No month has both.",
            id="side by side",
        ),
        pytest.param(
            both((1, 0)), "1 row in January 2024 of the import; nothing had been seen live by then.", id="alone"
        ),
    ],
)
def test_how_the_two_lie_to_each_other_is_said_in_words(months: tuple[Month, ...], said: str) -> None:
    assert in_words(months) == said


def test_of_many_months_that_both_tell_of_the_first_and_last_are_named() -> None:
    assert in_words(both(*[(1, 1)] * 14)).endswith("Both tell of 14 months: January 2024 to February 2025.")


def test_the_import_stands_above_the_line_and_the_other_below_on_one_scale() -> None:
    svg = str(timeline("t", both((4, 0), (2, 2))))

    assert re.search(r'd="M\S+ 98v-68h[^"]*M\S+ 98v-34h[^"]*" class="pic-told"', svg)
    assert re.search(r'd="M\S+ 98v34h[^"]*" class="pic-value"', svg)
    assert svg.count("pic-both") == 2, "the month that has both, and what that ground means"


def test_where_nothing_was_seen_there_is_no_lower_side() -> None:
    assert 'viewBox="0 0 720 148"' in timeline("t", both((4, 0)))
    assert 'viewBox="0 0 720 216"' in timeline("t", both((4, 1)))


def test_where_nothing_overlaps_no_ground_is_explained() -> None:
    assert "both tell" not in timeline("t", both((1, 0), (0, 1)))


@pytest.mark.parametrize(
    ("months", "names"),
    [
        pytest.param(both(*[(1, 0)] * 3, first=7), ["Jul 2024", "Sep"], id="a summer"),
        pytest.param(both((1, 0)), ["Jan 2024"], id="a month"),
        pytest.param(both(*[(1, 0)] * 24, first=10), ["Nov", "2025", "Mar", "May", "Jul"], id="years"),
        pytest.param(both(*[(1, 0)] * 120), [str(2024 + n) for n in range(10)], id="a decade"),
    ],
)
def test_months_are_named_where_there_is_room_with_the_year_first(months: tuple[Month, ...], names: list[str]) -> None:
    labels = re.findall(r'y="148"[^>]*>([^<]+)</text>', str(timeline("t", months)))

    assert labels[: len(names)] == names


@given(st.dictionaries(NAMES, COUNTS, max_size=40))
def test_whatever_was_read_the_picture_is_well_formed_and_within_its_box(told: Mapping[str, dict[str, int]]) -> None:
    months = months_of(told)
    for size in (WIDE, NARROW):
        svg = ET.fromstring(str(timeline("t", months, size)))  # noqa: S314 - our own
        numbers = [float(x) for each in svg.iter("text") for x in (each.attrib["x"],)]
        assert all(0 <= x <= size.width for x in numbers)
        assert in_words(months) == (svg.findtext("desc") or "")


def test_a_decade_in_both_sizes_is_no_burden_for_a_page() -> None:
    assert len(timeline_for_any_width("t", both(*[(99, 99)] * MOST))) < 16_000
