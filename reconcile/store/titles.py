"""What media are called: as people said, else as the library's catalogue does, else as a channel told it first."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.facts import Facts, item_of
from reconcile.playback.media import LOCAL
from reconcile.store.keys import CHUNK
from reconcile.store.matches import matches
from reconcile.store.tables import item, media, media_alias, playback, playback_key

Title = tuple[str, int | None]
"""A title, and the year where it is known."""


async def name(db: AsyncConnection, media_ids: Collection[int]) -> None:
    """Name each of *media_ids* anew; one that nobody and no catalogue names keeps its title.

    Of several names the first by local name counts, so that the order in which they were told makes no difference.
    """
    wanted = sorted(media_ids)
    for start in range(0, len(wanted), CHUNK):
        await _name(db, wanted[start : start + CHUNK])


async def owners(db: AsyncConnection, local_names: Collection[str]) -> set[int]:
    """Return the media that *local_names* (``server:item``) are of."""
    c = media_alias.c
    found: set[int] = set()
    wanted = sorted(local_names)
    for start in range(0, len(wanted), CHUNK):
        query = sa.select(c.media_id).where(c.source == LOCAL, c.value.in_(wanted[start : start + CHUNK]))
        found |= set((await db.execute(query)).scalars())
    return found


async def _name(db: AsyncConnection, media_ids: Collection[int]) -> None:
    there, local_names = await _there(db, media_ids)
    every = {local for names in local_names.values() for local in names}
    said = await matches(db, every)
    told = await _catalogued(db, every)
    for number, (kind, title) in there.items():
        by_people = [(m.title, m.year) for local in local_names[number] if (m := said.get(local)) is not None]
        by_library = [told[kind, local] for local in local_names[number] if (kind, local) in told]
        best = next(((text, year) for text, year in (*by_people, *by_library) if text), None)
        if best is None and not title[0]:
            best = await _heard(db, number)
        if best is not None and (now := (best[0], best[1] or title[1])) != title:
            await db.execute(sa.update(media).where(media.c.id == number).values(title=now[0], year=now[1]))


_TITLED = sa.select(media.c.id, media.c.kind, media.c.title, media.c.year).where(
    media.c.id.in_(sa.bindparam("ids", expanding=True))
)
_LOCAL_NAMES = (
    sa.select(media_alias.c.media_id, media_alias.c.value)
    .where(media_alias.c.source == LOCAL, media_alias.c.media_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(media_alias.c.value)
)
_IN_CATALOGUE = sa.select(item.c.server_id, item.c.item_id, item.c.kind, item.c.title, item.c.year).where(
    item.c.item_id.in_(sa.bindparam("items", expanding=True)), item.c.title.is_not(None)
)


async def _there(
    db: AsyncConnection, media_ids: Collection[int]
) -> tuple[dict[int, tuple[str, Title]], dict[int, list[str]]]:
    asked = {"ids": list(media_ids)}
    there = {number: (kind, (title, year)) for number, kind, title, year in await db.execute(_TITLED, asked)}
    local_names: dict[int, list[str]] = {number: [] for number in there}
    for number, local in await db.execute(_LOCAL_NAMES, asked):
        local_names[number].append(local)
    return there, local_names


async def _heard(db: AsyncConnection, number: int) -> Title | None:
    """Return what a channel told of the first item that was played of a media."""
    query = sa.select(playback_key.c.facts).join(playback, playback.c.key_id == playback_key.c.id)
    query = query.where(playback.c.media_id == number).order_by(playback_key.c.id).limit(1)
    facts = (await db.execute(query)).scalar()
    if facts is None:
        return None
    item_told = item_of(msgspec.convert(facts, Facts))
    is_movie = item_told.kind == "movie"
    return (item_told.series_name or item_told.name or "", item_told.year if is_movie else None)


async def _catalogued(db: AsyncConnection, local_names: Collection[str]) -> dict[tuple[str, str], Title]:
    """Return the catalogue's titles by the kind of media that they may name, and by local name."""
    found: dict[tuple[str, str], Title] = {}
    wanted = sorted({local.partition(":")[2] for local in local_names})
    for start in range(0, len(wanted), CHUNK):
        asked = {"items": wanted[start : start + CHUNK]}
        for server_id, item_id, kind, title, year in await db.execute(_IN_CATALOGUE, asked):
            # A series has no kind there. An episode's title names no media: one of that kind waits for its series.
            if kind != "episode":
                found[kind or "series", f"{server_id}:{item_id}"] = (title, year)
    return found
