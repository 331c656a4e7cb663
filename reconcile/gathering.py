"""Everything that cutting keys takes, read for many keys at once, or remembered."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.changes import Unit
from reconcile.memory import Draft, Line, Looks, Open, Others
from reconcile.people import People
from reconcile.playback.check_in import CheckIn, ItemFacts, Key, gathered
from reconcile.playback.corrections import Counts
from reconcile.playback.cutting import cut_whole
from reconcile.playback.edges import Sibling
from reconcile.playback.facts import filled, item_of
from reconcile.playback.imports import is_imported
from reconcile.playback.playback import Playback
from reconcile.playback.points import owned
from reconcile.playback.run import Run
from reconcile.playback.surroundings import Surroundings
from reconcile.playback.thinning import without_the_rest
from reconcile.playback.verdict import Standing
from reconcile.store import evidence, keys, media, playbacks
from reconcile.store.keys import KeyRow
from reconcile.store.playbacks import Kept

_SLACK = timedelta(hours=1)
"""How much further back than the resume window evidence is read: silences and races at its edge."""

_THIN_FROM = 48
"""How many check-ins a remembered line may gather before it is thinned (again: once it has doubled)."""

_LOOKS_BEFORE = timedelta(minutes=2)
"""How long before a check-in a look may prove where it began."""


class Cutting(msgspec.Struct):
    """One key while it is cut again: its evidence, what surrounds it, and its playbacks as kept and as made.

    *others* are the check-ins of other users in its session. *run* is the last playback's while its points are
    gathered, *turns* are where the lines bend. *number* is its id, *counts* says for whom and as what it counts.
    """

    row: KeyRow
    item: ItemFacts
    account_id: int | None
    line: Line
    check_ins: tuple[CheckIn, ...]
    around: Surroundings
    kept: list[Kept]
    related: list[int]
    others: Sequence[CheckIn] = ()
    made: tuple[Playback, ...] = ()
    run: Run | None = None
    turns: frozenset[datetime] = frozenset()
    number: int | None = None
    counts: Counts | None = None

    def is_sibling(self, other: Cutting) -> bool:
        """Say whether *other* is another item in the same session, for the same user."""
        return self.row.key.item_id != other.row.key.item_id and seat(self.row.key) == seat(other.row.key)


Seat = tuple[str, str, str]


async def looks_of(db: AsyncConnection, draft: Draft, server_id: str, since: datetime) -> Sequence[datetime]:
    """Return a server's looks, at least from *since* on; only those not remembered are read, once a transaction."""
    known = draft.looks_of(server_id)
    if known is None or known.since > since:
        known = Looks(since, tuple(await evidence.looks(db, server_id, since)))
    elif not draft.has_read(server_id):
        after = known.taken[-1] + timedelta.resolution if known.taken else known.since
        known = known.then(await evidence.looks(db, server_id, after))
    draft.set_looks(server_id, known)
    return known.taken


def seat(key: Key) -> Seat:
    """Return the session and the user of *key*."""
    return (key.server_id, key.session_id, key.user_id)


