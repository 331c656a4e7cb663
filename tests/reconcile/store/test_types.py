"""Instants are aware and UTC whatever the database makes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from reconcile.store import tables
from reconcile.store.engine import Transactions
from reconcile.store.types import as_json, as_text

EIGHT_PM = datetime(2026, 11, 22, 20, 0, 0, 123456, tzinfo=UTC)


async def keep(store: Transactions, *instants: datetime) -> None:
    async with store.begin() as db:
        await db.execute(sa.insert(tables.look), [{"server_id": "server", "at": at} for at in instants])


async def kept(store: Transactions) -> list[datetime]:
    async with store.read() as db:
        return list((await db.scalars(sa.select(tables.look.c.at).order_by(tables.look.c.at))).all())


async def test_an_instant_comes_back_to_the_microsecond_in_utc(store: Transactions) -> None:
    await keep(store, EIGHT_PM.astimezone(timezone(timedelta(hours=-8))))

    (instant,) = await kept(store)

    assert instant == EIGHT_PM
    assert instant.tzinfo == UTC


async def test_instants_sort_and_compare_by_time_whatever_zone_they_were_told_in(store: Transactions) -> None:
    later = (EIGHT_PM + timedelta(seconds=1)).astimezone(timezone(timedelta(hours=-11)))
    whole = EIGHT_PM.replace(microsecond=0)
    await keep(store, later, EIGHT_PM.astimezone(timezone(timedelta(hours=9))), whole)

    assert await kept(store) == [whole, EIGHT_PM, later]
    async with store.read() as db:
        since = sa.select(sa.func.count()).where(tables.look.c.at > EIGHT_PM)
        assert await db.scalar(since) == 1


async def test_an_instant_without_a_zone_is_refused(store: Transactions) -> None:
    with pytest.raises(sa.exc.StatementError, match="needs a time zone"):
        await keep(store, EIGHT_PM.replace(tzinfo=None))


async def test_no_instant_is_none_and_no_json_is_null(store: Transactions) -> None:
    async with store.begin() as db:
        await db.execute(
            sa.insert(tables.replay).values(requested_at=EIGHT_PM, since=EIGHT_PM, dry_run=True, state="done")
        )
        await db.execute(sa.update(tables.replay).values(result=None, until=None))

    async with store.read() as db:
        row = (await db.execute(sa.select(tables.replay).where(tables.replay.c.result.is_(None)))).one()
    assert (row.until, row.result, row.dry_run) == (None, None, True)


instants = st.datetimes(datetime(1970, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis adds the zone
hours = st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours)))


@given(at=instants | instants.map(lambda at: at.replace(microsecond=0)), zone=hours)
def test_an_instant_in_the_drivers_own_words_is_spelled_as_it_is_kept(at: datetime, zone: timezone) -> None:
    kept = at.strftime("%Y-%m-%d %H:%M:%S.%f")

    assert as_text(at) == kept
    assert as_text(at.astimezone(zone)) == kept
    assert as_json(at) == at.isoformat()
