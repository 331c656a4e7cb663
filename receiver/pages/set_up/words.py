"""What does not work, in words: what happened, what to do, and what was said exactly. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from reconcile.errors import (
    AdministratorNeeded,
    JellyfinRefused,
    JellyfinUnreachable,
    JellyfinUnreadable,
    PlayledgerError,
    PluginOverwritten,
    PluginUnready,
    SettingRefused,
    SignInBarred,
    SignInRefused,
)
from reconcile.jellyfin.asking import redacted

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - recognised, not bound to

_PLAIN = (SignInRefused, SignInBarred, AdministratorNeeded, PluginUnready, PluginOverwritten, SettingRefused)
"""Errors whose message says all."""


class Wrong(msgspec.Struct, frozen=True):
    """*what* does not work, what to *do*, and the *detail* for whoever looks closer."""

    what: str
    do: str = ""
    detail: str = ""


def wrong(error: PlayledgerError | TimeoutError, url: str) -> Wrong:
    """Return what *error*, at a Jellyfin that is asked at *url*, means."""
    where = redacted(url)
    if isinstance(error, _PLAIN):
        return Wrong(str(error))
    if isinstance(error, TimeoutError):
        return Wrong(f"{where} took too long to answer.", "See whether Jellyfin is up and not busy, and try again.")
    if isinstance(error, JellyfinUnreachable):
        if "http://host" in str(error) or "user name in it" in str(error):
            return Wrong(str(error))
        return Wrong(f"No Jellyfin answers at {where}.", _reach(where), str(error))
    if isinstance(error, JellyfinRefused):
        return Wrong(
            f"Jellyfin at {where} refuses the key.",
            "Copy it again, or make one under Dashboard › API Keys.",
            str(error),
        )
    if isinstance(error, JellyfinUnreadable):
        do = "Give the address at which Jellyfin itself answers, with its base path if it has one."
        return Wrong(f"Something answers at {where}, but it does not speak as Jellyfin does.", do, str(error))
    return Wrong(str(error))


def _reach(url: str) -> str:
    if urlsplit(url).hostname in LOOPBACK:
        return (
            "In a container, localhost is the container itself: give the name of Jellyfin's container, such as "
            "http://jellyfin:8096, or the address of its machine."
        )
    return "It has to be the address as this program reaches it, such as http://jellyfin:8096. Is Jellyfin up?"


def with_scheme(url: str) -> str:
    """Return the address of a server as somebody types it, with a scheme."""
    told = url.strip()
    return told if not told or "://" in told else f"http://{told}"


def our_address(host: str, *, is_tls: bool) -> str:
    """Return our address as the browser reaches it, by the request's *host* header."""
    return f"{'https' if is_tls else 'http'}://{host}"


def reach_hints(address: str, jellyfin: str | None, listens_on: str) -> tuple[str, ...]:
    """Return what may keep the Jellyfin at *jellyfin* from reaching us at *address*; *listens_on*: our own setting."""
    is_near = jellyfin is None or urlsplit(jellyfin).hostname in LOOPBACK
    found = []
    if urlsplit(address).hostname in LOOPBACK:
        if is_near:
            found.append(
                "Right if Jellyfin runs on this very machine. In a container, localhost would be the container itself: "
                "then give this machine's address, or the name of our container, such as http://playledger:8484."
            )
        else:
            found.append(
                f"Jellyfin is at {urlsplit(jellyfin or '').hostname}, and localhost would be that machine, or that "
                "container, itself: give this machine's address, or the name of our container, such as "
                "http://playledger:8484."
            )
    if listens_on in LOOPBACK - {"0.0.0.0"} and not is_near:  # noqa: S104
        found.append(
            f"This program listens on {listens_on} only, where no other machine reaches it: set PLAYLEDGER_HOST to "
            "0.0.0.0, or put a reverse proxy before it."
        )
    return tuple(found)