class Gathering:
    """Reads within the transaction *db*. *ahead* tells by how much each server's clock is ahead of *now*."""

    def __init__(
        self,
        db: AsyncConnection,
        people: People,
        now: datetime,
        ahead: Mapping[str, timedelta],
        draft: Draft,
        *,
        whole: bool,
    ) -> None:
        self.db = db
        self.people = people
        self.now = now
        self.ahead = ahead
        self.draft = draft
        self.whole = whole

    async def cuttings(self, rows: Mapping[int, KeyRow], since: Mapping[int, datetime]) -> dict[int, Cutting]:
        """Return the keys of *rows* with all that cutting them takes, but for their siblings."""
        related = await keys.relatives(self.db, [row.key for row in rows.values()])
        lines, kept = await self._lines(rows, since, related)
        known = await self._catalogued(rows.values())
        return {
            number: await self._cutting(row, lines[number], kept[number], related.get(row.key, []), known)
            for number, row in rows.items()
        }

    async def _cutting(
        self,
        row: KeyRow,
        line: Line,
        kept: list[Kept],
        related: Sequence[KeyRow],
        known: Mapping[tuple[str, str], ItemFacts],
    ) -> Cutting:
        key = row.key
        others = [r.id for r in related if r.key.session_id == key.session_id]
        elsewhere = [r.id for r in related if r.key.session_id != key.session_id]
        told_to_others = await evidence.told_to_others(self.db, others, line.start) if others else []
        check_ins = owned(line.check_ins, told_to_others)
        away = await evidence.told_to_others(self.db, elsewhere, line.start) if elsewhere else []
        first = line.check_ins[0].at if line.check_ins else self.now
        item = filled(item_of(row.facts), known.get((key.server_id, key.item_id), ItemFacts()))
        user = (key.server_id, key.user_id)
        told_by_import = is_imported(check_ins)
        around = Surroundings(
            looks=await self._looks(key.server_id, first - _LOOKS_BEFORE),
            elsewhere=sorted(each.at for each in away if not is_imported([each])),
            sightings=line.sightings,
            recorded=self.people.importable(user) if told_by_import else self.people.intervals(user),
            runtime=item.runtime_seconds or None,
            floor=line.floor,
        )
        account = self.people.account_of(user, first, imported=told_by_import)
        related_ids = [*others, *elsewhere]
        return Cutting(row, item, account, line, check_ins, around, kept, related_ids, told_to_others)

    # --- lines ----------------------------------------------------------------------------------------------------

    async def _lines(
        self, rows: Mapping[int, KeyRow], since: Mapping[int, datetime], related: Collection[Key]
    ) -> tuple[dict[int, Line], dict[int, list[Kept]]]:
        """Return each key's line, remembered or read, and the playbacks that are kept of that time.

        What is remembered is thinned without regard to other lines, so what is *related* to any is read.
        """
        horizons = {number: self._horizon(since.get(number)) for number in rows}
        lines: dict[int, Line] = {}
        for number, row in rows.items():
            is_remembered = horizons[number] is not None and row.key not in related
            line = self.draft.line(number, row.version) if is_remembered else None
            if line is not None and line.reaches(horizons[number]):
                lines[number] = line
        missing = [number for number in rows if number not in lines]
        starts = [horizons[number] for number in missing] + [line.start for line in lines.values()]
        kept = await playbacks.of_keys(self.db, list(rows), _earliest(starts))
        read = await self._read_lines({number: rows[number] for number in missing}, horizons, since, kept)
        lines |= read
        return lines, {number: _from(kept[number], lines[number].start) for number in rows}

    def _horizon(self, since: datetime | None) -> datetime | None:
        """Return how far back evidence matters for what is new *since* then; None: all of it."""
        if self.whole or since is None:
            return None
        rules = self.people.global_rules
        return since - rules.resume_window - rules.paused_timeout - _SLACK

    async def _read_lines(
        self,
        rows: Mapping[int, KeyRow],
        horizons: Mapping[int, datetime | None],
        since: Mapping[int, datetime],
        kept: Mapping[int, Sequence[Kept]],
    ) -> dict[int, Line]:
        if not rows:
            return {}
        starts: dict[int, datetime | None] = {}
        for number in rows:
            horizon = horizons[number]
            borders = [each.first_at for each in kept[number] if horizon is None or each.last_at >= horizon]
            starts[number] = None if horizon is None else min([since[number], *borders])
        earliest = _earliest(list(starts.values()))
        told = await evidence.lines(self.db, list(rows), earliest)
        sighted = await evidence.sightings(self.db, list(rows), earliest)
        floors = await playbacks.ended_before(self.db, {n: start for n, start in starts.items() if start is not None})
        found: dict[int, Line] = {}
        for number, row in rows.items():
            start = starts[number]
            found[number] = Line(
                version=row.version,
                horizon=horizons[number],
                start=start,
                floor=floors.get(number),
                check_ins=gathered([each for each in told[number] if start is None or each.at >= start]),
                sightings=tuple(at for at in sighted[number] if start is None or at >= start),
            )
        return found

    async def _looks(self, server_id: str, since: datetime) -> Sequence[datetime]:
        """Return the server's looks from *since* on; only those not remembered are read, once a transaction."""
        taken = await looks_of(self.db, self.draft, server_id, since)
        return taken[bisect_left(taken, since) :]

    async def _catalogued(self, rows: Iterable[KeyRow]) -> dict[tuple[str, str], ItemFacts]:
        return await media.catalogued(self.db, {(row.key.server_id, row.key.item_id) for row in rows})

    # --- siblings -------------------------------------------------------------------------------------------------

    async def place_siblings(self, placed: Collection[Cutting], cuttings: Mapping[int, Cutting]) -> list[Cutting]:
        """Tell each key of *placed* what else began in its session, as kept or just cut; return those it concerns."""
        asked = {seat(each.row.key): each.check_ins[0].at for each in placed if each.check_ins}
        begun = await playbacks.begun_in(self.db, asked)
        cut_now: dict[Seat, list[Cutting]] = defaultdict(list)
        for each in cuttings.values():
            cut_now[seat(each.row.key)].append(each)
        concerned: list[Cutting] = []
        for each in placed:
            if not each.check_ins:
                continue
            place, first = seat(each.row.key), each.check_ins[0].at
            siblings = [
                b.sibling
                for b in begun.get(place, ())
                if b.key_id not in cuttings and b.key_id != each.row.id and b.last_at >= first
            ]
            for other in cut_now.get(place, ()):
                if each.is_sibling(other):
                    siblings.extend(Sibling(p.first_at, p.started_at) for p in other.made)
            each.around = msgspec.structs.replace(each.around, siblings=sorted(siblings))
            if siblings:
                concerned.append(each)
        return concerned

    # --- cutting --------------------------------------------------------------------------------------------------

    def cut(self, each: Cutting) -> None:
        """Cut a key into its playbacks."""
        rules = self.people.rules(each.account_id)
        found = cut_whole(each.check_ins, each.around, rules, self._now(each.row.key))
        each.made, each.run, each.turns = found.playbacks, found.run, found.turns

    def remember(self, each: Cutting, unit: Unit | None, standing: Standing | None, others: Others) -> None:
        """Remember a key's line for its next check-in, without the points that say nothing new.

        Where its last playback is open and nothing else can change it, also how that can be extended: *standing* is
        how it stands among the *others* of its *unit*.
        """
        if self.whole:
            return
        line = each.line
        if each.related or not line.check_ins:
            self.draft.set(each.row.id, None)
            return
        rules = self.people.rules(each.account_id)
        if len(line.check_ins) > 2 * line.weight + _THIN_FROM:
            kept = without_the_rest(line.check_ins, each.turns, rules).kept
            line = msgspec.structs.replace(line, check_ins=kept, weight=len(kept))
        opened: Open | None = None
        if unit is not None and standing is not None and each.run is not None and each.number is not None:
            opened = Open(
                key_id=each.row.id,
                key=each.row.key,
                facts=each.row.facts,
                told=None,
                number=each.number,
                unit=unit,
                last_at=each.made[-1].last_at,
                run=each.run,
                around=msgspec.structs.replace(each.around, looks=(), recorded=(), elsewhere=()),
                standing=standing,
                others=others,
                rules=rules,
            )
        self.draft.set(each.row.id, msgspec.structs.replace(line, version=each.row.version, open=opened))

    def _now(self, key: Key) -> datetime:
        """Return the time on the server's clock."""
        return self.now + self.ahead.get(key.server_id, timedelta())


def _earliest(instants: Sequence[datetime | None]) -> datetime | None:
    """Return the earliest of *instants*, of which None is before all."""
    known = [at for at in instants if at is not None]
    return min(known) if known and len(known) == len(instants) else None


def _from(kept: Sequence[Kept], start: datetime | None) -> list[Kept]:
    return [each for each in kept if start is None or each.last_at >= start]
