"""What a replay or new rules do to the history, row by row, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.changes import BadgeChange, Change, Settled, Unit
from reconcile.playback.verdict import spoken
from reconcile.store.keys import CHUNK
from reconcile.store.tables import account, media, playback, watch, watch_playback


class Row(msgspec.Struct, frozen=True):
    """A row of the history, with the words in which people know it. *playbacks* are ids."""

    account_id: int
    media_id: int
    unit: str
    day: str
    who: str
    title: str
    completed: bool
    plays: int
    watched_seconds: float
    sentence: str
    playbacks: frozenset[int]

    @property
    def place(self) -> tuple[int, int, str, str]:
        """What makes it one row."""
        return (self.account_id, self.media_id, self.unit, self.day)

    @property
    def says(self) -> tuple[bool, int, int]:
        """What it says to a reader: completed, how often, and how many seconds."""
        return (self.completed, self.plays, round(self.watched_seconds))


class Difference(msgspec.Struct, frozen=True):
    """One row before and after; None where there was or is none. *reason* is the verdict that makes it so."""

    before: Row | None
    after: Row | None
    reason: str

    @property
    def kind(self) -> str:
        """What became of the row: ``added``, ``gone`` or ``changed``."""
        return "added" if self.before is None else "gone" if self.after is None else "changed"

    @property
    def account_id(self) -> int | None:
        """Whose row it is."""
        row = self.after or self.before
        return None if row is None else row.account_id

    def sentence(self, *, is_dry: bool) -> str:
        """Return it in words; *is_dry*: it has not happened."""
        row = self.after or self.before
        if row is None:
            return ""
        what = f"{row.title} {row.unit}".strip() if row.unit else row.title
        return f"{row.day} {row.who}: {what}, {self._became(is_dry=is_dry)}"

    def _became(self, *, is_dry: bool) -> str:
        reason = _bare(self.reason)
        if self.after is None:
            return f"{'would no longer count' if is_dry else 'no longer counts'}: {reason}"
        if self.before is None or self.after.completed > self.before.completed:
            kept = "count" if self.after.completed else "be kept as partial"
            return f"would now {kept}: {reason}" if is_dry else f"now {_third(kept)}: {reason}"
        if self.after.completed < self.before.completed:
            return f"{'would be' if is_dry else 'is'} partial only: {reason}"
        would = "would say " if is_dry else "now says "
        if self.after.plays != self.before.plays:
            return f"{would}{_times(self.after.plays)} instead of {_times(self.before.plays)}: {reason}"
        return f"{would}watched {_exactly(self.after, self.before)}"


def _third(words: str) -> str:
    return "counts" if words == "count" else "is kept as partial"


def _times(plays: int) -> str:
    return {1: "once", 2: "twice"}.get(plays, f"{plays} times")


def _exactly(after: Row, before: Row) -> str:
    now, then = spoken(after.watched_seconds), spoken(before.watched_seconds)
    if now == then:
        now, then = f"{after.watched_seconds:.0f} s", f"{before.watched_seconds:.0f} s"
    return f"{now} instead of {then}"


def _bare(sentence: str) -> str:
    """Return a verdict's sentence without the verdict, which is said already."""
    for told in ("counted: ", "not counted: ", "not counted again: "):
        if sentence.startswith(told):
            return sentence.removeprefix(told)
    return sentence or "the evidence tells of something else"


async def rows(db: AsyncConnection) -> dict[int, Row]:
    """Return the whole history, by id."""
    w = watch.c
    shown: dict[int, set[int]] = {}
    for number, one in await db.execute(sa.select(watch_playback.c.watch_id, watch_playback.c.playback_id)):
        shown.setdefault(number, set()).add(one)
    query = (
        sa.select(
            w.id,
            w.account_id,
            w.media_id,
            w.unit,
            w.day,
            account.c.name.label("who"),
            media.c.title.label("title"),
            w.completed,
            w.plays,
            w.watched_seconds,
            w.sentence,
        )
        .join(account, account.c.id == w.account_id)
        .join(media, media.c.id == w.media_id)
    )
    found = [dict(row) for row in (await db.execute(query)).mappings()]
    return {row["id"]: _row(row, shown.get(row["id"], set())) for row in found}


def _row(row: Mapping[str, Any], playbacks: set[int]) -> Row:
    return Row(**{name: value for name, value in row.items() if name != "id"}, playbacks=frozenset(playbacks))


