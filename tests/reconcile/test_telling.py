"""What others are told: each fact once, while it is news, and nothing of people who did not opt in."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from reconcile.correcting import Saying, correct
from reconcile.playback.check_in import ItemFacts
from reconcile.playback.corrections import What
from reconcile.playback.news import FACTS, Kind
from reconcile.settling import Settling
from reconcile.store import corrections, evidence, imports, media, outbox, targets
from reconcile.store.engine import Transactions
from reconcile.store.tables import account
from tests.reconcile.arrivals import FILM, SERVER, Household, at, key, line, stopped, told
from tests.reconcile.test_importing import Desk, play

PLAYBACKS = ("playback.started", "playback.ended")
WATCHES = ("watch.completed", "watch.updated")


async def listen(house: Household, *events: str, about: int | None = None) -> int:
    """Let somebody be told of *events*, playbacks and watches unless said; return the target's id."""
    async with house.store.begin() as db:
        number = await targets.add(
            db, "http://127.0.0.1:9/hook", events or (*PLAYBACKS, *WATCHES), about, house.now, active=True
        )
        await house.people.load(db)
    return number


async def queued(house: Household) -> list[tuple[str, dict[str, Any]]]:
    """Return what is queued: (kind, data), in order."""
    return [(row["kind"], json.loads(row["body"])["data"]) for row in await house.rows("outbox")]


async def kinds(house: Household) -> list[str]:
    return [kind for kind, _data in await queued(house)]


async def settle_all(house: Household) -> None:
    async with house.store.begin() as db:
        await house.people.load(db)
        numbers = [number for number, _key in await evidence.key_ids(db)]
        await Settling(db, house.people, house.now, whole=True).settle(numbers)


async def test_an_evening_is_told_from_its_start_to_its_end(store: Transactions) -> None:
    house = Household(store)
    (number,) = await house.welcome("viewer")
    await listen(house)

    await house.hear(told(0, 0))
    assert await kinds(house) == ["playback.started"]
    for second in range(10, 901, 10):
        await house.hear(told(second, second))
    assert await kinds(house) == ["playback.started", "watch.completed"]
    await house.hear(stopped(905, 905))

    assert await kinds(house) == ["playback.started", "watch.completed", "playback.ended", "watch.updated"]
    said = await queued(house)
    assert said[1][1]["account"] == {"id": number, "name": "viewer"}
    assert (said[1][1]["media"]["title"], said[1][1]["media"]["tmdb_id"]) == ("A Film", "603")
    assert (said[1][1]["completed"], said[1][1]["plays"], said[1][1]["removed"]) == (True, 1, False)
    assert said[2][1]["ended_by"] == "stop"
    assert said[2][1]["watched_seconds"] == pytest.approx(905, abs=2)
    assert said[3][1]["percent"] == pytest.approx(90.5, abs=0.1)


