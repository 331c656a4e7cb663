"""The plugin's bytes → evidence: what one notification of the Webhook plugin says of one user (DESIGN §3, facts A, B).

`read` does it all. Whoever also keeps the delivery asks `notification_of` first, for its type, server and user, and
then `observed`; whoever drowns in automated Progress asks `peek` before either.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from msgspec import field

from receiver.notification_body import TYPES, Notification, notification_of
from reconcile.jellyfin.guesses import guessed_seconds, taken_back
from reconcile.jellyfin.instants import instant
from reconcile.jellyfin.item_types import EXTRA, NO_USER, PRE_ROLL, history_kind
from reconcile.playback.check_in import (
    Channel,
    CheckIn,
    DeviceFacts,
    Ignored,
    ItemFacts,
    Key,
    Kind,
    Mark,
    Observation,
    Rejected,
)
from reconcile.playback.identity import NOBODY, normalised_id, session_id
from reconcile.playback.marks import SESSION
from reconcile.playback.ticks import seconds

__all__ = ["Notification", "Peek", "notification_of", "observed", "peek", "read"]

START, PROGRESS, STOP = "PlaybackStart", "PlaybackProgress", "PlaybackStop"
_READ = frozenset({START, PROGRESS, STOP})

_IDLE = timedelta(minutes=5)
"""A Stop later than this after the client's last report is the server's own clean-up (facts B5)."""

_GUESS = timedelta(seconds=1)
"""The server guesses once a second (facts B4): what is younger than that has no guess in it."""

MANUAL_MARK = Ignored("manual mark")
USER_DATA = Ignored("user data")

NO_TIME = "no UtcTimestamp"
NO_AUTOMATED = "no IsAutomated"
NO_CLIENT = "no ClientName"
NO_TYPE = "no ItemType"

_WEBHOOK = frozenset({Channel.WEBHOOK})


def read(
    body: bytes,
    content_type: str | None,
    received_at: datetime,
    sole_server: str | None = None,
    *,
    with_marks: bool = False,
) -> Observation | Ignored | Rejected:
    """Return what the notification in *body* says, or why it says nothing. Never raises.

    *received_at* is UTC, and used only where the body tells no UTC time; *sole_server* is the id of the only server
    there is, for bodies that name none. Flags tell the admin which keys to add to a template. *with_marks*: marks by
    hand are evidence too.
    """
    told = notification_of(body, content_type)
    return told if isinstance(told, Rejected) else observed(told, received_at, sole_server, with_marks=with_marks)


def observed(
    told: Notification, received_at: datetime, sole_server: str | None = None, *, with_marks: bool = False
) -> Observation | Ignored | Rejected:
    """Return the evidence in a notification: a check-in or a bare sighting, with the facts that travel with it."""
    if with_marks and told.is_manual_mark:
        return _marked(told, received_at, sole_server)
    kind = _history(told)
    if isinstance(kind, Ignored):
        return kind
    key = _key(told, sole_server)
    if not isinstance(key, Key):
        return key
    at = instant(told.utc_timestamp)
    heard_at = received_at if at is None else at
    evidence = _evidence(told, heard_at)
    return Observation(
        key=key,
        channel=Channel.WEBHOOK,
        observed_at=heard_at,
        check_in=evidence if isinstance(evidence, CheckIn) else None,
        sighting=None if isinstance(evidence, CheckIn) else evidence,
        item=_item(told, kind),
        device=DeviceFacts(told.client_name or told.client, told.device_name, told.device_id),
        user_name=told.user_name,
        flags=_flags(told, at),
    )


def _history(told: Notification) -> str | Ignored | None:
    """Return ``movie`` or ``episode``, None where the body does not say, or why it is not history."""
    return _kind(told) if told.notification_type in _READ else _not_playback(told)


def _kind(told: Notification) -> str | Ignored | None:
    if told.extra_type:
        return EXTRA
    if told.pre_roll:
        return PRE_ROLL
    if told.item_type:
        return history_kind(told.item_type)
    return "episode" if told.series_id or told.series_name else None


def _not_playback(told: Notification) -> Ignored:
    if told.notification_type == "UserDataSaved":
        return MANUAL_MARK if told.is_manual_mark else USER_DATA
    known = told.notification_type.lower() in TYPES
    return Ignored(f"notification type {told.notification_type if known else 'unknown'}")


def _marked(told: Notification, received_at: datetime, sole_server: str | None) -> Observation | Ignored | Rejected:
    """Return that the item was marked, or unmarked, by hand: in no session (facts D2)."""
    kind = _kind(told)
    if isinstance(kind, Ignored):
        return kind
    key = _key(msgspec.structs.replace(told, session_id=SESSION), sole_server)
    if not isinstance(key, Key):
        return key
    if told.played is None:
        return Rejected("Played is missing: whether it was marked or unmarked")
    at = instant(told.utc_timestamp)
    flags = () if at is not None else (NO_TIME,)
    at = received_at if at is None else at
    mark = Mark(at, told.played)
    item, name = _item(told, kind), told.user_name
    return Observation(key, Channel.MANUAL, at, item=item, user_name=name, flags=flags, mark=mark)


def _key(told: Notification, sole_server: str | None) -> Key | Ignored | Rejected:
    user, item = normalised_id(told.user_id or ""), normalised_id(told.item_id or "")
    if not user:
        return Rejected("UserId is missing: whose playback it is")
    if user == NOBODY:
        return NO_USER
    if not item or item == NOBODY:
        return Rejected("ItemId is missing: what is played")
    session = normalised_id(told.session_id or "")
    if not session:
        if not told.device_id:
            return Rejected("Id and DeviceId are missing: one of them says in which session it is played")
        session = session_id(told.client_name or told.client or "", told.device_id)
    server = normalised_id(told.server_id or sole_server or "")
    if not server:
        return Rejected("ServerId is missing, and there is no single server that it could be")
    return Key(server, session, user, item)


def _evidence(told: Notification, heard_at: datetime) -> CheckIn | datetime:
    """Return the check-in that *told* tells of, or for a guess of unknown age, when the session was seen."""
    checked_in = instant(told.last_check_in)
    if told.notification_type == STOP:
        return _stop(told, heard_at, checked_in)
    kind = Kind.PAUSED if told.is_paused and told.notification_type == PROGRESS else Kind.PLAYING
    if not _is_guess(told, heard_at, checked_in):
        return _check_in(checked_in or heard_at, kind, _position(told), heard_at)
    if checked_in is None:
        return heard_at
    return _guessed(told, kind, heard_at, checked_in)


def _is_guess(told: Notification, heard_at: datetime, checked_in: datetime | None) -> bool:
    """Say whether the position is the server's own: an automated Progress, or one that does not say but is too old."""
    if told.notification_type != PROGRESS:
        return False
    if told.is_automated is None:
        return checked_in is not None and heard_at - checked_in >= _GUESS
    return told.is_automated


