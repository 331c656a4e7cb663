"""What a list of the history shows: rows by day, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, tzinfo
from typing import Any

import msgspec

from receiver.api.words import channel_words, playback_words, share
from receiver.pages.history.titles import row_titles
from receiver.pages.saying import NOT_KNOWN, at, for_long, local, share_in_words, state_in_words
from reconcile.playback.verdict import Code
from reconcile.store.history import DaySum

Row = Mapping[str, Any]


class Line(msgspec.Struct, frozen=True):
    """A watch, or a playback. *reach* is in percent of the runtime, None where that is not known.

    *pill* says in a word or two what came of it, *kind* is the pill's; *poster* is the id of a playback.
    """

    number: int
    title: str
    detail: str
    person: str
    when: str
    instant: datetime
    share: str
    reach: float | None
    watched: str
    pill: str
    kind: str
    plays: int
    channels: Sequence[str]
    device: str
    sentence: str
    poster: int | None


class Day(msgspec.Struct, frozen=True):
    """The rows of a day, newest first. *said* is what the whole day adds up to; *missing* of its rows are elsewhere."""

    day: date
    name: str
    said: str
    missing: int
    lines: list[Line]


def watch_days(rows: Sequence[Row], sums: Mapping[str, DaySum], zone: tzinfo, now: datetime) -> list[Day]:
    """Return watches by the day of their account, with times of *zone*."""
    today = local(now, zone).date()
    found = []
    for text, mine in _by_day((row["day"], row) for row in rows):
        day, total = date.fromisoformat(text), sums.get(text)
        said = "" if total is None else _sum(total)
        missing = 0 if total is None else max(0, total.rows - len(mine))
        found.append(Day(day, day_name(day, today), said, missing, [watch_line(row, zone) for row in mine]))
    return found


def playback_days(rows: Sequence[Row], zone: tzinfo, now: datetime) -> list[Day]:
    """Return playbacks by the day of *zone* on which they began."""
    today = local(now, zone).date()
    dated = ((local(row["started_at"], zone).date().isoformat(), row) for row in rows)
    return [
        Day(day, day_name(day, today), "", 0, [playback_line(row, zone, now) for row in mine])
        for text, mine in _by_day(dated)
        for day in (date.fromisoformat(text),)
    ]


def watch_line(row: Row, zone: tzinfo) -> Line:
    """Return a watch as a list shows it."""
    title, detail = row_titles(row)
    is_marked = row["verdict"] == Code.MARKED
    pill, kind = ("counted", "good") if row["completed"] else ("partial", "warn")
    return Line(
        number=row["id"],
        title=title,
        detail=detail,
        person=row["account_name"],
        when=at(row["watched_at"], zone, date.fromisoformat(row["day"])),
        instant=row["watched_at"],
        share=NOT_KNOWN if is_marked else share_in_words(row["percent"]),
        reach=None if is_marked else row["percent"],
        watched=NOT_KNOWN if is_marked else for_long(row["watched_seconds"]),
        pill=pill,
        kind=kind,
        plays=row["plays"],
        channels=channel_words(row["channels"]),
        device="",
        sentence=row["sentence"],
        poster=row["playbacks"][-1] if row["playbacks"] else None,
    )


def playback_line(row: Row, zone: tzinfo, now: datetime) -> Line:
    """Return a playback as a list shows it, with why it does not count."""
    told = playback_words(row)
    title, detail = row_titles(row)
    reach = share(row["reached_seconds"], row["runtime_seconds"])
    return Line(
        number=row["id"],
        title=title,
        detail=detail,
        person=row["account_name"] or row["user_name"] or "",
        when=_span(row, zone),
        instant=row["started_at"],
        share=share_in_words(reach),
        reach=reach,
        watched=for_long(row["watched_seconds"]),
        pill=_standing(row, now),
        kind="good" if row["completed"] else "soft",
        plays=1,
        channels=told.channels,
        device=device_in_words(told.device, told.client),
        sentence=row["sentence"],
        poster=row["id"],
    )


def device_in_words(device: str | None, client: str | None) -> str:
    """Return «Television · Jellyfin Android TV», or the one that is known."""
    return " · ".join(dict.fromkeys(each for each in (device, client) if each))


def day_name(day: date, today: date) -> str:
    """Return the day as a heading names it: «Today, 22 November», «Saturday 14 November», with the year if another."""
    year = "" if day.year == today.year else f" {day.year}"
    name = {0: "Today,", 1: "Yesterday,"}.get((today - day).days, f"{day:%A}")
    return f"{name} {day.day} {day:%B}{year}"


def _by_day(dated: Iterable[tuple[str, Row]]) -> list[tuple[str, list[Row]]]:
    """Return rows by day, the latest day first. In several zones days overlap: each is put together all the same."""
    found: dict[str, list[Row]] = {}
    for day, row in dated:
        found.setdefault(day, []).append(row)
    return sorted(found.items(), reverse=True)


def _sum(total: DaySum) -> str:
    partial = total.rows - total.completed
    parts = [
        f"{total.completed:,} counted" if total.completed or not partial else "",
        f"{partial:,} partial" * (partial > 0),
    ]
    return f"{', '.join(part for part in parts if part)} · {for_long(total.watched_seconds)} watched"


def _span(row: Row, zone: tzinfo) -> str:
    day = local(row["started_at"], zone).date()
    start = at(row["started_at"], zone, day)
    if row["open"] or row["ended_at"] is None:
        return f"since {start}"
    end = at(row["ended_at"], zone, day)
    return start if start == end else f"{start} to {end}"


def _standing(row: Row, now: datetime) -> str:
    if row["open"]:
        return f"{state_in_words(row, now)}, counts" if row["completed"] else state_in_words(row, now)
    return "counted" if row["completed"] else "not counted"