async def differences(db: AsyncConnection, before: Mapping[int, Row]) -> list[Difference]:
    """Return what differs between the history *before* and the one that *db* shows now, oldest day first."""
    after = await rows(db)
    then = {row.place: row for row in before.values()}
    now = {row.place: row for row in after.values()}
    changed = [(then[place], now[place]) for place in then.keys() & now.keys()]
    gone = {place: row for place, row in then.items() if place not in now}
    made = {place: row for place, row in now.items() if place not in then}
    # A row whose media turned out to be another is the same row: the same person's playbacks on the same day.
    owner = {(row.account_id, row.day, number): row for row in made.values() for number in row.playbacks}
    for place, row in tuple(gone.items()):
        same = next((owner[n] for number in row.playbacks if (n := (row.account_id, row.day, number)) in owner), None)
        if same is not None and same.place in made:
            changed.append((row, same))
            del gone[place], made[same.place]
    reasons = await _sentences(db, (number for row in gone.values() for number in row.playbacks))
    found = [Difference(old, new, new.sentence) for old, new in changed if old.says != new.says]
    found += [Difference(row, None, _reason(row, reasons)) for row in gone.values()]
    found += [Difference(None, row, row.sentence) for row in made.values()]
    return sorted(found, key=_order)


async def differences_of(db: AsyncConnection, settled: Settled) -> list[Difference]:
    """Return what settling did to each row of the history, oldest day first; asked within its transaction."""
    who = await _names(db, account.c.id, account.c.name, {change.unit[0] for change in settled.watches})
    what = await _names(db, media.c.id, media.c.title, {change.unit[1] for change in settled.watches})
    gone = [change.before["playbacks"] for change in settled.watches if change.before and not change.after]
    reasons = await _sentences(db, (number for numbers in gone if isinstance(numbers, list) for number in numbers))
    found: list[Difference] = []
    for change in settled.watches:
        person, title = who.get(change.unit[0], ""), what.get(change.unit[1], "")
        before, after = _told(change, change.before, person, title), _told(change, change.after, person, title)
        if after is not None and (before is None or before.says != after.says):
            found.append(Difference(before, after, after.sentence))
        elif after is None and before is not None:
            found.append(Difference(before, None, _reason(before, reasons)))
    return sorted(found, key=_order)


async def _names(
    db: AsyncConnection, number: sa.ColumnElement[int], name: sa.ColumnElement[str], ids: Iterable[int]
) -> dict[int, str]:
    found: dict[int, str] = {}
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), CHUNK):
        query = sa.select(number, name).where(number.in_(wanted[start : start + CHUNK]))
        found.update({row[0]: row[1] for row in await db.execute(query)})
    return found


def _told(change: Change, row: Mapping[str, Any] | None, who: str, title: str) -> Row | None:
    if row is None:
        return None
    account_id, media_id, unit = change.unit
    said = {name: row[name] for name in ("completed", "plays", "watched_seconds", "sentence")}
    return Row(account_id, media_id, unit, change.day, who, title, **said, playbacks=frozenset(row["playbacks"]))


async def _sentences(db: AsyncConnection, numbers: Iterable[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    wanted = sorted(set(numbers))
    for start in range(0, len(wanted), CHUNK):
        query = sa.select(playback.c.id, playback.c.sentence).where(playback.c.id.in_(wanted[start : start + CHUNK]))
        found.update((number, sentence) for number, sentence in await db.execute(query))
    return found


def _reason(row: Row, sentences: Mapping[int, str]) -> str:
    """Return what the rules say now of the last of the row's playbacks."""
    return next((sentences[number] for number in sorted(row.playbacks, reverse=True) if number in sentences), "")


def _order(each: Difference) -> tuple[str, str, str, str]:
    row = each.after or each.before
    return ("", "", "", "") if row is None else (row.day, row.who, row.title, row.unit)


# --- what many transactions did together ------------------------------------------------------------------------------

SHOWN = 100
"""How many differences are told one by one."""


class Total(msgspec.Struct):
    """What many transactions did together: each row before the first and after the last."""

    rows: dict[tuple[Unit, str], Change] = {}
    badges: dict[tuple[int, str], BadgeChange] = {}

    def add(self, settled: Settled) -> None:
        """Add what one more did."""
        for change in settled.watches:
            place = (change.unit, change.day)
            first = self.rows.get(place)
            self.rows[place] = change if first is None else msgspec.structs.replace(change, before=first.before)
        for badge in settled.badges:
            sort = (badge.account, badge.code)
            earlier = self.badges.get(sort)
            self.badges[sort] = badge if earlier is None else msgspec.structs.replace(badge, before=earlier.before)

    @property
    def settled(self) -> Settled:
        """Return it as if it had been one."""
        return Settled(watches=list(self.rows.values()), badges=list(self.badges.values()))


def words_of(found: list[Difference], did: Total, *, is_dry: bool) -> dict[str, Any]:
    """Return what was done as it is kept, and told by the API; people are named in sentences alone."""
    badges = [each for each in did.badges.values() if each.is_earned or each.is_revoked]
    return {
        "differences": [each.sentence(is_dry=is_dry) for each in found[:SHOWN]],
        "differences_in_all": len(found),
        "came": sum(each.before is None for each in found),
        "went": sum(each.after is None for each in found),
        "badges_earned": sum(each.is_earned for each in badges),
        "badges_revoked": sum(each.is_revoked for each in badges),
    }
