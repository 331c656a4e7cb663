"""Extending open playbacks on SQLite, in the driver's own words: a look may show a thousand at once.

Memory says what is kept; each statement names it again, so that nothing is written where memory is out of date. The
version of a key stays: whoever remembers has remembered this too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.changes import Change
from reconcile.playback.check_in import CheckIn, Key
from reconcile.playback.verdict import Verdict
from reconcile.store.channels import mask_of
from reconcile.store.types import as_text


class Growth(msgspec.Struct, frozen=True, gc=False):
    """A playback that new check-ins have extended: as it was kept, and as it is to be."""

    key: Key
    key_id: int
    version: int
    number: int
    unit: tuple[int, int, str]
    last_at: datetime
    runtime: float | None
    check_ins: tuple[CheckIn, ...]
    values: dict[str, Any]
    verdict: Verdict
    watch: Change | None


# No check-in that extends a playback is a stop or a farewell (see `extended`): with it, the server has said nothing of
# completion, nor a look that it was left.
_CHECK_IN = (
    "INSERT INTO check_in (key_id, at, kind, position, reported, seen_at, sighted_until, channels)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_PLAYBACK = (
    "UPDATE playback SET state = ?, last_at = ?, ended_at = ?, due_at = ?, watched_seconds = ?, reached_seconds = ?,"
    " position_seconds = ?, covered = ?, skipped = ?, intervals = ?, channels = ?, completed_at = ?, verdict = ?,"
    " sentence = ? WHERE id = ? AND key_id = ? AND last_at = ? AND account_id = ? AND media_id = ? AND unit = ?"
    " AND open = 1 AND runtime_seconds IS ? AND (SELECT version FROM playback_key WHERE id = ?) = ?"
)
_WATCH = (
    "UPDATE watch SET percent = ?, watched_seconds = ?, sentence = ?, updated_at = ?"
    " WHERE id = ? AND account_id = ? AND media_id = ? AND unit = ? AND day = ? AND watched_at = ? AND plays = ?"
)


async def keep(db: AsyncConnection, grown: Sequence[Growth], now: datetime) -> bool:
    """Keep what has grown; return False, and whoever calls takes the transaction back, if memory was out of date."""
    rows = [_row(each) for each in grown]
    changes = [_watch(each.watch, now) for each in grown if each.watch is not None and each.watch.after is not None]
    for statement, told in ((_PLAYBACK, rows), (_WATCH, changes)):
        if told and (await db.exec_driver_sql(statement, told)).rowcount != len(told):
            return False
    await db.exec_driver_sql(_CHECK_IN, [_evidence(each.key_id, c) for each in grown for c in each.check_ins])
    return True


def _evidence(key_id: int, told: CheckIn) -> tuple[object, ...]:
    seen = as_text(told.seen_at)
    until = seen if told.sighted_until is told.seen_at else as_text(told.sighted_until)
    mask = mask_of(told.channels)
    return (key_id, as_text(told.at), told.kind.value, told.position, told.reported, seen, until, mask)


def _row(each: Growth) -> tuple[object, ...]:
    values = each.values
    return (
        values["state"],
        as_text(values["last_at"]),
        as_text(values["ended_at"]),
        _perhaps(values["due_at"]),
        values["watched_seconds"],
        values["reached_seconds"],
        values["position_seconds"],
        _json(values["covered"]),
        _json(values["skipped"]),
        _json(values["intervals"]),
        values["channels"],
        _perhaps(values["completed_at"]),
        each.verdict.code.value,
        each.verdict.sentence,
        each.number,
        each.key_id,
        as_text(each.last_at),
        each.unit[0],
        each.unit[1],
        each.unit[2],
        each.runtime,
        each.key_id,
        each.version,
    )


def _watch(change: Change, now: datetime) -> tuple[object, ...]:
    row = change.after or {}
    watched_at = row["watched_at"]
    return (
        row["percent"],
        row["watched_seconds"],
        row["sentence"],
        as_text(now),
        change.number,
        *change.unit,
        change.day,
        as_text(watched_at) if isinstance(watched_at, datetime) else None,
        row["plays"],
    )


def _perhaps(at: datetime | None) -> str | None:
    return None if at is None else as_text(at)


def _json(value: Sequence[object]) -> str:
    return _encoded(value).decode() if value else "[]"


_encoded = msgspec.json.Encoder().encode
