"""The words of the history: what rows are called, how days are named, and that an address is its filter."""

from __future__ import annotations

from datetime import UTC, date, datetime
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.exceptions import ClientException, NotFoundException

from receiver.pages.history.corrections import numbers_of, spelt, within
from receiver.pages.history.filter import EVIDENCE, KINDS, Filter, chips, filter_of, wanted_playbacks, wanted_watches
from receiver.pages.history.rows import day_name, watch_days
from receiver.pages.history.titles import row_titles
from receiver.visitors import Visitor
from reconcile.store.history import DaySum, Row

ME = Visitor(sign_in=1, name="viewer", account_id=7)
TODAY = date(2026, 11, 22)

FILTERS = st.builds(
    Filter,
    text=st.none() | st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=100),
    person=st.none() | st.integers(1, 2**63 - 1),
    kind=st.sampled_from([None, *KINDS]),
    counts=st.sampled_from([None, True, False]),
    evidence=st.sampled_from([None, *EVIDENCE]),
    first=st.none() | st.dates(max_value=date(2020, 1, 1)),
    last=st.none() | st.dates(min_value=date(2020, 1, 1)),
)


def asked(address: str) -> Filter:
    return filter_of(dict(parse_qsl(address.partition("?")[2])))


@given(FILTERS)
def test_an_address_is_its_filter(it: Filter) -> None:
    assert asked(it.address("/history")) == it
    assert asked(it.address("/history", after="cursor")) == it


@given(FILTERS)
def test_each_chip_takes_one_thing_away_and_all_of_them_everything(it: Filter) -> None:
    found = list(chips(it, {it.person or 1: "viewer"}, {True: "counted", False: "partial"}))

    assert bool(found) == it.leaves_out
    for _ in found:
        (_said, it), *_others = chips(it, {it.person or 1: "viewer"}, {True: "counted", False: "partial"})
    assert it == Filter()


def test_what_is_not_filled_in_is_not_asked_for() -> None:
    assert filter_of({"text": " ", "kind": "", "from": "", "counts": ""}) == Filter()


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"kind": "song"}, "movie, episode"),
        ({"evidence": "hearsay"}, "both, webhook"),
        ({"from": "yesterday"}, "from: a day"),
        ({"to": "2026-02-30"}, "to: a day"),
        ({"from": "2026-02-02", "to": "2026-02-01"}, "before the first"),
        ({"person": "9" * 30}, "number of a person"),
        ({"person": "me"}, "number of a person"),
        ({"text": "x" * 101}, "100 characters"),
        ({"text": "a\0b"}, "100 characters"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_does_not_fit_says_what_would(params: dict[str, str], said: str) -> None:
    with pytest.raises(ClientException, match=said):
        filter_of(params)


def test_another_persons_rows_cannot_be_asked_for() -> None:
    with pytest.raises(NotFoundException):
        wanted_watches(Filter(person=8), ME)

    assert wanted_watches(Filter(), ME).accounts == frozenset({7})


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [("Europe/Berlin", date(2026, 3, 29), 23), ("America/New_York", date(2026, 11, 1), 25), ("UTC", TODAY, 24)],
    ids=["the clocks go forward", "back", "neither"],
)
def test_a_day_of_playbacks_is_as_long_as_it_is_there(zone: str, day: date, hours: int) -> None:
    found = wanted_playbacks(Filter(first=day, last=day), ME, ZoneInfo(zone))

    assert found.since is not None
    assert found.until is not None
    assert (found.until - found.since).total_seconds() == hours * 3600


def test_the_first_and_the_last_day_that_there_are_bound_nothing() -> None:
    found = wanted_playbacks(Filter(first=date.min, last=date.max), ME, ZoneInfo("Asia/Tokyo"))

    assert (found.since, found.until) == (None, None)


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (TODAY, "Today, 22 November"),
        (date(2026, 11, 21), "Yesterday, 21 November"),
        (date(2026, 11, 16), "Monday 16 November"),
        (date(2025, 11, 14), "Friday 14 November 2025"),
        (date(2026, 11, 23), "Monday 23 November"),
    ],
)
def test_a_day_is_named_as_people_do(day: date, name: str) -> None:
    assert day_name(day, TODAY) == name


