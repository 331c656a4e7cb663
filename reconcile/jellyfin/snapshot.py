"""What ``GET /Sessions`` answers, as sent; the socket pushes the same. What cannot be read is set aside (facts B7)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec

from reconcile.errors import JellyfinUnreadable
from reconcile.playback.check_in import Rejected
from reconcile.playback.identity import NOBODY, normalised_id


class PlayState(msgspec.Struct, frozen=True, rename="pascal", gc=False):
    """Where the player is, as far as the server knows or guesses."""

    position_ticks: int | None = None
    is_paused: bool = False


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
        return tuple(user for user, _name in users_of(self))

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


def users_of(session: Session) -> Iterator[tuple[str, str | None]]:
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
