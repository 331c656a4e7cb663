"""What a server says of its library, its users, its plugins and itself (facts B8, B9, G)."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from reconcile.errors import JellyfinUnreadable
from reconcile.jellyfin.item_types import history_kind
from reconcile.playback.check_in import ItemFacts
from reconcile.playback.identity import normalised_id
from reconcile.playback.ticks import seconds

WEBHOOK_PLUGIN = "71552a5a5c5c4350a2aeebe451a30173"
"""The Webhook plugin's id (facts G)."""


class CatalogueItem(msgspec.Struct, frozen=True):
    """One item of a library. *kind* is ``movie``, ``episode`` or ``series``, None for anything else.

    The public ids are the item's own: an episode's are not its series' (facts B8), which are found by asking for
    ``facts.series_id``.
    """

    item_id: str
    kind: str | None
    facts: ItemFacts


class PublicInfo(msgspec.Struct, frozen=True):
    """Who the server says it is. *id* is the ServerId of every other answer."""

    id: str
    name: str
    version: str


class JellyfinUser(msgspec.Struct, frozen=True):
    """One user of a server; *id* is normalised."""

    id: str
    name: str
    is_administrator: bool
    is_disabled: bool


class Admission(msgspec.Struct, frozen=True):
    """Whom a server has let in, and the token that it gave them."""

    user: JellyfinUser
    server_id: str
    token: str

    def __repr__(self) -> str:
        """Return it fit for logs."""
        return f"Admission({self.user!r})"


class Plugin(msgspec.Struct, frozen=True):
    """One installed plugin; *id* is normalised, *status* Jellyfin's word («Active», «Restart», «Disabled», …)."""

    id: str
    name: str
    version: str
    status: str


class _Item(msgspec.Struct, frozen=True, rename="pascal"):
    id: str
    type: str | None = None
    name: str | None = None
    production_year: int | None = None
    run_time_ticks: int | None = None
    series_id: str | None = None
    series_name: str | None = None
    parent_index_number: int | None = None
    index_number: int | None = None
    index_number_end: int | None = None
    provider_ids: dict[str, str | None] | None = None


class _Items(msgspec.Struct, frozen=True, rename="pascal"):
    items: tuple[_Item, ...]


class _Info(msgspec.Struct, frozen=True, rename="pascal"):
    id: str
    server_name: str = ""
    version: str = ""


class _Policy(msgspec.Struct, frozen=True, rename="pascal"):
    is_administrator: bool = False
    is_disabled: bool = False


class _User(msgspec.Struct, frozen=True, rename="pascal"):
    id: str
    name: str = ""
    policy: _Policy | None = None


class _Admission(msgspec.Struct, frozen=True, rename="pascal"):
    user: _User
    access_token: str
    server_id: str


class _Plugin(msgspec.Struct, frozen=True, rename="pascal"):
    id: str
    name: str = ""
    version: str = ""
    status: str = ""


_T = TypeVar("_T")


def decoded(body: bytes, told: type[_T], what: str) -> _T:
    """Return *body*, an answer about *what*, as *told*. Raises JellyfinUnreadable."""
    try:
        return msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"), type=told)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        cause = str(error) if isinstance(error, msgspec.MsgspecError) else type(error).__name__
        raise JellyfinUnreadable(
            f"Jellyfin's answer about {what} could not be read: {cause}. Is something else answering at this URL?"
        ) from error


def catalogue_items(body: bytes) -> tuple[CatalogueItem, ...]:
    """Return the items of an answer to ``GET /Items?ids=…``. Raises JellyfinUnreadable."""
    return tuple(_catalogue_item(item) for item in decoded(body, _Items, "items").items)


def _catalogue_item(item: _Item) -> CatalogueItem:
    kind = _kind(item.type or "")
    ids = {name.lower(): value for name, value in (item.provider_ids or {}).items() if value}
    facts = ItemFacts(
        kind=kind if kind != "series" else None,
        name=item.name or None,
        year=item.production_year,
        runtime_seconds=seconds(item.run_time_ticks) if item.run_time_ticks and item.run_time_ticks > 0 else None,
        series_id=normalised_id(item.series_id) if item.series_id else None,
        series_name=item.series_name or None,
        season=item.parent_index_number,
        episode=item.index_number,
        episode_end=item.index_number_end,
        tmdb_id=ids.get("tmdb"),
        tvdb_id=ids.get("tvdb"),
        imdb_id=ids.get("imdb"),
    )
    return CatalogueItem(normalised_id(item.id), kind, facts)


def _kind(item_type: str) -> str | None:
    if item_type.lower() == "series":
        return "series"
    kind = history_kind(item_type)
    return kind if isinstance(kind, str) else None


def public_info(body: bytes) -> PublicInfo:
    """Return what an answer to ``GET /System/Info/Public`` says. Raises JellyfinUnreadable."""
    info = decoded(body, _Info, "itself")
    return PublicInfo(normalised_id(info.id), info.server_name, info.version)


def users(body: bytes) -> tuple[JellyfinUser, ...]:
    """Return the users of an answer to ``GET /Users``. Raises JellyfinUnreadable."""
    return tuple(_user(user) for user in decoded(body, tuple[_User, ...], "users"))


def user(body: bytes) -> JellyfinUser:
    """Return the user of an answer to ``GET /Users/{id}``. Raises JellyfinUnreadable."""
    return _user(decoded(body, _User, "a user"))


def admission(body: bytes) -> Admission:
    """Return whom the server has let in (``AuthenticateByName`` and its like). Raises JellyfinUnreadable."""
    told = decoded(body, _Admission, "the sign-in")
    return Admission(_user(told.user), normalised_id(told.server_id), told.access_token)


def _user(user: _User) -> JellyfinUser:
    policy = user.policy or _Policy()
    return JellyfinUser(normalised_id(user.id), user.name, policy.is_administrator, policy.is_disabled)


def plugins(body: bytes) -> tuple[Plugin, ...]:
    """Return the plugins of an answer to ``GET /Plugins``. Raises JellyfinUnreadable."""
    told = decoded(body, tuple[_Plugin, ...], "plugins")
    return tuple(Plugin(normalised_id(plugin.id), plugin.name, plugin.version, plugin.status) for plugin in told)
