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
from receiver.pages.history.rows import Line, device_in_words, playback_line
from receiver.pages.pictures.line import line_for_any_width
from receiver.pages.pictures.line_words import line_in_words
from receiver.pages.pictures.story import story
from receiver.pages.pictures.strip import strip
from receiver.pages.saying import at, ending_in_words, for_long, position, share_in_words
from reconcile.people import People
from reconcile.playback.rules import Rules
from reconcile.store.history import line_of

Row = Mapping[str, Any]

DRAWN = 4
"""So many playbacks of a row are drawn; the others have a page of their own."""


class Evidence(msgspec.Struct, frozen=True):
    """A playback as it is laid open. *picture* and *story* are empty where its line was not read."""

    line: Line
    facts: list[tuple[str, str]]
    strip: Markup
    picture: Markup
    story: list[str]
    channels: Sequence[str]
    server_id: str


async def evidence(
    db: AsyncConnection, house: House, rows: Sequence[dict[str, Any]], zone: tzinfo, *, drawn: int = DRAWN
) -> list[Evidence]:
    """Return the playbacks of *rows* laid open; the lines of the first *drawn* are read."""
    found = []
    for number, row in enumerate(rows):
        line = await line_of(db, row) if number < drawn else None
        found.append(laid_open(row, line, house.people.rules(row["account_id"]), zone, house.clock()))
    return found


def laid_open(row: Row, line: Sequence[Row] | None, rules: Rules, zone: tzinfo, now: datetime) -> Evidence:
    """Return a playback with its *line* of check-ins, as the history reads both; None: without the line."""
    told = playback_words(row)
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
    )


def whose(people: People, row: Row) -> int | None:
    """Return the account whose playback it is: for which it counts, else for which it was recorded."""
    if row["account_id"] is not None:
        return int(row["account_id"])
    return people.account_of((row["server_id"], row["user_id"]), row["first_at"])


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


def _end(row: Row, zone: tzinfo) -> str:
    if row["open"]:
        return "not yet"
    how = ending_in_words(row["ended_by"])
    when = at(row["ended_at"], zone)
    return f"{when}, {how}" if how else when
