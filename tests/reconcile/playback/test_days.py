"""One row per account, media, unit and local day (DESIGN §7)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from reconcile.playback.check_in import Channel, ItemFacts
from reconcile.playback.days import Watch, local_day, units, watches
from reconcile.playback.rules import Rules
from reconcile.playback.verdict import Code, Viewing
from tests.reconcile.playback.evenings import DEFAULTS, EIGHT_PM
from tests.reconcile.playback.viewings import viewing


@pytest.mark.parametrize(
    ("instant", "zone", "day"),
    [
        pytest.param(
            "2026-03-03T04:30", "America/Los_Angeles", "2026-03-02", id="west of UTC, still the evening before"
        ),
        pytest.param("2026-03-02T20:30", "Asia/Kolkata", "2026-03-03", id="east of UTC, already the next day"),
        pytest.param("2026-03-02T23:59", "UTC", "2026-03-02", id="on UTC"),
        pytest.param("2026-03-28T23:30", "Europe/Berlin", "2026-03-29", id="the night in which summer time begins"),
        pytest.param("2026-10-24T22:30", "Europe/Berlin", "2026-10-25", id="the night in which it ends"),
        pytest.param("2026-10-25T22:30", "Europe/Berlin", "2026-10-25", id="the evening after"),
        pytest.param("2026-03-02T09:30", "Pacific/Kiritimati", "2026-03-02", id="14 h ahead"),
    ],
)
def test_the_day_is_the_one_on_the_viewers_clock(instant: str, zone: str, day: str) -> None:
    at = datetime.fromisoformat(instant).replace(tzinfo=UTC)

    assert local_day(at, ZoneInfo(zone)) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("item", "named"),
    [
        pytest.param(ItemFacts(kind="movie", tmdb_id="603"), ("",), id="a film"),
        pytest.param(ItemFacts(kind="episode", season=1, episode=2), ("s01e02",), id="an episode"),
        pytest.param(ItemFacts(kind="episode", season=0, episode=3), ("s00e03",), id="a special"),
        pytest.param(
            ItemFacts(kind="episode", season=1, episode=2, episode_end=4),
            ("s01e02", "s01e03", "s01e04"),
            id="a file with three episodes",
        ),
        pytest.param(
            ItemFacts(kind="episode", season=1, episode=2, episode_end=2),
            ("s01e02",),
            id="an end that is its beginning",
        ),
        pytest.param(ItemFacts(kind="episode", season=1, episode=2, episode_end=1), ("s01e02",), id="an end before it"),
        pytest.param(ItemFacts(kind="episode", season=1, episode=120), ("s01e120",), id="more than a hundred"),
        pytest.param(
            ItemFacts(kind="episode", episode=2, tmdb_id="9", imdb_id="tt1"), ("tmdb:9",), id="no season: its public id"
        ),
        pytest.param(ItemFacts(kind="episode", season=2, imdb_id="tt1"), ("imdb:tt1",), id="no number: its public id"),
        pytest.param(ItemFacts(kind="episode"), ("item:abc",), id="nothing: its item id"),
    ],
)
def test_a_unit_names_what_of_the_media_was_seen(item: ItemFacts, named: tuple[str, ...]) -> None:
    assert units(item, "abc") == named


def rows(*viewings: Viewing, rules: Rules = DEFAULTS, zone: str = "UTC", **shares: float) -> tuple[Watch, ...]:
    return watches(viewings, shares, rules, ZoneInfo(zone))[0]


def test_the_same_twice_on_a_day_is_one_row_with_two_plays() -> None:
    (row,) = rows(viewing(5700, "1"), viewing(5800, "2", days=0.08))

    assert (row.plays, row.playbacks, row.watched_seconds) == (2, ("1", "2"), 11500)
    assert row.percent == pytest.approx(100 * 5800 / 6000)
    assert row.started_at == EIGHT_PM


def test_the_same_on_two_days_is_two_rows() -> None:
    assert [(row.day.day, row.plays) for row in rows(viewing(5700, "1"), viewing(5800, "2", days=1))] == [
        (2, 1),
        (3, 1),
    ]


def test_a_day_on_which_nothing_counted_has_no_row() -> None:
    assert rows(viewing(3000)) == ()
    assert [row.day.day for row in rows(viewing(3000, "1"), viewing(5700, "2", days=1, watched_seconds=2700))] == [3]


def test_a_partial_play_has_a_row_where_that_is_wanted() -> None:
    (row,) = rows(viewing(3000), rules=Rules(record_partials=True))

    assert (row.completed, row.partial, row.plays, row.verdict) == (False, True, 0, Code.PARTIAL)
    assert rows(viewing(500), rules=Rules(record_partials=True)) == ()


def test_a_row_tells_of_everything_that_was_played_that_day() -> None:
    (row,) = rows(viewing(1000, "1", channels=frozenset({Channel.POLL})), viewing(5700, "2", days=0.08))

    assert (row.plays, row.playbacks, row.watched_seconds) == (1, ("1", "2"), 6700)
    assert row.channels == {Channel.POLL, Channel.WEBHOOK}


def test_a_row_is_dated_by_its_latest_completion() -> None:
    first, second = EIGHT_PM + timedelta(hours=1), EIGHT_PM + timedelta(hours=3)

    (row,) = rows(viewing(5700, "1", completed_at=first), viewing(5800, "2", days=0.08, completed_at=second))

    assert row.watched_at == second


def test_what_completed_after_midnight_counts_for_the_new_day() -> None:
    late = viewing(5700, started_at=EIGHT_PM + timedelta(hours=3, minutes=30))

    assert [row.day.day for row in rows(late)] == [3]
    assert [row.day.day for row in rows(late, zone="America/New_York")] == [2]


def test_a_file_with_two_episodes_shares_its_time() -> None:
    (row,) = watches([viewing(5700, "1")], {"1": 0.5}, Rules(), UTC)[0]

    assert row.watched_seconds == 2850
