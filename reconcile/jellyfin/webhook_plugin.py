"""What the Webhook plugin is, what it is set up to send, and where to (facts A, G)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from urllib.parse import parse_qs, urlsplit

import msgspec

from reconcile.errors import JellyfinUnreadable
from reconcile.jellyfin.catalogue import WEBHOOK_PLUGIN, Plugin

NAME = "Webhook"
"""What the server's repositories call it."""

NEEDED = frozenset({"PlaybackStart", "PlaybackProgress", "PlaybackStop"})
"""The notifications without which it is blind."""

MARKS = "UserDataSaved"
"""The notification of marks by hand."""

TOKEN_HEADER = "X-Playledger-Token"  # noqa: S105 - where it is, not what it is
TOKEN_HEADERS = frozenset({"authorization", TOKEN_HEADER.lower()})

OUR_PATH = "/webhooks/jellyfin"

SESSION_ID_SINCE = 16
"""The first version of the plugin that tells the session id and the last check-in (facts A2)."""

Knows = Callable[[str], bool]
"""Says whether a token opens our door."""


class PluginState(StrEnum):
    """What stands between us and the plugin."""

    MISSING = "missing"
    RESTART = "restart"
    """Installed; it runs once the server has restarted."""
    INACTIVE = "inactive"
    """Disabled, broken, or not made for this server: `Found.status` is Jellyfin's word for it."""
    ACTIVE = "active"


class Found(msgspec.Struct, frozen=True):
    """The plugin as the server lists it; *version* and *status* are None where it is missing."""

    state: PluginState
    version: str | None = None
    status: str | None = None

    @property
    def tells_check_ins(self) -> bool:
        """Whether it says when a client last reported: then ends are exact."""
        major = (self.version or "").partition(".")[0]
        return major.isdigit() and int(major) >= SESSION_ID_SINCE


def found(plugins: Iterable[Plugin]) -> Found:
    """Return the Webhook plugin among *plugins*: after an update it is there twice, and the one that runs counts."""
    ours = [plugin for plugin in plugins if plugin.id == WEBHOOK_PLUGIN]
    if not ours:
        return Found(PluginState.MISSING)
    best = min(ours, key=lambda plugin: _ORDER.index(_state(plugin)))
    return Found(_state(best), best.version, best.status)


_ORDER = (PluginState.ACTIVE, PluginState.RESTART, PluginState.INACTIVE)


def _state(plugin: Plugin) -> PluginState:
    return {"active": PluginState.ACTIVE, "restart": PluginState.RESTART}.get(
        plugin.status.lower(), PluginState.INACTIVE
    )


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

    @property
    def presented(self) -> str | None:
        """The token that it presents in a header or in its address."""
        return self.token or next(iter(parse_qs(_split(self.webhook_uri).query).get("token", ())), None)

    @property
    def points_at_us(self) -> bool:
        """Whether its address is one of a Playledger, not necessarily this one."""
        return _split(self.webhook_uri).path.rstrip("/").endswith(OUR_PATH)

    def __repr__(self) -> str:
        """Return it fit for logs: headers and address may hold tokens."""
        return f"Destination({self.webhook_name!r})"


class Trouble(msgspec.Struct, frozen=True):
    """What a destination does not do as we need it, and what to do. Without *is_wrong* it is only to be known."""

    what: str
    do: str = ""
    is_wrong: bool = True


def troubles(destination: Destination, knows: Knows) -> tuple[Trouble, ...]:
    """Return what keeps *destination* from telling us all, in the order in which one would mend it."""
    token, mend = destination.presented, "Copy it again; playledger serve prints where it is."
    if token is None:
        mend = "Add the header X-Playledger-Token; playledger serve prints its value's place."
    found = (
        (not destination.enable_webhook, "is switched off.", "Tick Enable."),
        (bool(destination.missing), f"lacks {', '.join(sorted(destination.missing))}.", "Tick these notifications."),
        (destination.is_blank, "sends an empty body.", "Tick Send All Properties."),
        (not destination.enable_movies, "leaves movies out.", "Tick Movies."),
        (not destination.enable_episodes, "leaves episodes out.", "Tick Episodes."),
        (token is None, "presents no token.", mend),
        (token is not None and not knows(token), "presents a token that is not ours.", mend),
    )
    wrong = tuple(Trouble(what, do) for is_so, what, do in found if is_so)
    if not destination.user_filter:
        return wrong
    return (*wrong, Trouble(f"speaks of {len(destination.user_filter)} users only.", is_wrong=False))


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


def _split(url: str | None) -> _Parts:
    try:
        parts = urlsplit(url or "")
    except ValueError:  # brackets that are no address
        return _Parts("", "")
    return _Parts(parts.path, parts.query)


class _Parts(msgspec.Struct, frozen=True):
    path: str
    query: str
