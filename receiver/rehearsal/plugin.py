"""What the Webhook plugin tells: the keys and values of each notification, and the body it posts (facts A)."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

from receiver.rehearsal.clock import Clock
from receiver.rehearsal.library import SERVER_ID, SERVER_NAME, Device, Item, User
from receiver.rehearsal.server import Notification
from receiver.rehearsal.wire import Fields, Guid, Moment, form, json_moment, pairs, template
from reconcile.playback.ticks import PER_SECOND


class Style(StrEnum):
    """How the admin set the plugin up."""

    SEND_ALL = "send all"
    TEMPLATE = "template"
    FORM = "form"


WITH_SERIES_ID, WITH_SESSION, WITH_PLAY_METHOD = 12, 16, 12
"""The plugin versions that brought SeriesId, the session block and PlayMethod (facts A2)."""

SERVERS = {
    11: "10.8.13",
    12: "10.9.0",
    13: "10.9.1",
    14: "10.9.1",
    15: "10.9.7",
    16: "10.10.0",
    17: "10.10.7",
    18: "10.11.0",
}
"""Which server a plugin version runs on, where it is not the script's own (facts, top)."""


def server_version(plugin_version: int, wanted: str) -> str:
    """Return the server that *plugin_version* runs on: *wanted* for 18 and later."""
    return SERVERS.get(plugin_version, wanted)


def content_type(plugin_version: int, style: Style) -> str:
    """Return the content type: ``text/plain`` by default; later admins set the bare JSON one (facts A5)."""
    if style is Style.FORM:
        return "application/x-www-form-urlencoded"
    return "application/json" if plugin_version >= 19 else "text/plain; charset=utf-8"  # noqa: PLR2004 - our choice


def body(told: Notification, user: User, clock: Clock, version: int, server: str, style: Style) -> bytes:
    """Return the body that the plugin posts to tell *user*'s share of *told*."""
    if style is Style.TEMPLATE:
        return template(all_fields(told, user, clock, version, server)).encode()
    if style is Style.FORM:
        return form(all_fields(told, user, clock, version, server)).encode()
    still = _still_text(told.session.device, user, version, server)
    return f"{{{_moving_text(told, clock, version)},{still},{_item_text(told.item, version)}}}".encode()


def all_fields(told: Notification, user: User, clock: Clock, version: int, server: str) -> Fields:
    """Return every key that «Send All» writes, the noise included."""
    still = still_fields(told.session.device, user, version, server)
    return {**moving_fields(told, clock, version), **still, **item_fields(told.item, version)}


def moving_fields(told: Notification, clock: Clock, version: int) -> Fields:
    """Return the keys that differ from one notification of a playback to the next."""
    position = told.position or 0.0
    fields: Fields = {
        "NotificationType": told.kind,
        "Timestamp": Moment(clock.local_text(told.at)),
        "UtcTimestamp": Moment(clock.text(told.at)),
        "PlaybackPositionTicks": round(position * PER_SECOND),
        "PlaybackPosition": _clock_face(position),
        "IsPaused": told.paused,
        "IsAutomated": told.automated,
    }
    if told.completed is not None:
        fields["PlayedToCompletion"] = told.completed
    elif version >= WITH_PLAY_METHOD:
        fields["PlayMethod"] = "DirectPlay"
    if version >= WITH_SESSION:
        fields["LastActivityDate"] = Moment(clock.text(told.session.activity(told.at)))
        fields["LastPlaybackCheckIn"] = Moment(clock.text(told.session.last_check_in))
    return fields


def still_fields(device: Device, user: User, version: int, server: str) -> Fields:
    """Return the keys about the server, the session and the user. DeviceName is escaped where the session tells it."""
    fields: Fields = {
        "ServerId": SERVER_ID,
        "ServerName": escaped(SERVER_NAME),
        "ServerVersion": server,
        "ServerUrl": "",
        "DeviceId": device.device_id,
        "DeviceName": device.name,
        "ClientName": device.client,
        "NotificationUsername": user.name,
        "UserId": Guid(user.id),
    }
    if version >= WITH_SESSION:
        fields |= {
            "Id": device.session_id,
            "Client": escaped(device.client),
            "DeviceName": escaped(device.name),
            "RemoteEndPoint": "192.0.2.17",
        }
    return fields


