"""Completed watches that were played, as what counts is made from them: by film or episode, by series, by time.

Partials, imports and manual marks are told apart by their channels and their verdict, and left out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.check_in import Channel
from reconcile.playback.progress import Completion
from reconcile.playback.verdict import Code
from reconcile.store.channels import mask_of
from reconcile.store.keys import CHUNK
from reconcile.store.tables import media, playback, playback_key, playback_unit, watch, watch_playback
from reconcile.store.verdicts import by_account

LONG = 500
"""More playbacks than that are added up where nobody waits for them."""

Shown = tuple[int, str]
"""(media id, unit)."""

PLAYED = mask_of(set(Channel) - {Channel.IMPORT})
"""The channels that tell of something that was played."""


def counts(row: sa.FromClause) -> sa.ColumnElement[bool]:
    """Return the condition that a row of `watch` (or of an alias of it) counts as played."""
    is_played = row.c.channels.bitwise_and(PLAYED) != 0
    return sa.and_(row.c.completed.is_(True), is_played, row.c.verdict == Code.COMPLETED.value)


def is_counted(row: dict[str, object] | None) -> bool:
    """Say the same of a row's values."""
    if row is None or not row["completed"] or row["verdict"] != Code.COMPLETED.value:
        return False
    channels = row["channels"]
    return isinstance(channels, int) and channels & PLAYED != 0


_COLUMNS = (watch.c.unit, watch.c.watched_at, watch.c.plays, watch.c.id, watch.c.media_id, watch.c.day)
_IS_ONE_OF = sa.and_(
    watch.c.media_id.in_(sa.bindparam("media", expanding=True)),
    watch.c.unit.in_(sa.bindparam("units", expanding=True)),
)
_OF_ACCOUNT = sa.select(*_COLUMNS).where(watch.c.account_id == sa.bindparam("account"), counts(watch))
_OF_UNITS = _OF_ACCOUNT.where(_IS_ONE_OF)
_OF_SERIES = _OF_ACCOUNT.where(watch.c.media_id == sa.bindparam("media"))
_BETWEEN = _OF_ACCOUNT.where(
    watch.c.watched_at >= sa.bindparam("since", type_=watch.c.watched_at.type),
    watch.c.watched_at < sa.bindparam("until", type_=watch.c.watched_at.type),
)


async def of_units(
    db: AsyncConnection, account: int, units: Collection[Shown], *, is_all: bool = False
) -> dict[Shown, list[Completion]]:
    """Return the completions of each of *units* by an account. *is_all*: they are all that it has watched."""
    found: dict[Shown, list[Completion]] = {unit: [] for unit in units}
    for row in await _rows(db, _OF_ACCOUNT, _OF_UNITS, account, None if is_all else units):
        each = Completion(*row)
        if (each.media, each.unit) in found:
            found[each.media, each.unit].append(each)
    return found


async def of_series(db: AsyncConnection, account: int, media_id: int) -> list[Completion]:
    """Return all completions of a series by an account."""
    return [Completion(*row) for row in await db.execute(_OF_SERIES, {"account": account, "media": media_id})]


async def between(db: AsyncConnection, account: int, since: datetime, until: datetime) -> list[Completion]:
    """Return an account's completions from *since* until before *until*."""
    asked = {"account": account, "since": since, "until": until}
    return [Completion(*row) for row in await db.execute(_BETWEEN, asked)]


async def units_ever(db: AsyncConnection, account: int) -> set[Shown]:
    """Return all that the account's history tells of."""
    query = sa.select(watch.c.media_id, watch.c.unit).where(watch.c.account_id == account).distinct()
    return {(number, unit) for number, unit in await db.execute(query)}


_BEYOND = (
    sa.select(playback.c.id)
    .where(playback.c.account_id == sa.bindparam("account"))
    .limit(1)
    .offset(sa.bindparam("long"))
)


async def is_long(db: AsyncConnection, account: int) -> bool:
    """Say whether so much was played that adding it up takes more than a moment."""
    return (await db.execute(_BEYOND, {"account": account, "long": LONG})).first() is not None


_KINDS = sa.select(media.c.id, media.c.kind, media.c.year).where(media.c.id.in_(sa.bindparam("ids", expanding=True)))


async def kinds_of(db: AsyncConnection, ids: Collection[int]) -> dict[int, tuple[str, int | None]]:
    """Return the kind and the year of each media of *ids*."""
    found: dict[int, tuple[str, int | None]] = {}
    wanted = sorted(ids)
    for start in range(0, len(wanted), CHUNK):
        rows = await db.execute(_KINDS, {"ids": wanted[start : start + CHUNK]})
        found.update((number, (kind, year)) for number, kind, year in rows)
    return found


# --- in company ------------------------------------------------------------------------------------------------------

_K, _OTHER_K = playback_key, playback_key.alias("other_key")
_P, _OTHER_P = playback, playback.alias("other_playback")
_SHOWN, _OTHER_SHOWN = watch_playback, watch_playback.alias("other_shown")
_U, _OTHER_U = playback_unit, playback_unit.alias("other_unit")
_OTHER = watch.alias("other_watch")

