"""What Jellystat has kept: the rows of ``jf_playback_activity`` in a backup of its own.

Read in Jellystat's sources (backend/classes/backup.js, backend/tasks/ActivityMonitor.js, in backend/models
jf_activity_watchdog.js, jf_playback_activity.js and jf_library_episodes.js, and migrations 028, 045 and 068):

- A backup is a list of objects with one table each; in newer versions one JSON object a line.
- ActivityDateInserted is when the session was seen to be gone: the END of the play, in UTC.
- PlaybackDuration is in seconds of its own clock, less the pauses that it saw. What Jellystat, the server or the
  player slept through is in it, so it may be many times the runtime.
- PlayState is of the FIRST look at the play (in some versions of the last pause): PositionTicks is where it began, or
  somewhere in the middle. Where the play ended nobody tells, so a row proves no position.
- EpisodeId is the item of an episode (in older imported rows with the season's id behind it), NowPlayingItemId then its
  series, or again the episode.
- *imported* rows are Playback Reporting's: their date is its DateCreated, a wall time of the media server 20 s after
  the START, which the database took for a time of its own zone (UTC, unless somebody changed that).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from reconcile.jellyfin.instants import instant
from reconcile.jellyfin.item_types import NO_USER, history_kind
from reconcile.jellyfin.playback_reporting import HIGHEST, LONGEST, NO_ID, NOTHING, TAKEN_AFTER, named, text, within
from reconcile.playback.check_in import DeviceFacts, Ignored, ItemFacts, Rejected
from reconcile.playback.identity import NOBODY, is_guid, normalised_id
from reconcile.playback.imports import Play, Told
from reconcile.playback.ticks import seconds
from reconcile.unpacking import ERRORS, records, unpacked, words

ACTIVITY = "jf_playback_activity"
BEYOND_BELIEF, IDLE = 2.0, 600.0
"""A play may last twice the runtime by Jellystat's clock, or ten minutes (facts B5) longer: the rest was pauses,
credits or idling. Beyond that somebody slept, and what was seen is not known."""

_LIBRARY = frozenset({"jf_library_items", "jf_library_episodes"})
_ID = 32
_LAST_YEAR, _MOST_TICKS = 9999, 2**62


class _Row(msgspec.Struct, frozen=True, rename="pascal"):
    id: str | int | None = None
    user_id: str | None = None
    user_name: str | None = None
    client: str | None = None
    device_name: str | None = None
    device_id: str | None = None
    now_playing_item_id: str | None = None
    now_playing_item_name: str | None = None
    episode_id: str | None = None
    series_name: str | None = None
    playback_duration: float | None = None
    activity_date_inserted: str | None = None
    imported: bool | None = msgspec.field(default=None, name="imported")

    @property
    def is_retold(self) -> bool:
        """Say whether it came from Playback Reporting: its id is then that one's row number."""
        return bool(self.imported) or isinstance(self.id, int) or (self.id is not None and self.id.isdecimal())

    @property
    def item_id(self) -> str:
        """The item's id, normalised, empty where there is none."""
        episode = normalised_id(self.episode_id or "")[:_ID]
        return episode or normalised_id(self.now_playing_item_id or "")


class _Item(msgspec.Struct, frozen=True, rename="pascal"):
    """A row of the library, which Jellystat keeps though the item may be gone."""

    id: str | None = None
    episode_id: str | None = None
    type: str | None = None
    name: str | None = None
    production_year: int | None = None
    run_time_ticks: int | None = None
    series_id: str | None = None
    series_name: str | None = None
    parent_index_number: int | None = None
    index_number: int | None = None


_UNKNOWN = _Item()
_Library = dict[str, _Item]


def read_backup(data: bytes) -> Iterator[Told]:
    """Yield what every play in a backup says, plays in their order («row 17»); gzip is undone.

    What is not JSON is one Rejected with its place; one odd row is rejected for itself, and the others go on. The
    caller bounds the size of *data*; unpacked it may have 512 MiB. Never raises.
    """
    whole = unpacked(data)
    if isinstance(whole, Rejected):
        yield whole
        return
    library: _Library = {}
    rows: list[tuple[int, msgspec.Raw]] = []
    is_there = is_broken = False
    for each in records(whole, ACTIVITY, "NowPlayingItemId"):
        if isinstance(each, Rejected):
            is_broken = True
            yield each
        elif each.table == ACTIVITY:
            is_there = True
            rows += [] if each.row is None else [(each.number, each.row)]
        elif each.table in _LIBRARY and each.row is not None:
            _learn(library, each.row)
    if not is_there and not is_broken:
        yield Rejected(f"it has no plays (a table called {ACTIVITY}): make the backup with its activity")
    for number, row in rows:
        yield _told(row, f"row {number}", library)


