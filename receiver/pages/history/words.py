"""What a correction does, or did, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, tzinfo
from typing import Any

import msgspec

from receiver.pages.history.rows import day_name
from receiver.pages.history.titles import item_titles, unit_in_words
from receiver.pages.saying import at, counted, local, share_in_words
from reconcile.changes import Change, Settled
from reconcile.playback.badges import BY_CODE
from reconcile.playback.corrections import What

Row = Mapping[str, Any]

SAID = {
    What.NOT_ME: "It was somebody else",
    What.WRONG_ITEM: "It was something else",
    What.DELETE: "Deleted",
    What.REMATCH: "The file is another title",
}


class Said(msgspec.Struct, frozen=True):
    """A correction as its list shows it. *instead* is what it counts as now; *may_undo*: whoever reads it may."""

    number: int
    what: str
    title: str
    detail: str
    played: str
    person: str
    instead: str
    note: str
    by: str
    when: str
    undone: str
    holds: bool
    may_undo: bool
    playback: int | None


def said(row: Row, zone: tzinfo, now: datetime, *, may_undo: bool) -> Said:
    """Return a correction, as `audit.corrections` reads it, in words; times are of *zone*."""
    title, detail = item_titles(row["facts"] or {})
    today = local(now, zone).date()
    undone = row["undone_at"]
    return Said(
        number=row["id"],
        what=SAID[What(row["what"])],
        title=title,
        detail=detail,
        played="" if row["since"] is None else _instant(row["since"], zone, today),
        person=row["account_name"] or row["user_name"] or "somebody who has left",
        instead=_instead(row),
        note=row["note"] or "",
        by=row["said_by"],
        when=_instant(row["said_at"], zone, today),
        undone="" if undone is None else f"undone by {row['undone_by']}, {_instant(undone, zone, today)}",
        holds=undone is None,
        may_undo=may_undo and undone is None,
        playback=row["playback_id"],
    )


def _instant(instant: datetime, zone: tzinfo, today: date) -> str:
    day = local(instant, zone).date()
    year = "" if day.year == today.year else f" {day.year}"
    return f"{day.day} {day:%B}{year}, {at(instant, zone)}"


def _instead(row: Row) -> str:
    if row["to_account_id"] is not None:
        return f"counts for {row['to_account_name'] or 'somebody who has left'}"
    media = row["to_media"]
    parts = [media_named(media["kind"], media["title"], media.get("year"))] if media else []
    if row["to_unit"]:
        parts.append(unit_in_words(row["to_unit"]))
    return f"counts as {', '.join(parts)}" if parts else "counts for nobody"


def media_named(kind: str, title: str | None, year: int | None) -> str:
    """Return «A Film» (1999), as sentences name it."""
    name = title or ("a film without a title" if kind == "movie" else "a series without a title")
    return f"«{name}» ({year})" if year is not None else f"«{name}»"


def changes_in_words(
    settled: Settled, media: Mapping[int, Row], people: Mapping[int, str], today: date
) -> Iterator[str]:
    """Yield what a correction does to the history of *people*, by account; *media* are named by id."""
    for each in settled.watches:
        account, media_id, unit = each.unit
        if account in people:
            row = media.get(media_id, {"kind": "", "title": "a title that is no more", "year": None})
            named = media_named(row["kind"], row["title"], row["year"])
            episode = f", {unit_in_words(unit)}" if unit and ":" not in unit else ""
            what = f"{named}{episode}, {_day_of(each, today)}"
            yield _change(each, what, people[account])
    for badge in settled.badges:
        if badge.account in people and badge.code in BY_CODE and badge.is_earned != badge.is_revoked:
            done = "earns" if badge.is_earned else "loses"
            yield f"{people[badge.account]} {done} the badge «{BY_CODE[badge.code].name}»."


def _day_of(change: Change, today: date) -> str:
    name = day_name(date.fromisoformat(change.day), today)
    return name[0].lower() + name[1:] if name.startswith(("Today", "Yesterday")) else name


def _change(change: Change, what: str, person: str) -> str:
    if change.after is None:
        return f"Goes from the history of {person}: {what}."
    if change.before is None:
        return f"Comes into the history of {person}: {what}, {_state(change.after)}."
    return f"Changes in the history of {person}: {what}, from {_state(change.before)} to {_state(change.after)}."


def _state(row: Mapping[str, Any]) -> str:
    stands = "counted" if row["completed"] else "partial"
    plays = f" {counted(row['plays'], 'time')}" if row["plays"] > 1 else ""
    return f"{stands}{plays} at {share_in_words(row['percent'])}"
