"""A server's time zone is found by its wall times, and is only proven where the evidence is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.playback.zones import Fit, fitting, instant

SUMMER, WINTER = datetime(2026, 7, 1, 18, tzinfo=UTC), datetime(2026, 1, 1, 18, tzinfo=UTC)
ZONES = sorted(available_timezones())
USER = "viewer-1"


def evenings(first: datetime, count: int) -> list[datetime]:
    """Return beginnings that are never the same time of day, so that no other offset fits by chance."""
    return [first + timedelta(days=number, minutes=7 * number * number % 211) for number in range(count)]


def wall(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def found(starts: list[datetime], zone: str, *preferred: str, late: float = 0.0) -> Fit:
    walls = [(USER, wall(at, zone) + timedelta(seconds=late)) for at in starts]
    fit = fitting(walls, {USER: starts}, ZONES, preferred)
    assert fit is not None
    return fit


@pytest.mark.parametrize(
    "zone",
    ["Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns", "Europe/Berlin", "America/Los_Angeles", "Pacific/Auckland"],
    ids=["half an hour", "a quarter of an hour", "half an hour west", "east", "west", "beyond the date line"],
)
def test_a_year_of_plays_proves_the_zone(zone: str) -> None:
    starts = evenings(WINTER, 250)

    fit = found(starts, zone, late=12.0)

    assert fit == Fit(zone, 250, 250, is_proven=True)
    assert [instant(wall(at, zone), fit.zone, starts) for at in starts] == starts


def test_a_month_of_winter_does_not_tell_whether_there_is_a_summer_time() -> None:
    walls = [(USER, wall(at, "Europe/Berlin")) for at in (*evenings(WINTER, 10), *evenings(SUMMER, 10))]

    fit = fitting(walls, {USER: evenings(WINTER, 10)}, ["Africa/Algiers", "Europe/Berlin"])

    assert fit == Fit("Europe/Berlin", 10, 10, is_proven=False)


def test_a_zone_that_was_named_before_is_proven_by_a_month() -> None:
    walls = [(USER, wall(at, "Africa/Algiers")) for at in (*evenings(WINTER, 10), *evenings(SUMMER, 10))]

    fit = fitting(walls, {USER: evenings(WINTER, 10)}, ZONES, ["Africa/Algiers"])

    assert fit == Fit("Africa/Algiers", 10, 10, is_proven=True)


def test_of_zones_that_fit_as_well_the_first_preferred_is_taken() -> None:
    assert found(evenings(WINTER, 5), "Europe/Berlin", "Europe/Oslo", "Europe/Berlin").zone == "Europe/Oslo"


def test_a_preferred_zone_that_does_not_fit_is_not_taken() -> None:
    assert found(evenings(WINTER, 200), "America/New_York", "Europe/Berlin").zone == "America/New_York"


def test_walls_outside_the_span_of_the_known_starts_are_not_held_against_a_zone() -> None:
    known, before = evenings(SUMMER, 20), evenings(WINTER, 100)

    fit = fitting([(USER, wall(at, "Asia/Kolkata")) for at in (*before, *known)], {USER: known}, ZONES)

    assert fit == Fit("Asia/Kolkata", 20, 20, is_proven=True)


def test_two_matches_prove_nothing() -> None:
    assert not found(evenings(SUMMER, 2), "Asia/Kolkata", "Asia/Kolkata").is_proven


def test_few_matches_of_many_prove_nothing() -> None:
    starts = evenings(SUMMER, 20)
    walls = [(USER, wall(at, "Asia/Kolkata") + timedelta(minutes=4 * number)) for number, at in enumerate(starts)]

    fit = fitting(walls, {USER: starts}, ["Asia/Kolkata"])

    assert fit is None or not fit.is_proven


def test_a_start_of_somebody_else_is_no_match() -> None:
    starts = evenings(SUMMER, 5)

    assert fitting([("viewer-2", wall(at, "UTC")) for at in starts], {USER: starts}, ZONES) is None


def test_a_start_more_than_ninety_seconds_off_is_no_match() -> None:
    starts = evenings(SUMMER, 5)
    walls = [(USER, wall(at, "UTC") + timedelta(seconds=91)) for at in starts]

    assert fitting(walls, {USER: starts}, ["UTC"]) is None
    assert found(starts, "UTC", late=89.0).matched == 5


@pytest.mark.parametrize("zones", [[], ["Nowhere/At_All", "../etc/passwd", ""]], ids=["none", "no zones"])
def test_names_that_are_no_zones_are_passed_over(zones: list[str]) -> None:
    starts = evenings(SUMMER, 5)

    assert fitting([(USER, wall(at, "UTC")) for at in starts], {USER: starts}, zones) is None


def test_the_hour_that_autumn_has_twice_fits_by_either_reading() -> None:
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    starts = [second, *evenings(datetime(2026, 10, 20, 18, tzinfo=UTC), 4)]

    assert found(starts, "Europe/Berlin").matched == 5


# --- one time ---------------------------------------------------------------------------------------------------------

TWICE = datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001 - a wall time
EARLIER, LATER = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("starts", "told"),
    [
        ([], EARLIER),
        ([LATER + timedelta(seconds=80)], LATER),
        ([EARLIER], EARLIER),
        ([LATER, EARLIER], EARLIER),
    ],
    ids=["nothing known", "the later is known", "the earlier is known", "both are"],
)
def test_an_hour_that_was_there_twice_is_the_one_that_is_known_else_the_earlier(
    starts: list[datetime], told: datetime
) -> None:
    assert instant(TWICE, "Europe/Berlin", starts) == told


def test_an_hour_that_spring_leaves_out_is_read_with_the_offset_before() -> None:
    never = datetime(2026, 3, 29, 2, 30)  # noqa: DTZ001 - a wall time

    assert instant(never, "Europe/Berlin") == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_what_is_no_zone_is_an_error() -> None:
    with pytest.raises((KeyError, ValueError)):
        instant(TWICE, "Nowhere/At_All")


@given(
    at=st.datetimes(datetime(1971, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - given UTC
    zone=st.sampled_from(["Asia/Kolkata", "Europe/Lisbon", "America/St_Johns", "Australia/Lord_Howe", "UTC"]),
)
def test_an_instant_whose_start_is_known_comes_back(at: datetime, zone: str) -> None:
    told = instant(wall(at, zone), zone, [at])

    assert told == at
