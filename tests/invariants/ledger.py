"""The ledger's content, everything but the ids that the database gave: two ledgers are equal when these are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.feats import TOGETHER
from reconcile.store.tables import (
    badge_award,
    check_in,
    daily_activity,
    feat,
    feat_count,
    link,
    look,
    media,
    media_alias,
    playback,
    playback_key,
    playback_unit,
    series_progress,
    sighting,
    watch,
    watch_playback,
)

Row = tuple[Any, ...]
Ledger = dict[str, list[Row]]

_IDS = {"id", "key_id", "account_id", "media_id", "playback_id", "watch_id", "updated_at", "seerr_media_id"}


async def ledger(db: AsyncConnection) -> Ledger:
    """Return playbacks, watches and media by what they say."""
    keys = await _keys(db)
    people = {row.account_id: (row.server_id, row.user_id) for row in await db.execute(sa.select(link))}
    works = await _works(db)
    playbacks: dict[int, Row] = {}
    for each in (await db.execute(sa.select(playback))).mappings():
        whose = (keys[each["key_id"]], people.get(each["account_id"]), works.get(each["media_id"]))
        playbacks[each["id"]] = (*whose, *_content(each))
    units = [
        (playbacks[row.playback_id][0], row.unit, people[row.account_id], works[row.media_id], row.share)
        for row in await db.execute(sa.select(playback_unit))
    ]
    parts: dict[int, list[Row]] = {}
    for row in await db.execute(sa.select(watch_playback)):
        parts.setdefault(row.watch_id, []).append(playbacks[row.playback_id])
    watches = [
        (people[row["account_id"]], works[row["media_id"]], *_content(row), tuple(_ordered(parts[row["id"]])))
        for row in (await db.execute(sa.select(watch))).mappings()
    ]
    return {
        "playbacks": _ordered(playbacks.values()),
        "units": _ordered(units),
        "watches": _ordered(watches),
        "media": _ordered(works.values()),
    } | await _added_up(db, people, works)


async def _added_up(db: AsyncConnection, people: Mapping[int, Row], works: Mapping[int, Row]) -> Ledger:
    """Return activity, progress, feats and badges, each with the watch that did it."""
    shown = {
        row.id: (people[row.account_id], works[row.media_id], row.unit, row.day)
        for row in await db.execute(sa.select(watch))
    }

    def said(row: sa.RowMapping) -> Row:
        told = dict(row)
        number, colon, unit = told.pop("name", "").partition(":")
        name = (works[int(number)], unit) if colon else number
        if told.get("kind") == TOGETHER:
            told["part"] = people[int(told["part"])]
        whose = (people[told.pop("account_id")], works.get(told.pop("media_id", None)), name)
        return (*whose, shown.get(told.pop("watch_id", None)), *sorted(told.items()))

    found: Ledger = {}
    for table in (daily_activity, series_progress, feat, feat_count, badge_award):
        found[table.name] = _ordered(said(row) for row in (await db.execute(sa.select(table))).mappings())
    return found


async def evidence(db: AsyncConnection) -> Ledger:
    """Return the sets of evidence."""
    keys = await _keys(db)
    check_ins = [(keys[row["key_id"]], *_content(row)) for row in (await db.execute(sa.select(check_in))).mappings()]
    sightings = [(keys[row.key_id], row.bucket, row.at) for row in await db.execute(sa.select(sighting))]
    looks = [tuple(row) for row in await db.execute(sa.select(look))]
    return {"check-ins": _ordered(check_ins), "sightings": _ordered(sightings), "looks": _ordered(looks)}


async def _keys(db: AsyncConnection) -> dict[int, Row]:
    c = playback_key.c
    query = sa.select(c.id, c.server_id, c.session_id, c.user_id, c.item_id)
    return {row[0]: tuple(row[1:]) for row in await db.execute(query)}


async def _works(db: AsyncConnection) -> dict[int, Row]:
    """Return each media with its aliases."""
    aliases: dict[int, list[Row]] = {}
    for row in await db.execute(sa.select(media_alias)):
        aliases.setdefault(row.media_id, []).append((row.kind, row.source, row.value))
    rows = (await db.execute(sa.select(media))).mappings()
    return {row["id"]: (*_content(row), tuple(sorted(aliases.get(row["id"], [])))) for row in rows}


def _content(row: sa.RowMapping) -> Row:
    return tuple((name, _plain(value)) for name, value in sorted(row.items()) if name not in _IDS)


def _plain(value: object) -> object:
    return tuple(_plain(each) for each in value) if isinstance(value, list) else value


def _ordered(rows: Any) -> list[Row]:  # noqa: ANN401 - any iterable of rows
    return sorted(rows, key=repr)
