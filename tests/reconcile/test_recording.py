"""What comes in is kept as sets, of those who are recorded and of nobody else, and settled before it is answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations

import pytest

from reconcile.arrivals import Arrival, Outcome
from reconcile.playback.check_in import ItemFacts
from reconcile.playback.rules import Rules
from reconcile.recording import NOT_RECORDED
from reconcile.store.engine import Transactions
from tests.reconcile.arrivals import Household, at, count, delivery, key, line, shown, stopped, told


async def test_what_is_told_twice_is_known_and_changes_nothing(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    first = await house.hear(told(0, 0), told(10, 10))
    before = await house.rows("playback")

    again = await house.hear(told(10, 10), told(0, 0))

    assert [answer.outcome for answer in first] == [Outcome.RECORDED] * 2
    assert [answer.outcome for answer in again] == [Outcome.KNOWN] * 2
    assert await house.rows("playback") == before


async def test_of_somebody_who_is_not_recorded_only_a_count_is_kept(store: Transactions) -> None:
    house = Household(store)

    answers = await house.take([Arrival((each,), delivery=delivery()) for each in line(0, 900)])
    await house.look(910, shown(900, 900, 910))
    await house.night()

    assert {(a.outcome, a.reason, a.delivery) for a in answers} == {(Outcome.IGNORED, NOT_RECORDED, None)}
    assert await count(store) == {"server": 1, "tally": 1, "look": 1}
    assert (await house.one("tally"))["count"] == 91


async def test_whoever_is_not_recorded_leaves_nothing_beside_somebody_who_is(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")

    await house.hear(*line(0, 600), *line(0, 600, of=key(user="guest")))
    await house.night()

    assert {row["user_id"] for row in await house.rows("playback_key")} == {"viewer"}
    assert len(await house.rows("check_in")) == 61
    assert len(await house.rows("playback")) == 1


async def test_with_auto_link_a_user_is_linked_once_at_first_sight(store: Transactions) -> None:
    house = Household(store, auto_link=True)

    await house.hear(told(0, 0), told(10, 10), told(0, 0, of=key(user="guest")))
    await house.hear(told(20, 20))

    assert [(row["user_id"], row["source"]) for row in await house.rows("link")] == [
        ("guest", "first sight"),
        ("viewer", "first sight"),
    ]
    assert len(await house.rows("account")) == 2
    assert len(await house.rows("check_in")) == 4


async def test_with_auto_link_whoever_opted_out_stays_out(store: Transactions) -> None:
    house = Household(store, auto_link=True)
    await house.opt_out("viewer", 0)

    (answer,) = await house.hear(told(10, 10))

    assert answer.reason == NOT_RECORDED
    assert await house.rows("link") == []
    assert await house.rows("check_in") == []


async def test_after_an_opt_out_nothing_is_kept_and_no_credit_goes_beyond_it(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await house.hear(*line(0, 300))
    await house.opt_out("viewer", 303)

    answers = await house.hear(*line(310, 900, 310))
    await house.night()

    playback = await house.one("playback")
    assert {answer.reason for answer in answers} == {NOT_RECORDED}
    assert playback["ended_at"] <= at(303)
    assert 300 <= playback["watched_seconds"] <= 303


@pytest.mark.parametrize("order", list(permutations((True, False, None))))
async def test_what_the_server_says_of_completion_is_not_taken_back(
    store: Transactions, order: Sequence[bool | None]
) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await house.hear(*line(0, 100))
    for said in order:
        await house.hear(stopped(105, 105, completed=said))

    kept = [each["server_completed"] for each in await house.rows("check_in")]
    playback = await house.one("playback")

    assert kept == [*[None] * 11, True]
    assert (playback["server_completed"], playback["completed"], playback["verdict"]) == (True, False, "too_short")


async def test_going_on_after_a_stop_keeps_what_the_server_said_at_it(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await house.hear(*line(0, 100), stopped(105, 105, completed=False))
    for each in line(200, 260, 105):
        await house.hear(each)

    playback = await house.one("playback")

    assert (playback["open"], playback["server_completed"]) == (True, False)


async def test_what_is_late_is_kept_if_it_was_recorded_then(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    await house.opt_out("viewer", 303)
    house.now = at(5000)

    before, after = await house.hear(told(290, 290), told(310, 310))

    assert (before.outcome, after.outcome) == (Outcome.RECORDED, Outcome.IGNORED)


async def test_no_playback_crosses_an_interval_without_recording(store: Transactions) -> None:
    house = Household(store)
    (account,) = await house.welcome("viewer")
    await house.hear(*line(0, 300))
    await house.opt_out("viewer", 301)
    await house.hear(*line(310, 590, 310))
    await house.opt_in("viewer", account, 600)
    await house.hear(*line(610, 990, 610), stopped(1000, 1000))

    before, after = await house.rows("playback")

    assert before["ended_at"] <= at(301)
    assert after["started_at"] == at(610)
    assert before["watched_seconds"] + after["watched_seconds"] == pytest.approx(300 + 390, abs=1)


async def test_a_late_check_in_that_bridges_two_playbacks_merges_them_under_the_oldest_id(store: Transactions) -> None:
    house = Household(store, rules=Rules(resume_window=timedelta(minutes=15)))
    await house.welcome("viewer")
    await house.hear(*line(0, 100))
    await house.hear(*line(1500, 1600, 100))
    first, second = await house.rows("playback")

    await house.hear(told(800, 100))

    merged = await house.one("playback")
    assert merged["id"] == min(first["id"], second["id"])
    assert (merged["first_at"], merged["last_at"]) == (at(0), at(1600))


async def test_a_delivery_is_kept_as_received_with_what_became_of_it(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")

    first, again = await house.take([Arrival((told(0, 0),), delivery=delivery(b'{"a":1}')) for _ in range(2)])

    rows = await house.rows("delivery")
    assert [row["id"] for row in rows] == [first.delivery, again.delivery]
    assert {row["outcome"] for row in rows} == {"recorded"}


async def test_what_a_later_notification_knows_of_the_item_is_learnt(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    unknown = ItemFacts(kind="movie", name="A Film")
    await house.hear(*line(0, 900, facts=unknown), stopped(905, 905, facts=unknown))
    assert (await house.one("playback"))["verdict"] == "unknown_runtime"

    await house.hear(told(900, 900))

    assert (await house.one("playback"))["verdict"] == "completed"
    assert (await house.one("watch"))["completed"]


async def test_a_late_look_ends_what_it_no_longer_showed(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    for second in range(10, 310, 10):
        await house.look(second, shown(second - 5, second - 5, second))
    await house.look(1000)
    await house.night()
    assert (await house.one("playback"))["ended_by"] == "silence"

    await house.look(320)
    await house.look(345)

    ended = await house.one("playback")
    assert ended["ended_by"] == "absence"
    assert at(300) < ended["ended_at"] < at(320)
