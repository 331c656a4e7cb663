"""Media as kept: what their aliases say is one, is one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.check_in import ItemFacts
from reconcile.playback.media import LOCAL, SOURCES, Identity, conflict
from reconcile.store import titles
from reconcile.store.keys import CHUNK
from reconcile.store.locks import lock_aliases
from reconcile.store.tables import item, marked_unit, media, media_alias, playback, playback_unit, watch
from reconcile.store.upsert import upsert_of


class Found(msgspec.Struct, frozen=True):
    """The media of an identity, and the numbers of those that turned out to be the same and are no more.

    *is_news*: what is known of it has changed.
    """

    id: int
    merged: tuple[int, ...] = ()
    is_news: bool = False


async def identify(db: AsyncConnection, identity: Identity) -> Found:
    """Return the media that *identity* names; it is made, or merged, as its aliases say, and named."""
    found = await place(db, identity)
    if found.is_news:
        await titles.name(db, [found.id])
    return found


async def place(db: AsyncConnection, identity: Identity) -> Found:
    """Do the same without naming it: where it is news, that is for the caller to do."""
    await lock_aliases(db, ((identity.kind, source, value) for source, value in identity.aliases))
    aliases = media_alias.c
    rows_of_them = await db.execute(_ALIASES, {"values": [value for _source, value in identity.aliases]})
    known = {
        (source, value): number
        for kind, source, value, number in rows_of_them
        if kind == identity.kind and (source, value) in identity.aliases
    }
    if not known:
        return Found(await _make(db, identity), is_news=True)
    numbers = sorted(set(known.values()))
    missing = [alias for alias in identity.aliases if alias not in known]
    if len(numbers) == 1 and not missing:
        return Found(numbers[0])
    rows = {row["id"]: dict(row) for row in await _rows(db, numbers)}
    # The most telling alias says which one it is; the others follow it unless their ids contradict.
    first = next(known[alias] for alias in identity.aliases if alias in known)
    same = [n for n in numbers if n != first and not conflict(rows[first], rows[n])]
    odd = {alias for alias in identity.aliases if _contradicts(rows[first], alias)}
    if odd or len(same) < len(numbers) - 1:
        await db.execute(sa.update(media).where(media.c.id == first).values(review=True))
    keeper = min([first, *same])
    gone = tuple(n for n in [first, *same] if n != keeper)
    for number in gone:
        await _merge(db, number, keeper)
    await _add_aliases(db, keeper, identity.kind, [alias for alias in missing if alias not in odd])
    local = next(value for source, value in identity.aliases if source == LOCAL)
    if known.get((LOCAL, local)) not in (None, keeper, *gone):
        moved = sa.update(media_alias).where(aliases.kind == identity.kind, aliases.source == LOCAL)
        await db.execute(moved.where(aliases.value == local).values(media_id=keeper))
    merged_rows = [rows[n] for n in [keeper, *gone]]
    await _learn(db, keeper, identity, merged_rows)
    return Found(keeper, gone, is_news=True)


def _contradicts(row: dict[str, Any], alias: tuple[str, str]) -> bool:
    """Say whether a media, as kept, has another id than *alias* of the same source."""
    source, value = alias
    return source != LOCAL and bool(row[f"{source}_id"]) and row[f"{source}_id"] != value


async def known(db: AsyncConnection, identities: Collection[Identity]) -> dict[Identity, int]:
    """Return the media of those *identities* whose aliases all name one: nothing is to be made or merged for them."""
    values = sorted({value for identity in identities for _source, value in identity.aliases})
    named: dict[tuple[str, str, str], int] = {}
    for start in range(0, len(values), CHUNK):
        asked = {"values": values[start : start + CHUNK]}
        for kind, source, value, number in await db.execute(_ALIASES, asked):
            named[kind, source, value] = number
    found: dict[Identity, int] = {}
    for identity in identities:
        numbers = {named.get((identity.kind, source, value)) for source, value in identity.aliases}
        number = numbers.pop()
        if not numbers and number is not None:
            found[identity] = number
    return found


_ALIASES = sa.select(media_alias.c.kind, media_alias.c.source, media_alias.c.value, media_alias.c.media_id).where(
    media_alias.c.value.in_(sa.bindparam("values", expanding=True))
)


async def _rows(db: AsyncConnection, numbers: Collection[int]) -> Sequence[sa.RowMapping]:
    return (await db.execute(sa.select(media).where(media.c.id.in_(numbers)))).mappings().all()


async def _make(db: AsyncConnection, identity: Identity) -> int:
    ids = {f"{source}_id": value for source, value in identity.aliases if source != LOCAL}
    told = dict.fromkeys(_PUBLIC) | ids | {"kind": identity.kind, "title": identity.title, "year": identity.year}
    number = int((await db.execute(_MAKE, told)).scalar_one())
    await _add_aliases(db, number, identity.kind, identity.aliases)
    return number


_PUBLIC = tuple(f"{source}_id" for source in SOURCES)
_MAKE = sa.insert(media).returning(media.c.id)


@cache
def _ignoring(dialect: str, table: sa.Table) -> sa.Insert:
    return upsert_of(dialect, table).on_conflict_do_nothing()


async def _add_aliases(db: AsyncConnection, number: int, kind: str, aliases: Iterable[tuple[str, str]]) -> None:
    rows = [{"kind": kind, "source": source, "value": value, "media_id": number} for source, value in aliases]
    if rows:
        await db.execute(_ignoring(db.dialect.name, media_alias), rows)


async def unbind(db: AsyncConnection, media_ids: Collection[int], local_names: Collection[str]) -> None:
    """Forget why the items of *media_ids* are one: whoever calls settles them anew, and what belongs together meets.

    One local name stays with each, so that it goes on under its number: of those that are not in *local_names*, which
    are to leave, if there are any.
    """
    c = media_alias.c
    for number in sorted(media_ids):
        rows = (await db.execute(sa.select(c.kind, c.source, c.value).where(c.media_id == number))).all()
        await lock_aliases(db, ((kind, source, value) for kind, source, value in rows))
        local = sorted(value for _kind, source, value in rows if source == LOCAL)
        staying = [value for value in local if value not in local_names] or local
        is_anchor = sa.and_(c.source == LOCAL, c.value == (staying[0] if staying else ""))
        await db.execute(sa.delete(media_alias).where(c.media_id == number, sa.not_(is_anchor)))
        nothing = dict.fromkeys([*(f"{source}_id" for source in SOURCES), "seerr_media_id", "year"])
        await db.execute(sa.update(media).where(media.c.id == number).values(title="", review=False, **nothing))


async def drop_unused(db: AsyncConnection, media_ids: Collection[int]) -> None:
    """Forget those of *media_ids* that nothing shows any more."""
    shown = (playback, playback_unit, marked_unit, watch)
    is_shown = sa.or_(*(sa.exists().where(table.c.media_id == media.c.id) for table in shown))
    await db.execute(sa.delete(media).where(media.c.id.in_(media_ids), sa.not_(is_shown)))


async def _merge(db: AsyncConnection, number: int, keeper: int) -> None:
    """Let everything of the media *number* be of *keeper*. Its watches go: whoever calls settles them anew."""
    for table in (media_alias, playback, playback_unit, marked_unit):
        await db.execute(sa.update(table).where(table.c.media_id == number).values(media_id=keeper))
    await db.execute(sa.delete(watch).where(watch.c.media_id == number))
    await db.execute(sa.delete(media).where(media.c.id == number))


async def _learn(db: AsyncConnection, number: int, identity: Identity, rows: Sequence[dict[str, Any]]) -> None:
    """Fill what the media did not know yet."""
    told: dict[str, Any] = {f"{source}_id": value for source, value in identity.aliases if source != LOCAL}
    told |= {"title": identity.title, "year": identity.year}
    values: dict[str, Any] = {}
    for name in (*(f"{source}_id" for source in SOURCES), "title", "year"):
        candidates = (*(row[name] for row in rows), told.get(name))
        value = next((each for each in candidates if each), None)
        if value and value != rows[0][name]:
            values[name] = value
    if values:
        await db.execute(sa.update(media).where(media.c.id == number).values(**values))


async def units_of(db: AsyncConnection, media_ids: Collection[int]) -> set[tuple[int, int, str]]:
    """Return the (account, media, unit) triples that playbacks of *media_ids*, or marks by hand, are of."""
    found: set[tuple[int, int, str]] = set()
    for c in (playback_unit.c, marked_unit.c):
        query = sa.select(c.account_id, c.media_id, c.unit).where(c.media_id.in_(media_ids)).distinct()
        found.update((account, number, unit) for account, number, unit in await db.execute(query))
    return found


# --- the catalogue: what Jellyfin has told of single items -----------------------------------------------------------

_FACTS = ("kind", "year", "series_id", "season", "episode", "tmdb_id", "tvdb_id", "imdb_id", "runtime_seconds")


_CATALOGUED = sa.select(item).where(
    item.c.server_id == sa.bindparam("server"), item.c.item_id.in_(sa.bindparam("ids", expanding=True))
)


async def catalogued(
    db: AsyncConnection, items: Collection[tuple[str, str]], *, with_found: bool = True
) -> dict[tuple[str, str], ItemFacts]:
    """Return what is known of *items* (server, item id); those never asked for are missing.

    Ids that the library does not tell are those that were found elsewhere, unless *with_found* is false.
    """
    found: dict[tuple[str, str], ItemFacts] = {}
    by_server: dict[str, list[str]] = {}
    for server_id, item_id in items:
        by_server.setdefault(server_id, []).append(item_id)
    for server_id, ids in by_server.items():
        for start in range(0, len(ids), CHUNK):
            asked = {"server": server_id, "ids": ids[start : start + CHUNK]}
            for row in (await db.execute(_CATALOGUED, asked)).mappings():
                told = {name: row[name] for name in _FACTS}
                if with_found:
                    told |= {f"{s}_id": told[f"{s}_id"] or row[f"found_{s}_id"] for s in SOURCES}
                found[server_id, row["item_id"]] = ItemFacts(name=row["title"], **told)
    return found


async def want(db: AsyncConnection, items: Collection[tuple[str, str]], now: datetime) -> None:
    """Note that *items* are to be looked up in Jellyfin."""
    if items:
        rows = [{"server_id": s, "item_id": i, "next_try_at": now, "attempts": 0} for s, i in sorted(items)]
        await db.execute(_ignoring(db.dialect.name, item), rows)


async def wanted(db: AsyncConnection, server_id: str, now: datetime, most: int) -> dict[str, int]:
    """Return the items of a server whose time to be looked up has come, each with how often that has failed."""
    c = item.c
    query = sa.select(c.item_id, c.attempts).where(c.server_id == server_id, c.next_try_at <= now)
    return {row[0]: row[1] for row in await db.execute(query.order_by(c.next_try_at).limit(most))}


async def learn(
    db: AsyncConnection, server_id: str, item_id: str, told: ItemFacts, now: datetime, again_at: datetime
) -> None:
    """Keep what Jellyfin says of an item, until *again_at*."""
    values = {name: getattr(told, name) for name in _FACTS} | {
        "title": told.name,
        "fetched_at": now,
        "next_try_at": again_at,
        "attempts": 0,
        "error": None,
    }
    where = (item.c.server_id == server_id, item.c.item_id == item_id)
    await db.execute(sa.update(item).where(*where).values(**values))


async def postpone(db: AsyncConnection, server_id: str, item_id: str, again_at: datetime, error: str) -> None:
    """Note that an item could not be looked up, why, and when to try again."""
    where = (item.c.server_id == server_id, item.c.item_id == item_id)
    values = {"next_try_at": again_at, "attempts": item.c.attempts + 1, "error": error}
    await db.execute(sa.update(item).where(*where).values(**values))
