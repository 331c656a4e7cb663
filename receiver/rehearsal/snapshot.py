"""What ``GET /Sessions`` answers for sessions as they stand at one instant (facts B7, B8)."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from receiver.rehearsal.clock import Clock
from receiver.rehearsal.library import SERVER_ID, Item
from receiver.rehearsal.session import Session
from reconcile.playback.identity import NOBODY
from reconcile.playback.ticks import PER_SECOND

_POSITION, _ACTIVITY = 7_777_777_777_777_777_777, "when it was last active"


def sessions_json(sessions: tuple[Session, ...], at: float, clock: Clock, server: str) -> bytes:
    """Return the answer of a server of version *server* at virtual second *at*, the latest active session first."""
    latest = sorted(sessions, key=lambda session: session.activity(at), reverse=True)
    return b"[%s]" % b",".join([session_json(session, at, clock, server) for session in latest])


def session_json(session: Session, at: float, clock: Clock, server: str) -> bytes:
    """Return one session of the answer, the server's guess of its position included."""
    guess = session.guess(at)
    head, middle, tail = _parts(session, clock, server, guess is not None)
    position = b"" if guess is None else b"%d" % round(guess * PER_SECOND)
    activity = clock.json_text(session.activity(at)).encode()
    return b"".join((head, position, middle, activity, tail))


@lru_cache(maxsize=256)
def _parts(session: Session, clock: Clock, server: str, known: bool) -> tuple[bytes, bytes, bytes]:  # noqa: FBT001 - a cache key
    """Return what stands before the position, between it and the last activity, and after that."""
    text = msgspec.json.encode(session_fields(session, clock, server, known=known))
    head, tail = text.split(_ACTIVITY.encode())
    if not known:
        return head, b"", tail
    before, between = head.split(b"%d" % _POSITION)
    return before, between, tail


def session_fields(session: Session, clock: Clock, server: str, *, known: bool) -> dict[str, object]:
    """Return the session's properties, those that move as marks. What is null is left out, as the server does."""
    user, item = session.user, session.item
    found: dict[str, object | None] = {
        "PlayState": _play_state(session, known=known),
        "AdditionalUsers": [{"UserId": other.id, "UserName": other.name} for other in session.additional],
        "Capabilities": {
            "PlayableMediaTypes": ["Audio", "Video"],
            "SupportedCommands": [],
            "SupportsMediaControl": True,
        },
        "RemoteEndPoint": "192.0.2.17",
        "PlayableMediaTypes": ["Audio", "Video"],
        "Id": session.id,
        "UserId": NOBODY if user is None else user.id,
        "UserName": None if user is None else user.name,
        "Client": session.device.client,
        "LastActivityDate": _ACTIVITY,
        "LastPlaybackCheckIn": clock.json_text(session.last_check_in),
        "LastPausedDate": None if session.last_paused is None else clock.json_text(session.last_paused),
        "DeviceName": session.device.name,
        "NowPlayingItem": None if item is None else now_playing(item),
        "DeviceId": session.device.device_id,
        "ApplicationVersion": "10.11.0",
        "IsActive": bool(session.sockets) or not session.device.socket,
        "SupportsMediaControl": session.device.socket,
        "SupportsRemoteControl": session.device.socket,
        "NowPlayingQueue": [] if item is None else [{"Id": item.id, "PlaylistItemId": "playlistItem0"}],
        "NowPlayingQueueFullItems": None if server.startswith("12.") else [],
        "HasCustomDeviceName": False,
        "ServerId": SERVER_ID,
        "SupportedCommands": [],
    }
    if server.startswith("10.8."):
        found["LastPausedDate"] = None
    return {key: value for key, value in found.items() if value is not None}


def _play_state(session: Session, *, known: bool) -> dict[str, object]:
    rest = {"CanSeek": session.item is not None, "IsPaused": session.paused, "IsMuted": False}
    modes = {"RepeatMode": "RepeatNone", "PlaybackOrder": "Default"}
    if session.item is None:
        return {**rest, **modes}
    playing = {"VolumeLevel": 100, "MediaSourceId": session.item.id, "PlayMethod": "DirectPlay"}
    return {**({"PositionTicks": _POSITION} if known else {}), **rest, **playing, **modes}


@lru_cache(maxsize=1024)
def now_playing(item: Item) -> msgspec.Raw:
    """Return *item* as the server shows it: provider ids are the item's own, also on an episode (facts B8)."""
    return msgspec.Raw(msgspec.json.encode(item_dto(item)))


def item_dto(item: Item) -> dict[str, object]:
    """Return *item* in the server's own words."""
    found: dict[str, object | None] = {
        "Name": item.name,
        "ServerId": SERVER_ID,
        "Id": item.id,
        "PremiereDate": f"{item.year}-03-02T00:00:00.0000000Z",
        "Path": f"/media/{item.id}.mkv",
        "ChannelId": None,
        "Overview": 'A plot told in two lines,\nwith "quotes" & more.',
        "Genres": ["Drama", "Comedy"],
        "RunTimeTicks": None if item.known_runtime is None else round(item.known_runtime * PER_SECOND),
        "ProductionYear": item.year,
        "IndexNumber": item.episode,
        "ParentIndexNumber": item.season,
        "ProviderIds": dict(item.providers),
        "IsFolder": False,
        "Type": "Movie" if item.series is None else "Episode",
        "SeriesName": item.series.name if item.series else None,
        "SeriesId": item.series.id if item.series else None,
        "MediaStreams": [{"Codec": "h264", "Type": "Video", "Index": 0, "Height": 1080, "Width": 1920}],
        "MediaType": "Video",
        "VideoType": "VideoFile",
    }
    return {key: value for key, value in found.items() if value is not None}
