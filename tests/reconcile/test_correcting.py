"""Corrections: what people say is wrong is a fact, and what is cut from the same evidence again obeys it."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from reconcile.changes import Settled
from reconcile.correcting import Done, Saying, correct, undo
from reconcile.errors import SettingRefused
from reconcile.playback.check_in import ItemFacts
from reconcile.playback.corrections import What
from reconcile.playback.media import Identity
from reconcile.resettling import resettle
from reconcile.settling import Settling
from reconcile.store import corrections, evidence, imports, keys
from reconcile.store.engine import Transactions
from reconcile.store.tables import recorded_interval
from reconcile.trial import trial
from tests.reconcile.arrivals import FILM, NEXT, Household, at, key, line, stopped
from tests.reconcile.test_importing import Desk, play

OTHER = Identity("movie", "The Other Film", 2001, (("tmdb", "999"),))


async def say(house: Household, what: What, *, dry_run: bool = False, **saying: Any) -> Done:  # noqa: ANN401 - as `Saying` has it
    """Correct the latest playback."""
    number = (await house.rows("playback"))[-1]["id"]
    async with trial(house.store, dry_run=dry_run) as db:
        about = await corrections.meant(db, number=number)
        done = await correct(db, house.people.fresh(), about, Saying(what, "an administrator", **saying), house.now, {})
    if not dry_run:
        house.tracker.events.tell(done.settled)
    return done


async def take_back(house: Household, number: int) -> Settled | None:
    async with house.store.begin() as db:
        settled = await undo(db, house.people.fresh(), number, "an administrator", house.now, {})
    if settled is not None:
        house.tracker.events.tell(settled)
    return settled


async def resettled(house: Household) -> None:
    async with house.store.begin() as db:
        numbers = [number for number, _key in await evidence.key_ids(db)]
        await Settling(db, house.people, house.now, whole=True).settle(numbers)


async def watched(store: Transactions, *users: str) -> Household:
    """Return a household whose first user has watched a film."""
    house = Household(store)
    await house.welcome("viewer", *users)
    await house.hear(*line(0, 900), stopped(905, 905))
    assert (await house.one("watch"))["completed"]
    return house


@pytest.mark.parametrize("what", [What.NOT_ME, What.WRONG_ITEM, What.DELETE])
async def test_what_is_corrected_away_counts_for_nobody_and_says_why(store: Transactions, what: What) -> None:
    house = await watched(store)

    done = await say(house, what)

    (change,) = done.settled.watches
    assert change.after is None
    assert await house.rows("watch") == []
    playback = await house.one("playback")
    said = {What.NOT_ME: "not me", What.WRONG_ITEM: "the wrong item", What.DELETE: "deleted"}[what]
    assert playback["sentence"] == f"not counted: marked as {said} by an administrator on 2026-03-07"
    assert (playback["verdict"], playback["completed"], playback["account_id"]) == ("corrected", False, None)


async def test_undoing_brings_the_row_back_as_it_was(store: Transactions) -> None:
    house = await watched(store)
    before = await house.one("watch")
    done = await say(house, What.DELETE)

    settled = await take_back(house, done.numbers[0])

    assert settled is not None
    assert settled.watches[0].after is not None
    after = await house.one("watch")
    assert {n: v for n, v in after.items() if n != "id"} == {n: v for n, v in before.items() if n != "id"}
    assert (await house.one("playback"))["verdict"] == "completed"
    row = await house.one("correction")
    assert (row["said_by"], row["undone_by"], row["undone_at"]) == ("an administrator", "an administrator", house.now)
    assert await take_back(house, done.numbers[0]) is None, "it is undone once"


async def test_no_replay_no_resettle_and_no_new_cut_brings_a_deleted_row_back(store: Transactions) -> None:
    house = await watched(store)
    await say(house, What.DELETE)

    await house.hear(*line(0, 900), stopped(905, 905))
    await resettled(house)
    await resettle(store, house.people, {"threshold": 50.0}, lambda: house.now)
    await house.night()

    assert await house.rows("watch") == []
    async with store.begin() as db:
        await db.exec_driver_sql("DELETE FROM watch_playback")
        await db.exec_driver_sql("DELETE FROM playback_unit")
        await db.exec_driver_sql("DELETE FROM playback")
    await resettled(house)
    assert await house.rows("watch") == [], "not even when all that is derived is made anew"
    assert (await house.one("playback"))["verdict"] == "corrected"


async def test_a_playback_that_goes_on_after_it_was_corrected_stays_so(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await house.hear(*line(0, 300))
    await say(house, What.NOT_ME)

    for second in range(310, 901, 10):
        await house.hear(*line(second, second, float(second)))
    await house.hear(stopped(905, 905))

    assert await house.rows("watch") == []
    assert (await house.one("playback"))["watched_seconds"] == pytest.approx(905, abs=2)
    assert (await house.one("playback"))["verdict"] == "corrected"


async def test_activity_and_badges_follow(store: Transactions) -> None:
    house = await watched(store)
    derived = ("daily_activity", "badge_award", "feat")
    before = {table: await house.rows(table) for table in derived}
    assert before["daily_activity"]

    done = await say(house, What.NOT_ME)

    assert await house.rows("daily_activity") == []
    await take_back(house, done.numbers[0])
    assert {table: [_undated(row) for row in await house.rows(table)] for table in derived} == {
        table: [_undated(row) for row in rows] for table, rows in before.items()
    }


def _undated(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("watch_id", "updated_at")}


async def test_another_playback_of_the_same_film_is_not_meant(store: Transactions) -> None:
    house = await watched(store)
    await say(house, What.DELETE)

    await house.hear(*line(90_000, 90_900), stopped(90_905, 905))

    assert (await house.one("watch"))["day"] == "2026-03-08"


async def test_not_me_but_another_account_moves_the_row_there_and_back(store: Transactions) -> None:
    house = await watched(store, "other")
    viewer, other = [row["id"] for row in await house.rows("account")]

    done = await say(house, What.NOT_ME, to_account=other)

    assert (await house.one("watch"))["account_id"] == other
    assert (await house.one("playback"))["account_id"] == other
    await resettled(house)
    assert (await house.one("watch"))["account_id"] == other
    await take_back(house, done.numbers[0])
    assert (await house.one("watch"))["account_id"] == viewer


async def test_a_row_goes_only_to_somebody_who_wanted_to_be_recorded_then(store: Transactions) -> None:
    house = await watched(store, "other")
    await house.opt_out("other", -3600)

    with pytest.raises(SettingRefused, match="was not recorded at that time"):
        await say(house, What.NOT_ME, to_account=2)

    assert await house.rows("correction") == []


async def test_the_wrong_item_counts_as_the_right_one(store: Transactions) -> None:
    house = await watched(store)
    await house.hear(*line(4000, 4900, of=key(item="next"), facts=NEXT))
    film, another = [row["id"] for row in await house.rows("media")]

    async with store.read() as db:
        right = await corrections.identity_of(db, film)
    await say(house, What.WRONG_ITEM, to_media=right)
    await house.hear(stopped(4905, 905, of=key(item="next"), facts=NEXT))

    watch = await house.one("watch")
    assert (watch["media_id"], watch["plays"]) == (film, 2)
    assert another not in {row["media_id"] for row in await house.rows("playback")}


async def test_a_rematch_is_about_every_playback_of_the_item_whenever(store: Transactions) -> None:
    house = await watched(store)

    done = await say(house, What.REMATCH, to_media=OTHER)
    await house.hear(*line(90_000, 90_900, of=key(session="phone")), stopped(90_905, 905, of=key(session="phone")))

    titles = {row["id"]: row["title"] for row in await house.rows("media")}
    assert [titles[row["media_id"]] for row in await house.rows("watch")] == ["The Other Film"] * 2
    await take_back(house, done.numbers[0])
    assert [titles[row["media_id"]] for row in await house.rows("watch")] == [FILM.name] * 2


async def test_the_latest_word_holds(store: Transactions) -> None:
    house = await watched(store)
    await say(house, What.WRONG_ITEM, to_media=OTHER)
    house.now += timedelta(minutes=1)

    await say(house, What.DELETE)

    assert await house.rows("watch") == []
    assert "marked as deleted" in (await house.one("playback"))["sentence"]


async def test_the_same_word_twice_is_one_correction(store: Transactions) -> None:
    house = await watched(store)
    first = await say(house, What.DELETE)

    again = await say(house, What.DELETE)

    assert again.numbers == first.numbers
    assert again.settled.watches == []
    assert len(await house.rows("correction")) == 1


async def test_a_dry_run_says_what_would_change_and_changes_nothing(store: Transactions) -> None:
    house = await watched(store)

    done = await say(house, What.DELETE, dry_run=True)

    assert [change.after for change in done.settled.watches] == [None]
    assert len(await house.rows("watch")) == 1
    assert await house.rows("correction") == []


@pytest.mark.parametrize(
    ("what", "saying"),
    [
        (What.DELETE, {"to_media": OTHER}),
        (What.NOT_ME, {"to_unit": "s01e01"}),
        (What.WRONG_ITEM, {"to_account": 1}),
        (What.REMATCH, {}),
    ],
    ids=["a deletion of a title", "not me but an episode", "a wrong item of another", "a rematch with nothing"],
)
async def test_what_makes_no_sense_is_refused(store: Transactions, what: What, saying: dict[str, Any]) -> None:
    house = await watched(store)

    with pytest.raises(SettingRefused):
        await say(house, what, **saying)


async def test_where_nobody_was_recorded_there_is_nothing_to_correct(store: Transactions) -> None:
    house = await watched(store)
    async with store.begin() as db:
        await db.exec_driver_sql("DELETE FROM recorded_interval")

    with pytest.raises(SettingRefused, match="nobody was recorded"):
        await say(house, What.DELETE)


async def test_a_correction_settles_the_later_playbacks_that_it_was_the_beginning_of(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await house.hear(*line(0, 800), stopped(805, 805))
    first = (await house.one("playback"))["id"]
    await house.hear(*line(86_400, 86_460, 800), stopped(86_465, 865))
    assert (await house.one("watch"))["completed"]

    async with store.begin() as db:
        about = await corrections.meant(db, number=first)
        await correct(db, house.people.fresh(), about, Saying(What.NOT_ME, "an administrator"), at(90_000), {})

    assert await house.rows("watch") == [], "the last minutes alone complete nothing"


@pytest.mark.parametrize("seed", range(4))
async def test_a_correction_and_its_evidence_may_come_in_any_order(store: Transactions, seed: int) -> None:
    house = Household(store)
    (account,) = await house.welcome("viewer")
    told = [*line(0, 900), stopped(905, 905), *line(90_000, 90_900), stopped(90_905, 905)]
    about = key()
    values = {
        "what": What.DELETE.value,
        "server_id": about.server_id,
        "user_id": about.user_id,
        "item_id": about.item_id,
        "session_id": about.session_id,
        "since": at(0),
        "until": at(905),
        "account_id": account,
        "to_account_id": None,
        "to_media": None,
        "to_unit": None,
        "note": None,
        "said_by": "an administrator",
        "said_at": at(1000),
    }
    dice = Random(seed)
    dice.shuffle(told)
    half = dice.randrange(len(told))

    await house.hear(*told[:half])
    async with store.begin() as db:
        await corrections.add(db, values)
        numbers = await corrections.keys_meant(db, [values])
        await keys.touch(db, numbers)
        await Settling(db, house.people, house.now, whole=True).settle(numbers)
    await house.hear(*told[half:])
    await house.hear(*told)

    assert [row["day"] for row in await house.rows("watch")] == ["2026-03-08"]
    verdicts = {row["started_at"].day: row["verdict"] for row in await house.rows("playback")}
    assert verdicts == {7: "corrected", 8: "completed"}


SERIES = Identity("series", "A Series", None, (("tvdb", "77"),))


@pytest.mark.parametrize("told_as", ["s01e02", "S1E2", "s001e2"])
async def test_an_episode_is_the_same_however_it_is_written(store: Transactions, told_as: str) -> None:
    house = await watched(store)

    await say(house, What.WRONG_ITEM, to_media=SERIES, to_unit=told_as)

    assert (await house.one("watch"))["unit"] == "s01e02"


async def test_what_was_a_film_instead_is_no_episode_any_more(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    facts = ItemFacts(kind="episode", name="Pilot", runtime_seconds=1000.0, series_id="series", season=1, episode=1)
    await house.hear(*line(0, 900, facts=facts), stopped(905, 905, facts=facts))

    await say(house, What.WRONG_ITEM, to_media=OTHER)

    assert (await house.one("watch"))["unit"] == ""


@pytest.mark.parametrize(
    ("saying", "said"),
    [
        pytest.param({"to_media": SERIES}, "which episode", id="a series, and no episode"),
        pytest.param({"to_media": OTHER, "to_unit": "s01e02"}, "a film has none", id="an episode of a film"),
        pytest.param({"to_unit": "s01e02"}, "a film has none", id="an episode of what is a film"),
    ],
)
async def test_a_title_and_a_unit_that_do_not_go_together_are_refused(
    store: Transactions, saying: dict[str, Any], said: str
) -> None:
    house = await watched(store)

    with pytest.raises(SettingRefused, match=said):
        await say(house, What.WRONG_ITEM, **saying)


async def test_what_was_imported_of_the_time_before_anybody_was_asked_can_be_corrected(store: Transactions) -> None:
    desk = Desk(store)
    house = desk.house
    _viewer, other = await house.welcome("viewer", "other")
    async with store.begin() as db:
        await db.execute(sa.update(recorded_interval).values(since=at(0)))
        await house.people.load(db)
    house.now = at(60)
    number = await desk.imported(play())
    before = await house.one("watch")

    tried = await say(house, What.NOT_ME, to_account=other, dry_run=True)
    done = await say(house, What.NOT_ME, to_account=other)
    given = [row["account_id"] for row in await house.rows("watch")]
    await desk.do(number, imports.UNDO)
    await desk.do(number, imports.APPLY)
    again = [row["account_id"] for row in await house.rows("watch")]
    await take_back(house, done.numbers[0])

    assert len(tried.settled.watches) == 2
    assert given == again == [other]
    assert {**await house.one("watch"), "id": before["id"]} == before


async def test_what_was_imported_is_not_given_to_who_wants_no_history(store: Transactions) -> None:
    desk = Desk(store)
    _viewer, other = await desk.house.welcome("viewer", "other")
    async with store.begin() as db:
        await db.execute(sa.update(recorded_interval).values(since=at(0)))
    await desk.house.opt_out("other", 30)
    desk.house.now = at(60)
    await desk.imported(play())

    with pytest.raises(SettingRefused, match="was not recorded at that time"):
        await say(desk.house, What.NOT_ME, to_account=other)
