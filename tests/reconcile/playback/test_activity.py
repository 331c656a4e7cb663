"""A day of activity is what was watched between two of the account's own midnights."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.playback.activity import Sitting, activity, day_begins, days_between, union

BERLIN, LOS_ANGELES = ZoneInfo("Europe/Berlin"), ZoneInfo("America/Los_Angeles")
DAY = date(2026, 1, 10)


def utc(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC)  # type: ignore[arg-type,misc]  # year, month, day, hour, minute


def sat(at: datetime, minutes: float, seat: tuple[str, ...] = ()) -> Sitting:
    return Sitting(((at, 60.0 * minutes),), seat)


def minutes(day: date, zone: tzinfo, *sittings: Sitting) -> float:
    found = activity(day, sittings, zone, completed=False)
    return 0.0 if found is None else found.watched_seconds / 60


def test_two_screens_at_once_are_one_viewers_minutes() -> None:
    found = activity(DAY, [sat(utc(2026, 1, 10, 20), 60), sat(utc(2026, 1, 10, 20, 30), 60)], UTC, completed=True)

    assert found is not None
    assert (found.watched_seconds, found.viewings, found.completed) == (90 * 60, 2, True)


def test_two_users_of_an_account_in_one_seat_are_one_viewing() -> None:
    seat = ("server", "television", "film")
    both = [sat(utc(2026, 1, 10, 20), 60, seat), sat(utc(2026, 1, 10, 20, 1), 55, seat)]

    found = activity(DAY, both, UTC, completed=False)

    assert found is not None
    assert (found.watched_seconds, found.viewings) == (3600, 1)


def test_an_evening_over_midnight_is_split_at_it() -> None:
    late = sat(utc(2026, 1, 10, 22, 30), 60)  # 23:30 in Berlin

    assert [minutes(day, BERLIN, late) for day in (DAY, DAY + timedelta(days=1))] == [30, 30]
    assert minutes(DAY, UTC, late) == 60


def test_west_of_utc_an_evening_is_of_the_day_that_the_clock_on_the_wall_says() -> None:
    evening = sat(utc(2026, 1, 11, 4), 60)  # 20:00 on the 10th in Los Angeles

    assert minutes(DAY, LOS_ANGELES, evening) == 60
    assert minutes(date(2026, 1, 11), LOS_ANGELES, evening) == 0


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        pytest.param(date(2026, 3, 29), 23, id="clocks go forward"),
        pytest.param(date(2026, 10, 25), 25, id="clocks go back"),
        pytest.param(date(2026, 6, 1), 24, id="an ordinary day"),
    ],
)
def test_a_day_is_as_long_as_its_clocks_say(day: date, hours: int) -> None:
    always = sat(utc(2026, 1, 1), 400 * 24 * 60)

    assert minutes(day, BERLIN, always) == hours * 60


@pytest.mark.parametrize("zone", ["Africa/Cairo", "America/Havana", "Pacific/Apia", "America/Sao_Paulo"])
def test_days_follow_each_other_without_gap_where_midnight_itself_is_skipped_or_repeated(zone: str) -> None:
    clocks = ZoneInfo(zone)
    for year in (2011, 2018, 2023, 2026):
        days = [date(year, 1, 1) + timedelta(days=n) for n in range(366)]
        for day in days:
            begins = day_begins(day, clocks)
            local = begins.astimezone(clocks)
            before = (begins - timedelta(microseconds=1)).astimezone(clocks)
            assert local.date() >= day > before.date() or day_begins(day + timedelta(days=1), clocks) == begins


def test_only_viewings_of_a_minute_count_and_only_with_what_lies_within_the_day() -> None:
    zap = sat(utc(2026, 1, 10, 20), 0.5)
    late = sat(utc(2026, 1, 10, 23, 59), 1.5)  # a minute of it before midnight, half of one after

    found = activity(DAY, [zap, late], UTC, completed=False)
    after = activity(DAY + timedelta(days=1), [zap, late], UTC, completed=False)

    assert found is not None
    assert after is not None
    assert (found.viewings, found.active_at) == (1, utc(2026, 1, 11))
    assert (after.viewings, after.active_at, after.watched_seconds) == (0, None, 30)


def test_a_day_on_which_nothing_happened_is_none() -> None:
    assert activity(DAY, [sat(utc(2026, 1, 12), 60)], UTC, completed=False) is None


@given(
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 700)), max_size=8),
    st.sampled_from(["Europe/Berlin", "America/Los_Angeles", "Asia/Kathmandu", "Pacific/Auckland", "UTC"]),
)
def test_the_days_together_are_the_union_of_all_that_was_watched(played: list[tuple[int, int]], zone: str) -> None:
    start = utc(2026, 3, 27)
    sittings = [sat(start + timedelta(minutes=at), length) for at, length in played]
    days = days_between(start, start + timedelta(minutes=6000), ZoneInfo(zone))

    together = sum(minutes(day, ZoneInfo(zone), *sittings) for day in days)

    assert together * 60 == pytest.approx(union([stretch for each in sittings for stretch in each.stretches]))