def told(**values: object) -> dict[str, tuple[int, object]]:
    return {name: (1, value) for name, value in values.items()}


FILE = told(kind="episode", name="The Long Night", series_name="The Keepers", season=1, episode=2, year=2019)


@pytest.mark.parametrize(
    ("row", "titles"),
    [
        ({"media_title": "The Keepers", "unit": "s01e02"}, ("The Keepers", "S01 E02 · The Long Night")),
        ({"media_title": None, "media_kind": None, "unit": ""}, ("The Keepers", "S01 E02 · The Long Night")),
        ({"media_title": "Another Series", "unit": "s03e04"}, ("Another Series", "S03 E04")),
        ({"media_title": "Another Series", "unit": "s01e02"}, ("Another Series", "S01 E02")),
        ({"media_title": "The Keepers", "unit": "s01e05"}, ("The Keepers", "S01 E05")),
        ({"media_title": "A Film", "media_kind": "movie", "unit": "", "year": 1999}, ("A Film", "1999")),
        ({"media_title": "A Film", "media_kind": "movie", "unit": ""}, ("A Film", "")),
        ({"facts": {}, "media_title": "", "media_kind": "movie", "unit": ""}, ("A film without a title", "")),
    ],
    ids=["of its file", "unknown", "corrected", "corrected, alike", "other episode", "a film", "no year", "nothing"],
)
def test_a_row_bears_its_own_names(row: Row, titles: tuple[str, str]) -> None:
    whole = {"facts": FILE, "media_kind": "series", "year": None, **row}

    assert row_titles(whole) == titles


def test_days_of_several_zones_are_put_together_each_with_all_its_rows() -> None:
    at = datetime(2026, 11, 22, 11, tzinfo=UTC)
    rows = [watch(number, day, at) for number, day in enumerate(("2026-11-23", "2026-11-22", "2026-11-23"))]

    days = watch_days(rows, {"2026-11-23": DaySum(3, 2, 7200.0)}, UTC, at)

    assert [[line.number for line in each.lines] for each in days] == [[0, 2], [1]]
    assert (days[0].said, days[0].missing) == ("2 counted, 1 partial · 2 h 00 min watched", 1)
    assert days[0].lines[0].when == "22 Nov 11:00", "another day than the account's is named"


def watch(number: int, day: str, at: datetime) -> Row:
    return {
        "id": number,
        "facts": FILE,
        "media_kind": "series",
        "media_title": "The Keepers",
        "unit": "s01e02",
        "year": None,
        "account_name": "viewer",
        "day": day,
        "watched_at": at,
        "verdict": "completed",
        "completed": True,
        "percent": 96.4,
        "watched_seconds": 3000.0,
        "plays": 1,
        "channels": 1,
        "sentence": "counted",
        "playbacks": [5],
    }


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/history?kind=movie", "/history?kind=movie"),
        ("/playbacks/7", "/playbacks/7"),
        ("", "/history"),
        ("//elsewhere.example/history", "/history"),
        ("/historyless", "/history"),
        ("/history/\\elsewhere", "/history"),
        ("/history\r\nx: y", "/history"),
        ("https://elsewhere.example", "/history"),
    ],
)
def test_one_is_led_back_only_to_where_one_can_have_been(path: str, to: str) -> None:
    assert within(path) == to


@given(st.sets(st.integers(1, 2**63 - 1), max_size=50))
def test_the_ids_of_corrections_are_read_as_they_were_written(numbers: set[int]) -> None:
    assert numbers_of(spelt(numbers)) == numbers


def test_what_is_no_id_of_a_correction_is_none() -> None:
    assert numbers_of("7.x.-1.٣.99999999999999999999.8") == {7, 8}
