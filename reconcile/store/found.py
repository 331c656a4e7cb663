"""Public ids that were found elsewhere than in the library: in Seerr's mirror, or at TMDB; and what TMDB was asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.media import LOCAL
from reconcile.store.keys import CHUNK
from reconcile.store.tables import item, media, media_alias, seerr_media, tmdb_answer
from reconcile.store.upsert import upsert

Item = tuple[str, str]
"""(server id, item id)."""


class Lacking(msgspec.Struct):
    """A film or series whose TMDB id is not known, with its other ids and its items."""

    id: int
    kind: str
    tvdb_id: str | None
    imdb_id: str | None
    items: list[Item]


class Ids(msgspec.Struct, frozen=True):
    """Public ids of one media, and who says so."""

    tmdb_id: str
    tvdb_id: str | None
    imdb_id: str | None
    by: str


_TYPE = sa.case((media.c.kind == "movie", "movie"), else_="tv")


async def lacking(db: AsyncConnection) -> list[Lacking]:
    """Return the films and series without a TMDB id."""
    m, alias = media.c, media_alias.c
    query = (
        sa.select(m.id, m.kind, m.tvdb_id, m.imdb_id, alias.value)
        .join(media_alias, sa.and_(alias.media_id == m.id, alias.source == LOCAL))
        .where(m.tmdb_id.is_(None), m.kind.in_(("movie", "series")))
        .order_by(m.id, alias.value)
    )
    found: dict[int, Lacking] = {}
    for number, kind, tvdb_id, imdb_id, local in await db.execute(query):
        each = found.setdefault(number, Lacking(number, kind, tvdb_id, imdb_id, []))
        server_id, _, item_id = local.partition(":")
        each.items.append((server_id, item_id))
    return list(found.values())


async def in_mirror(db: AsyncConnection, each: Lacking, server_id: str | None) -> Ids | None:
    """Return what Seerr's mirror says of a media: by its item on the server that is Seerr's, TVDB's or IMDb's id.

    None where it says nothing, or things that contradict each other.
    """
    s = seerr_media.c
    own = [item_id for server, item_id in each.items if server == server_id]
    named: list[sa.ColumnElement[bool]] = []
    if own:
        named += [s.item_id.in_(own), s.item_id_4k.in_(own)]
    if each.tvdb_id:
        named.append(s.tvdb_id == each.tvdb_id)
    if each.imdb_id:
        named.append(s.imdb_id == each.imdb_id)
    if not named:
        return None
    media_type = "movie" if each.kind == "movie" else "tv"
    query = sa.select(s.tmdb_id, s.tvdb_id, s.imdb_id).where(s.media_type == media_type, sa.or_(*named)).distinct()
    rows = (await db.execute(query)).all()
    if len({row[0] for row in rows}) != 1:
        return None
    tmdb_id, tvdb_id, imdb_id = rows[0]
    return Ids(tmdb_id, tvdb_id, imdb_id, "seerr")


async def keep(db: AsyncConnection, items: Collection[Item], ids: Ids, now: datetime) -> None:
    """Keep that *items* have *ids*, where their library tells none."""
    told = {
        "found_tmdb_id": ids.tmdb_id,
        "found_tvdb_id": ids.tvdb_id,
        "found_imdb_id": ids.imdb_id,
        "found_by": ids.by,
    }
    rows = [{"server_id": s, "item_id": i, "next_try_at": now, "attempts": 0, **told} for s, i in sorted(items)]
    if rows:
        keys = [item.c.server_id, item.c.item_id]
        await db.execute(upsert(db, item).on_conflict_do_update(index_elements=keys, set_=told), rows)


async def kept(db: AsyncConnection, items: Collection[Item]) -> dict[Item, str]:
    """Return the TMDB ids that have been found for *items* before."""
    c = item.c
    found: dict[Item, str] = {}
    wanted = sorted({item_id for _server, item_id in items})
    for start in range(0, len(wanted), CHUNK):
        query = sa.select(c.server_id, c.item_id, c.found_tmdb_id).where(c.item_id.in_(wanted[start : start + CHUNK]))
        rows = await db.execute(query.where(c.found_tmdb_id.is_not(None)))
        found.update(((server_id, item_id), tmdb_id) for server_id, item_id, tmdb_id in rows)
    return {each: found[each] for each in items if each in found}


# --- TMDB ------------------------------------------------------------------------------------------------------------


class Told(msgspec.Struct, frozen=True):
    """What TMDB said: None, it knows none. Until *again_at* it is not asked again; *attempts* have failed."""

    tmdb_id: str | None
    again_at: datetime
    attempts: int


Question = tuple[str, str, str]
"""(kind, source, value)."""


async def answers(db: AsyncConnection, questions: Collection[Question]) -> dict[Question, Told]:
    """Return what TMDB has said to *questions*."""
    c = tmdb_answer.c
    found: dict[Question, Told] = {}
    wanted = sorted({value for _kind, _source, value in questions})
    for start in range(0, len(wanted), CHUNK):
        query = sa.select(c.kind, c.source, c.value, c.tmdb_id, c.next_try_at, c.attempts)
        for kind, source, value, *told in await db.execute(query.where(c.value.in_(wanted[start : start + CHUNK]))):
            found[kind, source, value] = Told(*told)
    return {question: found[question] for question in questions if question in found}


async def answered(
    db: AsyncConnection, question: Question, tmdb_id: str | None, again_at: datetime, attempts: int
) -> None:
    """Keep what TMDB says to *question*, until *again_at*."""
    kind, source, value = question
    told: Mapping[str, object] = {"tmdb_id": tmdb_id, "next_try_at": again_at, "attempts": attempts}
    statement = upsert(db, tmdb_answer).values(kind=kind, source=source, value=value, **told)
    keys = [tmdb_answer.c.kind, tmdb_answer.c.source, tmdb_answer.c.value]
    await db.execute(statement.on_conflict_do_update(index_elements=keys, set_=told))


# --- Seerr's own ids -------------------------------------------------------------------------------------------------


async def number_in_seerr(db: AsyncConnection, server_id: str | None) -> list[tuple[int, int | None]]:
    """Return the media whose Seerr id, as the mirror has it, is not the one kept; each with the one that it is.

    By (type, TMDB id), since TMDB's ids are unique within a type only; then by TVDB's, IMDb's, and the item's id.
    """
    m, s = media.c, seerr_media.c

    def of(condition: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
        query = sa.select(sa.func.min(s.id)).where(s.media_type == _TYPE, condition)
        return query.correlate(media).scalar_subquery()

    alias, prefix = media_alias.c, f"{server_id}:"
    is_its_item = s.item_id == sa.func.substr(alias.value, len(prefix) + 1)
    own = (
        sa.select(sa.func.min(s.id))
        .select_from(media_alias.join(seerr_media, is_its_item))
        .where(alias.media_id == m.id, alias.source == LOCAL, alias.value.startswith(prefix, autoescape=True))
        .where(s.media_type == _TYPE)
        .correlate(media)
        .scalar_subquery()
    )
    wanted = [of(s.tmdb_id == m.tmdb_id), of(s.tvdb_id == m.tvdb_id), of(s.imdb_id == m.imdb_id)]
    told = sa.func.coalesce(*wanted) if server_id is None else sa.func.coalesce(*wanted, own)
    found = sa.case((m.kind == "episode", sa.null()), else_=told)
    query = sa.select(m.id, found).where(m.seerr_media_id.is_distinct_from(found))
    return [(row[0], row[1]) for row in await db.execute(query)]


async def set_seerr_ids(db: AsyncConnection, told: Collection[tuple[int, int | None]]) -> None:
    """Keep Seerr's ids of media."""
    if told:
        statement = sa.update(media).where(media.c.id == sa.bindparam("number"))
        rows = [{"number": number, "told": seerr_id} for number, seerr_id in told]
        await db.execute(statement.values(seerr_media_id=sa.bindparam("told")), rows)
