"""Snapshots → evidence: ``GET /Sessions`` and the socket's pushes, one reader for both (DESIGN §3, facts B7, B8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from reconcile.jellyfin.guesses import guessed_seconds, taken_back
from reconcile.jellyfin.instants import instant
from reconcile.jellyfin.item_types import EXTRA, NO_USER, PRE_ROLL, PRE_ROLLS, history_kind
from reconcile.jellyfin.snapshot import Item, PlayState, Session, users_of
from reconcile.playback.check_in import (
    Channel,
    CheckIn,
    DeviceFacts,
    Ignored,
    ItemFacts,
    Key,
    Kind,
    Observation,
)
from reconcile.playback.identity import normalised_id
from reconcile.playback.ticks import seconds

NEVER = Ignored("never checked in")

_ALONE = {channel: frozenset({channel}) for channel in Channel}


_NO_STATE = PlayState()


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
    watching = tuple((Key(server, session_id, user, item_id), _text(name)) for user, name in users_of(session))
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
    if told.key.user_id not in (user for user, _name in users_of(session)):
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
