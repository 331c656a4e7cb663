"""Marks by hand, settled: which units they mark, and the rows of the history that nothing but a mark makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.gathering import Cutting
from reconcile.people import People
from reconcile.playback.days import Watch, units
from reconcile.playback.marks import SESSION, standing, with_marks
from reconcile.playback.verdict import Code
from reconcile.store import marks
from reconcile.store.marks import Unit
from reconcile.store.watches import Row


def is_marked(each: Cutting) -> bool:
    """Say whether the key was marked by hand, not played."""
    return each.row.key.session_id == SESSION


async def place(
    db: AsyncConnection, people: People, cuttings: Iterable[Cutting], media: Mapping[int, int | None]
) -> set[Unit]:
    """Note which units the marks among *cuttings* mark; *media* are theirs by key. Return the units that this changes.

    A mark made while its user was not recorded marks nothing.
    """
    mine = {each.row.id: each for each in cuttings if is_marked(each)}
    if not mine:
        return set()
    told = await marks.of_keys(db, mine)
    changed: set[Unit] = set()
    for number, each in mine.items():
        key, item = each.row.key, each.item
        at, media_id = standing(told.get(number, ())), media[number]
        account = None if at is None else people.account_of((key.server_id, key.user_id), at)
        placed = None
        if at is not None and account is not None and media_id is not None:
            placed = (account, media_id, at, units(item, key.item_id))
        changed |= await marks.place(db, number, placed)
    return changed


def may_be_marked(made: Sequence[Watch], kept: Mapping[str, Row]) -> bool:
    """Say whether a mark may matter to a unit whose rows were *kept* (by day) and are *made* anew of its playbacks.

    It does if one made a row before, or if a day has lost the row that it was not to stand beside. The ordinary
    check-in changes neither, and need not ask.
    """
    days = {watch.day.isoformat() for watch in made}
    return any(row["verdict"] == Code.MARKED or day not in days for day, row in kept.items())


async def rows(db: AsyncConnection, people: People, unit: Unit, made: Sequence[Watch]) -> tuple[Watch, ...]:
    """Return the rows *made* of a unit's playbacks with those that marks make."""
    there = await marks.of_units(db, {unit})
    return with_marks(made, there.get(unit, ()), people.zone_of(unit[0]))
