"""Pitfalls 21 to 28 (facts/peers.md §3): each viewer has their own, and each film is itself."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from receiver.rehearsal.library import SERVER_ID, User, invented_id
from receiver.rehearsal.steps import Close, Join, Open, Play, PlayTo, SignIn, Wait
from reconcile.playback.check_in import ItemFacts
from reconcile.settling import Settling
from reconcile.store import deliveries as kept_deliveries
from reconcile.store import evidence, media, tables
from reconcile.store.engine import Transactions
from reconcile.store.tables import metadata
from tests.pitfalls.evening import (
    BROWSER,
    EPISODE,
    FILM,
    GUEST,
    OTHER_FILM,
    PHONE,
    STRANGER,
    TELEVISION,
    VIEWER,
    Evening,
    retyped,
)
from tests.pitfalls.ledger import read_ledger


async def _everything(store: Transactions) -> str:
    """Return all that the database holds, as text."""
    found: list[str] = []
    async with store.read() as db:
        for table in metadata.sorted_tables:
            rows = (await db.execute(sa.select(table))).mappings()
            found += [f"{table.name} {dict(row)}" for row in rows]
        found += [each.body.decode() async for each in kept_deliveries.between(db, None, None)]
    return "\n".join(found)


async def test_of_three_viewers_only_the_one_who_opted_in_leaves_a_trace(evening: Evening) -> None:
    """21. Three users share the webhook; one opted in."""
    evening.linked = (VIEWER,)
    evening.play(Open(FILM), Play(600), Close(), on=BROWSER, by=VIEWER)
    evening.play(Open(FILM), Play(600), Close(), on=TELEVISION, by=GUEST)
    evening.play(Open(OTHER_FILM), Play(600), Close(), on=PHONE, by=STRANGER)

    program = await evening.perform()
    ledger = await read_ledger(program.store)
    everything = await _everything(program.store)
    async with program.store.read() as db:
        ignored = await kept_deliveries.tallies(db)
    await program.close()

    assert [each.user_id for each in ledger.playbacks] == [VIEWER.id]
    assert VIEWER.id in everything
    for other in (GUEST, STRANGER):
        assert other.id not in everything
        assert other.name not in everything
    assert ignored["not a recorded user"] > 0


async def test_two_devices_of_one_viewer_are_two_rows(evening_anywhere: Evening) -> None:
    """22. A film on the television and an episode on the phone, at the same time."""
    evening = evening_anywhere
    film = replace(FILM, runtime=1500.0)
    evening.play(Open(film), PlayTo(film.runtime), Close(), on=TELEVISION)
    evening.play(Open(EPISODE), PlayTo(EPISODE.runtime), Close(), on=PHONE, at=60)

    ledger = await evening.ledger()

    assert [each.watched for each in ledger.playbacks] == [
        pytest.approx(film.runtime, abs=evening.tolerance),
        pytest.approx(EPISODE.runtime, abs=evening.tolerance),
    ]
    assert {(row.kind, row.plays) for row in ledger.watches} == {("movie", 1), ("series", 1)}


async def test_a_user_switch_on_one_device_gives_each_their_own(evening: Evening) -> None:
    """23. One viewer stops, another signs in within 5 s and plays on the same device."""
    evening.play(
        *(Open(EPISODE), PlayTo(EPISODE.runtime), Close(), Wait(2)),
        *(SignIn(GUEST), Wait(2), Open(EPISODE), Play(600), Close()),
        on=TELEVISION,
    )

    ledger = await evening.ledger()

    (first,), (second,) = ledger.of(VIEWER), ledger.of(GUEST)
    assert first.session_id == second.session_id
    assert first.watched == pytest.approx(EPISODE.runtime, abs=evening.tolerance)
    assert second.watched == pytest.approx(600, abs=evening.tolerance)
    assert [(row.who, row.plays) for row in ledger.watches] == [(VIEWER.name, 1)]


async def test_a_ghost_that_the_server_goes_on_guessing_belongs_to_nobody_else(evening: Evening) -> None:
    """23. The first viewer never said that it was over; the next one only signs in."""
    evening.play(Open(FILM), Play(600), Close("nothing"), Wait(60), SignIn(GUEST), on=TELEVISION)

    ledger = await evening.ledger()

    assert ledger.of(GUEST) == ()
    assert len(ledger.of(VIEWER)) == 1


@pytest.mark.parametrize("linked", [(VIEWER, GUEST), (GUEST,)], ids=["both opted in", "only who comes next opted in"])
async def test_a_ghost_completes_nothing_for_who_signs_in_next(evening: Evening, linked: tuple[User, ...]) -> None:
    """23. The next one has seen the first half of the same film; whoever was before them has seen all of it."""
    evening.linked = linked
    evening.play(Open(FILM), PlayTo(FILM.runtime / 2), Close(), on=PHONE, by=GUEST)
    evening.play(
        *(Open(FILM), PlayTo(0.9 * FILM.runtime), Close("nothing"), Wait(15), SignIn(GUEST)),
        on=TELEVISION,
        by=VIEWER,
        at=FILM.runtime,
    )

    ledger = await evening.ledger()

    assert [each.watched for each in ledger.of(GUEST)] == [pytest.approx(FILM.runtime / 2, abs=evening.tolerance)]
    assert [row.who for row in ledger.watches] == [user.name for user in linked if user == VIEWER]


@pytest.mark.parametrize(
    "linked",
    [
        pytest.param((VIEWER, GUEST, STRANGER), id="all opted in"),
        pytest.param((GUEST,), id="only one of them opted in"),
    ],
)
async def test_everyone_who_watches_along_has_a_row_if_they_opted_in(
    evening: Evening, linked: tuple[User, ...]
) -> None:
    """24. One session with two additional users: three notifications, one session in a look."""
    evening.linked = linked
    evening.play(Join(GUEST), Join(STRANGER), Open(EPISODE), PlayTo(EPISODE.runtime), Close(), on=TELEVISION)

    ledger = await evening.ledger()

    assert sorted(each.user_id for each in ledger.playbacks) == sorted(user.id for user in linked)
    for playback in ledger.playbacks:
        assert playback.watched == pytest.approx(EPISODE.runtime, abs=evening.tolerance)
    assert sorted(row.who for row in ledger.watches) == sorted(user.name for user in linked)


def _with_two_episodes(body: bytes) -> bytes:
    body = body.replace(b'"EpisodeNumber":1,', b'"EpisodeNumber":1,"EpisodeNumberEnd":2,')
    return body.replace(b'"IndexNumber":1,', b'"IndexNumber":1,"IndexNumberEnd":2,')


async def test_a_file_with_two_episodes_gives_a_row_each_and_shares_the_time(evening: Evening) -> None:
    """25. S01E01-E02 in one file."""
    evening.body = _with_two_episodes
    evening.play(Open(EPISODE), PlayTo(EPISODE.runtime), Close())

    ledger = await evening.ledger()

    (playback,) = ledger.playbacks
    assert playback.watched == pytest.approx(EPISODE.runtime, abs=evening.tolerance)
    assert [(row.unit, row.plays) for row in ledger.watches] == [("s01e01", 1), ("s01e02", 1)]
    assert [row.watched for row in ledger.watches] == [pytest.approx(EPISODE.runtime / 2, abs=evening.tolerance)] * 2


async def test_a_film_that_was_added_again_is_the_same_film(evening_anywhere: Evening) -> None:
    """26. The same public ids under a new item id, on another day: one media."""
    evening = evening_anywhere
    film = replace(FILM, runtime=900.0)
    again = replace(film, id=invented_id("the same film, added again"))
    evening.play(Open(film), PlayTo(900), Close(), Wait(86400), Open(again), PlayTo(900), Close())

    ledger = await evening.ledger()

    assert [(row.day, row.plays) for row in ledger.watches] == [("2026-03-02", 1), ("2026-03-03", 1)]
    assert len({row.media_id for row in ledger.watches}) == 1


async def test_two_films_of_one_name_are_two(evening: Evening) -> None:
    """26. A remake has the title of the first film, and ids of its own."""
    film = replace(FILM, runtime=900.0)
    remake = replace(OTHER_FILM, runtime=900.0, name=film.name)
    evening.play(Open(film), PlayTo(900), Close(), Wait(60), Open(remake), PlayTo(900), Close())

    ledger = await evening.ledger()

    assert len({row.media_id for row in ledger.watches}) == 2
    assert len({row.title for row in ledger.watches}) == 1


async def test_an_item_that_no_library_knows_is_kept_by_what_was_told_of_it(evening: Evening) -> None:
    """27. Never synced, or deleted while playing: kept as it was told; public ids come when Jellyfin answers."""
    evening.play(Open(EPISODE), PlayTo(EPISODE.runtime), Close())
    program = await evening.perform()
    (before,) = (await read_ledger(program.store)).watches

    series = EPISODE.series
    assert series is not None
    learnt = ItemFacts(kind="series", name="What it is really called", tmdb_id="4711")
    async with program.store.begin() as db:
        assert series.id in await media.wanted(db, SERVER_ID, program.now, 10)
        await media.learn(db, SERVER_ID, series.id, learnt, program.now, program.now + timedelta(days=1))
        numbers = [number for number, _key in await evidence.key_ids(db)]
        await Settling(db, program.people, program.now, whole=True).settle(numbers)
        known = (await db.execute(sa.select(tables.media.c.id, tables.media.c.tmdb_id, tables.media.c.title))).all()
    (after,) = (await read_ledger(program.store)).watches
    await program.close()

    assert (before.title, before.unit, before.plays) == (series.name, "s01e01", 1)
    assert (after.unit, after.day, after.plays) == (before.unit, before.day, 1)
    assert [tuple(row) for row in known] == [(before.media_id, "4711", learnt.name)]
    assert after.media_id == before.media_id


@pytest.mark.parametrize("name", ["Trailer", "Audio", "MusicVideo", "Video", "TvChannel", "LiveTvProgram"])
async def test_what_is_neither_film_nor_episode_is_no_history(evening: Evening, name: str) -> None:
    """28 and 33. Theme songs, trailers, music, live TV: nothing but a count by reason."""
    evening.body = retyped(FILM, name)
    evening.play(Open(FILM), Play(300), Close())

    program = await evening.perform()
    ledger = await read_ledger(program.store)
    async with program.store.read() as db:
        ignored = await kept_deliveries.tallies(db)
    await program.close()

    assert (ledger.playbacks, ledger.watches, ledger.deliveries) == ((), (), 0)
    assert ignored[f"item type {name}"] > 0


async def test_a_pre_roll_is_no_history(evening: Evening) -> None:
    """28. A film in front of the film, marked by the plugin that put it there."""
    pre_roll = replace(FILM, id=invented_id("a pre-roll"), runtime=200.0, providers=(("prerolls.video", "1"),))
    evening.play(Open(pre_roll), PlayTo(200), Close(), Wait(1), Open(EPISODE), Play(300), Close())

    assert [each.item_id for each in (await evening.ledger()).playbacks] == [EPISODE.id]


@pytest.mark.parametrize("seconds", [1.0, 20.0])
async def test_a_glimpse_is_no_history(evening: Evening, seconds: float) -> None:
    """28. A preview that plays while the pointer hovers."""
    evening.play(Open(FILM), Play(seconds), Close())

    assert (await evening.ledger()).watches == ()
