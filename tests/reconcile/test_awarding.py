"""Badges, activity and progress follow the history within its transaction: they come, go, and come back with it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from reconcile.accounts import change_account
from reconcile.awarding import award, catch_up, leave, make_anew
from reconcile.changes import Settled
from reconcile.playback.check_in import ItemFacts
from reconcile.store import earned, progress, tables
from reconcile.store.engine import Transactions
from tests.reconcile.arrivals import Household, key, line, stopped
from tests.reconcile.plays import Ledger, Play, evenings, local

EIGHT = datetime(2026, 3, 2, 20, tzinfo=UTC)  # a Monday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def ledger(store: Transactions) -> Ledger:
    return Ledger(store)


async def test_a_badge_is_earned_at_the_instant_of_the_watch_that_decided_whenever_that_was_learnt(
    ledger: Ledger,
) -> None:
    (who,) = await ledger.welcome("UTC")
    plays = evenings(who, await ledger.media("movie", *[2000] * 10), EIGHT)

    changes = await ledger.play(*reversed(plays))

    assert [each.code for each in changes if each.is_earned] == [
        "first_watch",
        "early_adopter",
        "streak_7",
        "movies_10",
    ]
    assert (await ledger.awards(who))["movies_10"] == plays[-1].ended_at
    assert (await ledger.awards(who))["first_watch"] == plays[0].ended_at


async def test_an_award_names_the_watches_that_earned_it(ledger: Ledger, store: Transactions) -> None:
    (who,) = await ledger.welcome("UTC")
    films = await ledger.media("movie", *[2000] * 12)
    await ledger.play(*evenings(who, films, EIGHT))

    async with store.read() as db:
        found = {each.badge.code: each for each in await earned.standings(db, who, date(2026, 3, 13))}
        ten = found["movies_10"].award
        assert ten is not None
        named = await earned.watches_of(db, who, ten, 100)

    shown = {row["id"]: row["media_id"] for row in await ledger.rows("watch")}
    assert [shown[number] for number in named] == films[9::-1]
    assert shown[ten.watch or 0] == films[9]
    assert (found["movies_50"].done, found["movies_50"].award) == (12, None)
    assert (found["streak_30"].done, found["streak_7"].done) == (12, 7)


async def test_a_badge_goes_with_the_watch_that_earned_it_and_returns_with_it(ledger: Ledger) -> None:
    (who,) = await ledger.welcome("UTC")
    plays = evenings(who, await ledger.media("movie", *[2000] * 10), EIGHT, 2 * DAY)
    await ledger.play(*plays)
    before = await ledger.derived()

    gone = await ledger.drop(plays[4])

    assert [(each.code, each.is_revoked) for each in gone] == [("movies_10", True)]
    back = await ledger.play(plays[4])
    assert [(each.code, each.is_earned) for each in back] == [("movies_10", True)]
    assert await ledger.derived() == before


async def test_ten_times_the_same_film_is_no_ten_films(ledger: Ledger) -> None:
    (who,) = await ledger.welcome("UTC")
    (film,) = await ledger.media("movie", 1999)

    await ledger.play(*evenings(who, [film] * 10, EIGHT, 2 * DAY))

    assert (await ledger.awards(who)).keys() == {"first_watch", "early_adopter"}


@pytest.mark.parametrize(
    ("completed", "channels"),
    [
        pytest.param(False, 1, id="a partial"),
        pytest.param(True, 8, id="an import"),
        pytest.param(True, 0, id="marked by hand"),
    ],
)
async def test_what_was_not_played_to_the_end_earns_nothing(ledger: Ledger, completed: bool, channels: int) -> None:
    (who,) = await ledger.welcome("UTC")
    (series,) = await ledger.media("series", 1999)

    await ledger.play(Play(who, series, EIGHT, "s01e01", completed=completed, channels=channels))

    assert await ledger.awards(who) == {}
    assert await ledger.rows("series_progress") == []
    assert [row["completed"] for row in await ledger.rows("daily_activity")] == ([False] if channels == 1 else [])


async def test_two_accounts_in_one_session_watched_together_whoever_is_told_of_first(ledger: Ledger) -> None:
    one, other, third = await ledger.welcome("UTC", "UTC", "UTC")
    (film,) = await ledger.media("movie", 1999)
    late = Play(third, film, EIGHT, session="elsewhere")

    await ledger.play(Play(one, film, EIGHT), late)
    assert "together_1" not in await ledger.awards(one)
    await ledger.play(Play(other, film, EIGHT))

    for who in (one, other):
        assert (await ledger.awards(who))["together_1"] == Play(one, film, EIGHT).ended_at
    assert "together_1" not in await ledger.awards(third)
    await ledger.drop(Play(other, film, EIGHT))
    assert "together_1" not in await ledger.awards(one)


async def test_on_the_same_television_one_after_the_other_is_not_together(ledger: Ledger) -> None:
    one, other = await ledger.welcome("UTC", "UTC")
    (film,) = await ledger.media("movie", 1999)

    await ledger.play(Play(one, film, EIGHT), Play(other, film, EIGHT + DAY))

    assert "together_1" not in await ledger.awards(one)


async def test_the_first_ten_accounts_are_those_that_completed_something_first_not_those_made_first(
    ledger: Ledger,
) -> None:
    people = await ledger.welcome(*["UTC"] * 12)
    (film,) = await ledger.media("movie", 1999)

    for number, who in enumerate(people):
        await ledger.play(Play(who, film, EIGHT - number * DAY, session=f"of {who}"))

    early = {row["account_id"] for row in await ledger.rows("badge_award") if row["badge"] == "early_adopter"}
    assert early == set(people[2:])


async def test_a_short_season_can_be_binged_once_it_is_known_how_short_it_is(ledger: Ledger) -> None:
    (who,) = await ledger.welcome("UTC")
    (series,) = await ledger.media("series", 2001)
    plays = [Play(who, series, EIGHT + n * HOUR, f"s01e{n + 1:02}") for n in range(3)]
    await ledger.play(*plays)
    assert "binge" not in await ledger.awards(who)

    changes = await ledger.totals(series, {1: 3, 2: 8})

    assert [each.code for each in changes] == ["binge"]
    assert (await ledger.awards(who))["binge"] == plays[-1].ended_at


async def test_a_series_is_completed_when_its_last_episode_was_however_late_its_length_is_learnt(
    ledger: Ledger,
) -> None:
    (who,) = await ledger.welcome("UTC")
    (series,) = await ledger.media("series", 2001)
    plays = [Play(who, series, EIGHT + n * DAY, f"s01e{n + 1:02}") for n in range(2)]
    await ledger.play(*plays)
    (before,) = await ledger.rows("series_progress")
    assert (before["status"], before["watched_episodes"], before["total_episodes"]) == ("in_progress", 2, None)

    await ledger.totals(series, {1: 2}, running=True)
    assert (await ledger.rows("series_progress"))[0]["status"] == "caught_up"
    await ledger.totals(series, {1: 2}, running=False)

    (after,) = await ledger.rows("series_progress")
    assert (after["status"], after["completed_at"]) == ("completed", plays[-1].ended_at)
    assert (await ledger.awards(who))["series_1"] == plays[-1].ended_at


async def test_of_two_sources_the_one_that_knows_more_episodes_is_right(ledger: Ledger, store: Transactions) -> None:
    (series,) = await ledger.media("series", 2001)
    await ledger.totals(series, {1: 2}, source="jellyfin:server")
    await ledger.totals(series, {1: 2, 2: 8}, running=None, source="seerr")

    async with store.read() as db:
        known = (await progress.totals_of(db, [series]))[series]

    assert (known.total_episodes, known.seasons, known.is_running) == (10, {1: 2, 2: 8}, False)


async def test_west_of_utc_evenings_are_days_in_a_row_and_nights_are_nights(ledger: Ledger) -> None:
    (who,) = await ledger.welcome("America/Los_Angeles")
    films = await ledger.media("movie", *[2000] * 7)
    plays = [
        Play(who, film, local("America/Los_Angeles", date(2026, 3, 4) + n * DAY, 21)) for n, film in enumerate(films)
    ]

    await ledger.play(*plays)  # the clocks go forward on the 8th

    assert [row["day"] for row in await ledger.rows("daily_activity")] == [f"2026-03-{n:02}" for n in range(4, 11)]
    assert (await ledger.awards(who))["streak_7"] == plays[-1].at + timedelta(minutes=1)
    assert not [row for row in await ledger.rows("feat") if row["kind"] == "nights"]


async def test_in_another_time_zone_the_days_are_others(ledger: Ledger, store: Transactions) -> None:
    (who,) = await ledger.welcome("UTC")
    (film,) = await ledger.media("movie", 1999)
    await ledger.play(Play(who, film, EIGHT))

    async with store.begin() as db:
        await change_account(db, ledger.people, who, {"time_zone": "Pacific/Auckland"}, EIGHT, {})

    assert [row["day"] for row in await ledger.rows("daily_activity")] == ["2026-03-03"]


async def test_a_history_from_before_there_were_badges_is_caught_up_with(ledger: Ledger, store: Transactions) -> None:
    (who,) = await ledger.welcome("UTC")
    await ledger.play(*evenings(who, await ledger.media("movie", *[2000] * 10), EIGHT))
    before = await ledger.derived()
    async with store.begin() as db:
        for name in before:
            await db.execute(sa.delete(tables.metadata.tables[name]))

    assert await catch_up(store, ledger.people) == 1

    assert await ledger.derived() == before
    assert await catch_up(store, ledger.people) == 0


async def test_what_is_not_caught_up_with_is_made_whole_by_the_next_watch(ledger: Ledger, store: Transactions) -> None:
    (who,) = await ledger.welcome("UTC")
    films = await ledger.media("movie", *[2000] * 10)
    await ledger.play(*evenings(who, films[:9], EIGHT))
    async with store.begin() as db:
        for table in (tables.feat, tables.feat_count, tables.badge_award, tables.award_basis):
            await db.execute(sa.delete(table))

    await ledger.play(Play(who, films[9], EIGHT + 20 * DAY))

    assert (await ledger.awards(who))["movies_10"] == Play(who, films[9], EIGHT + 20 * DAY).ended_at


async def test_company_is_forgotten_with_whoever_it_was(ledger: Ledger, store: Transactions) -> None:
    one, other = await ledger.welcome("UTC", "UTC")
    (film,) = await ledger.media("movie", 1999)
    await ledger.play(Play(one, film, EIGHT), Play(other, film, EIGHT))

    async with store.begin() as db:
        await leave(db, other)
        await db.execute(sa.delete(tables.playback).where(tables.playback.c.account_id == other))
        await db.execute(sa.delete(tables.account).where(tables.account.c.id == other))
        await ledger.people.load(db)
    await catch_up(store, ledger.people)

    assert (await ledger.awards(one)).keys() == {"first_watch", "early_adopter"}
    assert {row["account_id"] for row in await ledger.rows("feat")} == {one}


async def test_without_news_nothing_is_asked(ledger: Ledger, store: Transactions) -> None:
    (who,) = await ledger.welcome("UTC")
    (film,) = await ledger.media("movie", 1999)
    asked: list[str] = []
    settled = Settled(playbacks=[1], began=[1], units={(who, film, "")})

    async with store.begin() as db:
        sa.event.listen(db.sync_connection, "before_cursor_execute", lambda *told: asked.append(told[2]))
        await award(db, ledger.people, settled)

    assert asked == []


async def test_giving_a_series_up_holds_until_the_next_episode(ledger: Ledger, store: Transactions) -> None:
    (who,) = await ledger.welcome("UTC")
    (series,) = await ledger.media("series", 2001)
    await ledger.play(Play(who, series, EIGHT, "s01e01"))

    async with store.begin() as db:
        await progress.abandon(db, who, series, EIGHT + DAY)
        await make_anew(db, ledger.people, who)
    assert (await ledger.rows("series_progress"))[0]["status"] == "abandoned"
    await ledger.play(Play(who, series, EIGHT + 2 * DAY, "s01e02"))

    assert (await ledger.rows("series_progress"))[0]["status"] == "in_progress"


# --- the whole way, from check-ins ------------------------------------------------------------------------------------


async def test_an_open_playback_is_no_activity_yet(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")

    await house.hear(*line(0, 900))
    assert await house.rows("daily_activity") == []
    assert [row["badge"] for row in await house.rows("badge_award")] == ["early_adopter", "first_watch"], (
        "a watch is not"
    )
    await house.hear(stopped(905, 905))

    day = await house.one("daily_activity")
    assert (day["day"], day["viewings"], day["completed"]) == ("2026-03-07", 1, True)
    assert day["watched_seconds"] == pytest.approx(905, abs=1)


async def test_media_that_turn_out_to_be_one_are_one_film_seen(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    local_only = ItemFacts(kind="movie", name="A Film", runtime_seconds=1000.0)
    again = key(item="re-added")
    await house.hear(*line(0, 900), stopped(905, 905))
    await house.hear(*line(2000, 2900, of=again, facts=local_only), stopped(2905, 905, of=again, facts=local_only))
    assert [row["kind"] for row in await house.rows("feat")] == ["decades", "movies", "movies"]

    await house.hear(*line(4000, 4010, of=again))

    watch = await house.one("watch")
    found = await house.rows("feat")
    assert sorted(row["kind"] for row in found) == ["decades", "movies", "rewatches"]
    assert {(row["watch_id"], row["media_id"]) for row in found} == {(watch["id"], watch["media_id"])}