async def test_the_envelope_has_the_type_and_the_instant_of_the_fact(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await listen(house)

    await house.hear(told(0, 0))

    (row,) = await house.rows("outbox")
    said = json.loads(row["body"])
    assert set(said) == {"type", "timestamp", "data"}
    assert (said["type"], said["timestamp"]) == ("playback.started", "2026-03-07T20:00:00Z")
    assert row["message_id"].startswith("msg_")
    assert "." not in row["message_id"]


async def test_a_replay_a_resettle_and_another_order_tell_nothing_twice(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await listen(house)
    evening = [*line(0, 900), stopped(905, 905)]
    for each in evening:
        await house.hear(each)
    before = await house.rows("outbox")

    await house.hear(*evening)
    await house.hear(*reversed(evening))
    await settle_all(house)

    assert await house.rows("outbox") == before


async def test_where_nobody_is_told_no_statement_is_run(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    statements: list[str] = []
    engine = store._writer.sync_engine

    @sa.event.listens_for(engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    await house.hear(*line(0, 900), stopped(905, 905))

    assert statements
    assert not [each for each in statements if "outbox" in each or "webhook_target" in each]
    assert await house.rows("outbox") == []


@pytest.mark.parametrize(
    ("events", "told_of"),
    [
        pytest.param(("watch.completed",), ["watch.completed"], id="completions only"),
        pytest.param(("watch.updated",), ["watch.updated"], id="changes only: a completion is one"),
        pytest.param(("playback.ended",), ["playback.ended"], id="ends only"),
        pytest.param(("test",), [], id="none of it"),
    ],
)
async def test_everybody_is_told_what_they_asked_for(
    store: Transactions, events: tuple[str, ...], told_of: list[str]
) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await listen(house, *events)

    await house.hear(*line(0, 900), stopped(905, 905))

    assert await kinds(house) == told_of


async def test_a_target_of_one_account_hears_nothing_of_others(store: Transactions) -> None:
    house = Household(store)
    mine, _other = await house.welcome("viewer", "other")
    await listen(house, about=mine)

    await house.hear(told(0, 0), told(0, 0, of=key(user="other", session="phone")))

    assert [data["account"]["id"] for _kind, data in await queued(house)] == [mine]


async def test_of_who_has_opted_out_nothing_more_is_told(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await listen(house)
    await house.hear(*line(0, 400))
    await house.opt_out("viewer", 405)

    await house.night()
    await settle_all(house)

    assert not (await house.one("playback"))["open"]
    assert await kinds(house) == ["playback.started"]


async def test_an_evening_of_long_ago_is_no_news(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await listen(house)
    house.now += timedelta(days=8)

    await house.hear(*line(0, 900), stopped(905, 905))

    assert (await house.one("watch"))["completed"]
    assert await kinds(house) == []


async def test_a_watch_of_the_weekend_is_told_on_monday_but_not_that_it_began(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await listen(house)
    house.now += timedelta(days=2)

    await house.hear(*line(0, 900), stopped(905, 905))

    assert await kinds(house) == ["watch.completed"]


async def test_an_end_that_silence_shows_is_told_when_it_is_noticed(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await listen(house, "playback.ended")
    await house.hear(*line(0, 300))
    house.now += timedelta(minutes=6)
    await house.tracker.sweep()

    ((kind, data),) = await queued(house)

    assert (kind, data["ended_by"]) == ("playback.ended", "silence")


async def test_a_playback_that_went_on_is_told_again_when_it_ends(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await listen(house, "playback.started", "playback.ended")
    await house.hear(*line(0, 300), stopped(305, 305))

    await house.hear(*line(900, 1100, 305))
    await house.hear(stopped(1105, 510))

    assert len(await house.rows("playback")) == 1
    said = await house.rows("outbox")
    assert [row["kind"] for row in said] == ["playback.started", "playback.ended", "playback.ended"]
    assert len({row["message_id"] for row in said}) == 3


async def test_a_stop_that_comes_late_is_told_though_silence_had_ended_it(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await listen(house, "playback.ended")
    house.now = at(3000)
    await house.hear(told(0, 0))
    await house.hear(*line(10, 600))

    await house.hear(stopped(605, 605))

    ends = [(data["ended_by"], data["ended_at"]) for _kind, data in await queued(house)]
    assert ends == [("silence", "2026-03-07T20:00:00Z"), ("stop", "2026-03-07T20:10:05Z")]


async def test_a_second_viewing_of_the_day_changes_the_watch(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await listen(house, "watch.completed", "watch.updated")
    await house.hear(*line(0, 900), stopped(905, 905))

    await house.hear(*line(2000, 2900), stopped(2905, 905))

    said = await queued(house)
    assert [kind for kind, _data in said] == ["watch.completed", "watch.updated"]
    assert [data["plays"] for _kind, data in said] == [1, 2]


async def _threshold(house: Household, number: int, percent: float) -> None:
    async with house.store.begin() as db:
        await db.execute(sa.update(account).where(account.c.id == number).values(threshold=percent))
    await settle_all(house)


async def test_a_watch_that_goes_comes_back_and_goes_is_told_each_time(store: Transactions) -> None:
    house = Household(store)
    (number,) = await house.welcome("viewer")
    await listen(house, "watch.completed", "watch.updated")
    await house.hear(*line(0, 900), stopped(905, 905))

    for percent in (95.0, 85.0, 95.0):
        await _threshold(house, number, percent)

    said = await queued(house)
    assert [kind for kind, _data in said] == ["watch.completed", *["watch.updated"] * 3]
    assert [data["removed"] for _kind, data in said] == [False, True, False, True]
    assert len({row["message_id"] for row in await house.rows("outbox")}) == 4


async def test_a_watch_that_moves_to_another_day_is_a_change_and_says_where_it_was(store: Transactions) -> None:
    house = Household(store)
    (number,) = await house.welcome("viewer")
    await listen(house, "watch.completed", "watch.updated")
    await house.hear(*line(0, 900), stopped(905, 905))
    async with store.begin() as db:
        await db.execute(sa.update(account).where(account.c.id == number).values(time_zone="Pacific/Auckland"))

    await settle_all(house)

    ((_first, _was), (kind, data)) = await queued(house)
    assert (kind, data["day"], data["previous"]["day"]) == ("watch.updated", "2026-03-08", "2026-03-07")


async def test_a_series_that_learns_its_ids_does_not_complete_its_episodes_again(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await listen(house, "watch.completed", "watch.updated")
    first = ItemFacts(kind="episode", name="Pilot", runtime_seconds=1000.0, series_id="series", season=1, episode=1)
    second = ItemFacts(kind="episode", runtime_seconds=1000.0, series_id="series again", season=1, episode=2)
    again = key(item="episode again")
    await house.hear(*line(0, 900, facts=first), stopped(905, 905, facts=first))
    await house.hear(*line(2000, 2900, of=again, facts=second), stopped(2905, 905, of=again, facts=second))
    assert await kinds(house) == ["watch.completed", "watch.completed"]

    async with store.begin() as db:
        for item in ("series", "series again"):
            show = ItemFacts(kind="series", name="A Series", tvdb_id="42")
            await media.learn(db, SERVER, item, show, house.now, house.now + timedelta(days=1))
    await settle_all(house)

    said = await queued(house)
    assert [kind for kind, _data in said[2:]] == ["watch.updated"]
    assert (said[2][1]["media"]["tvdb_id"], said[2][1]["unit"]) == ("42", "s01e02")


async def test_whoever_is_erased_leaves_no_message(store: Transactions) -> None:
    house = Household(store)
    mine, _other = await house.welcome("viewer", "other")
    await listen(house)
    await listen(house, about=mine)
    await house.hear(told(0, 0), told(0, 0, of=key(user="other", session="phone")))

    async with store.begin() as db:
        await db.execute(sa.delete(account).where(account.c.id == mine))

    assert len(await house.rows("outbox")) == 1
    assert [row["account_id"] for row in await house.rows("webhook_target")] == [None]


async def test_a_transaction_that_fails_queues_nothing(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await listen(house)

    class PowerCut(Exception):
        pass

    async def interrupted() -> None:
        async with store.begin() as db:
            await house.people.load(db)
            numbers = [number for number, _key in await evidence.key_ids(db)]
            await Settling(db, house.people, house.now, whole=True).settle(numbers)
            raise PowerCut

    await house.hear(told(0, 0))
    await house.rows("outbox")
    with pytest.raises(PowerCut):
        await interrupted()

    assert await kinds(house) == ["playback.started"]


async def test_a_message_to_a_target_that_went_meanwhile_fails_nothing(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    number = await listen(house)
    async with store.begin() as db:
        assert await targets.remove(db, number)

    (answer,) = await house.hear(told(0, 0))

    assert answer.outcome.value == "recorded"
    async with store.begin() as db:
        await outbox.prune(db, house.now, timedelta(days=3), timedelta(days=30))
    assert await house.rows("outbox") == []


async def test_what_was_told_is_remembered_longer_than_it_is_news(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await listen(house, "watch.completed")
    await house.hear(*line(0, 900), stopped(905, 905))
    (row,) = await house.rows("outbox")
    sent_at: datetime = house.now
    async with store.begin() as db:
        await outbox.done(db, row["id"], sent_at, 204)
    for days, kept in ((29, 1), (31, 0)):
        house.now = sent_at + timedelta(days=days)
        async with store.begin() as db:
            await outbox.prune(db, house.now, timedelta(days=3), timedelta(days=30))
        assert len(await house.rows("outbox")) == kept

    await settle_all(house)
    async with store.begin() as db:
        await db.execute(sa.delete(sa.table("watch")))
    await settle_all(house)

    assert await kinds(house) == []


async def test_a_badge_is_told_once_however_often_it_comes_and_goes(store: Transactions) -> None:
    house = Household(store)
    (number,) = await house.welcome("viewer")
    await listen(house, "badge.earned")
    await house.hear(*line(0, 900), stopped(905, 905))

    said = {data["badge"]["code"]: data for _kind, data in await queued(house)}
    assert said["first_watch"]["badge"]["name"] == "Lights Down"
    assert said["first_watch"]["account"]["name"] == "viewer"
    before = await house.rows("outbox")
    for percent in (95.0, 85.0):
        await _threshold(house, number, percent)

    assert await house.rows("outbox") == before


def test_a_test_is_not_something_that_happens() -> None:
    assert Kind.TEST not in FACTS


async def test_what_another_tool_tells_of_is_no_news_even_of_today(store: Transactions) -> None:
    desk = Desk(store)
    house = desk.house
    await house.welcome("viewer")
    await listen(house, *FACTS)
    house.now = at(1200)

    number = await desk.imported(play(began=at(0)))
    assert [row["completed"] for row in await house.rows("watch")] == [True]
    await desk.do(number, imports.UNDO)

    assert [kind for kind in await kinds(house) if not kind.startswith("badge")] == []


async def test_what_was_seen_live_is_told_though_another_tool_had_told_of_it_before(store: Transactions) -> None:
    desk = Desk(store)
    house = desk.house
    await house.welcome("viewer")
    await listen(house, *WATCHES)
    house.now = at(1000)
    await desk.imported(play(began=at(0), item="another", facts=FILM))

    await house.hear(*line(2000, 2900), stopped(2905, 905))

    assert await kinds(house) == ["watch.completed"]
    assert (await queued(house))[0][1]["channels"] == ["import", "webhook"]
    (number,) = {row["import_id"] for row in await house.rows("import_row")}
    await desk.do(number, imports.UNDO)
    assert (await kinds(house))[1:] == ["watch.updated"]


async def test_that_only_another_tool_still_tells_of_a_watch_is_told_to_who_knows_it(store: Transactions) -> None:
    desk = Desk(store)
    house = desk.house
    await house.welcome("viewer")
    await listen(house, *WATCHES)
    await house.hear(*line(0, 900), stopped(905, 905))
    await desk.imported(play(began=at(3000), seconds=900))
    async with store.begin() as db:
        live = next(row for row in await house.rows("playback") if row["ended_by"] == "stop")
        about = await corrections.meant(db, number=live["id"])
        await correct(db, house.people.fresh(), about, Saying(What.DELETE, "viewer"), house.now, {})

    assert (await kinds(house))[0] == "watch.completed"
    said = (await queued(house))[-1][1]
    assert (said["channels"], said["plays"], said["removed"]) == (["import"], 1, False)
