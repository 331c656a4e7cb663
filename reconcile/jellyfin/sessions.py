"""Snapshots → evidence: ``GET /Sessions`` and the socket's pushes, one reader for both (DESIGN §3, facts B7, B8)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from reconcile.errors import JellyfinUnreadable
from reconcile.jellyfin.guesses import guessed_seconds, taken_back
from reconcile.jellyfin.instants import instant
from reconcile.jellyfin.item_types import EXTRA, NO_USER, PRE_ROLL, PRE_ROLLS, history_kind
from reconcile.playback.check_in import (
    Channel,
    CheckIn,
    DeviceFacts,
    Ignored,
    ItemFacts,
    Key,
    Kind,
    Observation,
    Rejected,
)
from reconcile.playback.identity import NOBODY, normalised_id
from reconcile.playback.ticks import seconds

NEVER = Ignored("never checked in")

_ALONE = {channel: frozenset({channel}) for channel in Channel}


class PlayState(msgspec.Struct, frozen=True, rename="pascal", gc=False):
    """Where the player is, as far as the server knows or guesses."""

    position_ticks: int | None = None
    is_paused: bool = False


_NO_STATE = PlayState()


class Item(msgspec.Struct, frozen=True, rename="pascal", gc=False):
    """What is playing. *run_time_ticks* is the played media source's, provider ids are the item's own (facts B8)."""

    id: str
    type: str | None = None
    name: str | None = None
    extra_type: str | None = None
    production_year: int | None = None
    run_time_ticks: int | None = None
    series_id: str | None = None
    series_name: str | None = None
    parent_index_number: int | None = None
    index_number: int | None = None
    index_number_end: int | None = None
    provider_ids: dict[str, str | None] | None = None


class Guest(msgspec.Struct, frozen=True, rename="pascal", gc=False):
    """Somebody who watches along in the session of another."""

    user_id: str
    user_name: str | None = None


class Session(msgspec.Struct, frozen=True, rename="pascal", gc=False):
    """One session of a snapshot: the fields that we use, ids and timestamps as sent.

    Nothing new was reported where *id*, *user_ids*, *item_id*, *last_playback_check_in* and *is_paused* are as they
    were in the snapshot before: then only the sighting is new, and `session_observations` need not be asked.
    """

    id: str
    user_id: str | None = None
    user_name: str | None = None
    client: str | None = None
    device_id: str | None = None
    device_name: str | None = None
    last_activity_date: str | None = None
    last_playback_check_in: str | None = None
    now_playing_item: Item | None = None
    play_state: PlayState | None = None
    additional_users: list[Guest] | None = None

    @property
    def user_ids(self) -> tuple[str, ...]:
        """The ids of all who watch, as sent; none where the session has no user."""
        return tuple(user for user, _name in _users(self))

    @property
    def item_id(self) -> str | None:
        """The id of what is playing, as sent; None where nothing is."""
        return None if self.now_playing_item is None else self.now_playing_item.id

    @property
    def is_paused(self) -> bool:
        """Whether the player is paused."""
        return self.play_state is not None and self.play_state.is_paused


class Snapshot(msgspec.Struct, frozen=True):
    """A server's sessions at one instant; *malformed* are those that could not be read, each with its place."""

    sessions: tuple[Session, ...]
    malformed: tuple[Rejected, ...] = ()

    @property
    def playing(self) -> tuple[Session, ...]:
        """The sessions in which something is playing."""
        return tuple(session for session in self.sessions if session.now_playing_item is not None)


_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_all = msgspec.json.Decoder(tuple[Session, ...])
_each = msgspec.json.Decoder(list[msgspec.Raw])
_one = msgspec.json.Decoder(Session)


