"""From the bytes that the Webhook plugin sent to the fields that we use, whatever form its admin chose for them."""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import get_args
from urllib.parse import parse_qsl

import msgspec
from msgspec import field

from receiver.notification_repair import parsed, place_of, repaired
from receiver.notification_text import number_of, text_of, tidied, truth_of, unescaped
from reconcile.playback.check_in import Rejected


class Notification(msgspec.Struct, frozen=True, rename="pascal", gc=False):
    """The fields of a notification that we use, as the plugin spells them (facts A2); None where one was not sent.

    Timestamps are still .NET's text, positions and runtimes still ticks: `receiver.notification` gives them meaning.
    """

    notification_type: str
    server_id: str | None = None
    server_name: str | None = None
    server_version: str | None = None
    utc_timestamp: str | None = None
    user_id: str | None = None
    user_name: str | None = field(name="NotificationUsername", default=None)
    item_id: str | None = None
    item_type: str | None = None
    name: str | None = None
    year: int | None = None
    run_time_ticks: int | None = None
    series_id: str | None = None
    series_name: str | None = None
    season_number: int | None = None
    episode_number: int | None = None
    episode_number_end: int | None = None
    tmdb_id: str | None = field(name="Provider_tmdb", default=None)
    tvdb_id: str | None = field(name="Provider_tvdb", default=None)
    imdb_id: str | None = field(name="Provider_imdb", default=None)
    pre_roll: str | None = field(name="Provider_prerolls.video", default=None)
    extra_type: str | None = None
    session_id: str | None = field(name="Id", default=None)
    client_name: str | None = None
    client: str | None = None
    device_id: str | None = None
    device_name: str | None = None
    position_ticks: int | None = field(name="PlaybackPositionTicks", default=None)
    is_paused: bool | None = None
    is_automated: bool | None = None
    played_to_completion: bool | None = None
    last_activity: str | None = field(name="LastActivityDate", default=None)
    last_check_in: str | None = field(name="LastPlaybackCheckIn", default=None)
    save_reason: str | None = None
    played: bool | None = None

    @property
    def is_manual_mark(self) -> bool:
        """Whether somebody marked the item as played or not played by hand (facts D2)."""
        return self.notification_type == "UserDataSaved" and self.save_reason == "TogglePlayed"


class _Spelling(msgspec.Struct, frozen=True):
    """How one field is called here, by the plugin, and in lower case, and what it holds."""

    ours: str
    exact: str
    lowered: str
    holds: type


def _held(annotation: type | UnionType) -> type:
    (held, *_none) = get_args(annotation) or (annotation,)
    return held if isinstance(held, type) else str


_SPELLINGS = tuple(
    _Spelling(known.name, known.encode_name, known.encode_name.lower(), _held(known.type))
    for known in msgspec.structs.fields(Notification)
)
_IDS = ("ItemId", "UserId", "SeriesId")
_STRANGERS = ("IsPaused", "IsAutomated", "PlayedToCompletion", "Played", "PlaybackPositionTicks", "RunTimeTicks")
_PLAYBACK = frozenset({"PlaybackStart", "PlaybackProgress", "PlaybackStop"})

_NAMES = (
    "None ItemAdded Generic PlaybackStart PlaybackProgress PlaybackStop SubtitleDownloadFailure "
    "AuthenticationFailure AuthenticationSuccess SessionStart PendingRestart TaskCompleted "
    "PluginInstallationCancelled PluginInstallationFailed PluginInstalled PluginInstalling PluginUninstalled "
    "PluginUpdated UserCreated UserDeleted UserLockedOut UserPasswordChanged UserUpdated UserDataSaved ItemDeleted"
)

TYPES = {name.lower(): name for name in _NAMES.split()}
"""Every type of notification that the plugin knows (facts A1), by its name in lower case."""


_MARK = b"\xef\xbb\xbf"
_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 10_000
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_ordinary = msgspec.json.Decoder(Notification)


def notification_of(body: bytes, content_type: str | None = None) -> Notification | Rejected:
    """Return what *body* says: JSON whatever its content type claims (facts A5), or a form. Never raises.

    An ordinary «Send All» body of a playback is decoded straight into the struct; all others key by key.
    """
    try:
        told = _ordinary.decode(body)
    except _UNREADABLE:
        return _read_slowly(body, content_type)
    if not _is_send_all(told) or _spells_otherwise(told, body):
        return _read_slowly(body, content_type)
    return _without_escapes(told) if _has_escapes(told, body) else told


def _is_send_all(told: Notification) -> bool:
    """Say whether *told* has all that the plugin (16 and later) always sends, in the spelling of «Send All»."""
    return (
        told.notification_type in _PLAYBACK
        and told.session_id is not None
        and told.last_check_in is not None
        and told.utc_timestamp is not None
        and told.last_activity is not None
        and told.name is not None
        and told.device_name is not None
        and told.user_name is not None
        and told.server_name is not None
        and told.server_version is not None
        and told.is_automated is not None
        and told.is_paused is not None
        and told.position_ticks is not None
        and told.run_time_ticks is not None
        and bool(told.server_id and told.item_type and told.device_id and told.client_name)
        and (told.played_to_completion is not None or told.notification_type != "PlaybackStop")
        and _is_bare(told.item_id)
        and _is_bare(told.user_id)
    )


