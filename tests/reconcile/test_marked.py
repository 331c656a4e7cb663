"""Marks by hand: a kind of their own, never beside what was played, and gone when they are taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconcile.correcting import Saying, correct
from reconcile.playback.check_in import Channel, ItemFacts, Key, Mark, Observation
from reconcile.playback.corrections import What
from reconcile.playback.marks import SESSION
from reconcile.settling import Settling
from reconcile.store import corrections, evidence, media
from reconcile.store.engine import Transactions
from tests.reconcile.arrivals import FILM, SERVER, Household, at, line, stopped

EPISODES = ItemFacts(
    kind="episode", name="Pilot", runtime_seconds=1000.0, series_id="series", season=1, episode=1, episode_end=2
)


def mark(seconds: float, *, played: bool = True, item: str = "film", facts: ItemFacts = FILM) -> Observation:
    """Return that the item was marked, or unmarked, so many seconds after eight."""
    key = Key(SERVER, SESSION, "viewer", item)
    return Observation(key, Channel.MANUAL, at(seconds), item=facts, mark=Mark(at(seconds), played))


async def marked(store: Transactions, *observations: Observation) -> Household:
    house = Household(store)
    await house.welcome("viewer")
    await house.hear(*observations)
    return house


async def resettled(house: Household) -> None:
    async with house.store.begin() as db:
        numbers = [number for number, _key in await evidence.key_ids(db)]
        await Settling(db, house.people, house.now, whole=True).settle(numbers)


async def test_a_mark_makes_a_row_that_counts_nothing_and_says_what_it_is(store: Transactions) -> None:
    house = await marked(store, mark(0))

    row = await house.one("watch")
    assert (row["completed"], row["partial"], row["plays"], row["watched_seconds"]) == (False, False, 0, 0.0)
    assert (row["verdict"], row["channels"], row["day"]) == ("marked", 16, "2026-03-07")
    assert "by hand" in row["sentence"]
    assert await house.rows("playback") == []


async def test_taking_the_mark_back_removes_the_row(store: Transactions) -> None:
    house = await marked(store, mark(0))

    await house.hear(mark(60, played=False))

    assert await house.rows("watch") == []


@pytest.mark.parametrize("times", [1, 2], ids=["once", "told twice"])
async def test_marks_that_arrive_in_another_order_say_the_same(store: Transactions, times: int) -> None:
    said = [mark(0), mark(60, played=False), mark(90_000)]

    house = await marked(store, *reversed(said * times))

    assert [row["day"] for row in await house.rows("watch")] == ["2026-03-08"]


async def test_it_never_stands_beside_what_was_played_that_day(store: Transactions) -> None:
    house = await marked(store, mark(0))

    await house.hear(*line(100, 1000), stopped(1005, 905))

    assert (await house.one("watch"))["verdict"] == "completed"
    await resettled(house)
    assert (await house.one("watch"))["verdict"] == "completed"


async def test_it_comes_back_when_what_was_played_is_corrected_away(store: Transactions) -> None:
    house = await marked(store, *line(0, 900), stopped(905, 905), mark(1000))
    assert (await house.one("watch"))["verdict"] == "completed"

    async with store.begin() as db:
        about = await corrections.meant(db, number=(await house.rows("playback"))[0]["id"])
        await correct(db, house.people.fresh(), about, Saying(What.DELETE, "an administrator"), house.now, {})

    assert (await house.one("watch"))["verdict"] == "marked"


async def test_on_another_day_both_have_their_rows(store: Transactions) -> None:
    house = await marked(store, mark(0), *line(90_000, 90_900), stopped(90_905, 905))

    rows = {row["day"]: row["verdict"] for row in await house.rows("watch")}
    assert rows == {"2026-03-07": "marked", "2026-03-08": "completed"}


async def test_a_file_with_two_episodes_marks_both(store: Transactions) -> None:
    house = await marked(store, mark(0, item="double", facts=EPISODES))

    assert [row["unit"] for row in await house.rows("watch")] == ["s01e01", "s01e02"]


async def test_a_mark_of_a_time_without_recording_marks_nothing(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await house.opt_out("viewer", -60)

    (answer,) = await house.hear(mark(0))

    assert answer.outcome.value == "ignored"
    assert await house.rows("manual_mark") == []


async def test_it_follows_its_series_when_more_is_known_of_it(store: Transactions) -> None:
    house = await marked(store, mark(0, item="double", facts=EPISODES))

    async with store.begin() as db:
        show = ItemFacts(kind="series", name="A Series", tvdb_id="42")
        await media.learn(db, SERVER, "series", show, house.now, house.now + timedelta(days=1))
        numbers = [number for number, _key in await evidence.key_ids(db)]
        await Settling(db, house.people, house.now, whole=True).settle(numbers)

    shows = {row["id"] for row in await house.rows("media") if row["tvdb_id"] == "42"}
    assert {row["media_id"] for row in await house.rows("watch")} == shows
    assert len(await house.rows("watch")) == 2
