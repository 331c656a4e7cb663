"""Jellyfin's ids, as every channel spells them."""

import hashlib
import re
import uuid

NOBODY = "0" * 32
"""The user id of a session without a user."""

_HEX = re.compile(r"[0-9a-f]{32}")


def normalised_id(text: str) -> str:
    """Return *text* in lower case without dashes: «Send All» sends ids so, templates send them dashed."""
    return text.strip().strip("{}").replace("-", "").lower()


def is_guid(text: str) -> bool:
    """Say whether a normalised id is 32 hexadecimal digits."""
    return _HEX.fullmatch(text) is not None


def session_id(client: str, device_id: str) -> str:
    """Return the id that Jellyfin gives the session of *client* on *device_id*.

    It is the MD5 of the UTF-16LE bytes of both, shown as a .NET Guid (SessionManager.GetSessionKey and
    BaseExtensions.GetMD5, the same from 10.8 to 12.0). Needed for Webhook plugins before 16, which do not send it.
    """
    digest = hashlib.md5((client + device_id).encode("utf-16-le"), usedforsecurity=False).digest()
    return uuid.UUID(bytes_le=digest).hex
