"""Correcting: what people say is wrong is kept as a fact, and what it touches is settled in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.changes import Settled
from reconcile.errors import SettingRefused
from reconcile.people import People
from reconcile.playback.corrections import What, spelt_unit
from reconcile.playback.edges import EndedBy
from reconcile.playback.media import Identity
from reconcile.settling import Settling
from reconcile.store import corrections
from reconcile.store import keys as kept_keys
from reconcile.store.corrections import Meant
from reconcile.store.locks import lock_sessions

Ahead = Mapping[str, timedelta]


class Saying(msgspec.Struct, frozen=True):
    """What somebody says is wrong, and what it is instead.

    *to_unit* is ``''`` for a film, ``s01e02`` for an episode.
    """

    what: What
    by: str
    to_account: int | None = None
    to_media: Identity | None = None
    to_unit: str | None = None
    note: str | None = None


class Done(msgspec.Struct, frozen=True):
    """The corrections by id, and what they did to the history."""

    numbers: list[int]
    settled: Settled


async def correct(
    db: AsyncConnection, people: People, about: Sequence[Meant], saying: Saying, now: datetime, ahead: Ahead
) -> Done:
    """Keep what somebody says *about* playbacks, and settle them. Raises SettingRefused where it makes no sense."""
    await people.load(db)
    numbers: list[int] = []
    saying = _spelt(saying)
    for each in about:
        _check(people, each, saying)
        numbers.append(await corrections.add(db, _values(each, saying, now)))
    rows = [row for number in dict.fromkeys(numbers) if (row := await corrections.one(db, number)) is not None]
    return Done(list(dict.fromkeys(numbers)), await _settle(db, people, rows, now, ahead))


async def undo(
    db: AsyncConnection, people: People, number: int, by: str, now: datetime, ahead: Ahead
) -> Settled | None:
    """Let the correction *number* hold no longer, and settle what it was about; None if it did not hold."""
    await people.load(db)
    row = await corrections.one(db, number)
    if row is None or not await corrections.undo(db, number, by, now):
        return None
    return await _settle(db, people, [row], now, ahead)


def _spelt(saying: Saying) -> Saying:
    """Return *saying* with its unit as units are kept; a film's is '' without anybody's saying so."""
    unit = saying.to_unit
    if unit is None and saying.to_media is not None and saying.to_media.kind == "movie":
        unit = ""
    return msgspec.structs.replace(saying, to_unit=None if unit is None else spelt_unit(unit))


def _check(people: People, about: Meant, saying: Saying) -> None:
    key, is_import = about.key, about.ended_by == EndedBy.IMPORTED
    if people.account_of((key.server_id, key.user_id), about.first_at, imported=is_import) is None:
        raise SettingRefused("The playback is of a time at which nobody was recorded: there is nothing to correct.")
    if saying.to_account is not None:
        if saying.what is not What.NOT_ME:
            raise SettingRefused("account: only «not_me» says whose it was instead.")
        if not people.has_opted_in(saying.to_account, about.first_at, imported=is_import):
            raise SettingRefused(
                f"account: {saying.to_account} was not recorded at that time: history is kept of those who want it."
            )
    is_other_title = saying.to_media is not None or saying.to_unit is not None
    if is_other_title and saying.what not in (What.WRONG_ITEM, What.REMATCH):
        raise SettingRefused("media, unit: only «wrong_item» and «rematch» say what it was instead.")
    if saying.what is What.REMATCH and not is_other_title:
        raise SettingRefused("media: «rematch» needs the title that it is instead.")
    if is_other_title:
        unit = about.unit if saying.to_unit is None else saying.to_unit
        was_film = about.unit == ""
        is_film = was_film if saying.to_media is None else saying.to_media.kind == "movie"
        if is_film and unit:
            raise SettingRefused("unit: a film has none.")
        if not is_film and not unit:
            raise SettingRefused("unit: which episode was it? One such as s01e02 is needed.")


def _values(about: Meant, saying: Saying, now: datetime) -> dict[str, Any]:
    """Return the row of a correction: of one playback, or for «rematch» of every playback of the item by this user."""
    key = about.key
    is_of_all = saying.what is What.REMATCH
    return {
        "what": saying.what.value,
        "server_id": key.server_id,
        "user_id": key.user_id,
        "item_id": key.item_id,
        "session_id": None if is_of_all else key.session_id,
        "since": None if is_of_all else about.first_at,
        "until": None if is_of_all else about.last_at,
        "account_id": about.account_id,
        "to_account_id": saying.to_account,
        "to_media": None if saying.to_media is None else msgspec.to_builtins(saying.to_media),
        "to_unit": saying.to_unit,
        "note": saying.note,
        "said_by": saying.by,
        "said_at": now,
    }


async def _settle(
    db: AsyncConnection, people: People, rows: Sequence[Mapping[str, Any]], now: datetime, ahead: Ahead
) -> Settled:
    keys = await corrections.keys_meant(db, rows)
    # Sessions are locked before any of their rows: whoever takes evidence in does it in that order, too.
    await lock_sessions(db, {(key.server_id, key.session_id, key.user_id) for key in keys.values()})
    await kept_keys.touch(db, keys)  # whoever remembers how these playbacks count is to read again
    return await Settling(db, people, now, ahead=ahead, whole=True).settle(keys)
