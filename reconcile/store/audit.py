"""Corrections as people read them: with what was played, and whose it was; and the media that they may name."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store.tables import account, correction, link, media, playback, playback_key, watch

Row = dict[str, Any]

_TO = account.alias("to_account")


async def corrections(
    db: AsyncConnection, accounts: Collection[int] | None, before: int | None, most: int
) -> list[Row]:
    """Return up to *most* corrections of what was these *accounts*' (None: anybody's), undone ones too, newest first.

    Each comes with the ``facts`` of its item, the names of the accounts, and ``playback_id``, the latest that it is
    about.
    """
    c = correction.c
    query = _told().order_by(c.id.desc()).limit(most)
    if accounts is not None and len(accounts) == 1:
        query = query.where(c.account_id == next(iter(accounts)))
    elif accounts is not None:
        query = query.where((c.account_id + 0).in_(accounts))
    if before is not None:
        query = query.where(c.id < before)
    return [dict(row) for row in (await db.execute(query)).mappings()]


async def those(db: AsyncConnection, numbers: Collection[int]) -> list[Row]:
    """Return the corrections of these ids that there are, the latest said first."""
    query = _told().where(correction.c.id.in_(numbers)).order_by(correction.c.id.desc())
    return [dict(row) for row in (await db.execute(query)).mappings()]


def _told() -> sa.Select[Any]:
    c, k, p = correction.c, playback_key.c, playback.c
    same = sa.and_(
        k.server_id == c.server_id,
        k.item_id == c.item_id,
        k.user_id == c.user_id,
        sa.or_(c.session_id.is_(None), k.session_id == c.session_id),
    )
    facts = sa.select(k.facts).where(same).order_by(k.id.desc()).limit(1)
    meant = sa.and_(
        p.key_id == k.id,
        sa.or_(c.since.is_(None), p.last_at >= c.since),
        sa.or_(c.until.is_(None), p.first_at <= c.until),
    )
    played = sa.select(p.id).select_from(playback_key.join(playback, meant)).where(same)
    latest = played.order_by(p.started_at.desc(), p.id.desc()).limit(1)
    return (
        sa.select(
            correction,
            facts.correlate(correction).scalar_subquery().label("facts"),
            latest.correlate(correction).scalar_subquery().label("playback_id"),
            account.c.name.label("account_name"),
            _TO.c.name.label("to_account_name"),
            link.c.user_name,
        )
        .outerjoin(account, account.c.id == c.account_id)
        .outerjoin(_TO, _TO.c.id == c.to_account_id)
        .outerjoin(link, sa.and_(link.c.server_id == c.server_id, link.c.user_id == c.user_id))
    )


async def media_named(db: AsyncConnection, numbers: Collection[int]) -> dict[int, Row]:
    """Return id, kind, title and year of the media of these ids, by id."""
    m = media.c
    query = sa.select(m.id, m.kind, m.title, m.year).where(m.id.in_(numbers))
    return {row["id"]: dict(row) for row in (await db.execute(query)).mappings()}


async def media_called(db: AsyncConnection, text: str, accounts: Collection[int] | None, most: int) -> list[Row]:
    """Return up to *most* media with *text* in the title, by title; of what these *accounts* watched alone."""
    m = media.c
    query = sa.select(m.id, m.kind, m.title, m.year).where(m.title.icontains(text, autoescape=True))
    if accounts is not None:
        w = watch.c
        query = query.where(sa.exists().where(w.media_id == m.id, w.account_id.in_(accounts)))
    return [dict(row) for row in (await db.execute(query.order_by(m.title, m.id).limit(most))).mappings()]


async def is_known_to(db: AsyncConnection, media_id: int, accounts: Collection[int]) -> bool:
    """Say whether one of these *accounts* watched a media."""
    w = watch.c
    query = sa.select(w.id).where(w.media_id == media_id, w.account_id.in_(accounts)).limit(1)
    return (await db.execute(query)).first() is not None
