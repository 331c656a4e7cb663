"""From playbacks to watches: the touched units of an account are judged anew, and their rows kept where they differ."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile import marked
from reconcile.changes import Change, Settled, Unit
from reconcile.memory import Others
from reconcile.people import People, fingerprint
from reconcile.playback.days import Watch, watches
from reconcile.playback.verdict import Standing, Verdict, alone
from reconcile.store import verdicts
from reconcile.store import watches as kept_watches
from reconcile.store.locks import lock_watches


class Judging:
    """Judges within the transaction *db*, and notes in *settled* what became of the rows."""

    def __init__(self, db: AsyncConnection, people: People, now: datetime, settled: Settled) -> None:
        self.db = db
        self.people = people
        self.now = now
        self.settled = settled
        self._judged: dict[Unit, verdicts.Judged] = {}
        self._rows: dict[Unit, list[tuple[int, kept_watches.Row]]] = {}

    async def settle(self, units: Collection[Unit], newly_marked: Collection[Unit], *, ask_for_marks: bool) -> None:
        """Compute the watches of *units* anew, and keep what differs.

        Marks by hand are asked for where they are new, or may matter, or where *ask_for_marks* says so.
        """
        self.settled.units.update(units)
        if not units:
            return
        await lock_watches(self.db, {(account, number) for account, number, _unit in units})
        judged = await verdicts.viewings(self.db, units)
        kept = await kept_watches.of_units(self.db, units)
        said: dict[str, tuple[Verdict, str]] = {}
        for unit in sorted(units):
            rules = self.people.rules(unit[0])
            told_by = fingerprint(rules)
            there = judged[unit]
            made, judgements = watches(there.viewings, there.shares, rules, self.people.zone_of(unit[0]))
            if ask_for_marks or unit in newly_marked or marked.may_be_marked(made, kept[unit]):
                made = await marked.rows(self.db, self.people, unit, made)
            for name, verdict in judgements.items():
                if there.said[name] != (verdict.code.value, verdict.sentence, told_by):
                    said[name] = (verdict, told_by)
            self._judged[unit] = there
            self._rows[unit] = await self._keep(unit, made, kept[unit])
        await verdicts.set_verdicts(self.db, said)

    def standing(self, unit: Unit, number: int) -> tuple[Standing, Others] | None:
        """Return how the playback *number* stands among the others of its *unit*; None if it does not stand alone."""
        there = self._judged.get(unit)
        if there is None:
            return None
        name = f"{number:012d}"
        found = alone(there.viewings, name, self.people.rules(unit[0]))
        if found is None:
            return None
        watch = next((row for row in self._rows[unit] if number in row[1]["playbacks"]), None)
        others = tuple(other for other in there.viewings if other.name != name)
        return found, Others(others, there.shares, watch)

    async def _keep(
        self, unit: Unit, made: Iterable[Watch], kept: dict[str, kept_watches.Row]
    ) -> list[tuple[int, kept_watches.Row]]:
        """Keep what is *made* of a unit in the place of what is *kept*, by day; return the rows with their ids."""
        rows: list[tuple[int, kept_watches.Row]] = []
        for found in made:
            row = kept_watches.values_of(found)
            old = kept.pop(row["day"], None)
            if old is not None and not kept_watches.differs(old, row):
                rows.append((old["id"], row))
                continue
            if old is None:
                extra = {"account_id": unit[0], "media_id": unit[1], "unit": unit[2]}
                number = await kept_watches.add(self.db, extra | row, self.now)
            else:
                number = old["id"]
                await kept_watches.change(self.db, number, row, self.now, before=old)
            rows.append((number, row))
            self.settled.watches.append(Change(number, unit, row["day"], old, row))
        for day, old in kept.items():
            self.settled.watches.append(Change(old["id"], unit, day, old, None))
            await kept_watches.remove(self.db, old["id"])
        return rows
