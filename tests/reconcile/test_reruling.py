"""New rules over the whole history, a few keys at a time: the same as all at once, and it says what changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from reconcile import reruling
from reconcile.changes import Settled
from reconcile.playback.rules import Rules
from reconcile.reruling import rerule
from reconcile.store import resettlings
from reconcile.store.engine import Transactions
from tests.reconcile.arrivals import NEXT, Household, key, line, stopped


class PowerCut(Exception):
    """The process dies here."""


async def evenings(store: Transactions) -> Household:
    """Return a household that has watched two films on two devices."""
    house = Household(store)
    await house.welcome("viewer", "other")
    for user in ("viewer", "other"):
        for session in ("television", "phone"):
            film, another = key(user=user, session=session), key(user=user, session=session, item="next")
            await house.hear(*line(0, 900, of=film), stopped(905, 905, of=film))
            await house.hear(*line(2000, 2900, of=another, facts=NEXT), stopped(2905, 905, of=another, facts=NEXT))
    return house


async def apply(
    house: Household, threshold: float, *, dry_run: bool = False, dies_after: int | None = None
) -> tuple[dict[str, Any], list[tuple[int, int]], list[Settled]]:
    people = house.people.fresh()
    people.change_rules(msgspec.structs.replace(Rules(), threshold=threshold))
    told: list[tuple[int, int]] = []
    heard: list[Settled] = []

    async def progress(done: int, total: int) -> None:
        told.append((done, total))
        if dies_after is not None and len(told) >= dies_after:
            raise PowerCut

    found = await rerule(
        house.store, people, lambda: house.now, dry_run=dry_run, ahead={}, heard=heard.append, progress=progress
    )
    return found, told, heard


@pytest.mark.parametrize("size", [1, 2, 3, 50])
async def test_keys_come_once_each_and_those_of_a_session_together(store: Transactions, size: int) -> None:
    await evenings(store)
    seen: list[int] = []
    sessions: list[set[str]] = []
    place = None
    async with store.read() as db:
        total = await resettlings.count_keys(db)
        while batch := await resettlings.keys_after(db, place, size):
            seen.extend(number for number, _key in batch)
            sessions.append({one.session_id for _number, one in batch})
            place = batch[-1][1]

    assert len(seen) == len(set(seen)) == total == 8
    assert sum("television" in each for each in sessions) == 1
    assert sum("phone" in each for each in sessions) == 1


async def test_bit_by_bit_is_the_same_as_at_once_and_a_trial_leaves_no_trace(
    store: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await evenings(store)
    before = await house.rows("watch")
    monkeypatch.setattr(reruling, "BATCH", 1)

    tried, _told, heard = await apply(house, 95.0, dry_run=True)
    assert await house.rows("watch") == before
    assert heard == []
    done, told, heard = await apply(house, 95.0)

    assert (tried["went"], tried["differences_in_all"]) == (done["went"], done["differences_in_all"]) == (4, 4)
    assert all("would no longer count" in each for each in tried["differences"])
    assert all("no longer counts" in each for each in done["differences"])
    assert tried["badges_revoked"] == done["badges_revoked"] > 0
    assert await house.rows("watch") == []
    assert told[-1] == (8, 8)
    assert sum(bool(each.watches) for each in heard) >= 1
    again, _told, _heard = await apply(house, 95.0)
    assert again["differences_in_all"] == 0


async def test_one_that_a_power_cut_ended_is_finished_by_the_next(
    store: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await evenings(store)
    monkeypatch.setattr(reruling, "BATCH", 1)
    with pytest.raises(PowerCut):
        await apply(house, 95.0, dies_after=1)
    house.now += timedelta(minutes=1)

    await apply(house, 95.0)

    assert await house.rows("watch") == []
    assert {row["verdict"] for row in await house.rows("playback")} == {"partial"}
