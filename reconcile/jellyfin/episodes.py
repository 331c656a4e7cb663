"""What a server says of how long a series is, and whether more of it will come.

``GET /Shows/{id}/Episodes`` with an API key tells of episodes that are missing from the library too; ``Status`` of a
series is «Continuing», «Ended» or «Unreleased», and absent where no metadata told.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from reconcile.errors import JellyfinUnreadable
from reconcile.jellyfin.instants import instant
from reconcile.playback.identity import normalised_id
from reconcile.playback.progress import Totals

_ENDED = "ended"
_VIRTUAL = "virtual"
_LARGEST = 500
"""A file that says it holds more episodes than this is numbered wrongly."""


class _Episode(msgspec.Struct, frozen=True, rename="pascal"):
    parent_index_number: int | None = None
    index_number: int | None = None
    index_number_end: int | None = None
    location_type: str | None = None
    premiere_date: str | None = None


class _Episodes(msgspec.Struct, frozen=True, rename="pascal"):
    items: tuple[_Episode, ...]


class _Series(msgspec.Struct, frozen=True, rename="pascal"):
    id: str
    status: str | None = None


class _SeriesList(msgspec.Struct, frozen=True, rename="pascal"):
    items: tuple[_Series, ...]


def running(body: bytes) -> dict[str, bool | None]:
    """Return of each series in an answer to ``GET /Items?ids=…`` whether more will come. Raises JellyfinUnreadable."""
    try:
        told = msgspec.json.decode(body, type=_SeriesList)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise JellyfinUnreadable(f"Jellyfin's answer about series could not be read: {error}.") from error
    return {normalised_id(each.id): _is_running(each.status) for each in told.items}


def _is_running(status: str | None) -> bool | None:
    return None if not status else status.lower() != _ENDED


def totals(body: bytes, now: datetime, *, is_running: bool | None) -> Totals:
    """Return how many episodes an answer to ``GET /Shows/{id}/Episodes`` tells of. Raises JellyfinUnreadable.

    Each number of a season counts once, however many files there are; a file with two episodes counts twice. What is
    not in the library counts if it had been aired by *now*. Specials are counted apart, as season 0.
    """
    try:
        told = msgspec.json.decode(body, type=_Episodes)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise JellyfinUnreadable(f"Jellyfin's answer about episodes could not be read: {error}.") from error
    seasons: dict[int, set[int]] = {}
    for each in told.items:
        if each.parent_index_number is None or each.index_number is None or not _is_aired(each, now):
            continue
        last = each.index_number_end or each.index_number
        numbers = range(each.index_number, min(max(last, each.index_number), each.index_number + _LARGEST) + 1)
        seasons.setdefault(each.parent_index_number, set()).update(numbers)
    counted = {season: len(numbers) for season, numbers in sorted(seasons.items()) if season >= 0}
    total = sum(count for season, count in counted.items() if season > 0)
    return Totals(total or None, counted, is_running)


def _is_aired(each: _Episode, now: datetime) -> bool:
    """Say whether an episode can have been watched: its file is there, or it has been aired."""
    if (each.location_type or "").lower() != _VIRTUAL:
        return True
    aired = instant(each.premiere_date) if each.premiere_date else None
    return aired is not None and aired <= now
