"""Tracing deliveries: found by what is known of them, and what came of each: check-ins, playbacks, watches."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.check_in import Key
from reconcile.store.history import Place
from reconcile.store.tables import account, check_in, delivery, link, media, playback, playback_key, watch
from reconcile.store.tables import watch_playback as shown

Row = dict[str, Any]

LOOKED_AT = 20_000
"""Among how many deliveries one page looks: a text that is nowhere must not read all that is kept."""

_AROUND = timedelta(seconds=60)
"""How long before its first and after its last check-in a delivery may still be about a playback."""


class Traced(msgspec.Struct, frozen=True, kw_only=True):
    """Which deliveries are wanted; None: all. *servers* are those that may be seen, *text* is part of the reason."""

    servers: frozenset[str] | None = None
    server: str | None = None
    user: tuple[str, str] | None = None
    outcome: str | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    told_since: datetime | None = None
    told_until: datetime | None = None


class Found(msgspec.Struct, frozen=True):
    """A page of deliveries, newest first. *after* is where to look on, None where nothing older is kept."""

    rows: list[Row]
    after: Place | None


async def search(db: AsyncConnection, wanted: Traced, after: Place | None, most: int) -> Found:
    """Return up to *most* of the deliveries that are *wanted*, without bodies, each with the name of its user.

    It looks among `LOOKED_AT` of them; a page may have few rows, or none, and still have older ones behind it.
    """
    d = delivery.c
    window = sa.select(d.id, d.received_at).order_by(d.received_at.desc(), d.id.desc()).limit(LOOKED_AT)
    if wanted.since is not None:
        window = window.where(d.received_at >= wanted.since)
    if wanted.until is not None:
        window = window.where(d.received_at < wanted.until)
    if after is not None:
        instant, number = after
        window = window.where(sa.or_(d.received_at < instant, sa.and_(d.received_at == instant, d.id < number)))
    seen = window.subquery()
    columns = [each for each in d if each.name != "body"]
    of_user = sa.and_(link.c.server_id == d.server_id, link.c.user_id == d.user_id)
    query = (
        sa.select(*columns, link.c.user_name, link.c.account_id)
        .join(seen, seen.c.id == d.id)
        .outerjoin(link, of_user)
        .where(*_conditions(wanted))
        .order_by(d.received_at.desc(), d.id.desc())
        .limit(most + 1)
    )
    rows = [dict(row) for row in (await db.execute(query)).mappings()]
    if len(rows) > most:
        last = rows[most - 1]
        return Found(rows[:most], (last["received_at"], last["id"]))
    return Found(rows, await _end(db, seen))


def _conditions(wanted: Traced) -> list[sa.ColumnElement[bool]]:
    d = delivery.c
    found: list[sa.ColumnElement[bool]] = []
    if wanted.servers is not None:
        found.append(d.server_id.in_(sorted(wanted.servers)))
    if wanted.server is not None:
        found.append(d.server_id == wanted.server)
    if wanted.user is not None:
        found += [d.server_id == wanted.user[0], d.user_id == wanted.user[1]]
    if wanted.outcome is not None:
        found.append(d.outcome == wanted.outcome)
    if wanted.text:
        said = (d.reason, d.error, d.kind)
        found.append(sa.or_(*(column.icontains(wanted.text, autoescape=True) for column in said)))
    if wanted.told_since is not None:
        found.append(d.at >= wanted.told_since)
    if wanted.told_until is not None:
        found.append(d.at <= wanted.told_until)
    return found


async def _end(db: AsyncConnection, seen: sa.Subquery) -> Place | None:
    """Return where the window ended, None if it was not full: then nothing older is left to look at."""
    oldest = sa.select(seen.c.received_at, seen.c.id).order_by(seen.c.received_at.desc(), seen.c.id.desc())
    last = (await db.execute(oldest.offset(LOOKED_AT - 1).limit(1))).first()
    return None if last is None else (last[0], last[1])


async def about(db: AsyncConnection, playback_id: int, servers: frozenset[str] | None) -> Traced | None:
    """Return what finds the deliveries of a playback: its user's, of its time. None if it is none of *servers*."""
    p, k = playback.c, playback_key.c
    query = sa.select(k.server_id, k.user_id, p.first_at, p.last_at, p.ended_at).join(playback_key, k.id == p.key_id)
    row = (await db.execute(query.where(p.id == playback_id))).first()
    if row is None or (servers is not None and row[0] not in servers):
        return None
    server_id, user_id, first_at, last_at, ended_at = row
    return Traced(
        servers=servers,
        user=(server_id, user_id),
        told_since=first_at - _AROUND,
        told_until=max(last_at, ended_at or last_at) + _AROUND,
    )


async def check_ins(db: AsyncConnection, key: Key, at: datetime) -> list[Row]:
    """Return the check-ins of *key* at that instant: what a delivery that was read so became. Thinned ones are gone."""
    c, k = check_in.c, playback_key.c
    query = sa.select(check_in).join(playback_key, k.id == c.key_id).where(*_is(key), c.at == at).order_by(c.kind)
    return [dict(row) for row in (await db.execute(query)).mappings()]


async def playbacks(db: AsyncConnection, key: Key, at: datetime) -> list[Row]:
    """Return the playbacks of *key* that were going on at that instant, with what they show and their sentence."""
    p, k = playback.c, playback_key.c
    query = (
        sa.select(p.id, p.unit, p.account_id, p.started_at, p.open, p.completed, p.watched_seconds, p.sentence)
        .add_columns(media.c.title)
        .join(playback_key, k.id == p.key_id)
        .outerjoin(media, media.c.id == p.media_id)
        .where(*_is(key), p.first_at <= at, p.last_at >= at)
        .order_by(p.started_at, p.id)
    )
    return [dict(row) for row in (await db.execute(query)).mappings()]


async def watches(db: AsyncConnection, playback_ids: Collection[int]) -> list[Row]:
    """Return the rows of the history that those playbacks made, with their sentences."""
    w = watch.c
    query = (
        sa.select(w.id, w.day, w.unit, w.completed, w.sentence, account.c.name.label("who"), media.c.title)
        .join(shown, shown.c.watch_id == w.id)
        .join(account, account.c.id == w.account_id)
        .join(media, media.c.id == w.media_id)
        .where(shown.c.playback_id.in_(sorted(playback_ids)))
        .distinct()
        .order_by(w.day, w.id)
    )
    return [dict(row) for row in (await db.execute(query)).mappings()]


def _is(key: Key) -> tuple[sa.ColumnElement[bool], ...]:
    k = playback_key.c
    return (
        k.server_id == key.server_id,
        k.session_id == key.session_id,
        k.user_id == key.user_id,
        k.item_id == key.item_id,
    )
