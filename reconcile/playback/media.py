"""What makes two items the same media (DESIGN §8): public ids, never titles."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from reconcile.playback.check_in import ItemFacts

SOURCES = ("tmdb", "tvdb", "imdb")
"""Public ids, the most telling first."""

LOCAL = "item"
"""The alias that every item has: its server and its id there."""

Alias = tuple[str, str]


class Identity(msgspec.Struct, frozen=True):
    """A movie, a series, or an episode whose series is not known. *aliases* (source, value) say which one."""

    kind: str
    title: str
    year: int | None
    aliases: tuple[Alias, ...]


class Match(msgspec.Struct, frozen=True):
    """What somebody said an item, or a series, really is. *kind* is ``movie`` or ``series``."""

    kind: str
    title: str | None = None
    year: int | None = None
    tmdb_id: str | None = None
    tvdb_id: str | None = None
    imdb_id: str | None = None


NO_MATCHES: Mapping[str, Match] = {}


def locals_of(server_id: str, item_id: str, item: ItemFacts) -> tuple[str, ...]:
    """Return under which local names an item may have been matched: its own first, then its series'."""
    own = f"{server_id}:{item_id}"
    return (own,) if item.kind == "movie" or not item.series_id else (own, f"{server_id}:{item.series_id}")


def identity_of(
    server_id: str,
    item_id: str,
    item: ItemFacts,
    series: ItemFacts | None,
    matches: Mapping[str, Match] = NO_MATCHES,
) -> Identity | None:
    """Return the media that an item belongs to; None while even its kind is unknown.

    *series* are the facts of the item's series, where Jellyfin has told them: an episode's own ids are not its
    series' (facts B8), and naming it by them would file every episode as a show of its own. *matches*, by local name,
    are what people said: they stand instead of all public ids that were told.
    """
    kind = {"movie": "movie", "episode": "series"}.get(item.kind or "")
    for local in locals_of(server_id, item_id, item):
        match = matches.get(local)
        if match is not None and match.kind == kind:
            told = item if kind == "movie" else series or ItemFacts()
            title = match.title or told.name or item.series_name or item.name or ""
            return Identity(kind, title, match.year or told.year, (*_public(match), (LOCAL, local)))
    return _as_told(server_id, item_id, item, series)


def _as_told(server_id: str, item_id: str, item: ItemFacts, series: ItemFacts | None) -> Identity | None:
    if item.kind == "movie":
        return Identity("movie", item.name or "", item.year, (*_public(item), (LOCAL, f"{server_id}:{item_id}")))
    if item.kind != "episode":
        return None
    if item.series_id is None:
        # Only Jellyfin can say which series this is; until then the episode stands for itself.
        title = item.series_name or item.name or ""
        return Identity("episode", title, None, ((LOCAL, f"{server_id}:{item_id}"),))
    told = series or ItemFacts()
    title = told.name or item.series_name or ""
    return Identity("series", title, told.year, (*_public(told), (LOCAL, f"{server_id}:{item.series_id}")))


def _public(item: ItemFacts | Match) -> tuple[Alias, ...]:
    told = ((source, getattr(item, f"{source}_id")) for source in SOURCES)
    return tuple((source, value) for source, value in told if value)


def conflict(one: dict[str, str | None], other: dict[str, str | None]) -> bool:
    """Say whether two media (as kept, by column) cannot be the same: a source gives each a different id."""
    columns = tuple(f"{source}_id" for source in SOURCES)
    return any(one[c] and other[c] and one[c] != other[c] for c in columns)
