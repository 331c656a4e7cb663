"""What must be secret is compared, kept and encrypted so that it stays so."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from reconcile.errors import SecretUnreadable, SettingRefused
from reconcile.secrets import Safe, fingerprint, is_same, kept_secret, new_token

KEY, OTHER = new_token(), new_token()


def test_two_tokens_are_never_the_same_and_their_fingerprints_do_not_tell_them() -> None:
    one, other = new_token(), new_token()

    assert one != other
    assert len(fingerprint(one)) == 64
    assert fingerprint(one) == fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize(
    ("given", "same"),
    [("a-token-of-the-house", True), ("a-token-of-the-home", False), ("", False), ("tökén", False)],
    ids=["same", "another", "none", "not ASCII"],
)
def test_a_token_is_compared_whatever_was_given(given: str, same: bool) -> None:
    assert is_same(given, "a-token-of-the-house") is same


def test_a_key_comes_out_of_the_safe_as_it_went_in_and_is_not_seen_in_it(tmp_path: Path) -> None:
    sealed = Safe.of_folder(tmp_path).encrypted("the key of Jellyfin", "server/den")

    assert b"Jellyfin" not in sealed
    assert Safe.of_folder(tmp_path).decrypted(sealed, "server/den") == "the key of Jellyfin"
    assert sealed != Safe.of_folder(tmp_path).encrypted("the key of Jellyfin", "server/den")


def test_the_key_of_the_safe_is_its_owners_alone(tmp_path: Path) -> None:
    Safe.of_folder(tmp_path)

    (file,) = tmp_path.iterdir()

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("key", "purpose", "length"),
    [(OTHER, "server/den", None), (KEY, "server/loft", None), (KEY, "server/den", 5), (KEY, "server/den", -1)],
    ids=["other key", "other purpose", "hardly begun", "cut short"],
)
def test_what_was_sealed_otherwise_is_not_read(key: str, purpose: str, length: int | None) -> None:
    sealed = Safe(KEY).encrypted("the key of Jellyfin", "server/den")

    with pytest.raises(SecretUnreadable, match=r"secret\.key"):
        Safe(key).decrypted(sealed[:length], purpose)


def test_a_secret_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingRefused, match="cannot be read or made"):
        kept_secret(tmp_path / "nowhere" / "token")
