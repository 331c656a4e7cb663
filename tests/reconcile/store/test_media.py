"""What the aliases say is one media is one; what contradicts itself goes to review; titles merge nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import sqlalchemy as sa

from reconcile.playback.check_in import ItemFacts
from reconcile.playback.media import Identity
from reconcile.store import media
from reconcile.store.engine import Transactions
from reconcile.store.tables import media as media_table
from tests.reconcile.arrivals import EIGHT_PM, SERVER, Household


def film(item: str, title: str = "A Film", **ids: str) -> Identity:
    return Identity("movie", title, None, (*ids.items(), ("item", f"{SERVER}:{item}")))


async def identified(store: Transactions, *identities: Identity) -> list[int]:
    found = []
    for identity in identities:
        async with store.begin() as db:
            found.append((await media.identify(db, identity)).id)
    return found


async def test_the_same_item_is_the_same_media(store: Transactions) -> None:
    first, again = await identified(store, film("one", tmdb="603"), film("one", tmdb="603"))

    assert first == again
    assert len(await Household(store).rows("media")) == 1


async def test_a_re_added_file_is_the_same_film_by_its_public_id(store: Transactions) -> None:
    first, again = await identified(store, film("one", tmdb="603"), film("another", tmdb="603"))

    assert first == again


async def test_titles_alone_merge_nothing(store: Transactions) -> None:
    first, second = await identified(store, film("one"), film("another"))

    assert first != second


async def test_an_item_that_learns_its_public_id_merges_with_who_had_it_under_the_older_number(
    store: Transactions,
) -> None:
    local, public = await identified(store, film("one"), film("another", tmdb="603"))

    async with store.begin() as db:
        found = await media.identify(db, film("one", tmdb="603", imdb="tt1"))

    assert (found.id, found.merged) == (min(local, public), (max(local, public),))
    (row,) = await Household(store).rows("media")
    assert (row["tmdb_id"], row["imdb_id"], row["review"]) == ("603", "tt1", False)


async def test_ids_that_contradict_each_other_merge_nothing_and_go_to_review(store: Transactions) -> None:
    one, other = await identified(store, film("one", tmdb="603", imdb="tt1"), film("two", tmdb="604", imdb="tt2"))

    (odd,) = await identified(store, film("three", tmdb="603", imdb="tt2"))

    rows = {row["id"]: row for row in await Household(store).rows("media")}
    assert odd == one
    assert set(rows) == {one, other}
    assert (rows[one]["review"], rows[other]["tmdb_id"]) == (True, "604")


async def test_a_series_and_a_film_with_the_same_number_are_two(store: Transactions) -> None:
    show = Identity("series", "A Film", None, (("tmdb", "603"), ("item", f"{SERVER}:show")))

    first, second = await identified(store, film("one", tmdb="603"), show)

    assert first != second


async def test_many_who_name_the_same_film_at_once_make_one(store: Transactions) -> None:
    async def name(number: int) -> int:
        async with store.begin() as db:
            return (await media.identify(db, film(f"item {number}", tmdb="603", imdb="tt1"))).id

    assert len(set(await asyncio.gather(*(name(number) for number in range(8))))) == 1
    assert len(await Household(store).rows("media")) == 1


async def test_only_what_is_told_of_in_full_is_known_without_asking(store: Transactions) -> None:
    (number,) = await identified(store, film("one", tmdb="603"))

    async with store.read() as db:
        known = await media.known(db, [film("one", tmdb="603"), film("one", tmdb="603", imdb="tt1"), film("two")])

    assert known == {film("one", tmdb="603"): number}


async def test_an_item_is_looked_up_when_its_time_has_come_and_then_known(store: Transactions) -> None:
    day = timedelta(days=1)
    async with store.begin() as db:
        await media.want(db, [(SERVER, "film")], EIGHT_PM)
        await media.want(db, [(SERVER, "film")], EIGHT_PM - day)
        due = await media.wanted(db, SERVER, EIGHT_PM, 10)
        early = await media.wanted(db, SERVER, EIGHT_PM - day, 10)
        await media.postpone(db, SERVER, "film", EIGHT_PM + day, "Jellyfin was away")
        later = await media.wanted(db, SERVER, EIGHT_PM + day, 10)
        told = ItemFacts(kind="movie", name="A Film", runtime_seconds=1000.0, tmdb_id="603")
        await media.learn(db, SERVER, "film", told, EIGHT_PM, EIGHT_PM + 30 * day)
        after = await media.wanted(db, SERVER, EIGHT_PM + day, 10)
        known = await media.catalogued(db, [(SERVER, "film"), (SERVER, "unheard of")])

    assert (due, early, later, after) == ({"film": 0}, {}, {"film": 1}, {})
    assert known == {(SERVER, "film"): told}


async def test_a_media_keeps_the_title_it_was_first_given(store: Transactions) -> None:
    await identified(store, film("one", tmdb="603"), film("another", "Der Film", tmdb="603"))

    async with store.read() as db:
        assert await db.scalar(sa.select(media_table.c.title)) == "A Film"
