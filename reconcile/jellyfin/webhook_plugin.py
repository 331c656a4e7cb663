"""What the Webhook plugin is set up to send, and where to (facts G)."""

from __future__ import annotations

import msgspec

from reconcile.errors import JellyfinUnreadable

NEEDED = frozenset({"PlaybackStart", "PlaybackProgress", "PlaybackStop"})
"""The notifications without which it is blind."""

TOKEN_HEADERS = frozenset({"authorization", "x-playledger-token"})


class Header(msgspec.Struct, frozen=True, rename="pascal"):
    """A header that a destination sends."""

    key: str | None = None
    value: str | None = None


class Destination(msgspec.Struct, frozen=True, rename="pascal"):
    """One generic destination, as far as it matters to us."""

    webhook_uri: str | None = None
    webhook_name: str | None = None
    notification_types: list[str] | None = None
    enable_webhook: bool = True
    enable_movies: bool = False
    enable_episodes: bool = False
    send_all_properties: bool = False
    template: str | None = None
    user_filter: list[str] | None = None
    headers: list[Header] | None = None

    @property
    def missing(self) -> frozenset[str]:
        """The notifications that it does not send and we need."""
        return NEEDED - set(self.notification_types or ())

    @property
    def is_blank(self) -> bool:
        """Whether its body would be empty: neither all properties nor a template."""
        return not self.send_all_properties and not self.template

    @property
    def token(self) -> str | None:
        """The token that it presents in a header, None if there is none."""
        for header in self.headers or ():
            if (header.key or "").strip().lower() in TOKEN_HEADERS and header.value:
                return header.value.strip().removeprefix("Bearer ").strip()
        return None


class _Configuration(msgspec.Struct, frozen=True, rename="pascal"):
    generic_options: list[Destination] | None = None
    generic_form_options: list[Destination] | None = None


def destinations(body: bytes) -> tuple[Destination, ...]:
    """Return the generic destinations in the plugin's configuration. Raises JellyfinUnreadable."""
    try:
        told = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"), type=_Configuration)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise JellyfinUnreadable("The Webhook plugin's configuration could not be read.") from error
    return (*(told.generic_options or ()), *(told.generic_form_options or ()))