def item_fields(item: Item, version: int) -> Fields:
    """Return what the plugin tells of *item*: the same in each of its notifications."""
    fields: Fields = {
        "Name": escaped(item.name),
        "Overview": escaped('A plot told in two lines,\nwith "quotes" & more.'),
        "Tagline": "",
        "ItemId": Guid(item.id),
        "ItemType": "Movie" if item.series is None else "Episode",
        "RunTimeTicks": round((item.known_runtime or 0.0) * PER_SECOND),
        "RunTime": _clock_face(item.known_runtime or 0.0),
        "Year": item.year,
        "Genres": "Drama, Comedy",
        "MediaSourceId": item.id,
    }
    if version >= WITH_SERIES_ID:
        fields["PremiereDate"] = f"{item.year}-03-02"
    if item.series is not None:
        fields |= _episode_fields(item, version)
    fields |= {f"Provider_{name.lower()}": value for name, value in item.providers}
    return {**fields, **_NOISE}


def _episode_fields(item: Item, version: int) -> Fields:
    fields: Fields = {}
    if item.series is None:
        return fields
    fields["SeriesName"] = escaped(item.series.name)
    if version >= WITH_SERIES_ID:
        fields["SeriesId"] = Guid(item.series.id)
        fields["SeriesPremiereDate"] = f"{item.series.year}-01-15"
    for word, number in (("Season", item.season), ("Episode", item.episode)):
        if number is not None:
            fields |= {f"{word}Number": number, f"{word}Number00": f"{number:02d}", f"{word}Number000": f"{number:03d}"}
    return {**fields, "AirTime": ""}


_NOISE: Fields = {
    "Video_0_Title": "1080p H264 SDR",
    "Video_0_Type": "Video",
    "Video_0_Language": None,
    "Video_0_Codec": "h264",
    "Video_0_Profile": "High",
    "Video_0_Level": 40.0,
    "Video_0_Height": 1080,
    "Video_0_Width": 1920,
    "Video_0_AspectRatio": "16:9",
    "Video_0_Interlaced": False,
    "Video_0_FrameRate": 23.976,
    "Video_0_VideoRange": "SDR",
    "Video_0_ColorSpace": None,
    "Video_0_PixelFormat": "yuv420p",
    "Video_0_RefFrames": 1,
    "Audio_0_Title": "Français - AC3 - 5.1 + Default",
    "Audio_0_Type": "Audio",
    "Audio_0_Language": "fre",
    "Audio_0_Codec": "ac3",
    "Audio_0_Channels": 6,
    "Audio_0_Bitrate": 640000,
    "Audio_0_SampleRate": 48000,
    "Audio_0_Default": True,
    "Subtitle_0_Title": "English - SUBRIP",
    "Subtitle_0_Type": "Subtitle",
    "Subtitle_0_Language": "eng",
    "Subtitle_0_Codec": "subrip",
    "Subtitle_0_Default": False,
    "Subtitle_0_Forced": False,
    "Subtitle_0_External": True,
}


def escaped(text: str) -> str:
    """Return *text* as the plugin's Escape() leaves it: written as JSON again, its backslashes stay (facts A3)."""
    return text.replace('"', '\\"')


def _clock_face(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours % 24:02d}:{minute:02d}:{second:02d}"


def _moving_text(told: Notification, clock: Clock, version: int) -> str:
    """Return `moving_fields` as JSON pairs, written by hand: this is most of the work of an evening."""
    position = told.position or 0.0
    text = (
        f'"NotificationType":"{told.kind}","Timestamp":"{json_moment(clock.local_text(told.at))}",'
        f'"UtcTimestamp":"{clock.json_text(told.at)}","PlaybackPositionTicks":{round(position * PER_SECOND)},'
        f'"PlaybackPosition":"{_clock_face(position)}","IsPaused":{_BOOL[told.paused]},"IsAutomated":{_BOOL[told.automated]}'
    )
    if told.completed is not None:
        text += f',"PlayedToCompletion":{_BOOL[told.completed]}'
    elif version >= WITH_PLAY_METHOD:
        text += ',"PlayMethod":"DirectPlay"'
    if version < WITH_SESSION:
        return text
    activity, check_in = told.session.activity(told.at), told.session.last_check_in
    return (
        f'{text},"LastActivityDate":"{clock.json_text(activity)}","LastPlaybackCheckIn":"{clock.json_text(check_in)}"'
    )


_BOOL = {True: "true", False: "false"}


@lru_cache(maxsize=1024)
def _still_text(device: Device, user: User, version: int, server: str) -> str:
    return pairs(still_fields(device, user, version, server))


@lru_cache(maxsize=1024)
def _item_text(item: Item, version: int) -> str:
    return pairs(item_fields(item, version))
