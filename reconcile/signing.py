"""Signing what is sent, after the Standard Webhooks specification: the reader can tell that it came from here.

The signed text is ``id.timestamp.body``; the key is what stands in base64 after ``whsec_``; the signature is its
HMAC-SHA256 in base64 after ``v1,``. The timestamp is the attempt's, so that an old request cannot be played again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from datetime import datetime

PREFIX = "whsec_"
"""How a secret begins, so that one can tell what it is."""

_KEY_BYTES = 32
_SHORTEST, _LONGEST = 24, 64


def new_secret() -> str:
    """Return a random secret: 256 bits."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def checked_secret(text: str) -> str:
    """Return *text* if it is a secret. Raises ValueError saying what is needed."""
    _key(text)
    return text


def headers(secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the three headers that go with *body*, sent *at* that instant. Raises ValueError for a bad secret."""
    seconds = str(int(at.timestamp()))
    signed = b".".join((message_id.encode(), seconds.encode(), body))
    signature = base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()
    return {"webhook-id": message_id, "webhook-timestamp": seconds, "webhook-signature": f"v1,{signature}"}


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not _SHORTEST <= len(key) <= _LONGEST:
        raise ValueError(f"{PREFIX} and {_SHORTEST} to {_LONGEST} random bytes in base64 are needed")
    return key
