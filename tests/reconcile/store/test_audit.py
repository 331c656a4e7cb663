"""Corrections are read with what was played, whose it was, and the playback that they are about."""

from __future__ import annotations

from reconcile.correcting import Saying, correct
from reconcile.playback.corrections import What
from reconcile.store import audit, corrections
from reconcile.store.engine import Transactions
from tests.reconcile.arrivals import Household, key, line, stopped


async def corrected(store: Transactions) -> tuple[Household, list[int]]:
    """Return a household in which two people deleted, the second after the first, what they had watched."""
    house = Household(store)
    people = await house.welcome("viewer", "guest")
    for user in ("viewer", "guest"):
        of = key(user=user, session=f"{user}'s")
        await house.hear(*line(0, 900, of=of), stopped(905, 905, of=of))
    for row in sorted(await house.rows("playback"), key=lambda row: people.index(int(row["account_id"]))):
        async with store.begin() as db:
            about = await corrections.meant(db, number=row["id"])
            saying = Saying(What.DELETE, "an administrator", note="a slip")
            await correct(db, house.people.fresh(), about, saying, house.now, {})
    return house, people


async def test_they_come_the_latest_said_first_with_what_was_played(store: Transactions) -> None:
    house, people = await corrected(store)

    async with store.read() as db:
        every = await audit.corrections(db, None, None, 10)
        some = await audit.corrections(db, frozenset(people), None, 1)
        older = await audit.corrections(db, frozenset(people), some[0]["id"], 10)

    assert [row["account_name"] for row in every] == ["guest", "viewer"]
    assert {row["playback_id"] for row in every} == {row["id"] for row in await house.rows("playback")}
    assert every[0]["facts"]["name"][1] == "A Film"
    assert [row["id"] for row in (*some, *older)] == [row["id"] for row in every]


async def test_of_one_account_they_are_those_alone(store: Transactions) -> None:
    _house, (viewer, _guest) = await corrected(store)

    async with store.read() as db:
        mine = await audit.corrections(db, frozenset({viewer}), None, 10)
        there = await audit.those(db, [mine[0]["id"], 999])

    assert [row["account_id"] for row in mine] == [viewer]
    assert there == mine


async def test_media_are_found_by_a_part_of_their_title_among_what_some_watched(store: Transactions) -> None:
    house = Household(store)
    viewer, guest = await house.welcome("viewer", "guest")
    await house.hear(*line(0, 900), stopped(905, 905))
    media = (await house.one("media"))["id"]

    async with store.read() as db:
        found = [await audit.media_called(db, "film", whose, 5) for whose in (None, {viewer}, {guest})]
        known = [await audit.is_known_to(db, media, {each}) for each in (viewer, guest)]
        named = await audit.media_named(db, [media])

    assert [[row["title"] for row in rows] for rows in found] == [["A Film"], ["A Film"], []]
    assert known == [True, False]
    assert named[media]["year"] == 1999
