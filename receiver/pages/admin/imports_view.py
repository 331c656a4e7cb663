"""What the page of an import shows: where it stands, what was read, and which time zone it is of. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from receiver.pages.pictures.months import Month, months_of
from reconcile.staging import Source
from reconcile.store import imports
from reconcile.store.people import Account

Row = Mapping[str, Any]

NAMES = {Source.PLAYBACK_REPORTING: "Playback Reporting", Source.JELLYSTAT: "Jellystat"}

REFUSED_SHOWN = 20
"""How many of the refused rows the page shows; the API tells of more."""

OVER = frozenset({imports.DONE, imports.FAILED})

_DOING = {
    imports.READ: ("being read", "read"),
    imports.TRY: ("being tried", "tried"),
    imports.APPLY: ("being applied", "applied"),
    imports.UNDO: ("being undone", "undone"),
}


class Standing(msgspec.Struct, frozen=True):
    """Where an import stands, as a pill says it; *kind* is the pill's."""

    text: str
    kind: str


class Line(msgspec.Struct, frozen=True):
    """An import as a list shows it."""

    number: int
    source: str
    server: str
    begun_at: datetime
    rows: int
    standing: Standing


class Person(msgspec.Struct, frozen=True):
    """Whose rows, how many, and from which day to which."""

    name: str
    account_id: int | None
    rows: int
    first: date
    last: date


class Zone(msgspec.Struct, frozen=True):
    """Which time zone wall times are of: *found* fits *matched* of *possible*; *wished* stands in the form.

    *is_chosen*: it was said or proven before. *few* says how many rows have wall times, empty where all have.
    """

    found: str | None
    matched: int
    possible: int
    is_proven: bool
    wished: str
    is_chosen: bool
    few: str


class View(msgspec.Struct, frozen=True):
    """An import as its page shows it. *applied* is how many of its *rows* are in the history."""

    number: int
    source: str
    task: str
    state: str
    standing: Standing
    rows: int
    applied: int
    people: tuple[Person, ...]
    left_out: tuple[tuple[str, int], ...]
    others: int
    refused: tuple[str, ...]
    refusals: int
    months: tuple[Month, ...]
    zone: Zone | None
    result: Mapping[str, Any]

    @property
    def is_over(self) -> bool:
        """Say whether nothing is being done with it."""
        return self.state in OVER

    @property
    def has_failed(self) -> bool:
        """Say whether the last task failed."""
        return self.state == imports.FAILED

    @property
    def is_tried(self) -> bool:
        """Say whether the last thing that was done is a trial, whose difference can be read."""
        return self.task == imports.TRY and self.state == imports.DONE

    @property
    def rowless(self) -> str:
        """Say how many of the new plays make no row of the history, and why; empty where none does."""
        return "" if self.task == imports.UNDO else rowless(self.result)

    @property
    def all_stay(self) -> bool:
        """Say whether undoing it took nothing out, as another import tells of all of it."""
        return self.task == imports.UNDO and 0 < self.result.get("withdrawn", 0) == self.result.get("stay", 0)


def rowless(result: Mapping[str, Any]) -> str:
    """Return how many of the new plays make no row of the history of their own, and why; empty where each does."""
    count = result.get("recorded", 0) - result.get("came", 0)
    if count <= 0:
        return ""
    return (
        f"{count:,} of the new plays {'makes' if count == 1 else 'make'} no row of {'its' if count == 1 else 'their'} "
        "own: too short, in one row with another play, seen live too, or how long the film lasts is not known."
    )


def few_walls(told: Mapping[str, Any]) -> str:
    """Return how many of the rows have wall times; empty where all have, or none."""
    walls, rows = told.get("wall_times", 0), told.get("rows", 0)
    if not 0 < walls < rows:
        return ""
    be, them = ("is", "it") if walls == 1 else ("are", "them")
    return f"{walls:,} of its {rows:,} rows {be} in wall time (Jellystat had {them} from Playback Reporting)."


def view_of(row: Row, applied: int, accounts: Mapping[int, Account], zone: str) -> View:
    """Return what the page of the import *row* shows; *zone* is the household's, to begin with where none was found."""
    told = row["told"]
    return View(
        number=row["id"],
        source=source_name(row["source"]),
        task=row["task"],
        state=row["state"],
        standing=standing(row),
        rows=told.get("rows", 0),
        applied=applied,
        people=_people(told.get("people", {}), accounts),
        left_out=tuple(sorted(told.get("ignored", {}).items(), key=lambda each: (-each[1], each[0]))),
        others=told.get("others", 0),
        refused=tuple(told.get("refused", ())[:REFUSED_SHOWN]),
        refusals=told.get("refusals", 0),
        months=months_of(told.get("months", {})),
        zone=_zone(row, told, zone),
        result=row["result"] or {},
    )


def line_of(row: Row, names: Mapping[str, str]) -> Line:
    """Return the import *row* as a list shows it; *names* are the servers'."""
    return Line(
        number=row["id"],
        source=source_name(row["source"]),
        server=names.get(row["server_id"], "a server that is gone"),
        begun_at=row["requested_at"],
        rows=row["told"].get("rows", 0),
        standing=standing(row),
    )


def source_name(source: str) -> str:
    """Return what the tool is called."""
    return NAMES[Source(source)]


def standing(row: Row) -> Standing:
    """Return where the import *row* stands."""
    task, state = row["task"], row["state"]
    doing, done = _DOING[task]
    if state == imports.QUEUED:
        return Standing("waits for its turn", "warn")
    if state not in OVER:
        return Standing(doing, "warn")
    if state == imports.FAILED:
        return Standing(f"not {done}: it failed", "bad")
    return Standing(done, "good" if task == imports.APPLY else "soft")


def _people(told: Mapping[str, Mapping[str, Any]], accounts: Mapping[int, Account]) -> tuple[Person, ...]:
    """Return whose rows they are, those with most first; who was erased has no name, and no link."""
    found = []
    for number, counts in told.items():
        account = accounts.get(int(number))
        days = (date.fromisoformat(counts["first"]), date.fromisoformat(counts["last"]))
        name = "somebody who has left" if account is None else account.name
        found.append(Person(name, None if account is None else int(number), counts["rows"], *days))
    return tuple(sorted(found, key=lambda each: (-each.rows, each.name.casefold())))


def _zone(row: Row, told: Mapping[str, Any], household: str) -> Zone | None:
    """Return what is known of the time zone, None where the rows are in UTC."""
    if not told.get("wall_times"):
        return None
    fit = told.get("fit")
    return Zone(
        found=None if fit is None else fit["zone"],
        matched=0 if fit is None else fit["matched"],
        possible=0 if fit is None else fit["possible"],
        is_proven=fit is not None and fit["is_proven"],
        wished=row["zone"] or household,
        is_chosen=row["zone"] is not None,
        few=few_walls(told),
    )