def _is_bare(guid: str | None) -> bool:
    return guid is not None and len(guid) == 32 and "-" not in guid  # noqa: PLR2004 - hexadecimal digits of a Guid


def _spells_otherwise(told: Notification, body: bytes) -> bool:
    """Say whether a key that «Send All» may leave out is there after all, in another case: read it key by key then."""
    missing = [
        key
        for key, value in (
            (b"provider_tmdb", told.tmdb_id),
            (b"provider_tvdb", told.tvdb_id),
            (b"provider_imdb", told.imdb_id),
        )
        if value is None
    ]
    if told.item_type == "Movie":
        missing += [b'"year"'] if told.year is None else []
    elif (
        told.series_id is None or told.series_name is None or told.season_number is None or told.episode_number is None
    ):
        missing += [b'"seriesid"', b'"seriesname"', b'"seasonnumber"', b'"episodenumber"']
    if not missing:
        return False
    lowered = body.lower()
    return any(key in lowered for key in missing)


def _has_escapes(told: Notification, body: bytes) -> bool:
    texts = f"{told.name}{told.series_name}{told.device_name}{told.client_name}{told.server_name}{told.user_name}"
    return "\\" in texts or b"\\u0000" in body


def _without_escapes(told: Notification) -> Notification:
    texts = {ours: value for ours, value in msgspec.structs.asdict(told).items() if isinstance(value, str)}
    return msgspec.structs.replace(told, **{ours: tidied(value) for ours, value in texts.items()})


def _read_slowly(body: bytes, content_type: str | None) -> Notification | Rejected:
    try:
        text = body.removeprefix(_MARK).decode()
    except UnicodeDecodeError as error:
        before = body[: error.start].decode(errors="replace")
        return Rejected("not UTF-8", place_of(before, len(before)))
    if _is_form(content_type) and not text.lstrip().startswith("{"):
        return _from_form(text)
    try:
        told = msgspec.json.decode(text)
    except _UNREADABLE:
        mended = repaired(text)
        return _from_json(parsed(mended), is_mended=mended != text)
    return _from_json(told, is_mended=False)


def _is_form(content_type: str | None) -> bool:
    return content_type is not None and content_type.partition(";")[0].strip().lower() == _FORM


def _from_form(text: str) -> Notification | Rejected:
    try:
        pairs = parse_qsl(text.strip(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except UnicodeDecodeError:
        return Rejected("a form, but not UTF-8")
    except ValueError:
        return Rejected("a form with too many fields")
    told = dict(pairs)
    return _gathered(told, is_template=_has_dashes(told))


def _from_json(told: object, *, is_mended: bool) -> Notification | Rejected:
    if isinstance(told, Rejected):
        return told
    if not isinstance(told, dict):
        return Rejected(f"not a JSON object but {_called(told)}")
    return _gathered(told, is_template=is_mended or _has_dashes(told) or _has_quoted_values(told))


def _called(told: object) -> str:
    names = {list: "a list", str: "a text", bool: "a truth", int: "a number", float: "a number"}
    return names.get(type(told), "null")


def _has_dashes(told: Mapping[str, object]) -> bool:
    """Say whether ids stand dashed, as only templates print them (facts A4)."""
    return any("-" in value for key in _IDS if isinstance(value := _value(told, key), str))


def _has_quoted_values(told: Mapping[str, object]) -> bool:
    """Say whether truths or numbers stand in quotes, as in JSON only templates have them (a form always has)."""
    return any(isinstance(_value(told, key), str) for key in _STRANGERS)


def _value(told: Mapping[str, object], key: str) -> object:
    if key in told:
        return told[key]
    lowered = key.lower()
    return next((value for other, value in told.items() if other.lower() == lowered), None)


def _gathered(told: Mapping[str, object], *, is_template: bool) -> Notification | Rejected:
    """Return the fields of *told*, keys in any case, values in any spelling; text un-escaped where a template wrote it.

    «Send All» does not encode HTML, so there an ``&amp;`` in a title is meant (facts A3, A4).
    """
    lowered = {key.lower(): value for key, value in told.items()}
    found: dict[str, str | int | bool | None] = {}
    for spelling in _SPELLINGS:
        value = told[spelling.exact] if spelling.exact in told else lowered.get(spelling.lowered)
        if spelling.holds is bool:
            found[spelling.exact] = truth_of(value)
        elif spelling.holds is int:
            found[spelling.exact] = number_of(value)
        else:
            text = text_of(value)
            found[spelling.exact] = text and tidied(unescaped(text.strip()) if is_template else text)
    named = found["NotificationType"]
    if not isinstance(named, str) or not named:
        return Rejected("NotificationType is missing")
    found["NotificationType"] = TYPES.get(named.lower(), named)
    return msgspec.convert(found, Notification)