def _guessed(told: Notification, kind: Kind, heard_at: datetime, checked_in: datetime) -> CheckIn:
    position = _position(told)
    if kind is Kind.PLAYING:
        position = taken_back(position, guessed_seconds(checked_in, heard_at, instant(told.last_activity)))
    return _check_in(checked_in, kind, position, heard_at, reported=False)


def _stop(told: Notification, heard_at: datetime, checked_in: datetime | None) -> CheckIn:
    # The server's clean-up stops at what it guessed meanwhile, five to ten minutes of it: no evidence (facts B5).
    completed = told.played_to_completion
    if checked_in is not None and heard_at - checked_in > _IDLE:
        return _check_in(heard_at, Kind.STOPPED, None, heard_at, reported=False, completed=completed)
    # The plugin sends 0 where the player gave no position, and Jellyfin takes that for played to the end (facts A7).
    is_unsaid = told.position_ticks == 0 and bool(completed) and _runtime(told) is not None
    return _check_in(heard_at, Kind.STOPPED, None if is_unsaid else _position(told), heard_at, completed=completed)


def _check_in(
    at: datetime,
    kind: Kind,
    position: float | None,
    heard_at: datetime,
    *,
    reported: bool = True,
    completed: bool | None = None,
) -> CheckIn:
    seen_at = max(at, heard_at)
    return CheckIn(at, kind, position, reported, seen_at, seen_at, _WEBHOOK, completed)


def _position(told: Notification) -> float | None:
    ticks = told.position_ticks
    return None if ticks is None or ticks < 0 else seconds(ticks)


def _runtime(told: Notification) -> float | None:
    ticks = told.run_time_ticks
    return None if ticks is None or ticks <= 0 else seconds(ticks)


def _item(told: Notification, kind: str | None) -> ItemFacts:
    return ItemFacts(
        kind=kind,
        name=told.name or None,
        # An episode's Year is its series' here and its own in a snapshot (facts A2): it is neither's.
        year=told.year if kind == "movie" else None,
        runtime_seconds=_runtime(told),
        series_id=normalised_id(told.series_id) if told.series_id else None,
        series_name=told.series_name,
        season=told.season_number,
        episode=told.episode_number,
        episode_end=told.episode_number_end,
        tmdb_id=told.tmdb_id or None,
        tvdb_id=told.tvdb_id or None,
        imdb_id=told.imdb_id or None,
    )


def _flags(told: Notification, at: datetime | None) -> tuple[str, ...]:
    if at is not None and told.is_automated is not None and told.client_name and told.item_type:
        return ()
    is_unsure = told.notification_type == PROGRESS and told.is_automated is None
    has_no_client = not (told.session_id or told.client_name or told.client)
    missing = (
        (at is None, NO_TIME),
        (is_unsure, NO_AUTOMATED),
        (has_no_client, NO_CLIENT),
        (not told.item_type, NO_TYPE),
    )
    return tuple(flag for is_missing, flag in missing if is_missing)


class Peek(msgspec.Struct, frozen=True, rename="pascal"):
    """The least that tells one automated Progress from the one before, all as «Send All» spells it.

    Where server, session, user, item, *last_check_in* and *is_paused* are those of a notification that `read` has
    already taken, nothing is new but the sighting at *utc_timestamp* (`reconcile.jellyfin.instants.instant`).
    """

    notification_type: str
    server_id: str
    user_id: str
    item_id: str
    utc_timestamp: str
    is_automated: bool
    is_paused: bool
    session_id: str = field(name="Id")
    last_check_in: str = field(name="LastPlaybackCheckIn")


_glance = msgspec.json.Decoder(Peek)


def peek(body: bytes) -> Peek | None:
    """Return what is new in an automated Progress at half the cost of `read`, or None for any other body."""
    try:
        glanced = _glance.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    is_guess = glanced.is_automated and glanced.notification_type == PROGRESS
    return glanced if is_guess else None
