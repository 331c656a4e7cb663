"""Leafing through the history, in both directions, at a price that does not grow with it.

What no index serves (a kind, an evidence, a title that many watch) is looked for in so many rows and no more: a page
may come short then, and says from where to look on. A title is searched among the media first, of which there are few.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store import history
from reconcile.store.tables import media, playback, watch
from reconcile.store.wanted import Place, Wanted, of_one, paged, timed

Row = dict[str, Any]

Reader = Callable[[Wanted, Place | None, int], Awaitable[list[Row]]]

LOOKED_THROUGH = 10_000
"""Rows that one page looks through at the most."""

TITLES, ROWS_OF_THEM = 200, 3_000
"""So many media, with so many rows together, are read and sorted; of more of them there are some on every page."""

_MOMENT = timedelta(microseconds=1)
_LAST_ID = 2**63 - 1


class Leaf(msgspec.Struct, frozen=True):
    """A page, newest first. *older* and *newer* are the places to go on from; None: nothing is there.

    A place may lie beyond the rows shown: so far was looked. *wanted* is what was asked for, with its media found.
    """

    rows: list[Row]
    older: Place | None
    newer: Place | None
    wanted: Wanted


async def watch_leaf(
    db: AsyncConnection, wanted: Wanted, place: Place | None, most: int, *, newer: bool = False
) -> Leaf:
    """Return up to *most* watches older than *place*, or with *newer* newer; None: from the newest on."""
    read = partial(history.watches, db, newer=newer)
    return await _leaf(db, watch.c.watched_at, read, wanted, place, most, newer=newer)


async def playback_leaf(
    db: AsyncConnection, wanted: Wanted, place: Place | None, most: int, *, newer: bool = False
) -> Leaf:
    """Return up to *most* playbacks that began before *place*, or with *newer* after; None: from the latest on."""
    read = partial(history.playbacks, db, newer=newer)
    return await _leaf(db, playback.c.started_at, read, wanted, place, most, newer=newer)


async def titled(db: AsyncConnection, wanted: Wanted, table: sa.Table) -> Wanted:
    """Return *wanted* with the media that its text names, where those are few and have few rows in *table*."""
    if wanted.text is None:
        return wanted
    named = sa.select(media.c.id).where(media.c.title.icontains(wanted.text, autoescape=True)).limit(TITLES + 1)
    found = frozenset((await db.execute(named)).scalars())
    if len(found) > TITLES:
        return wanted
    some = sa.select(sa.literal(1)).where(table.c.media_id.in_(found)).limit(ROWS_OF_THEM + 1)
    if wanted.account is not None:
        some = some.where(table.c.account_id == wanted.account)
    rows = await db.scalar(sa.select(sa.func.count()).select_from(some.subquery()))
    return wanted if (rows or 0) > ROWS_OF_THEM else msgspec.structs.replace(wanted, text=None, medias=found)


async def _leaf(
    db: AsyncConnection,
    at: sa.Column[Any],
    read: Reader,
    wanted: Wanted,
    place: Place | None,
    most: int,
    *,
    newer: bool,
) -> Leaf:
    wanted = of_one(timed(wanted) if at is watch.c.watched_at else wanted)
    wanted = await titled(db, wanted, at.table)
    end = await _horizon(db, at, wanted, place, newer=newer) if _is_to_be_looked_for(wanted) else None
    rows = await read(_within(wanted, end, newer=newer), place, most + 1)
    shown = rows[:most]
    further: Place | None = None
    if len(rows) > most:
        further = (shown[-1][at.name], shown[-1]["id"])
    elif end is not None:
        further = (end, _LAST_ID if newer else 0)
    nearest: Place | None = (shown[0][at.name], shown[0]["id"]) if shown else place
    if newer:
        return Leaf(shown[::-1], nearest if shown else _with_itself(place), further, wanted)
    return Leaf(shown, further, None if place is None else nearest, wanted)


def _with_itself(place: Place | None) -> Place | None:
    """Return the place after which the row at *place* itself comes next."""
    return None if place is None else (place[0], min(place[1] + 1, _LAST_ID))


def _is_to_be_looked_for(wanted: Wanted) -> bool:
    """Say whether rows that are not wanted may lie between those that are, on the way that an index goes."""
    if wanted.medias is not None or wanted.media is not None:
        return False
    asked = (wanted.text, wanted.channels, wanted.kind, wanted.completed, wanted.open)
    return any(each is not None for each in asked) or wanted.accounts is not None


async def _horizon(
    db: AsyncConnection, at: sa.Column[Any], wanted: Wanted, place: Place | None, *, newer: bool
) -> Any | None:  # noqa: ANN401 - an instant
    """Return the instant up to which a page looks; None where fewer rows are left that may be wanted."""
    query = paged(sa.select(at), at, place, newer=newer)
    if wanted.account is not None:
        query = query.where(at.table.c.account_id == wanted.account)
    if wanted.until is not None and not newer:
        query = query.where(at < wanted.until)
    if wanted.since is not None and newer:
        query = query.where(at >= wanted.since)
    end = await db.scalar(query.offset(LOOKED_THROUGH).limit(1))
    is_beyond = end is not None and (
        (newer and wanted.until is not None and end >= wanted.until)
        or (not newer and wanted.since is not None and end < wanted.since)
    )
    return None if is_beyond else end


def _within(wanted: Wanted, end: Any | None, *, newer: bool) -> Wanted:  # noqa: ANN401 - an instant
    """Return *wanted* up to the instant *end*, and it."""
    if end is None:
        return wanted
    if newer:
        until = end + _MOMENT
        return msgspec.structs.replace(wanted, until=until if wanted.until is None else min(until, wanted.until))
    return msgspec.structs.replace(wanted, since=end if wanted.since is None else max(end, wanted.since))
