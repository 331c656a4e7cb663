"""What people say an item is, its history follows; undone, it goes back; and no replay brings back what was before."""

from __future__ import annotations

import random
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconcile.playback.check_in import ItemFacts
from reconcile.playback.media import Match
from reconcile.rehoming import Rehomed, Rehoming
from reconcile.resettling import resettle
from reconcile.store import media
from reconcile.store.engine import Transactions
from tests.reconcile.arrivals import FILM, NEXT, SERVER, Household, key, line, stopped

EPISODE = ItemFacts(kind="episode", name="Pilot", runtime_seconds=1000.0, series_id="series", season=1, episode=1)
SECOND = ItemFacts(kind="episode", name="Second", runtime_seconds=1000.0, series_id="series", season=1, episode=2)
ORPHAN = ItemFacts(kind="episode", name="Pilot", runtime_seconds=1000.0, season=1, episode=1)
OTHER_FILM = Match("movie", title="The Other Film", year=1998, tmdb_id="604")


async def watch(house: Household, item: str, facts: ItemFacts, day: int = 0) -> None:
    """Have an item of 1000 s watched to its end, so many days after the first evening."""
    start = day * 86_400
    of = key(item=item)
    await house.hear(*line(start, start + 900, of=of, facts=facts), stopped(start + 905, 905, of=of, facts=facts))


async def match(house: Household, *items: str, what: Match = OTHER_FILM) -> Rehomed:
    async with house.store.begin() as db:
        rehoming = Rehoming(db, house.people, house.now)
        return await rehoming.match([(SERVER, item) for item in items], what, "administrator")


async def undo(house: Household, number: int) -> Rehomed | None:
    async with house.store.begin() as db:
        return await Rehoming(db, house.people, house.now).undo(number, "administrator")


async def shown(house: Household) -> list[tuple[str, str | None, str, str]]:
    """Return the history: title, TMDB id, unit and day of each watch."""
    known = {row["id"]: row for row in await house.rows("media")}
    rows = [(known[row["media_id"]], row) for row in await house.rows("watch")]
    return sorted((m["title"], m["tmdb_id"], row["unit"], row["day"]) for m, row in rows)


async def playbacks(house: Household) -> list[Any]:
    return [(row["id"], row["watched_seconds"]) for row in await house.rows("playback")]


@pytest.fixture
async def house(store: Transactions) -> Household:
    house = Household(store)
    await house.welcome("viewer")
    return house


async def test_a_film_that_is_another_takes_its_history_along_under_its_own_number(house: Household) -> None:
    await watch(house, "film", FILM)
    before = (await house.one("media"))["id"], await playbacks(house)

    done = await match(house, "film")

    assert await shown(house) == [("The Other Film", "604", "", "2026-03-07")]
    assert ((await house.one("media"))["id"], await playbacks(house)) == before
    assert done.media == [before[0]]


async def test_a_film_that_is_one_known_already_becomes_one_with_it(house: Household) -> None:
    await watch(house, "film", FILM)
    await watch(house, "next", NEXT, day=1)

    done = await match(house, "film", what=Match("movie", tmdb_id="604"))

    assert [(tmdb, day) for _t, tmdb, _u, day in await shown(house)] == [("604", "2026-03-07"), ("604", "2026-03-08")]
    assert len(await house.rows("media")) == 1
    assert {change.unit[1] for change in done.settled.watches if change.after} == set(done.media)


async def test_undone_it_goes_back_to_what_was_told(house: Household) -> None:
    await watch(house, "film", FILM)
    await watch(house, "next", NEXT, day=1)
    before = await shown(house)
    done = await match(house, "film")

    assert await undo(house, done.said[0]) is not None

    assert await shown(house) == before
    assert await undo(house, done.said[0]) is None, "it is undone already"