_SAME_SEAT = sa.and_(
    _OTHER_K.c.server_id == _K.c.server_id,
    _OTHER_K.c.item_id == _K.c.item_id,
    _OTHER_K.c.session_id == _K.c.session_id,
    _OTHER_K.c.user_id != _K.c.user_id,
)

# The way goes from a watch through its seat to whoever else sat there. The other watch's media are compared, not looked
# up: everybody's watches of a series are as many as the ledger is large.
_TOGETHER = (
    sa.select(*_COLUMNS, _OTHER.c.account_id)
    .join(_SHOWN, _SHOWN.c.watch_id == watch.c.id)
    .join(_P, _P.c.id == _SHOWN.c.playback_id)
    .join(_K, _K.c.id == _P.c.key_id)
    .join(_OTHER_K, _SAME_SEAT)
    .join(_OTHER_P, sa.and_(_OTHER_P.c.key_id == _OTHER_K.c.id, _OTHER_P.c.account_id != watch.c.account_id))
    .join(_OTHER_SHOWN, _OTHER_SHOWN.c.playback_id == _OTHER_P.c.id)
    .join(
        _OTHER,
        sa.and_(
            _OTHER.c.id == _OTHER_SHOWN.c.watch_id,
            _OTHER.c.media_id + 0 == watch.c.media_id,
            _OTHER.c.unit == watch.c.unit,
            _OTHER.c.started_at < watch.c.watched_at,
            _OTHER.c.watched_at > watch.c.started_at,
            counts(_OTHER),
        ),
    )
    .where(watch.c.account_id == sa.bindparam("account"), counts(watch))
)
_UNITS_TOGETHER = _TOGETHER.where(_IS_ONE_OF)

_SEATED = (
    sa.select(_OTHER_U.c.account_id, _OTHER_U.c.media_id, _OTHER_U.c.unit)
    .select_from(_U)
    .join(_P, _P.c.id == _U.c.playback_id)
    .join(_K, _K.c.id == _P.c.key_id)
    .join(_OTHER_K, _SAME_SEAT)
    .join(_OTHER_P, _OTHER_P.c.key_id == _OTHER_K.c.id)
    .join(
        _OTHER_U,
        sa.and_(
            _OTHER_U.c.playback_id == _OTHER_P.c.id,
            _OTHER_U.c.media_id == _U.c.media_id,
            _OTHER_U.c.unit == _U.c.unit,
            _OTHER_U.c.account_id != _U.c.account_id,
        ),
    )
    .where(
        _U.c.account_id == sa.bindparam("account"),
        _U.c.media_id.in_(sa.bindparam("media", expanding=True)),
        _U.c.unit.in_(sa.bindparam("units", expanding=True)),
    )
    .distinct()
)


async def together(
    db: AsyncConnection, account: int, units: Collection[Shown], *, is_all: bool = False
) -> dict[Shown, list[tuple[Completion, int]]]:
    """Return the completions of *units* that another account completed in the same seat meanwhile, and which one."""
    found: dict[Shown, list[tuple[Completion, int]]] = {}
    wanted = set(units)
    for *row, other in await _rows(db, _TOGETHER, _UNITS_TOGETHER, account, None if is_all else units):
        each = Completion(*row)
        if (each.media, each.unit) in wanted:
            found.setdefault((each.media, each.unit), []).append((each, other))
    return found


async def companions(db: AsyncConnection, units: Collection[tuple[int, int, str]]) -> set[tuple[int, int, str]]:
    """Return the (account, media, unit) triples of others in whose seats *units* were played."""
    found: set[tuple[int, int, str]] = set()
    for account, _media, _units in by_account(units):
        mine = {(number, unit) for owner, number, unit in units if owner == account}
        for part in _chunks(mine):
            rows = await db.execute(_SEATED, _asked(account, part))
            found.update((row[0], row[1], row[2]) for row in rows if (row[1], row[2]) in mine)
    return found


async def _rows(
    db: AsyncConnection,
    everything: sa.Select[Any],
    some: sa.Select[Any],
    account: int,
    units: Collection[Shown] | None,
) -> list[Sequence[Any]]:
    """Return the rows of an account's *units*, or of all there are: one walk instead of many look-ups."""
    if units is None:
        return list(await db.execute(everything, {"account": account}))
    return [row for part in _chunks(units) for row in await db.execute(some, _asked(account, part))]


def _chunks(units: Collection[Shown]) -> list[list[Shown]]:
    """Return *units* in parts of few media each, so that asking for all pairs of a part asks for little more."""
    ordered = sorted(units)
    return [ordered[start : start + CHUNK // 2] for start in range(0, len(ordered), CHUNK // 2)]


def _asked(account: int, units: Collection[Shown]) -> dict[str, object]:
    return {
        "account": account,
        "media": sorted({number for number, _unit in units}),
        "units": sorted({unit for _number, unit in units}),
    }
