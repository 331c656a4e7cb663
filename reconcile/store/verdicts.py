"""Verdicts as kept: the playbacks of a unit as they are judged, and what the rules say of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.verdict import Verdict, Viewing
from reconcile.store.channels import channels_of
from reconcile.store.tables import playback, playback_key, playback_unit


class Judged(msgspec.Struct):
    """The playbacks of one unit by one account: as they are judged, each one's share of its time, and what was said."""

    viewings: list[Viewing] = []
    shares: dict[str, float] = {}
    said: dict[str, tuple[str, str, str]] = {}


class Shown(msgspec.Struct, frozen=True):
    """That a playback which began *at* then shows a unit: (account, media, unit)."""

    unit: tuple[int, int, str]
    at: datetime


_VIEWINGS = (
    sa.select(
        playback_unit.c.account_id,
        playback_unit.c.media_id,
        playback_unit.c.unit.label("shown"),
        playback_unit.c.share,
        playback.c.id,
        playback.c.started_at,
        playback.c.ended_at,
        playback.c.watched_seconds,
        playback.c.reached_seconds,
        playback.c.runtime_seconds,
        playback.c.covered,
        playback.c.intervals,
        playback.c.channels,
        playback.c.completed_at,
        playback.c.verdict,
        playback.c.sentence,
        playback.c.rules,
        playback_key.c.server_id,
        playback_key.c.session_id,
        playback_key.c.item_id,
    )
    .join(playback, playback_unit.c.playback_id == playback.c.id)
    .join(playback_key, playback_key.c.id == playback.c.key_id)
    .where(
        playback_unit.c.account_id == sa.bindparam("account"),
        playback_unit.c.media_id.in_(sa.bindparam("media", expanding=True)),
        playback_unit.c.unit.in_(sa.bindparam("units", expanding=True)),
    )
)


async def viewings(db: AsyncConnection, units: Collection[tuple[int, int, str]]) -> dict[tuple[int, int, str], Judged]:
    """Return all playbacks of each of *units* (account, media, unit), named by their ids."""
    found = {unit: Judged([], {}, {}) for unit in units}
    for account_id, media_ids, names in by_account(units):
        asked = {"account": account_id, "media": media_ids, "units": names}
        for row in (await db.execute(_VIEWINGS, asked)).mappings():
            judged = found.get((account_id, row["media_id"], row["shown"]))
            if judged is not None:
                name = f"{row['id']:012d}"
                judged.shares[name] = row["share"]
                judged.said[name] = (row["verdict"], row["sentence"], row["rules"])
                judged.viewings.append(viewing_of(name, row, (row["server_id"], row["session_id"], row["item_id"])))
    return found


async def lately(db: AsyncConnection, accounts: Collection[int], since: datetime, most: int) -> list[Shown]:
    """Return what each of the latest *most* playbacks of *accounts* that began from *since* on shows, newest first."""
    p, u = playback.c, playback_unit.c
    query = sa.select(u.account_id, u.media_id, u.unit, p.started_at).join(playback, p.id == u.playback_id)
    query = query.where(p.account_id.in_(accounts), p.started_at >= since).order_by(p.started_at.desc(), p.id.desc())
    return [Shown(row[:3], row[3]) for row in await db.execute(query.limit(most))]


def by_account(units: Collection[tuple[int, int, str]]) -> list[tuple[int, list[int], list[str]]]:
    """Return the media and the names of *units* (account, media, unit) for each account."""
    mine: dict[int, tuple[set[int], set[str]]] = {}
    for account_id, media_id, unit in units:
        media_ids, names = mine.setdefault(account_id, (set(), set()))
        media_ids.add(media_id)
        names.add(unit)
    return [(account_id, sorted(ids), sorted(names)) for account_id, (ids, names) in sorted(mine.items())]


def viewing_of(name: str, row: Mapping[Any, Any], seat: tuple[str, ...]) -> Viewing:
    """Return a playback as it is judged: *row* holds its columns."""
    last = _last_watched(row["intervals"])
    return Viewing(
        name=name,
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        last_watched_at=row["ended_at"] if last is None else last,
        watched_seconds=row["watched_seconds"],
        reached_seconds=row["reached_seconds"],
        runtime=row["runtime_seconds"],
        covered=tuple((part[0], part[1]) for part in row["covered"]),
        completed_at=row["completed_at"],
        channels=channels_of(row["channels"]),
        seat=seat,
    )


def _last_watched(intervals: Sequence[Sequence[Any]]) -> datetime | None:
    if not intervals:
        return None
    at, seconds = intervals[-1]
    return datetime.fromisoformat(at) + timedelta(seconds=seconds)


_SAY = (
    sa.update(playback)
    .where(playback.c.id == sa.bindparam("number"))
    .values(
        completed=sa.bindparam("counts"),
        verdict=sa.bindparam("code"),
        sentence=sa.bindparam("said"),
        rules=sa.bindparam("by"),
    )
)


async def set_verdicts(db: AsyncConnection, verdicts: Mapping[str, tuple[Verdict, str]]) -> None:
    """Note what rules (their fingerprint) say of each playback, by name."""
    if verdicts:
        rows = [
            {"number": int(name), "counts": said.completed, "code": said.code.value, "said": said.sentence, "by": rules}
            for name, (said, rules) in verdicts.items()
        ]
        await db.execute(_SAY, rows)
