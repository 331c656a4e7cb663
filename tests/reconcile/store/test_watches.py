"""A watch is one row per account, media, unit and day, rewritten whole, and gone with its reason."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from reconcile.store import watches
from reconcile.store.engine import Transactions
from tests.reconcile.arrivals import Household, line, stopped


async def watched(store: Transactions) -> Household:
    house = Household(store)
    await house.welcome("viewer")
    await house.hear(*line(0, 900), stopped(905, 905))
    return house


async def test_the_rows_of_a_unit_come_by_day_with_their_playbacks(store: Transactions) -> None:
    house = await watched(store)
    row = await house.one("watch")
    unit = (row["account_id"], row["media_id"], "")

    async with store.read() as db:
        kept = await watches.of_units(db, [unit])

    assert list(kept[unit]) == ["2026-03-07"]
    assert kept[unit]["2026-03-07"]["playbacks"] == [(await house.one("playback"))["id"]]


async def test_a_second_row_of_the_same_day_is_refused(store: Transactions) -> None:
    house = await watched(store)
    row = {name: value for name, value in (await house.one("watch")).items() if name not in ("id", "updated_at")}

    with pytest.raises(sa.exc.IntegrityError):
        async with store.begin() as db:
            await watches.add(db, row | {"playbacks": []}, house.now)


async def test_a_row_that_is_rewritten_keeps_its_id_and_tells_its_playbacks_anew(store: Transactions) -> None:
    house = await watched(store)
    row = await house.one("watch")
    (shown,) = [each["playback_id"] for each in await house.rows("watch_playback")]

    async with store.begin() as db:
        before = row | {"playbacks": [shown]}
        await watches.change(db, row["id"], {"plays": 7, "playbacks": []}, house.now, before=before)

    changed = await house.one("watch")
    assert (changed["id"], changed["plays"]) == (row["id"], 7)
    assert await house.rows("watch_playback") == []


async def test_what_says_the_same_does_not_differ(store: Transactions) -> None:
    house = await watched(store)
    row = await house.one("watch")

    assert not watches.differs(row, {"plays": 1, "day": "2026-03-07"})
    assert watches.differs(row, {"plays": 2})


async def test_a_watch_that_is_forgotten_leaves_its_playbacks(store: Transactions) -> None:
    house = await watched(store)

    async with store.begin() as db:
        await watches.remove(db, (await house.one("watch"))["id"])

    assert await house.rows("watch_playback") == []
    assert len(await house.rows("playback")) == 1
