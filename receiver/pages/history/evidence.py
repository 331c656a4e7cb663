"""A playback with what proves it: its facts in words, the line as a picture and read out, what was corrected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

import msgspec
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.api.words import PlaybackWords, playback_words
from receiver.house import House
from receiver.pages.admin.imports_view import source_name
from receiver.pages.history.rows import Line, device_in_words, playback_line
from receiver.pages.pictures.line import line_for_any_width
from receiver.pages.pictures.line_words import line_in_words
from receiver.pages.pictures.story import story
from receiver.pages.pictures.strip import strip
from receiver.pages.saying import at, ending_in_words, for_long, listed, position, server_in_words, share_in_words
from reconcile.people import People
from reconcile.playback.check_in import Channel
from reconcile.playback.rules import Rules
from reconcile.store.channels import channels_of
from reconcile.store.history import line_of
from reconcile.store.imports import telling_of

Row = Mapping[str, Any]

DRAWN = 4
"""So many playbacks of a row are drawn; the others have a page of their own."""


class Evidence(msgspec.Struct, frozen=True):
    """A playback as it is laid open. *picture* and *story* are empty where its line was not read, or there is none.

    *imported* says what an import tells of it, '' where it was seen live; *imports* are those that do, by number.
    *server_said* is what Jellyfin itself says, '' where that is nothing.
    """

    line: Line
    facts: list[tuple[str, str]]
    strip: Markup
    picture: Markup
    story: list[str]
    channels: Sequence[str]
    server_id: str
    imported: str = ""
    imports: Sequence[int] = ()
    server_said: str = ""


async def evidence(
    db: AsyncConnection, house: House, rows: Sequence[dict[str, Any]], zone: tzinfo, *, drawn: int = DRAWN
) -> list[Evidence]:
    """Return the playbacks of *rows* laid open; the lines of the first *drawn* are read."""
    found = []
    for number, row in enumerate(rows):
        line = await line_of(db, row) if number < drawn else None
        told = await telling_of(db, row["key_id"], row["first_at"]) if number < drawn and _is_imported(row) else []
        found.append(laid_open(row, line, house.people.rules(row["account_id"]), zone, house.clock(), told))
    return found


def laid_open(
    row: Row,
    line: Sequence[Row] | None,
    rules: Rules,
    zone: tzinfo,
    now: datetime,
    imports: Sequence[tuple[int, str]] = (),
) -> Evidence:
    """Return a playback with its *line* of check-ins, as the history reads both; None: without the line.

    *imports* are those that tell of it, as (number, source). What only imports tell of has no line: they do not say
    from where to where it was played (facts E).
    """
    told = playback_words(row)
    if _is_imported(row):
        return Evidence(
            line=playback_line(row, zone, now),
            facts=_imported_facts(row, told, zone),
            strip=Markup(),
            picture=Markup(),
            story=[],
            channels=told.channels,
            server_id=told.server_id,
            imported=_imported(row, imports, zone),
            imports=[number for number, _source in imports],
        )
    it = None if line is None else story(row, line, rules)
    name = f"playback-{row['id']}"
    return Evidence(
        line=playback_line(row, zone, now),
        facts=list(_facts(row, told, None if line is None else len(line), zone)),
        strip=strip(f"{name}-strip", row["covered"], row["runtime_seconds"], threshold=rules.threshold),
        picture=Markup() if it is None else line_for_any_width(name, it, zone),
        story=[] if it is None else line_in_words(it, zone),
        channels=told.channels,
        server_id=told.server_id,
        server_said=server_in_words(row),
    )


def _is_imported(row: Row) -> bool:
    """Say whether nothing but imports tells of it."""
    return channels_of(row["channels"]) == {Channel.IMPORT}


def _imported(row: Row, imports: Sequence[tuple[int, str]], zone: tzinfo) -> str:
    """Return what an import tells of a playback, in words."""
    tools = [source_name(source) for source in dict.fromkeys(source for _number, source in imports)]
    told = f"Imported{f' from {listed(tools)}' if tools else ''}"
    began = f"{told}: it began at {at(row['started_at'], zone)}"
    if not row["watched_seconds"]:
        return f"{began}. For how long it says that it played cannot be believed."
    long = for_long(row["watched_seconds"])
    return f"{began} and played for {long}. From where to where is not told, so there is no line."


def whose(people: People, row: Row) -> int | None:
    """Return the account whose playback it is: for which it counts, else for which it was recorded."""
    if row["account_id"] is not None:
        return int(row["account_id"])
    return people.account_of((row["server_id"], row["user_id"]), row["first_at"], imported=_is_imported(row))


def _facts(row: Row, told: PlaybackWords, check_ins: int | None, zone: tzinfo) -> list[tuple[str, str]]:
    reached = position(row["reached_seconds"])
    if told.runtime_seconds:
        reached = f"{share_in_words(told.percent)}, {reached} of {position(told.runtime_seconds)}"
    skipped = told.skipped_percent or 0.0
    facts = [
        ("Watched", for_long(row["watched_seconds"])),
        ("Reached", reached),
        ("Covered", share_in_words(told.covered_percent)),
        ("Skipped", share_in_words(skipped) if skipped else "nothing"),
        ("Ended", _end(row, zone)),
        ("Played on", device_in_words(told.device, told.client) or "a player without a name"),
    ]
    if check_ins is not None:
        facts.append(("Check-ins", f"{check_ins:,}"))
    return facts


def _imported_facts(row: Row, told: PlaybackWords, zone: tzinfo) -> list[tuple[str, str]]:
    long = f" of {for_long(told.runtime_seconds)}" if told.runtime_seconds else ""
    return [
        ("Watched", f"{for_long(row['watched_seconds'])}{long}"),
        ("Ended", _end(row, zone)),
        ("Played on", device_in_words(told.device, told.client) or "a player without a name"),
    ]


def _end(row: Row, zone: tzinfo) -> str:
    if row["open"]:
        return "not yet"
    how = ending_in_words(row["ended_by"])
    when = at(row["ended_at"], zone)
    return f"{when}, {how}" if how else when
