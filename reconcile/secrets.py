"""Secrets: tokens that are made here, their fingerprints, and keys that must be sent and so are kept encrypted."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from reconcile.errors import SecretUnreadable, SettingRefused

_KEY_FILE = "secret.key"
_NONCE_BYTES = 12


def new_token() -> str:
    """Return a random token: 256 bits, 43 characters that need no escaping in URLs."""
    return secrets.token_urlsafe(32)


def fingerprint(token: str) -> str:
    """Return what is kept of a random token: its SHA-256 in hex (random, so no slow hash is needed)."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_same(given: str, expected: str) -> bool:
    """Compare two secrets in a time that tells nothing of where they differ, nor of their lengths."""
    return hmac.compare_digest(hashlib.sha256(given.encode()).digest(), hashlib.sha256(expected.encode()).digest())


def kept_secret(path: Path) -> str:
    """Return the secret in the file *path*, which is made with mode 0600 if it is not there yet.

    Raises SettingRefused when the file is empty, cannot be read, or cannot be made.
    """
    try:
        _write_once(path, new_token())
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingRefused(f"The secret in {path} cannot be read or made: {error}.") from error
    if not text:
        raise SettingRefused(f"{path} is empty: delete it, and a new secret is made at the next start.")
    return text


def _write_once(path: Path, text: str) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(handle)


class Safe:
    """Encrypts what must be sent again (Jellyfin's and Seerr's keys): AES-256-GCM, the nonce stands in front."""

    def __init__(self, key: str) -> None:
        secret = hashlib.sha256(key.encode()).digest()
        self._cipher = AESGCM(secret)
        self._hash_key = hmac.digest(secret, b"hashes", "sha256")

    @classmethod
    def of_folder(cls, data_dir: Path) -> Safe:
        """Return the safe whose key is kept in *data_dir*, made at first use with mode 0600."""
        return cls(kept_secret(data_dir / _KEY_FILE))

    def hashed(self, text: str) -> str:
        """Return what *text* can be recognised by, but not read from: HMAC-SHA256 in hex, keyed with the safe's key."""
        return hmac.new(self._hash_key, text.encode(), "sha256").hexdigest()

    def encrypted(self, text: str, purpose: str) -> bytes:
        """Return *text* encrypted; only the same *purpose* («server/<id>») reads it again."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode(), purpose.encode())

    def decrypted(self, sealed: bytes, purpose: str) -> str:
        """Return what was encrypted for *purpose*. Raises SecretUnreadable if the key file is another one."""
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode())
        except (InvalidTag, ValueError) as error:
            raise SecretUnreadable(
                f"The key kept for {purpose} needs another {_KEY_FILE}: put that file back, or enter it again."
            ) from error
        return plain.decode()
