"""From evidence to history: what touches a session, a viewer or a film settles all of it, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from reconcile.playback.check_in import Channel, ItemFacts, Kind
from reconcile.settling import Settling
from reconcile.store import evidence, media
from reconcile.store import people as kept_people
from reconcile.store.engine import Transactions
from reconcile.store.tables import account
from tests.reconcile.arrivals import EIGHT_PM, FILM, NEXT, SERVER, Household, at, key, line, shown, stopped, told

EPISODE = ItemFacts(kind="episode", name="Pilot", runtime_seconds=1000.0, series_id="series", season=1, episode=1)


async def test_another_item_in_the_session_ends_the_one_before(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await house.hear(*line(0, 300))

    await house.hear(*line(304, 404, of=key(item="next"), facts=NEXT))

    first, second = await house.rows("playback")
    assert (first["ended_by"], first["open"]) == ("superseded", False)
    assert first["ended_at"] == pytest.approx(at(304), abs=timedelta(seconds=1))
    assert second["open"]


async def test_a_sibling_told_of_late_ends_what_silence_had_ended(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await house.hear(*line(0, 300))
    await house.night()
    assert (await house.one("playback"))["ended_by"] == "silence"

    await house.hear(*line(304, 404, of=key(item="next"), facts=NEXT))

    assert [row["ended_by"] for row in await house.rows("playback")] == ["superseded", "silence"]


async def test_a_check_in_first_seen_under_another_user_is_not_also_theirs_later(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer", "other")
    await house.hear(*line(0, 300))

    await house.look(330, shown(300, 300, 330, of=key(user="other")))

    playbacks = await house.rows("playback")
    keys = {row["id"]: row["user_id"] for row in await house.rows("playback_key")}
    assert [keys[row["key_id"]] for row in playbacks] == ["viewer"]


async def test_who_watches_along_has_a_playback_too(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer", "other")

    await house.hear(*line(0, 900), *line(0, 900, of=key(user="other")))
    await house.hear(stopped(905, 905), stopped(905, 905, of=key(user="other")))

    assert [row["completed"] for row in await house.rows("watch")] == [True, True]


async def test_the_same_film_on_two_devices_of_a_day_is_one_watch(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")

    await house.hear(*line(0, 900), stopped(905, 905))
    await house.hear(*line(2000, 2900, of=key(session="phone")), stopped(2905, 905, of=key(session="phone")))

    watch = await house.one("watch")
    assert watch["plays"] == 2
    assert watch["watched_seconds"] == pytest.approx(1810, abs=2)
    assert len(await house.rows("watch_playback")) == 2


async def test_a_file_with_two_episodes_gives_each_a_watch_and_half_the_time(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    double = ItemFacts(
        kind="episode", name="Pilot", runtime_seconds=1000.0, series_id="series", season=1, episode=1, episode_end=2
    )

    await house.hear(*line(0, 900, facts=double), stopped(905, 905, facts=double))

    watches = await house.rows("watch")
    assert [row["unit"] for row in watches] == ["s01e01", "s01e02"]
    assert [row["watched_seconds"] for row in watches] == pytest.approx([452.5, 452.5], abs=1)


async def test_an_items_public_ids_learnt_later_merge_its_watches_instead_of_doubling_them(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    local = ItemFacts(kind="movie", name="A Film", runtime_seconds=1000.0)
    re_added = key(item="re-added")
    await house.hear(*line(0, 900), stopped(905, 905))
    await house.hear(*line(2000, 2900, of=re_added, facts=local), stopped(2905, 905, of=re_added, facts=local))
    assert [row["plays"] for row in await house.rows("watch")] == [1, 1]

    await house.hear(told(2900, 900, of=re_added))

    watch = await house.one("watch")
    assert watch["plays"] == 2
    assert len(await house.rows("media")) == 1
    assert {row["media_id"] for row in await house.rows("playback")} == {watch["media_id"]}


async def test_a_series_told_of_by_the_catalogue_is_one_series_under_every_server_id(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    again = key(item="episode again")
    renamed = ItemFacts(kind="episode", runtime_seconds=1000.0, series_id="series again", season=1, episode=1)
    await house.hear(*line(0, 900, facts=EPISODE), stopped(905, 905, facts=EPISODE))
    await house.hear(*line(90_000, 90_900, of=again, facts=renamed), stopped(90_905, 905, of=again, facts=renamed))
    assert len(await house.rows("media")) == 2

    async with store.begin() as db:
        for item in ("series", "series again"):
            show = ItemFacts(kind="series", name="A Series", tvdb_id="42")
            await media.learn(db, SERVER, item, show, house.now, house.now + timedelta(days=1))
        numbers = [number for number, _key in await evidence.key_ids(db)]
        await Settling(db, house.people, house.now, whole=True).settle(numbers)

    assert (await house.one("media"))["tvdb_id"] == "42"
    assert [(row["day"], row["unit"]) for row in await house.rows("watch")] == [
        ("2026-03-07", "s01e01"),
        ("2026-03-08", "s01e01"),
    ]


async def test_what_is_settled_already_is_not_written_again(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await house.hear(*line(0, 900), stopped(905, 905))

    async with store.begin() as db:
        numbers = [number for number, _key in await evidence.key_ids(db)]
        settled = await Settling(db, house.people, house.now, whole=True).settle(numbers)

    assert (settled.watches, settled.playbacks) == ([], [])


async def test_another_threshold_takes_a_watch_back_and_says_what_it_was(store: Transactions) -> None:
    house = Household(store)
    (number,) = await house.welcome("viewer")
    await house.hear(*line(0, 900), stopped(905, 905))

    async with store.begin() as db:
        await db.execute(sa.update(account).where(account.c.id == number).values(threshold=95.0))
        await house.people.load(db)
        keys = [key_id for key_id, _key in await evidence.key_ids(db)]
        settled = await Settling(db, house.people, house.now, whole=True).settle(keys)

    (change,) = settled.watches
    assert (change.before or {})["completed"]
    assert change.after is None
    assert await house.rows("watch") == []
    assert (await house.one("playback"))["verdict"] != "completed"


async def test_the_day_is_the_accounts_own(store: Transactions) -> None:
    house = Household(store)
    (number,) = await house.welcome("viewer")
    async with store.begin() as db:
        await db.execute(sa.update(account).where(account.c.id == number).values(time_zone="Pacific/Auckland"))
        await house.people.load(db)

    await house.hear(*line(0, 900), stopped(905, 905))

    assert (await house.one("watch"))["day"] == "2026-03-08"


async def test_a_second_playback_of_another_day_is_judged_with_the_first(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    day = 86_400
    await house.hear(*line(0, 800), stopped(805, 805))

    await house.hear(*line(day, day + 60, 800), stopped(day + 65, 865))

    watch = await house.one("watch")
    assert (watch["day"], watch["completed"]) == ("2026-03-08", True)


async def test_two_users_of_one_account_in_one_seat_count_once(store: Transactions) -> None:
    house = Household(store)
    (number,) = await house.welcome("viewer")
    async with store.begin() as db:
        await kept_people.tie(db, SERVER, "alias", number, "alias", "test", EIGHT_PM)
        await kept_people.open_interval(db, SERVER, "alias", number, at(-1000))
        await house.people.load(db)

    await house.hear(*line(0, 900), *line(0, 900, of=key(user="alias")))
    await house.hear(stopped(905, 905), stopped(905, 905, of=key(user="alias")))

    watch = await house.one("watch")
    assert watch["plays"] == 1
    assert watch["watched_seconds"] == pytest.approx(905, abs=2)


async def test_while_the_kind_of_item_is_unknown_there_is_a_playback_without_a_watch(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    nameless = ItemFacts(runtime_seconds=1000.0)

    await house.hear(*line(0, 900, facts=nameless), stopped(905, 905, facts=nameless))

    assert (await house.one("playback"))["media_id"] is None
    assert await house.rows("watch") == []
    assert {row["item_id"] for row in await house.rows("item")} == {"film"}


async def test_channels_are_told_apart_in_what_they_told_together(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")

    await house.hear(told(0, 0), told(10, 10, Kind.PLAYING, channel=Channel.POLL))

    assert (await house.one("playback"))["channels"] == 3
    assert FILM.runtime_seconds == (await house.one("playback"))["runtime_seconds"]


@pytest.mark.parametrize("first", ["webhook", "poll"])
async def test_an_alternate_version_is_measured_by_its_own_runtime(store: Transactions, first: str) -> None:
    """The library tells the item's runtime, a snapshot that of the media source that is really played (facts B8)."""
    house = Household(store)
    await house.welcome("viewer")
    shorter = ItemFacts(kind="movie", name="A Film", runtime_seconds=800.0, tmdb_id="603")
    heard = [*line(0, 700), stopped(710, 710)]
    seen = [told(second, second, facts=shorter, channel=Channel.POLL) for second in range(0, 701, 10)]

    for each in (heard, seen) if first == "webhook" else (seen, heard):
        await house.hear(*each)

    watch = await house.one("watch")
    assert (watch["completed"], watch["percent"]) == (True, pytest.approx(100 * 710 / 800, abs=1))
    assert (await house.one("playback"))["runtime_seconds"] == 800


