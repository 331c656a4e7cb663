"""Lists of media: what was searched for, what nobody could number, and what contradicts itself."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.facts import Facts, item_of
from reconcile.playback.media import LOCAL
from reconcile.store.keys import CHUNK
from reconcile.store.matches import matches
from reconcile.store.tables import item, media, media_alias, playback, playback_key, watch

Row = dict[str, Any]

_IDS = ("tmdb_id", "tvdb_id", "imdb_id")


async def search(db: AsyncConnection, text: str | None, kind: str | None, after: int, most: int) -> list[Row]:
    """Return up to *most* media of more than *after* in number, with *text* in the title, or as a public id."""
    m = media.c
    query = _media().where(m.id > after)
    if text:
        is_named = m.title.icontains(text, autoescape=True)
        query = query.where(sa.or_(is_named, *(m[name] == text for name in _IDS)))
    if kind is not None:
        query = query.where(m.kind == kind)
    return await _rows(db, query.limit(most))


async def unresolved(db: AsyncConnection, after: int, most: int) -> list[Row]:
    """Return up to *most* media without any public id; only those that somebody played."""
    m = media.c
    is_played = sa.exists().where(playback.c.media_id == m.id)
    has_none = sa.and_(*(m[name].is_(None) for name in _IDS))
    return await _rows(db, _media().where(m.id > after, has_none, is_played).limit(most))


async def contradictory(db: AsyncConnection, after: int, most: int) -> list[Row]:
    """Return up to *most* media whose items' ids contradict each other."""
    return await _rows(db, _media().where(media.c.id > after, media.c.review).limit(most))


async def one(db: AsyncConnection, number: int) -> Row | None:
    """Return one media, None if there is none of that id."""
    rows = await _rows(db, _media().where(media.c.id == number))
    return rows[0] if rows else None


def _media() -> sa.Select[Any]:
    count = sa.select(sa.func.count()).where(watch.c.media_id == media.c.id).correlate(media).scalar_subquery()
    return sa.select(media, count.label("watches")).order_by(media.c.id)


async def _rows(db: AsyncConnection, query: sa.Select[Any]) -> list[Row]:
    rows = [dict(row) | {"items": []} for row in (await db.execute(query)).mappings()]
    by_id = {row["id"]: row for row in rows}
    for number, each in await _items(db, by_id):
        by_id[number]["items"].append(each)
    return rows


async def _items(db: AsyncConnection, media_ids: Collection[int]) -> list[tuple[int, Row]]:
    """Return the items of *media_ids* with what each one tells, and what people said of it."""
    alias = media_alias.c
    query = sa.select(alias.media_id, alias.value).where(alias.source == LOCAL, alias.media_id.in_(media_ids))
    named = [(number, value) for number, value in await db.execute(query.order_by(alias.media_id, alias.value))]
    local_names = {value for _number, value in named}
    said = await matches(db, local_names)
    told = await _catalogue(db, local_names)
    heard = await _heard(db, local_names)
    found: list[tuple[int, Row]] = []
    for number, local in named:
        server_id, _, item_id = local.partition(":")
        catalogued = told.get(local, {})
        ids = {name: catalogued.get(name) or heard.get(local, {}).get(name) for name in _IDS}
        title = catalogued.get("title") or heard.get(local, {}).get("title")
        row = {
            "server_id": server_id,
            "item_id": item_id,
            "title": title,
            **ids,
            "found_tmdb_id": catalogued.get("found_tmdb_id"),
            "found_by": catalogued.get("found_by"),
            "error": catalogued.get("error"),
            "next_try_at": catalogued.get("next_try_at"),
            "matched": said.get(local),
        }
        found.append((number, row))
    return found


async def _catalogue(db: AsyncConnection, local_names: Collection[str]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    wanted = _item_ids(local_names)
    for start in range(0, len(wanted), CHUNK):
        query = sa.select(item).where(item.c.item_id.in_(wanted[start : start + CHUNK]))
        for row in (await db.execute(query)).mappings():
            found[f"{row['server_id']}:{row['item_id']}"] = dict(row)
    return found


async def _heard(db: AsyncConnection, local_names: Collection[str]) -> dict[str, Row]:
    """Return what channels told of films: their ids are not in the catalogue unless they had to be asked for."""
    k = playback_key.c
    found: dict[str, Row] = {}
    wanted = _item_ids(local_names)
    for start in range(0, len(wanted), CHUNK):
        query = sa.select(k.server_id, k.item_id, k.facts).where(k.item_id.in_(wanted[start : start + CHUNK]))
        for server_id, item_id, facts in await db.execute(query.order_by(k.id)):
            told = item_of(msgspec.convert(facts, Facts))
            if told.kind == "movie":
                ids = {name: getattr(told, name) for name in _IDS}
                found[f"{server_id}:{item_id}"] = {"title": told.name, **ids}
    return found


def _item_ids(local_names: Collection[str]) -> list[str]:
    return sorted({local.partition(":")[2] for local in local_names})
