"""What other rules would make of the latest plays: reckoned from what is kept of them, without writing anything.

It is an estimate: plays are judged anew, but not cut anew, and marks by hand are left out. What a change really does
is known when the history is settled by it (`reruling`, `accounts.change_account`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.difference import Difference, Row
from reconcile.playback.days import Watch, watches
from reconcile.playback.rules import Rules
from reconcile.store import verdicts
from reconcile.store.keys import CHUNK
from reconcile.store.tables import account, media
from reconcile.store.verdicts import Judged

MOST = 2000
"""Plays that are judged: the answer is waited for while somebody moves a slider (about 0.2 ms each)."""

BATCH = 20
"""Units that are judged before whoever else waits has a turn."""

SHOWN = 100
"""How many differences are told one by one."""

Unit = tuple[int, int, str]


class Case(msgspec.Struct, frozen=True):
    """By what an account's plays are judged: the rules as they are and as they would be, and its time zone."""

    now: Rules
    then: Rules
    zone: tzinfo


class Estimate(msgspec.Struct, frozen=True):
    """How many plays since *since* are completed *now*, and how many *then* would be.

    *is_cut_short*: there were more, and *since* is later than was asked for. *came* and *went* count the rows of the
    history that would be new or gone; *differences* are the first hundred of those that change.
    """

    since: datetime
    is_cut_short: bool
    now: int
    then: int
    came: int
    went: int
    differences: list[Difference]


async def estimate(db: AsyncConnection, cases: Mapping[int, Case], since: datetime, most: int = MOST) -> Estimate:
    """Return what the plays since then would be by other rules, for each account among *cases*. It only reads."""
    found = await verdicts.lately(db, cases.keys(), since, most + 1)
    is_short = len(found) > most
    since = found[-2].at if is_short else since
    units = sorted({each.unit for each in found[:most]})
    now = then = 0
    changed: list[tuple[Unit, Watch | None, Watch | None]] = []
    for start in range(0, len(units), BATCH):
        for unit, there in (await verdicts.viewings(db, units[start : start + BATCH])).items():
            before, after = _rows(there, cases[unit[0]], since)
            now += sum(row.plays for row in before.values())
            then += sum(row.plays for row in after.values())
            for day in sorted(before.keys() | after.keys()):
                old, new = before.get(day), after.get(day)
                if (old and old.completed, old and old.plays) != (new and new.completed, new and new.plays):
                    changed.append((unit, old, new))
        await asyncio.sleep(0)
    return Estimate(
        since=since,
        is_cut_short=is_short,
        now=now,
        then=then,
        came=sum(old is None for _unit, old, _new in changed),
        went=sum(new is None for _unit, _old, new in changed),
        differences=await _named(db, sorted(changed, key=_latest_first)[:SHOWN], cases),
    )


def _rows(there: Judged, case: Case, since: datetime) -> tuple[dict[str, Watch], dict[str, Watch]]:
    """Return the rows of a unit by day, as they are and as they would be."""
    both = (watches(there.viewings, there.shares, rules, case.zone)[0] for rules in (case.now, case.then))
    now, then = ({row.day.isoformat(): row for row in rows if row.watched_at >= since} for rows in both)
    return now, then


def _latest_first(each: tuple[Unit, Watch | None, Watch | None]) -> tuple[float, Unit]:
    unit, old, new = each
    row = new or old
    return (0.0 if row is None else -row.watched_at.timestamp(), unit)


async def _named(
    db: AsyncConnection, changed: Sequence[tuple[Unit, Watch | None, Watch | None]], cases: Mapping[int, Case]
) -> list[Difference]:
    who = await _names(db, account.c.id, account.c.name, sorted({unit[0] for unit, *_rows in changed}))
    what = await _names(db, media.c.id, media.c.title, sorted({unit[1] for unit, *_rows in changed}))
    units = [unit for unit, _old, new in changed if new is None]
    reasons = await _reasons(db, units, cases)
    found = []
    for unit, old, new in changed:
        before, after = (_row(unit, row, who, what) for row in (old, new))
        said = new.sentence if new is not None else reasons.get((unit, _last_of(old)), "")
        found.append(Difference(before, after, said))
    return found


async def _reasons(
    db: AsyncConnection, units: Sequence[Unit], cases: Mapping[int, Case]
) -> dict[tuple[Unit, str], str]:
    """Return what the other rules say of each playback of *units*."""
    return {
        (unit, name): verdict.sentence
        for unit, there in (await verdicts.viewings(db, units)).items()
        for name, verdict in watches(there.viewings, there.shares, cases[unit[0]].then, cases[unit[0]].zone)[1].items()
    }


def _last_of(row: Watch | None) -> str:
    return "" if row is None else row.playbacks[-1]


async def _names(
    db: AsyncConnection, number: sa.ColumnElement[int], name: sa.ColumnElement[str], ids: Sequence[int]
) -> dict[int, str]:
    found: dict[int, str] = {}
    for start in range(0, len(ids), CHUNK):
        rows = await db.execute(sa.select(number, name).where(number.in_(ids[start : start + CHUNK])))
        found.update((row[0], row[1]) for row in rows)
    return found


def _row(unit: Unit, row: Watch | None, who: Mapping[int, str], what: Mapping[int, str]) -> Row | None:
    if row is None:
        return None
    return Row(
        account_id=unit[0],
        media_id=unit[1],
        unit=unit[2],
        day=row.day.isoformat(),
        who=who.get(unit[0], ""),
        title=what.get(unit[1], ""),
        completed=row.completed,
        plays=row.plays,
        watched_seconds=row.watched_seconds,
        sentence=row.sentence,
        playbacks=frozenset(int(name) for name in row.playbacks),
    )
