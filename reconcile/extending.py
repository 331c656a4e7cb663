"""The common case: a check-in after the last one extends an open playback, and nothing need be read again for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.changes import Change
from reconcile.gathering import looks_of
from reconcile.memory import Draft, Line, MemoryOutdated, Open
from reconcile.people import People
from reconcile.playback.check_in import CheckIn, Key, Observation
from reconcile.playback.cutting import extended
from reconcile.playback.days import watches
from reconcile.playback.facts import adds
from reconcile.playback.playback import Playback
from reconcile.playback.rules import Rules
from reconcile.playback.run import Run
from reconcile.playback.thinning import without_the_rest
from reconcile.playback.verdict import Code, Verdict, Viewing
from reconcile.store import growth, playbacks, verdicts
from reconcile.store import watches as kept_watches
from reconcile.store.growth import Growth

_THIN_EVERY = 40
"""How many check-ins a remembered line may gather, and up to so many more by its key, before its end is thinned …"""

_SPREAD = 16
"""… so that a thousand lines that were read at once, after a start, are not thinned at once …"""

_WINDOW = 64
"""… and how much of its end that is: what lies close to a stop must be seen together."""


class Extending:
    """Extends open playbacks within the transaction *db*, as far as the *draft* of what is remembered allows."""

    def __init__(
        self, db: AsyncConnection, people: People, now: datetime, ahead: Mapping[str, timedelta], draft: Draft
    ) -> None:
        self.db = db
        self.people = people
        self.now = now
        self.ahead = ahead
        self.draft = draft

    async def take(self, told: Sequence[Observation]) -> list[Growth]:
        """Keep what of *told* merely extends an open playback; what it does not answer for is for `Settling`.

        Raises MemoryOutdated where something else is kept than is remembered.
        """
        if self.db.dialect.name != "sqlite":
            return []  # other processes may judge the same unit: there it is read again
        by_key: dict[Key, list[Observation]] = {}
        for each in told:
            by_key.setdefault(each.key, []).append(each)
        known = {key: found for key in by_key if (found := self.draft.open_line(key)) is not None}
        looks = await self._looks(known)
        grown = [self._extend(line, kept, by_key[key], looks[key.server_id]) for key, (line, kept) in known.items()]
        taken = [each for each in grown if each is not None]
        if taken and not await growth.keep(self.db, taken, self.now):
            raise MemoryOutdated
        return taken

    async def _looks(self, known: Mapping[Key, tuple[Line, Open]]) -> dict[str, Sequence[datetime]]:
        """Return the looks of each server that may have missed one of these playbacks."""
        since: dict[str, datetime] = {}
        for key, (line, _kept) in known.items():
            at = line.check_ins[-1].at
            since[key.server_id] = min(at, since.get(key.server_id, at))
        return {server_id: await looks_of(self.db, self.draft, server_id, at) for server_id, at in since.items()}

    def _extend(self, line: Line, kept: Open, told: Sequence[Observation], looks: Sequence[datetime]) -> Growth | None:
        rules = self.people.rules(kept.unit[0])
        if kept.rules != rules:
            return None
        check_ins: list[CheckIn] = []
        for each in told:
            if each.check_in is None or _is_news(kept, each):
                return None
            check_ins.append(each.check_in)
        found = self._grown(line, kept, check_ins, looks, rules)
        if found is None:
            return None
        run, playback = found
        values = playbacks.growing(playback)
        values["runtime_seconds"] = kept.around.runtime
        seat = (kept.key.server_id, kept.key.session_id, kept.key.item_id)
        seen = verdicts.viewing_of(f"{kept.number:012d}", values, seat)
        verdict = kept.standing.judge(seen, rules)
        change = self._rewatched(kept, seen, rules) if kept.others.watch else None
        if change is None and _makes_a_watch(verdict, kept, rules):
            return None
        if change is not None:
            kept = msgspec.structs.replace(
                kept, others=msgspec.structs.replace(kept.others, watch=(change.number, change.after or {}))
            )
        self._remember(line, kept, run, told[-1], check_ins, playback)
        return Growth(
            key=kept.key,
            key_id=kept.key_id,
            version=line.version,
            number=kept.number,
            unit=kept.unit,
            last_at=kept.last_at,
            runtime=kept.around.runtime,
            check_ins=tuple(check_ins),
            values=values,
            verdict=verdict,
            watch=change,
        )

    def _rewatched(self, kept: Open, seen: Viewing, rules: Rules) -> Change | None:
        """Return how the row that has the playback among its own changes; None if more than its figures would."""
        if kept.others.watch is None:
            return None
        number, before = kept.others.watch
        zone = self.people.zone_of(kept.unit[0])
        made, _verdicts = watches((*kept.others.viewings, seen), kept.others.shares, rules, zone)
        rows = [watch for watch in made if seen.name in watch.playbacks]
        after = kept_watches.values_of(rows[0]) if rows else {}
        if any(after.get(name) != before[name] for name in _DECIDES):
            return None
        return Change(number, kept.unit, str(after["day"]), dict(before), after)

    def _grown(
        self, line: Line, kept: Open, check_ins: Sequence[CheckIn], looks: Sequence[datetime], rules: Rules
    ) -> tuple[Run, Playback] | None:
        """Return the playback with *check_ins*, as cutting it again would give it; None if only that can tell."""
        user = (kept.key.server_id, kept.key.user_id)
        around = msgspec.structs.replace(kept.around, looks=looks, recorded=self.people.intervals(user))
        now = self.now + self.ahead.get(kept.key.server_id, timedelta())
        run, before = kept.run, line.check_ins[-1]
        found: tuple[Run, Playback] | None = None
        for check_in in check_ins:
            found = extended(run, before, check_in, around, rules, now)
            if found is None:
                return None
            run, before = found[0], check_in
        return found

    def _remember(
        self,
        line: Line,
        kept: Open,
        run: Run,
        told: Observation,
        check_ins: Sequence[CheckIn],
        playback: Playback,
    ) -> None:
        said = (told.channel, told.item, told.device)
        grown = msgspec.structs.replace(kept, run=run, last_at=playback.last_at, told=said)
        known, weight = (*line.check_ins, *check_ins), line.weight
        if len(known) > weight + _THIN_EVERY + kept.key_id % _SPREAD:
            rules = self.people.rules(kept.unit[0])
            thin = without_the_rest(known[-_WINDOW:], frozenset(run.walk.bends()), rules).kept
            known = (*known[:-_WINDOW], *thin)
            weight = len(known)
        self.draft.set(
            kept.key_id,
            msgspec.structs.replace(line, check_ins=known, weight=weight, open=grown),
        )


def _is_news(kept: Open, told: Observation) -> bool:
    """Say whether *told* says more of the item or the player than is known."""
    return kept.told != (told.channel, told.item, told.device) and adds(kept.facts, told)


_DECIDES = (
    "day",
    "watched_at",
    "started_at",
    "completed",
    "partial",
    "plays",
    "verdict",
    "channels",
    "playbacks",
)
"""What nothing may be news of where a row's figures merely grow: badges, and whoever is told, go by these."""


def _makes_a_watch(verdict: Verdict, kept: Open, rules: Rules) -> bool:
    """Say whether a playback that no row has would be in one now, or is in one that changes."""
    if kept.others.watch is not None or verdict.completed:
        return True
    return verdict.code is Code.PARTIAL and rules.record_partials
