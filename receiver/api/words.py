"""The words of the API: what a watch and a playback look like as JSON. Absent is null, seconds are numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec

from reconcile.playback.facts import device_of, item_of
from reconcile.playback.reach import joined, length
from reconcile.store.channels import channels_of

Row = Mapping[str, Any]

Words = TypeVar("Words", bound=msgspec.Struct)

_UNIT = re.compile(r"s(\d+)e(\d+)")

_SERVER_COMPLETED = (
    "Whether it was played to its end by what Jellyfin itself said at its last stop; null where it said nothing."
    " It stands beside the verdict and decides nothing."
)


class AccountName(msgspec.Struct, frozen=True):
    """Whose it is."""

    id: int
    name: str


class MediaWords(msgspec.Struct, frozen=True):
    """What is shown. *kind* is ``movie`` or ``episode``; public ids of an episode are its series'."""

    id: int | None
    kind: str | None
    title: str | None
    series_title: str | None
    season: int | None
    episode: int | None
    year: int | None
    tmdb_id: str | None
    tvdb_id: str | None
    imdb_id: str | None
    seerr_media_id: int | None


class WatchWords(msgspec.Struct, frozen=True):
    """One row of the history. *playbacks* are ids, oldest first; *sentence* says why it counts."""

    id: int
    account: AccountName
    media: MediaWords
    unit: str
    day: str
    watched_at: datetime
    started_at: datetime
    completed: bool
    partial: bool
    plays: int
    percent: float
    watched_seconds: float
    verdict: str
    sentence: str
    channels: list[str]
    playbacks: list[int]


class PlaybackWords(msgspec.Struct, frozen=True):
    """One item playing in one session for one user. Shares are in percent of the runtime."""

    id: int
    server_id: str
    session_id: str
    user_id: str
    user_name: str | None
    account_id: int | None
    account_name: str | None
    item_id: str
    device: str | None
    client: str | None
    media: MediaWords
    unit: str
    state: str
    open: bool
    started_at: datetime
    last_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    watched_seconds: float
    reached_seconds: float
    position_seconds: float | None
    runtime_seconds: float | None
    percent: float | None
    covered_percent: float | None
    skipped_percent: float | None
    channels: list[str]
    completed: bool
    verdict: str
    sentence: str
    server_completed: Annotated[bool | None, msgspec.Meta(description=_SERVER_COMPLETED)]


def struct_of(kind: type[Words], row: Row) -> Words:
    """Return the fields of *kind* that stand in *row* under the same names."""
    return msgspec.convert({name: row[name] for name in kind.__struct_fields__}, kind)


def watch_words(row: Row) -> WatchWords:
    """Return a watch as the API says it."""
    return WatchWords(
        id=row["id"],
        account=AccountName(row["account_id"], row["account_name"]),
        media=media_words(row),
        unit=row["unit"],
        day=row["day"],
        watched_at=row["watched_at"],
        started_at=row["started_at"],
        completed=row["completed"],
        partial=row["partial"],
        plays=row["plays"],
        percent=row["percent"],
        watched_seconds=row["watched_seconds"],
        verdict=row["verdict"],
        sentence=row["sentence"],
        channels=channel_words(row["channels"]),
        playbacks=row["playbacks"],
    )


def playback_words(row: Row) -> PlaybackWords:
    """Return a playback as the API says it. While it is open it has no end."""
    device, runtime = device_of(row["facts"]), row["runtime_seconds"]
    return PlaybackWords(
        id=row["id"],
        server_id=row["server_id"],
        session_id=row["session_id"],
        user_id=row["user_id"],
        user_name=row["user_name"],
        account_id=row["account_id"],
        account_name=row["account_name"],
        item_id=row["item_id"],
        device=device.device_name,
        client=device.client,
        media=media_words(row),
        unit=row["unit"],
        state=row["state"],
        open=row["open"],
        started_at=row["started_at"],
        last_at=row["last_at"],
        ended_at=None if row["open"] else row["ended_at"],
        ended_by=None if row["open"] else row["ended_by"],
        watched_seconds=row["watched_seconds"],
        reached_seconds=row["reached_seconds"],
        position_seconds=row["position_seconds"],
        runtime_seconds=runtime,
        percent=share(row["reached_seconds"], runtime),
        covered_percent=share(_length(row["covered"]), runtime),
        skipped_percent=share(_length(row["skipped"]), runtime),
        channels=channel_words(row["channels"]),
        completed=row["completed"],
        verdict=row["verdict"],
        sentence=row["sentence"],
        server_completed=row["server_completed"],
    )


def media_words(row: Row) -> MediaWords:
    """Return what a row shows, from its media and from what was told of its item."""
    item = item_of(row["facts"])
    is_movie = (row["media_kind"] or item.kind) == "movie"
    kind = "movie" if is_movie else "episode" if row["media_kind"] or item.kind else None
    title = row["media_title"] or None
    season, episode = (None, None) if is_movie else _numbers(row["unit"])
    return MediaWords(
        id=row["media_id"],
        kind=kind,
        title=(title or item.name) if is_movie else item.name,
        series_title=None if is_movie else item.series_name or title,
        season=None if is_movie else season if season is not None else item.season,
        episode=None if is_movie else episode if episode is not None else item.episode,
        year=row["year"],
        tmdb_id=row["tmdb_id"],
        tvdb_id=row["tvdb_id"],
        imdb_id=row["imdb_id"],
        seerr_media_id=row["seerr_media_id"],
    )


def channel_words(mask: int) -> list[str]:
    """Return the names of the channels that *mask* stands for, in order."""
    return sorted(channel.value for channel in channels_of(mask))


def share(seconds: float, runtime: float | None) -> float | None:
    """Return *seconds* in percent of *runtime*, at most 100; None where that is not known."""
    return round(min(100.0, 100.0 * seconds / runtime), 2) if runtime else None


def _numbers(unit: str) -> tuple[int | None, int | None]:
    found = _UNIT.match(unit)
    return (None, None) if found is None else (int(found[1]), int(found[2]))


def _length(parts: list[list[float]]) -> float:
    return length(joined([(part[0], part[1]) for part in parts]))