def _told(raw: msgspec.Raw, place: str, library: Mapping[str, _Item]) -> Told:
    """Return what one row says.

    *started_at* is the end less the duration, in UTC; of a row that came from Playback Reporting it is naive, and
    `Play.retold`. *seconds* are no more than the runtime, where the backup knows it.
    """
    try:
        row = msgspec.json.decode(raw, type=_Row, strict=False)
    except ERRORS as error:
        return Rejected(words(error, "it is no row of a table"), place)
    user_id = normalised_id(row.user_id or "")
    if user_id in {"", NOBODY}:
        return NO_USER
    if not is_guid(user_id) or not is_guid(row.item_id):
        return Rejected(NO_ID, place)
    facts = _facts(row, library.get(row.item_id, _UNKNOWN))
    if isinstance(facts, Ignored):
        return facts
    ended_at = instant(row.activity_date_inserted)
    if ended_at is None:
        return Rejected("ActivityDateInserted is no date such as 2026-01-03T20:00:00Z", place)
    watched = _watched(row.playback_duration, facts.runtime_seconds, place)
    if not isinstance(watched, float):
        return watched
    return Play(
        user_id=user_id,
        item_id=row.item_id,
        started_at=_started_at(row, ended_at),
        seconds=watched,
        place=place,
        item=facts,
        device=DeviceFacts(_text(row.client), _text(row.device_name), _text(row.device_id)),
        user_name=_text(row.user_name),
        retold=row.is_retold,
    )


def _started_at(row: _Row, at: datetime) -> datetime:
    if row.is_retold:
        return at.replace(tzinfo=None) - TAKEN_AFTER
    return at - timedelta(seconds=row.playback_duration or 0.0)


def _watched(told: float | None, runtime: float | None, place: str) -> float | Ignored | Rejected:
    if told is None:
        return Rejected("PlaybackDuration is missing", place)
    if not 0.0 <= told <= LONGEST:
        return Rejected(f"it was played for {told:g} s: Jellystat lost count", place)
    if runtime and told > max(BEYOND_BELIEF * runtime, runtime + IDLE):
        said = f"it was played for {told:g} s, and lasts {runtime:g} s: Jellystat counted while nobody was there"
        return Rejected(f"{said}, so that what was seen is not known", place)
    return min(told, runtime or told) or NOTHING


def _learn(library: _Library, raw: msgspec.Raw) -> None:
    try:
        item = msgspec.json.decode(raw, type=_Item, strict=False)
    except ERRORS:
        return  # the row it would have told more of is read without it
    item_id = normalised_id(item.episode_id or item.id or "")
    if is_guid(item_id):
        library[item_id] = item


def _facts(row: _Row, known: _Item) -> ItemFacts | Ignored:
    kind = history_kind(known.type) if known.type else None
    if isinstance(kind, Ignored):
        return kind
    if kind is None and (row.episode_id or row.series_name):
        kind = "episode"
    told = named(kind, text(row.now_playing_item_name or ""))
    ticks = within(known.run_time_ticks, _MOST_TICKS)
    series_id = normalised_id(known.series_id or "")
    return ItemFacts(
        kind=told.kind,
        name=_text(known.name) or told.name,
        year=within(known.production_year, _LAST_YEAR),
        runtime_seconds=seconds(ticks) if ticks else None,
        series_id=series_id if is_guid(series_id) else None,
        series_name=_text(known.series_name) or _text(row.series_name) or told.series_name,
        season=told.season if known.parent_index_number is None else within(known.parent_index_number, HIGHEST),
        episode=told.episode if known.index_number is None else within(known.index_number, HIGHEST),
    )


def _text(told: str | None) -> str | None:
    return text(told) or None if told else None
