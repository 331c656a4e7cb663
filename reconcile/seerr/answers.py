"""What Seerr says, read once at the door (facts A2 to A6, B7). Versions are never parsed: they may be «develop-…»."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, TypeVar

import msgspec

from reconcile.errors import SeerrUnreadable
from reconcile.playback.identity import normalised_id

MOVIE, TV = "movie", "tv"
"""Seerr's two media types: TMDB's ids are unique within one of them only."""


class MediaServer(IntEnum):
    """Which kind of media server Seerr runs with (facts A2)."""

    PLEX = 1
    JELLYFIN = 2
    EMBY = 3
    NONE = 4


class PublicSettings(msgspec.Struct, frozen=True):
    """What Seerr tells everybody. *media_server* is a number of `MediaServer`, or one that is newer than we are."""

    initialized: bool
    media_server: int
    title: str


class JellyfinOfSeerr(msgspec.Struct, frozen=True):
    """How Seerr reaches its Jellyfin. *server_id* is normalised, '' where it is not known; *api_key* is a secret."""

    server_id: str
    name: str
    url: str | None
    api_key: str

    def __repr__(self) -> str:
        """Return no key: a repr ends up in logs."""
        return f"JellyfinOfSeerr(server_id={self.server_id!r})"


class SeerrUser(msgspec.Struct, frozen=True):
    """A user of Seerr. *jellyfin_user_id* is normalised, None for one that is not linked."""

    id: int
    name: str
    jellyfin_user_id: str | None


class SeerrMedia(msgspec.Struct, frozen=True):
    """What Seerr knows of a film or series: public ids as text, item ids normalised."""

    id: int
    media_type: str
    tmdb_id: str
    tvdb_id: str | None
    imdb_id: str | None
    item_id: str | None
    item_id_4k: str | None
    status: int
    updated_at: datetime | None


class Listed(msgspec.Struct, frozen=True):
    """An entry of a watchlist; *id* is the entry's own, so listing again makes another."""

    id: int
    media_type: str
    tmdb_id: str


class SeriesTotals(msgspec.Struct, frozen=True):
    """How many episodes a series has, specials left out, in all and by season, and whether more are to come."""

    episodes: int | None
    seasons: dict[int, int]
    is_running: bool


class Tracked(msgspec.Struct, frozen=True):
    """A watch that the fork keeps of a user."""

    season: int | None
    episode: int | None
    watched_at: datetime | None


class Paged(msgspec.Struct, frozen=True):
    """A page of a list as it came, with how many there are in all."""

    total: int
    results: list[dict[str, Any]]


class _PageInfo(msgspec.Struct, frozen=True):
    results: int = 0


class _Page(msgspec.Struct, frozen=True, rename="camel"):
    page_info: _PageInfo
    results: list[dict[str, Any]]


class _Public(msgspec.Struct, frozen=True, rename="camel"):
    initialized: bool
    media_server_type: int = MediaServer.NONE
    application_title: str = ""


class _Status(msgspec.Struct, frozen=True):
    version: str


class _Jellyfin(msgspec.Struct, frozen=True, rename="camel"):
    name: str | None = ""
    ip: str | None = None
    port: int | None = None
    use_ssl: bool | None = False
    url_base: str | None = ""
    server_id: str | None = ""
    api_key: str | None = ""


class _User(msgspec.Struct, frozen=True, rename="camel"):
    id: int
    display_name: str | None = None
    jellyfin_username: str | None = None
    username: str | None = None
    jellyfin_user_id: str | None = None


class _Media(msgspec.Struct, frozen=True, rename="camel"):
    id: int
    media_type: str
    tmdb_id: int
    tvdb_id: int | None = None
    imdb_id: str | None = None
    jellyfin_media_id: str | None = None
    jellyfin_media_id4k: str | None = msgspec.field(default=None, name="jellyfinMediaId4k")
    status: int = 1
    updated_at: str | None = None


class _Entry(msgspec.Struct, frozen=True, rename="camel"):
    id: int
    media_type: str
    tmdb_id: int


class _Listing(msgspec.Struct, frozen=True, rename="camel"):
    results: list[_Entry]
    total_pages: int = 1


class _Season(msgspec.Struct, frozen=True, rename="camel"):
    season_number: int = 0
    episode_count: int | None = None