def decode_snapshot(body: bytes) -> Snapshot:
    """Return the sessions in *body*, a JSON array of them; one that is malformed is set aside, the others go on.

    Raises JellyfinUnreadable, and nothing else, where *body* is no JSON array.
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        return Snapshot(_all.decode(body))
    except _UNREADABLE:
        return _decode_one_by_one(body)


def _decode_one_by_one(body: bytes) -> Snapshot:
    raws = _separated(body)
    sessions: list[Session] = []
    malformed: list[Rejected] = []
    for number, raw in enumerate(raws, start=1):
        try:
            sessions.append(_one.decode(raw))
        except _UNREADABLE as error:
            malformed.append(Rejected(f"a malformed session: {_cause(error)}", f"session {number} of {len(raws)}"))
    return Snapshot(tuple(sessions), tuple(malformed))


def _separated(body: bytes) -> list[bytes]:
    try:
        return [bytes(raw) for raw in _each.decode(body)]
    except _UNREADABLE as error:
        told = _told_leniently(body)
        if not isinstance(told, list):
            raise JellyfinUnreadable(
                f"Jellyfin's list of sessions could not be read: {_cause(error)}. Does something else answer here?"
            ) from error
    return [json.dumps(one).encode() for one in told]


def _told_leniently(body: bytes) -> object:
    """Return what *body* says to a reader that lets half a surrogate pair or a raw newline pass; None if nothing."""
    try:
        return json.loads(body, strict=False)
    except (ValueError, RecursionError):
        return None


def _cause(error: Exception) -> str:
    """Return the error in words that quote nothing of the body, which may name people."""
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


class Described(msgspec.Struct, frozen=True, gc=False):
    """What of a *session* is the same from check-in to check-in: who watches (key and name), and what plays where."""

    session: Session
    watching: tuple[tuple[Key, str | None], ...]
    item: ItemFacts
    device: DeviceFacts

    def is_of(self, session: Session) -> bool:
        """Say whether *session* would be described just so."""
        before = self.session
        return (
            session.now_playing_item == before.now_playing_item
            and session.user_id == before.user_id
            and session.user_name == before.user_name
            and session.additional_users == before.additional_users
            and session.device_id == before.device_id
            and session.device_name == before.device_name
            and session.client == before.client
            and session.id == before.id
        )


def described(session: Session, server_id: str) -> Described | Ignored | None:
    """Return who watches what in *session*; why it is not history; or None, where nothing plays."""
    item = session.now_playing_item
    if item is None:
        return None
    providers = _providers(item.provider_ids)
    kind = _history(item, providers)
    if isinstance(kind, Ignored):
        return kind
    server, session_id, item_id = normalised_id(server_id), normalised_id(session.id), normalised_id(item.id)
    watching = tuple((Key(server, session_id, user, item_id), _text(name)) for user, name in _users(session))
    if not watching:
        return NO_USER
    device = DeviceFacts(_text(session.client), _text(session.device_name), _text(session.device_id))
    return Described(session, watching, _facts(item, kind, providers), device)


def observed(
    session: Session, known: Described, at: datetime, channel: Channel = Channel.POLL
) -> tuple[Observation, ...] | Ignored:
    """Return what *session*, which is *known*, says once for each of its users (facts F15), or why it says nothing.

    *at* is the server's time of answering, UTC.
    """
    checked_in = instant(session.last_playback_check_in)
    if checked_in is None:
        return NEVER
    check_in = _check_in(session, checked_in, at, channel)
    told = [
        Observation(
            key=key,
            channel=channel,
            observed_at=at,
            check_in=check_in,
            item=known.item,
            device=known.device,
            user_name=name,
        )
        for key, name in known.watching
    ]
    return tuple(told)


def farewell(session: Session, told: Observation, at: datetime) -> Observation | None:
    """Return what *session*, in which nothing plays any longer *at* then, says of what it *told* when it did.

    A Stop leaves the instant of the client's last report as it was, and is the last thing that was asked, unless the
    client has asked more since (facts B1, B3, B6). None where the session has been made anew, or is another's now.
    """
    known, reported = told.check_in, instant(session.last_playback_check_in)
    if known is None or reported is None or reported < known.at:
        return None
    if told.key.user_id not in (user for user, _name in _users(session)):
        return None
    active = instant(session.last_activity_date)
    left_by = at if active is None or active < reported else min(active, at)
    shown = max(known.sighted_until, min(reported, left_by))
    check_in = msgspec.structs.replace(known, sighted_until=shown, left_by=max(left_by, shown))
    return msgspec.structs.replace(told, observed_at=at, check_in=check_in)


def session_observations(
    session: Session, server_id: str, at: datetime, channel: Channel = Channel.POLL
) -> tuple[Observation, ...] | Ignored:
    """Return what *session* says by itself; a session in which nothing plays says nothing: an empty tuple."""
    known = described(session, server_id)
    if known is None:
        return ()
    return known if isinstance(known, Ignored) else observed(session, known, at, channel)


def _users(session: Session) -> Iterator[tuple[str, str | None]]:
    """Yield the normalised id and the name of each who watches, once."""
    seen = {NOBODY, ""}
    for told, name in (
        (session.user_id, session.user_name),
        *((guest.user_id, guest.user_name) for guest in session.additional_users or ()),
    ):
        user = normalised_id(told or "")
        if user not in seen:
            seen.add(user)
            yield user, name


def _history(item: Item, providers: Mapping[str, str]) -> str | Ignored:
    if item.extra_type:
        return EXTRA
    if PRE_ROLLS in providers:
        return PRE_ROLL
    return history_kind(item.type or "")


def _check_in(session: Session, checked_in: datetime, at: datetime, channel: Channel) -> CheckIn:
    """Return the client's own last report, without what the server has guessed since (facts B4)."""
    state = session.play_state or _NO_STATE
    ticks, is_paused = state.position_ticks, state.is_paused
    position = None if ticks is None or ticks < 0 else seconds(ticks)
    if not is_paused:
        position = taken_back(position, guessed_seconds(checked_in, at, instant(session.last_activity_date)))
    seen_at = max(at, checked_in)
    return CheckIn(
        at=checked_in,
        kind=Kind.PAUSED if is_paused else Kind.PLAYING,
        position=position,
        reported=False,
        seen_at=seen_at,
        sighted_until=seen_at,
        channels=_ALONE[channel],
    )


def _facts(item: Item, kind: str, providers: Mapping[str, str]) -> ItemFacts:
    ticks = item.run_time_ticks or 0
    return ItemFacts(
        kind=kind,
        name=_text(item.name),
        # An episode's year is its own here, and its series' in a notification (facts A2): it is neither's.
        year=item.production_year if kind == "movie" else None,
        runtime_seconds=seconds(ticks) if ticks > 0 else None,
        series_id=normalised_id(item.series_id) if item.series_id else None,
        series_name=_text(item.series_name),
        season=item.parent_index_number,
        episode=item.index_number,
        episode_end=item.index_number_end,
        tmdb_id=providers.get("tmdb"),
        tvdb_id=providers.get("tvdb"),
        imdb_id=providers.get("imdb"),
    )


def _providers(told: Mapping[str, str | None] | None) -> dict[str, str]:
    """Return provider ids by their names in lower case: ``Tmdb`` is stored in many spellings (facts B8)."""
    return {name.lower(): value for name, value in (told or {}).items() if value}


def _text(told: str | None) -> str | None:
    """Return *told* without NUL, which PostgreSQL does not keep; None for an empty one."""
    return told.replace("\x00", "") or None if told else None
