"""What messages say, as JSON: the API's words for a watch and a playback, in the envelope of Standard Webhooks.

A message is ``{"type", "timestamp", "data"}``: *timestamp* is the fact's. Times are UTC with ``Z``, seconds are
numbers, absent is null. The id of a message derives from its fact, so the same fact cannot be sent as two.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from reconcile.playback.facts import device_of, item_of
from reconcile.playback.news import Kind, Seen
from reconcile.store.channels import channels_of

Row = Mapping[str, Any]

_UNIT = re.compile(r"s(\d+)e(\d+)")
_IDS = ("tmdb_id", "tvdb_id", "imdb_id", "seerr_media_id")


def message_id(*parts: object) -> str:
    """Return the id of the message about a fact that *parts* make one."""
    told = msgspec.json.encode([str(part) for part in parts])
    return f"msg_{hashlib.sha256(told).hexdigest()[:32]}"


def body(kind: Kind, at: datetime, data: Mapping[str, object]) -> str:
    """Return what is sent."""
    return msgspec.json.encode({"type": kind.value, "timestamp": at, "data": data}).decode()


def data_of(text: str) -> dict[str, Any]:
    """Return the data of a message that was sent."""
    found: dict[str, Any] = msgspec.json.decode(text)["data"]
    return found


def media_words(media: Row | None, unit: str, facts: Row) -> dict[str, object]:
    """Return what is shown: of its *media*, and of what was told of the item (*facts*, by field)."""
    known: Row = media or {}
    item = item_of(facts)
    kind = known.get("kind") or item.kind
    is_movie, numbers = kind == "movie", _UNIT.match(unit)
    title = known.get("title") or None
    return {
        "id": known.get("id"),
        "kind": None if kind is None else "movie" if is_movie else "episode",
        "title": (title or item.name) if is_movie else item.name,
        "series_title": None if is_movie else item.series_name or title,
        "season": None if is_movie else int(numbers[1]) if numbers else item.season,
        "episode": None if is_movie else int(numbers[2]) if numbers else item.episode,
        "year": known.get("year"),
        **{name: known.get(name) for name in _IDS},
    }


def watch_words(row: Row, account: Mapping[str, object], media: Mapping[str, object]) -> dict[str, object]:
    """Return a row of the history."""
    same = ("unit", "day", "watched_at", "started_at", "completed", "partial", "plays", "percent", "watched_seconds")
    return {
        "id": row["id"],
        "account": account,
        "media": media,
        **{name: row[name] for name in same},
        "verdict": row["verdict"],
        "sentence": row["sentence"],
        "channels": channel_words(row["channels"]),
        "playbacks": row["playbacks"],
        "removed": False,
        "previous": None,
    }


def playback_words(row: Row, account: Mapping[str, object], media: Mapping[str, object]) -> dict[str, object]:
    """Return one playback; while it is open it has no end."""
    device, is_over = device_of(row["facts"]), not row["open"]
    runtime = row["runtime_seconds"]
    same = ("server_id", "session_id", "user_id", "item_id", "unit", "state", "started_at")
    seconds = ("watched_seconds", "reached_seconds", "position_seconds", "runtime_seconds")
    return {
        "id": row["id"],
        "account": account,
        "media": media,
        **{name: row[name] for name in (*same, *seconds)},
        "ended_at": row["ended_at"] if is_over else None,
        "ended_by": row["ended_by"] if is_over else None,
        "percent": round(min(100.0, 100.0 * row["reached_seconds"] / runtime), 2) if runtime else None,
        "device": device.device_name,
        "client": device.client,
        "channels": channel_words(row["channels"]),
        "completed": row["completed"],
        "verdict": row["verdict"],
        "sentence": row["sentence"],
    }


def channel_words(mask: int) -> list[str]:
    """Return the names of the channels that *mask* stands for, in order."""
    return sorted(channel.value for channel in channels_of(mask))


def seen_of(data: Row) -> Seen:
    """Return what a reader saw of a watch in *data*."""
    place = (int(data["media"]["id"]), str(data["unit"]), str(data["day"]))
    told = (bool(data["completed"]), bool(data["partial"]), int(data["plays"]), int(data["percent"]))
    return Seen(*told, place, removed=bool(data["removed"]))


def facts_of(playbacks: Sequence[Row]) -> dict[str, Any]:
    """Return what was told of the items of *playbacks*; the latest has the last word."""
    found: dict[str, Any] = {}
    for each in playbacks:
        found |= each["facts"]
    return found