class _Series(msgspec.Struct, frozen=True, rename="camel"):
    number_of_episodes: int | None = None
    in_production: bool | None = None
    status: str | None = None
    seasons: list[_Season] = []


class _Watch(msgspec.Struct, frozen=True, rename="camel"):
    season_number: int | None = None
    episode_number: int | None = None
    watched_at: str | None = None


_T = TypeVar("_T")


def _read(body: bytes, told: type[_T], what: str) -> _T:
    try:
        return msgspec.json.decode(body, type=told)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        cause = str(error) if isinstance(error, msgspec.MsgspecError) else type(error).__name__
        raise SeerrUnreadable(
            f"Seerr's answer about {what} could not be read: {cause}. Is something else answering at this URL?"
        ) from error


def public_settings(body: bytes) -> PublicSettings:
    """Return what an answer to ``GET /settings/public`` says. Raises SeerrUnreadable, as all of these do."""
    told = _read(body, _Public, "itself")
    return PublicSettings(told.initialized, told.media_server_type, told.application_title)


def version(body: bytes) -> str:
    """Return the version that an answer to ``GET /status`` names: words to be shown, not to be parsed (facts A9)."""
    return _read(body, _Status, "its version").version


def jellyfin(body: bytes) -> JellyfinOfSeerr:
    """Return what an answer to ``GET /settings/jellyfin`` says."""
    told = _read(body, _Jellyfin, "its Jellyfin")
    url = None
    if told.ip:
        scheme = "https" if told.use_ssl else "http"
        port = f":{told.port}" if told.port else ""
        path = (told.url_base or "").strip("/")
        url = f"{scheme}://{told.ip}{port}" + (f"/{path}" if path else "")
    return JellyfinOfSeerr(normalised_id(told.server_id or ""), told.name or "", url, told.api_key or "")


def page(body: bytes, what: str) -> Paged:
    """Return a page of a list."""
    told = _read(body, _Page, what)
    return Paged(told.page_info.results, told.results)


def user(row: dict[str, Any]) -> SeerrUser | None:
    """Return a user; None for a row that makes no sense, which must not hide the others."""
    try:
        told = msgspec.convert(row, _User)
    except msgspec.ValidationError:
        return None
    linked = normalised_id(told.jellyfin_user_id or "")
    return SeerrUser(told.id, told.display_name or told.jellyfin_username or told.username or "", linked or None)


def media(row: dict[str, Any]) -> SeerrMedia | None:
    """Return a film or series; None for a row that makes no sense."""
    try:
        told = msgspec.convert(row, _Media)
    except msgspec.ValidationError:
        return None
    return SeerrMedia(
        id=told.id,
        media_type=told.media_type,
        tmdb_id=str(told.tmdb_id),
        tvdb_id=str(told.tvdb_id) if told.tvdb_id else None,
        imdb_id=told.imdb_id or None,
        item_id=normalised_id(told.jellyfin_media_id or "") or None,
        item_id_4k=normalised_id(told.jellyfin_media_id4k or "") or None,
        status=told.status,
        updated_at=instant(told.updated_at),
    )


def watchlist(body: bytes) -> tuple[list[Listed], int]:
    """Return a page of a watchlist, and how many pages there are."""
    told = _read(body, _Listing, "a watchlist")
    return [Listed(each.id, each.media_type, str(each.tmdb_id)) for each in told.results], told.total_pages


def series(body: bytes) -> SeriesTotals:
    """Return what an answer to ``GET /tv/{id}`` says. More is to come of a «Returning Series» too (facts B6)."""
    told = _read(body, _Series, "a series")
    seasons = {each.season_number: each.episode_count for each in told.seasons if each.episode_count is not None}
    counted = {number: episodes for number, episodes in seasons.items() if number > 0}
    episodes = sum(counted.values()) if counted else told.number_of_episodes
    return SeriesTotals(episodes, counted, bool(told.in_production) or told.status == "Returning Series")


def tracked(body: bytes) -> list[Tracked]:
    """Return the watches of an answer to the fork's ``GET /tracking/watch/{mediaId}``."""
    told = _read(body, list[_Watch], "what was watched")
    return [Tracked(each.season_number, each.episode_number, instant(each.watched_at)) for each in told]


def instant(text: str | None) -> datetime | None:
    """Return the instant that JavaScript's *text* tells, None where it tells none; without a zone it is UTC."""
    try:
        told = datetime.fromisoformat(text or "")
        return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