async def test_of_two_items_that_are_one_film_one_can_be_said_to_be_another(house: Household) -> None:
    await watch(house, "film", FILM)
    await watch(house, "re-added", FILM, day=1)
    assert len(await house.rows("media")) == 1

    await match(house, "re-added")

    assert await shown(house) == [("A Film", "603", "", "2026-03-07"), ("The Other Film", "604", "", "2026-03-08")]
    (row,) = [row for row in await house.rows("media") if row["tmdb_id"] == "603"]
    aliases = {(a["source"], a["value"]) for a in await house.rows("media_alias") if a["media_id"] == row["id"]}
    assert aliases == {("tmdb", "603"), ("item", f"{SERVER}:film")}


async def test_what_was_one_only_through_a_wrong_item_is_not_one_without_it(house: Household) -> None:
    await watch(house, "by tmdb", ItemFacts(kind="movie", name="One", runtime_seconds=1000.0, tmdb_id="1"))
    await watch(house, "by imdb", ItemFacts(kind="movie", name="Two", runtime_seconds=1000.0, imdb_id="tt2"), day=1)
    both = ItemFacts(kind="movie", name="Both", runtime_seconds=1000.0, tmdb_id="1", imdb_id="tt2")
    await watch(house, "both", both, day=2)
    assert len(await house.rows("media")) == 1

    await match(house, "both")

    ids = {(row["tmdb_id"], row["imdb_id"]) for row in await house.rows("media")}
    assert ids == {("1", None), (None, "tt2"), ("604", None)}


async def test_a_series_that_is_another_takes_all_its_episodes_along(house: Household) -> None:
    await watch(house, "pilot", EPISODE)
    await watch(house, "second", SECOND, day=1)

    await match(house, "series", what=Match("series", title="A Series", tmdb_id="77"))

    assert await shown(house) == [
        ("A Series", "77", "s01e01", "2026-03-07"),
        ("A Series", "77", "s01e02", "2026-03-08"),
    ]
    await watch(house, "third", SECOND, day=2)
    assert {row[1] for row in await shown(house)} == {"77"}, "and those that are watched later"


async def test_one_episode_can_be_said_to_be_of_another_series(house: Household) -> None:
    await watch(house, "pilot", EPISODE)
    await watch(house, "second", SECOND, day=1)
    done = await match(house, "second", what=Match("series", title="Another Series", tmdb_id="78"))

    titles = {unit: (title, tmdb) for title, tmdb, unit, _day in await shown(house)}
    assert titles["s01e02"] == ("Another Series", "78")
    assert titles["s01e01"][1] is None

    await undo(house, done.said[0])
    assert len(await house.rows("media")) == 1


async def test_an_episode_whose_series_nobody_knew_is_given_one(house: Household) -> None:
    await watch(house, "pilot", ORPHAN)
    assert (await house.one("media"))["kind"] == "episode"

    await match(house, "pilot", what=Match("series", title="A Series", tmdb_id="77"))

    assert await shown(house) == [("A Series", "77", "s01e01", "2026-03-07")]
    assert [row["kind"] for row in await house.rows("media")] == ["series"]


async def test_resettling_and_hearing_it_all_again_obey_what_was_said(house: Household) -> None:
    await watch(house, "film", FILM)
    await match(house, "film")
    before = await shown(house), await playbacks(house)

    differences = await resettle(house.store, house.people, {}, lambda: house.now)
    await watch(house, "film", FILM)

    assert differences == []
    assert (await shown(house), await playbacks(house)) == before


async def test_the_last_that_was_said_counts_and_undoing_it_leaves_the_one_before(house: Household) -> None:
    await watch(house, "film", FILM)
    await match(house, "film")
    later = await match(house, "film", what=Match("movie", title="A Third", tmdb_id="605"))
    assert [row[1] for row in await shown(house)] == ["605"]

    await undo(house, later.said[0])

    assert [row[1] for row in await shown(house)] == ["604"]


async def test_ids_that_contradict_what_is_kept_go_to_review_and_a_match_settles_it(house: Household) -> None:
    await watch(house, "film", FILM)
    other = ItemFacts(kind="movie", name="A Film", runtime_seconds=1000.0, tmdb_id="999")
    await watch(house, "film", other, day=1)
    (row,) = await house.rows("media")
    assert (row["review"], row["tmdb_id"]) == (True, "603")

    await match(house, "film", what=Match("movie", tmdb_id="999"))

    (row,) = await house.rows("media")
    assert (row["review"], row["tmdb_id"]) == (False, "999")
    assert len(await house.rows("watch")) == 2


