"""Our own destination in the Webhook plugin's configuration: put in and taken out, with nothing else touched.

The configuration is written as a whole (facts G), so what is not ours is kept as the bytes that came: unknown keys,
their order and the spelling of numbers survive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from reconcile.errors import JellyfinUnreadable
from reconcile.jellyfin.webhook_plugin import MARKS, TOKEN_HEADER, Destination, Knows

NAME = "Playledger"
_GENERIC = "GenericOptions"
_UNREADABLE = "The Webhook plugin's configuration could not be read."

IsOurs = Callable[[Destination], bool]


class Entry(msgspec.Struct, frozen=True):
    """Our destination: where to, with which token, and whether it tells of marks by hand too."""

    url: str
    token: str
    with_marks: bool = False

    def __repr__(self) -> str:
        """Return it fit for logs."""
        return f"Entry({self.url!r})"

    def keys(self) -> dict[str, object]:
        """Return it in the plugin's words (``BaseOption.cs``, ``GenericOption.cs``)."""
        return {
            "NotificationTypes": ["PlaybackStart", "PlaybackProgress", "PlaybackStop", *([MARKS] * self.with_marks)],
            "WebhookName": NAME,
            "WebhookUri": self.url,
            "EnableMovies": True,
            "EnableEpisodes": True,
            "EnableSeries": False,
            "EnableSeasons": False,
            "EnableAlbums": False,
            "EnableSongs": False,
            "EnableVideos": True,
            "SendAllProperties": True,
            "TrimWhitespace": False,
            "SkipEmptyMessageBody": False,
            "EnableWebhook": True,
            # Bare: with a charset the plugin would throw, and send nothing (facts A5).
            "Headers": [
                {"Key": "Content-Type", "Value": "application/json"},
                {"Key": TOKEN_HEADER, "Value": self.token},
            ],
        }


_AT_FIRST: dict[str, object] = {"Template": None, "UserFilter": [], "Fields": []}
"""What a new entry has besides; in one that is replaced these stay as they are."""


def ours(url: str, knows: Knows) -> IsOurs:
    """Return what recognises our entry: our name and path, and a token of ours or the very address that we would set.

    Another Playledger's has another address and a token that is not ours: it is left alone.
    """

    def is_ours(destination: Destination) -> bool:
        if destination.webhook_name != NAME or not destination.points_at_us:
            return False
        return destination.webhook_uri == url or (destination.token is not None and knows(destination.token))

    return is_ours


def added(body: bytes, entry: Entry, is_ours: IsOurs) -> bytes:
    """Return the configuration *body* with *entry* in the place of the first that is ours, else at the end.

    Others of ours are dropped: each would tell us everything once more. Raises JellyfinUnreadable.
    """
    told, generic = _read(body)
    kept: list[msgspec.Raw] = []
    is_in = False
    for raw in generic:
        if not is_ours(_destination(raw)):
            kept.append(raw)
        elif not is_in:
            kept.append(_raw(_object(raw) | entry.keys()))
            is_in = True
    if not is_in:
        kept.append(_raw(entry.keys() | _AT_FIRST))
    return msgspec.json.encode({**told, _GENERIC: kept})


def removed(body: bytes, is_ours: IsOurs) -> bytes:
    """Return the configuration *body* without what is ours. Raises JellyfinUnreadable."""
    told, generic = _read(body)
    rest = [raw for raw in generic if not is_ours(_destination(raw))]
    return body if len(rest) == len(generic) else msgspec.json.encode({**told, _GENERIC: rest})


def own(body: bytes, is_ours: IsOurs) -> tuple[Destination, ...]:
    """Return the entries that are ours. Raises JellyfinUnreadable."""
    return tuple(each for each in map(_destination, _read(body)[1]) if is_ours(each))


def is_kept(wanted: bytes, found: bytes, is_ours: IsOurs) -> bool:
    """Say whether *found*, read back, is what was written: all else identical, and ours with all that we set.

    The plugin may add to ours what we did not name, and drop what its version does not know. Raises JellyfinUnreadable.
    """
    try:
        if msgspec.json.decode(removed(wanted, is_ours)) != msgspec.json.decode(removed(found, is_ours)):
            return False
        before, after = _own(wanted, is_ours), _own(found, is_ours)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise JellyfinUnreadable(_UNREADABLE) from error
    return len(before) == len(after) and all(map(_says_the_same, before, after))


_ESSENTIAL = frozenset(
    {"NotificationTypes", "WebhookUri", "EnableMovies", "EnableEpisodes", "SendAllProperties", "Headers"}
)


def _says_the_same(wanted: dict[str, Any], found: dict[str, Any]) -> bool:
    return found.keys() >= _ESSENTIAL and all(wanted[key] == found[key] for key in wanted.keys() & found.keys())


def _own(body: bytes, is_ours: IsOurs) -> list[dict[str, Any]]:
    return [msgspec.json.decode(raw) for raw in _read(body)[1] if is_ours(_destination(raw))]


def _read(body: bytes) -> tuple[dict[str, msgspec.Raw], list[msgspec.Raw]]:
    """Return the configuration and its generic destinations; the rest stays as it was spelt."""
    try:
        told = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"), type=dict[str, msgspec.Raw])
        generic = msgspec.json.decode(told.get(_GENERIC, b"null"), type=list[msgspec.Raw] | None)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise JellyfinUnreadable(_UNREADABLE) from error
    return told, generic or []


def _destination(raw: msgspec.Raw) -> Destination:
    try:
        return msgspec.json.decode(raw, type=Destination)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Destination()  # what cannot be read is not ours


def _object(raw: msgspec.Raw) -> dict[str, Any]:
    return msgspec.json.decode(raw, type=dict[str, msgspec.Raw])


def _raw(keys: dict[str, Any]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(keys))
