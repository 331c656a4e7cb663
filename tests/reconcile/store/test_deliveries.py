"""Deliveries are kept as received, what can't be read as a few examples, and what is ignored as a count."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from reconcile.store import deliveries
from reconcile.store.deliveries import Delivery
from reconcile.store.engine import Transactions
from tests.reconcile.arrivals import EIGHT_PM, Household, at, delivery


def received(when: datetime, kind: str = "PlaybackStop", body: bytes = b"{}") -> Delivery:
    return msgspec.structs.replace(delivery(body), received_at=when, kind=kind)


def unreadable(reason: str, when: datetime = EIGHT_PM) -> Delivery:
    return Delivery(when, "text/plain", b"{oops", reason=reason)


async def test_a_delivery_comes_back_byte_for_byte(store: Transactions) -> None:
    body = '{"Name":"Amélie"}\r\n'.encode() + bytes(range(256))
    async with store.begin() as db:
        number = await deliveries.add(db, received(at(0), body=body))
        await deliveries.outcome(db, number, "recorded", "")
        (kept,) = [each async for each in deliveries.between(db, None, None)]

    assert (kept.id, kept.body, kept.outcome) == (number, body, "recorded")


async def test_deliveries_of_a_time_come_oldest_first_however_many(store: Transactions) -> None:
    async with store.begin() as db:
        for second in range(10):
            await deliveries.add(db, received(at(second)))
        found = [each.received_at async for each in deliveries.between(db, at(2), at(8), most=2)]

    assert found == [at(second) for second in range(2, 8)]


async def test_what_cannot_be_read_is_counted_and_a_few_examples_of_each_kind_are_kept(store: Transactions) -> None:
    async with store.begin() as db:
        for _ in range(deliveries.EXAMPLES + 5):
            await deliveries.reject(db, unreadable("a comma is missing"), "line 4")
        await deliveries.reject(db, unreadable("not UTF-8"), "")
        kept = await deliveries.rejected_bodies(db)
        await deliveries.drop_rejected(db, kept[0].id or 0)
        left = await deliveries.rejected_bodies(db)

    counts = {row["reason"]: row["count"] for row in await Household(store).rows("rejected_count")}
    assert counts == {"a comma is missing": deliveries.EXAMPLES + 5, "not UTF-8": 1}
    assert (len(kept), len(left)) == (deliveries.EXAMPLES + 1, deliveries.EXAMPLES)
    assert kept[0].body == b"{oops"


async def test_what_is_ignored_adds_up_by_reason(store: Transactions) -> None:
    async with store.begin() as db:
        await deliveries.count(db, {"music": 2, "trailer": 1})
        await deliveries.count(db, {"music": 3})
        assert await deliveries.tallies(db) == {"music": 5, "trailer": 1}


async def test_bodies_are_forgotten_in_time_and_those_of_progress_sooner(store: Transactions) -> None:
    day = timedelta(days=1)
    async with store.begin() as db:
        for days, kind in (
            (40, "PlaybackStop"),
            (10, "PlaybackStop"),
            (10, "PlaybackProgress"),
            (1, "PlaybackProgress"),
        ):
            await deliveries.add(db, received(EIGHT_PM - days * day, kind))
        await deliveries.reject(db, unreadable("old", EIGHT_PM - 8 * day), "")
        await deliveries.reject(db, unreadable("new", EIGHT_PM - 6 * day), "")
        gone = await deliveries.prune(db, EIGHT_PM, 30 * day)
        kept = [(each.received_at, each.kind) async for each in deliveries.between(db, None, None)]
        examples = [each.reason for each in await deliveries.rejected_bodies(db)]

    assert gone == 3
    assert kept == [(EIGHT_PM - 10 * day, "PlaybackStop"), (EIGHT_PM - day, "PlaybackProgress")]
    assert examples == ["new"]