async def test_a_crash_in_the_middle_leaves_everything_as_it_was(house: Household) -> None:
    await watch(house, "film", FILM)
    before = await shown(house)

    async def say_and_die() -> None:
        async with house.store.begin() as db:
            await Rehoming(db, house.people, house.now).match([(SERVER, "film")], OTHER_FILM, "administrator")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await say_and_die()

    assert await shown(house) == before
    assert await house.rows("media_match") == []


async def test_the_catalogues_title_wins_over_what_a_channel_told_first(house: Household) -> None:
    await watch(house, "pilot", ItemFacts(**{**_values(EPISODE), "series_name": "told first"}))
    assert (await house.one("media"))["title"] == "told first"

    async with house.store.begin() as db:
        show = ItemFacts(name="The Series", year=1999, tmdb_id="77")
        await media.learn(db, SERVER, "series", show, house.now, house.now + timedelta(days=1))
        await Rehoming(db, house.people, house.now).rehome([(SERVER, "series")])

    row = await house.one("media")
    assert (row["title"], row["year"]) == ("The Series", 1999)


def _values(facts: ItemFacts) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in facts.__struct_fields__}


async def test_what_is_playing_meanwhile_goes_on_as_what_it_is_now(house: Household) -> None:
    await house.hear(*line(0, 500))
    await house.hear(*line(510, 560, 510))

    await match(house, "film")
    await house.hear(*line(570, 900, 570))
    await house.hear(stopped(905, 905))

    assert await shown(house) == [("The Other Film", "604", "", "2026-03-07")]
    assert len(await playbacks(house)) == 1


ITEMS = {
    "film": FILM,
    "re-added": FILM,
    "next": NEXT,
    "nameless": ItemFacts(kind="movie", name="A Film", runtime_seconds=1000.0, imdb_id="tt4"),
}
WORDS = (OTHER_FILM, Match("movie", tmdb_id="603"), Match("movie", title="A Third", tmdb_id="605", imdb_id="tt4"))


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_was_said_and_taken_back_before_the_history_is_that_of_what_holds(
    seed: int, sqlite_template: Path, tmp_path: Path
) -> None:
    dice = random.Random(seed)
    stores = []
    for name in ("said after", "said before"):
        url = f"sqlite+aiosqlite:///{shutil.copy(sqlite_template, tmp_path / name)}"
        stores.append(Transactions(url))
    after, before = Household(stores[0]), Household(stores[1])
    for house in (after, before):
        await house.welcome("viewer")
    for day, (item, facts) in enumerate(ITEMS.items()):
        await watch(after, item, facts, day)

    standing: dict[int, tuple[str, Match]] = {}
    for _word in range(8):
        if standing and dice.random() < 0.4:
            number = dice.choice(sorted(standing))
            await undo(after, number)
            del standing[number]
        else:
            item, word = dice.choice(sorted(ITEMS)), dice.choice(WORDS)
            standing[(await match(after, item, what=word)).said[0]] = (item, word)
    for _number, (item, word) in sorted(standing.items()):
        await match(before, item, what=word)
    for day, (item, facts) in enumerate(ITEMS.items()):
        await watch(before, item, facts, day)

    assert await grouped(after) == await grouped(before)
    for store in stores:
        await store.close()


async def grouped(house: Household) -> set[tuple[frozenset[str], frozenset[tuple[str, str]]]]:
    """Return which days' watches are of one media, with that media's public ids."""
    found: dict[int, set[str]] = {}
    for row in await house.rows("watch"):
        found.setdefault(row["media_id"], set()).add(row["day"])
    ids: dict[int, set[tuple[str, str]]] = {number: set() for number in found}
    for alias in await house.rows("media_alias"):
        if alias["source"] != "item" and alias["media_id"] in ids:
            ids[alias["media_id"]].add((alias["source"], alias["value"]))
    return {(frozenset(days), frozenset(ids[number])) for number, days in found.items()}
