"""What a row of the history is called. A corrected row is another title than its file: the file's names are not its."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconcile.playback.check_in import ItemFacts
from reconcile.playback.facts import item_of

Row = Mapping[str, Any]

_UNIT = re.compile(r"s(\d+)e(\d+)")


def row_titles(row: Row) -> tuple[str, str]:
    """Return the title of a watch or playback, and what stands below it: «S01 E02 · The Long Night», a film's year."""
    item, called = item_of(row["facts"]), row["media_title"] or ""
    if (row["media_kind"] or item.kind) == "movie":
        is_other = bool(called and item.name and called.casefold() != item.name.casefold())
        year = row["year"] or (None if is_other else item.year)
        return called or item.name or "A film without a title", "" if year is None else str(year)
    number, is_its = _number(row["unit"], item), _is_of(item, called, row["unit"])
    below = (number, item.name if is_its and item.name != called else None)
    title = called or item.series_name or item.name or "Something without a title"
    return title, " · ".join(part for part in below if part)


def item_titles(facts: Mapping[str, Any]) -> tuple[str, str]:
    """Return what a file is called by what was told of it, and what stands below it."""
    return row_titles({"facts": facts, "media_title": None, "media_kind": None, "unit": "", "year": None})


def unit_in_words(unit: str) -> str:
    """Return «S01 E02» of ``s01e02``; what is none stays as it is."""
    found = _UNIT.fullmatch(unit)
    return unit if found is None else f"S{found[1]} E{found[2]}"


def _number(unit: str, item: ItemFacts) -> str | None:
    if _UNIT.fullmatch(unit):
        return unit_in_words(unit)
    if item.season is None or item.episode is None:
        return None
    return f"S{item.season:02} E{item.episode:02}"


def _is_of(item: ItemFacts, called: str, unit: str) -> bool:
    """Say whether the file's own name is the row's: it is the same series, and the same episode."""
    if called and item.series_name and called.casefold() != item.series_name.casefold():
        return False
    found = _UNIT.fullmatch(unit)
    if found is None or item.season is None or item.episode is None:
        return True
    last = item.episode if item.episode_end is None else max(item.episode, item.episode_end)
    return int(found[1]) == item.season and item.episode <= int(found[2]) <= last
