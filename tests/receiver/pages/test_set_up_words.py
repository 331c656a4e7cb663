"""What does not work, in words; and how somebody's address becomes one that can be asked."""

from __future__ import annotations

import pytest

from receiver.pages.set_up.words import our_address, reach_hints, with_scheme, wrong
from reconcile.errors import JellyfinRefused, JellyfinUnreachable, PlayledgerError

EVERYWHERE = "0.0.0.0"  # noqa: S104 - said, not bound to


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("jellyfin:8096", "http://jellyfin:8096"),
        (" 192.0.2.7:8096/base ", "http://192.0.2.7:8096/base"),
        ("https://jellyfin.example", "https://jellyfin.example"),
        ("", ""),
    ],
)
def test_an_address_may_be_typed_without_its_scheme(typed: str, meant: str) -> None:
    assert with_scheme(typed) == meant


@pytest.mark.parametrize(
    ("address", "jellyfin", "listens_on", "said"),
    [
        ("http://localhost:8484", "http://localhost:8096", "127.0.0.1", ["Right if Jellyfin runs on this very"]),
        ("http://localhost:8484", "http://jellyfin:8096", EVERYWHERE, ["Jellyfin is at jellyfin"]),
        ("http://192.0.2.7:8484", "http://jellyfin:8096", "127.0.0.1", ["This program listens on 127.0.0.1 only"]),
        ("http://192.0.2.7:8484", "http://jellyfin:8096", EVERYWHERE, []),
        ("https://watched.example", "http://localhost:8096", "127.0.0.1", []),
    ],
    ids=["both here", "Jellyfin elsewhere", "we listen here only", "nothing amiss", "behind a proxy"],
)
def test_what_may_keep_jellyfin_from_reaching_us_is_said(
    address: str, jellyfin: str, listens_on: str, said: list[str]
) -> None:
    found = reach_hints(address, jellyfin, listens_on)

    assert len(found) == len(said)
    assert all(begins in text for begins, text in zip(said, found, strict=True))


def test_our_address_is_what_the_browser_used() -> None:
    assert our_address("watched.example", is_tls=True) == "https://watched.example"


@pytest.mark.parametrize(
    "error", [JellyfinUnreachable("no"), JellyfinRefused("no"), TimeoutError()], ids=["away", "refused", "slow"]
)
def test_what_is_secret_in_an_address_is_not_repeated(error: PlayledgerError | TimeoutError) -> None:
    found = wrong(error, "http://me:secret@jellyfin:8096?key=secret")

    assert "secret" not in f"{found}"
