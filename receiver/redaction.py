"""Taking who it was out of bodies that could not be read: what is kept as an example is to be mended, not to be told.

Such bodies cannot be parsed, so users are found by the names of their keys, in JSON, in templates and in forms.
"""

from __future__ import annotations

import re

from reconcile.playback.identity import normalised_id

_KEYS = rb"NotificationUsername|UserName|UserId|User|RemoteEndPoint|DeviceName|DeviceId"
_VALUE = rb"(\"(?:[^\"\\\n]|\\.)*\"?|[^\s,}\"]+)"
_QUOTED = re.compile(rb"(\"(?:" + _KEYS + rb")\"\s*:\s*)" + _VALUE, re.IGNORECASE)
_BARE = re.compile(rb"((?:^|[{,])\s*(?:" + _KEYS + rb")\s*:\s*)" + _VALUE, re.IGNORECASE | re.MULTILINE)
_FORM = re.compile(rb"((?:^|&)(?:" + _KEYS + rb")=)([^&]*)", re.IGNORECASE)
_ID = r"[\"']?\s*[:=]\s*[\"']?\s*([0-9a-fA-F-]{32,36})"
_USER = re.compile(("UserId" + _ID).encode(), re.IGNORECASE)
_SERVER = re.compile(("ServerId" + _ID).encode(), re.IGNORECASE)

_GONE = rb'\1"(redacted)"'


def redacted(body: bytes) -> bytes:
    """Return *body* without the users, devices and addresses that can be found in it."""
    for pattern in (_QUOTED, _BARE):
        body = pattern.sub(_GONE, body)
    return _FORM.sub(rb"\1(redacted)", body)


def user_in(body: bytes) -> str | None:
    """Return the user's id in a body that could not be read, None where none can be found."""
    return _found(_USER, body)


def server_in(body: bytes) -> str | None:
    """Return the server's id in a body that could not be read, None where none can be found."""
    return _found(_SERVER, body)


def _found(pattern: re.Pattern[bytes], body: bytes) -> str | None:
    found = pattern.search(body)
    return None if found is None else normalised_id(found.group(1).decode("ascii"))