async def test_a_file_that_is_added_again_goes_on_with_the_same_rows(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    again = key(item="added again")

    await house.hear(*line(0, 900), stopped(905, 905))
    await house.hear(*line(2000, 2900, of=again), stopped(2905, 905, of=again))

    watch = await house.one("watch")
    assert (watch["plays"], len(await house.rows("watch_playback"))) == (2, 2)
    aliases = {(row["source"], row["value"]) for row in await house.rows("media_alias")}
    assert aliases == {("tmdb", "603"), ("item", f"{SERVER}:film"), ("item", f"{SERVER}:added again")}


async def test_a_file_with_two_episodes_and_a_file_of_the_second_are_told_apart_by_unit(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    double = ItemFacts(
        kind="episode", name="Pilot", runtime_seconds=1000.0, series_id="series", season=1, episode=1, episode_end=2
    )
    second = ItemFacts(kind="episode", name="Second", runtime_seconds=1000.0, series_id="series", season=1, episode=2)
    alone = key(item="second")

    await house.hear(*line(0, 900, facts=double), stopped(905, 905, facts=double))
    await house.hear(*line(2000, 2900, of=alone, facts=second), stopped(2905, 905, of=alone, facts=second))

    assert [(row["unit"], row["plays"]) for row in await house.rows("watch")] == [("s01e01", 1), ("s01e02", 2)]


async def test_films_that_begin_together_are_asked_about_together(store: Transactions) -> None:
    house = Household(store, auto_link=True)
    asked: list[str] = []

    async def begin(number: int, seconds: int) -> int:
        """Return how many statements it takes that so many begin in one look."""
        keys = [key(item=f"film {seconds}.{n}", session=f"television {n}") for n in range(number)]
        film = [ItemFacts(kind="movie", name="A Film", runtime_seconds=1000.0, tmdb_id=each.item_id) for each in keys]
        asked.clear()
        await house.hear(*(told(seconds, 0, of=k, facts=facts) for k, facts in zip(keys, film, strict=True)))
        return len(asked)

    await begin(1, 0)
    sa.event.listen(sa.engine.Engine, "before_cursor_execute", note := (lambda *told: asked.append(told[2])))
    try:
        few, many = await begin(2, 10_000), await begin(12, 20_000)
    finally:
        sa.event.remove(sa.engine.Engine, "before_cursor_execute", note)

    assert len(await house.rows("playback")) == 15
    assert many - few <= 10 * 5, "of each: lock, find and make its media, name aliases; make its playback"
