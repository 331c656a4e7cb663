"""Corrections as kept: facts that are added and undone, never rewritten."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.check_in import Key
from reconcile.playback.corrections import Correction, What
from reconcile.playback.media import LOCAL, SOURCES, Identity
from reconcile.playback.verdict import Code
from reconcile.store.keys import CHUNK
from reconcile.store.media import identify
from reconcile.store.tables import correction, media, media_alias, playback, playback_key, watch_playback

Row = dict[str, Any]

_OF_USERS = sa.select(correction).where(
    correction.c.server_id.in_(sa.bindparam("servers", expanding=True)),
    correction.c.user_id.in_(sa.bindparam("users", expanding=True)),
    correction.c.undone_at.is_(None),
)


async def of_keys(db: AsyncConnection, keys: Collection[Key]) -> dict[tuple[str, str, str], list[Correction]]:
    """Return what holds of the playbacks of *keys*, by (server, user, item); where nothing does, it is missing."""
    found: dict[tuple[str, str, str], list[Correction]] = {}
    wanted = {place_of(key) for key in keys}
    users = sorted({user for _server, user, _item in wanted})
    servers = sorted({server for server, _user, _item in wanted})
    for start in range(0, len(users), CHUNK):
        asked = {"servers": servers, "users": users[start : start + CHUNK]}
        for row in (await db.execute(_OF_USERS, asked)).mappings():
            place = (row["server_id"], row["user_id"], row["item_id"])
            if place in wanted:
                found.setdefault(place, []).append(_correction(row))
    return found


def place_of(key: Key) -> tuple[str, str, str]:
    """Return whose corrections are looked at for *key*: (server, user, item)."""
    return (key.server_id, key.user_id, key.item_id)


def _correction(row: sa.RowMapping) -> Correction:
    return Correction(
        id=row["id"],
        what=What(row["what"]),
        session_id=row["session_id"],
        since=row["since"],
        until=row["until"],
        to_account=row["to_account_id"],
        to_media=None if row["to_media"] is None else msgspec.convert(row["to_media"], Identity),
        to_unit=row["to_unit"],
        said_by=row["said_by"],
        said_at=row["said_at"],
    )


_NO_VERDICT = (
    sa.update(playback)
    .where(
        playback.c.key_id == sa.bindparam("key"),
        playback.c.first_at == sa.bindparam("first", type_=playback.c.first_at.type),
        sa.or_(playback.c.sentence != sa.bindparam("said"), playback.c.account_id.is_not(None)),
    )
    .values(completed=False, verdict=Code.CORRECTED.value, sentence=sa.bindparam("said"), rules="")
)


async def exclude(db: AsyncConnection, excluded: Mapping[tuple[int, datetime], str]) -> None:
    """Note why playbacks (key id, first check-in) are not judged."""
    if excluded:
        rows = [{"key": key_id, "first": first_at, "said": said} for (key_id, first_at), said in excluded.items()]
        await db.execute(_NO_VERDICT, rows)


# --- saying and undoing ----------------------------------------------------------------------------------------------


async def add(db: AsyncConnection, values: Mapping[str, object]) -> int:
    """Keep a correction and return its id; the same one, while it holds, is kept once."""
    same = [correction.c[name].is_not_distinct_from(values[name]) for name in _SAME]
    query = sa.select(correction.c.id, correction.c.to_media).where(*same, correction.c.undone_at.is_(None))
    for number, to_media in await db.execute(query):
        if to_media == values["to_media"]:
            return int(number)
    made = sa.insert(correction).values(**values).returning(correction.c.id)
    return int((await db.execute(made)).scalar_one())


_SAME = ("what", "server_id", "user_id", "item_id", "session_id", "since", "until", "to_account_id", "to_unit")


async def undo(db: AsyncConnection, number: int, by: str, at: datetime) -> bool:
    """Note that a correction no longer holds; return whether it did."""
    c = correction.c
    undone = sa.update(correction).where(c.id == number, c.undone_at.is_(None)).values(undone_by=by, undone_at=at)
    return (await db.execute(undone.returning(c.id))).first() is not None


async def one(db: AsyncConnection, number: int) -> Row | None:
    """Return one correction, None if there is none of that id."""
    row = (await db.execute(sa.select(correction).where(correction.c.id == number))).mappings().first()
    return None if row is None else dict(row)


async def corrections(db: AsyncConnection, account: int | None, before: int | None, most: int) -> list[Row]:
    """Return up to *most* corrections, undone ones too, newest first, said before the one numbered *before*."""
    c = correction.c
    query = sa.select(correction).order_by(c.id.desc()).limit(most)
    if account is not None:
        query = query.where(sa.or_(c.account_id == account, c.to_account_id == account))
    if before is not None:
        query = query.where(c.id < before)
    return [dict(row) for row in (await db.execute(query)).mappings()]


# --- what a correction is about ---------------------------------------------------------------------------------------


class Meant(msgspec.Struct, frozen=True):
    """A playback that somebody corrects: its key, when its first and last check-ins were, and what it counts as.

    *ended_by* is ``imported`` where another tool told of it.
    """

    key: Key
    first_at: datetime
    last_at: datetime
    started_at: datetime
    account_id: int | None
    unit: str
    ended_by: str | None = None


async def meant(db: AsyncConnection, *, number: int | None = None, watch: int | None = None) -> list[Meant]:
    """Return the playback *number*, or those of the row *watch*, oldest first."""
    c, k = playback.c, playback_key.c
    said = c.first_at, c.last_at, c.started_at, c.account_id, c.unit, c.ended_by
    query = sa.select(k.server_id, k.session_id, k.user_id, k.item_id, *said).join(playback_key, k.id == c.key_id)
    if watch is not None:
        shown = sa.select(watch_playback.c.playback_id).where(watch_playback.c.watch_id == watch)
        query = query.where(c.id.in_(shown))
    else:
        query = query.where(c.id == number)
    return [Meant(Key(*row[:4]), *row[4:9], row[9]) for row in await db.execute(query.order_by(c.first_at))]


async def keys_meant(db: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> dict[int, Key]:
    """Return the keys that the corrections *rows* are about."""
    k = playback_key.c
    found: dict[int, Key] = {}
    for row in rows:
        query = sa.select(k.id, k.server_id, k.session_id, k.user_id, k.item_id).where(
            k.server_id == row["server_id"], k.user_id == row["user_id"], k.item_id == row["item_id"]
        )
        if row["session_id"] is not None:
            query = query.where(k.session_id == row["session_id"])
        found.update((number, Key(*key)) for number, *key in await db.execute(query))
    return found


_RANK = {source: rank for rank, source in enumerate((*SOURCES, LOCAL))}


async def identity_of(db: AsyncConnection, media_id: int) -> Identity | None:
    """Return the media of that id by its aliases, None if there is none."""
    row = (await db.execute(sa.select(media).where(media.c.id == media_id))).mappings().first()
    c = media_alias.c
    told = [
        (source, value)
        for source, value in await db.execute(sa.select(c.source, c.value).where(c.media_id == media_id))
    ]
    aliases = tuple(sorted(told, key=lambda alias: (_RANK.get(alias[0], len(_RANK)), alias)))
    if row is None or not aliases:
        return None
    return Identity(row["kind"], row["title"], row["year"], aliases)


async def media_of(db: AsyncConnection, identity: Identity) -> int:
    """Return the media that *identity* names: by the most telling alias that is known, else it is made."""
    c = media_alias.c
    named = sa.or_(*(sa.and_(c.source == source, c.value == value) for source, value in identity.aliases))
    query = sa.select(c.source, c.value, c.media_id).where(c.kind == identity.kind, named)
    known = {(source, value): int(number) for source, value, number in await db.execute(query)}
    found = next((known[alias] for alias in identity.aliases if alias in known), None)
    return (await identify(db, identity)).id if found is None else found
