"""From evidence to history within one transaction: cut the touched keys again, judge, and settle the watches."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.memory import Draft, Line, Looks, Memory
from reconcile.people import People, fingerprint
from reconcile.playback.check_in import CheckIn, ItemFacts, Key, gathered
from reconcile.playback.cutting import Playback, Surroundings, cut
from reconcile.playback.days import units, watches
from reconcile.playback.edges import Sibling
from reconcile.playback.facts import filled, item_of
from reconcile.playback.media import identity_of
from reconcile.playback.points import owned
from reconcile.playback.thinning import thinned
from reconcile.store import evidence, keys, media, playbacks
from reconcile.store import watches as kept_watches
from reconcile.store.keys import KeyRow
from reconcile.store.locks import lock_watches
from reconcile.store.playbacks import Kept

Unit = tuple[int, int, str]
"""(account id, media id, unit)."""

_SLACK = timedelta(hours=1)
"""How much further back than the resume window evidence is read: silences and races at its edge."""

_THIN_FROM = 48
"""How many check-ins a remembered line may gather before it is thinned (again: once it has doubled)."""

_LOOKS_BEFORE = timedelta(minutes=2)
"""How long before a check-in a look may prove where it began."""


class Change(msgspec.Struct, frozen=True):
    """A row of the history before and after; None where there was or is none."""

    unit: Unit
    day: str
    before: dict[str, object] | None
    after: dict[str, object] | None


class Settled(msgspec.Struct):
    """What a transaction did to the history."""

    watches: list[Change]
    playbacks: list[int]


class Cutting(msgspec.Struct):
    """One key while it is cut again: its evidence, what surrounds it, and its playbacks as kept and as made."""

    row: KeyRow
    item: ItemFacts
    account_id: int | None
    line: Line
    check_ins: tuple[CheckIn, ...]
    around: Surroundings
    kept: list[Kept]
    related: list[int]
    made: tuple[Playback, ...] = ()


class Settling:
    """Settles keys within the transaction *db*. *ahead* tells by how much each server's clock is ahead of *now*.

    *whole* cuts every key from its first check-in on; otherwise evidence older than the resume window before the
    touched playbacks is left alone, because nothing new can change what it says.
    """

    def __init__(
        self,
        db: AsyncConnection,
        people: People,
        now: datetime,
        *,
        ahead: Mapping[str, timedelta] | None = None,
        draft: Draft | None = None,
        whole: bool = False,
    ) -> None:
        self.db = db
        self.draft = draft or Memory().draft()
        self.people = people
        self.now = now
        self.ahead = ahead or {}
        self.whole = whole
        self.units: set[Unit] = set()
        self.changes: list[Change] = []
        self.touched: list[int] = []

    async def settle(self, key_ids: Collection[int], since: Mapping[int, datetime] | None = None) -> Settled:
        """Cut the keys numbered *key_ids* again; *since* is each one's earliest new evidence, if it is known."""
        rows = await keys.by_id(self.db, key_ids)
        starts = since or {}
        cuttings = {number: await self._prepare(row, starts.get(number)) for number, row in rows.items()}
        for each in cuttings.values():
            each.made = self._cut(each)
        # Where a playback begins depends on its own key and on the looks only, so one more round is enough.
        for each in cuttings.values():
            if await self._place_siblings(each, cuttings):
                each.made = self._cut(each)
        for number, each in (await self._neighbours(cuttings)).items():
            each.made = self._cut(each)
            cuttings[number] = each
        items = await self._items(cuttings.values())
        for each in cuttings.values():
            await self._keep(each, items)
            self._remember(each)
        await self.settle_units()
        return Settled(self.changes, self.touched)

    async def line(self, key_id: int) -> Cutting:
        """Return a key with all that cutting it takes."""
        each = await self._prepare((await keys.by_id(self.db, [key_id]))[key_id], None)
        await self._place_siblings(each, {})
        return each

    # --- reading ------------------------------------------------------------------------------------------------

    async def _prepare(self, row: KeyRow, since: datetime | None) -> Cutting:
        key, rules = row.key, self.people.global_rules
        horizon = None
        if not self.whole and since is not None:
            horizon = since - rules.resume_window - rules.paused_timeout - _SLACK
        line = self.draft.line(row.id, row.version) if horizon is not None else None
        if line is None or not line.reaches(horizon):
            line = await self._read_line(row, horizon, since)
        kept = (await playbacks.of_keys(self.db, [row.id], line.start))[row.id]
        start, check_ins = line.start, line.check_ins
        related = await keys.relatives(self.db, key)
        others = [r.id for k, r in related.items() if k.session_id == key.session_id]
        elsewhere = [r.id for k, r in related.items() if k.user_id == key.user_id and k.session_id != key.session_id]
        mine = owned(check_ins, await evidence.told_to_others(self.db, others, start)) if others else check_ins
        away = await evidence.told_to_others(self.db, elsewhere, start) if elsewhere else []
        first = check_ins[0].at if check_ins else self.now
        known = (await media.catalogued(self.db, [(key.server_id, key.item_id)])).get((key.server_id, key.item_id))
        item = filled(item_of(row.facts), known) if known is not None else item_of(row.facts)
        around = Surroundings(
            looks=await self._looks(key.server_id, first - _LOOKS_BEFORE),
            elsewhere=sorted(each.at for each in away),
            sightings=line.sightings,
            recorded=self.people.intervals((key.server_id, key.user_id)),
            runtime=item.runtime_seconds or None,
            floor=line.floor,
        )
        account = self.people.account_of((key.server_id, key.user_id), first)
        return Cutting(row, item, account, line, tuple(mine), around, kept, [*others, *elsewhere])

    async def _read_line(self, row: KeyRow, horizon: datetime | None, since: datetime | None) -> Line:
        """Read all of a key's evidence that matters from *horizon* on."""
        start = horizon
        if horizon is not None and since is not None:
            kept = (await playbacks.of_keys(self.db, [row.id], horizon))[row.id]
            start = min([since, *(each.first_at for each in kept)])
        check_ins = gathered(await evidence.line(self.db, row.id, start))
        return Line(
            version=row.version,
            horizon=horizon,
            start=start,
            floor=await playbacks.ended_before(self.db, row.id, start) if start is not None else None,
            check_ins=check_ins,
            sightings=tuple(await evidence.sightings(self.db, row.id, start)),
        )

    async def _looks(self, server_id: str, since: datetime) -> Sequence[datetime]:
        """Return the server's looks from *since* on; only those not remembered are read."""
        known = self.draft.looks_of(server_id)
        if known is None or known.since > since:
            known = Looks(since, tuple(await evidence.looks(self.db, server_id, since)))
        else:
            after = known.taken[-1] + timedelta.resolution if known.taken else known.since
            known = known.then(await evidence.looks(self.db, server_id, after))
        if not self.whole:
            self.draft.set_looks(server_id, known)
        return known.taken[bisect_left(known.taken, since) :]

    def _remember(self, each: Cutting) -> None:
        """Remember a key's line for its next check-in, without the points that say nothing new."""
        if self.whole:
            return
        line = each.line
        if each.related or not line.check_ins:
            self.draft.set(each.row.id, None)
            return
        if len(line.check_ins) > 2 * line.weight + _THIN_FROM:
            rules = self.people.rules(each.account_id)
            kept = thinned(line.check_ins, each.around, rules, self._now(each.row.key)).kept
            line = msgspec.structs.replace(line, check_ins=kept, weight=len(kept))
        self.draft.set(each.row.id, msgspec.structs.replace(line, version=each.row.version))

    async def _place_siblings(self, each: Cutting, cuttings: Mapping[int, Cutting]) -> bool:
        """Tell a key what else began in its session, as kept or as just cut; return whether anything did."""
        if not each.check_ins:
            return False
        own = each.row.key
        found = await playbacks.beginnings(self.db, own, each.check_ins[0].at)
        siblings = [sibling for number, sibling, _last in found if number not in cuttings]
        for other in cuttings.values():
            if _is_sibling(other.row.key, own):
                siblings.extend(Sibling(p.first_at, p.started_at) for p in other.made)
        each.around = msgspec.structs.replace(each.around, siblings=sorted(siblings))
        return bool(siblings)

    async def _neighbours(self, cuttings: Mapping[int, Cutting]) -> dict[int, Cutting]:
        """Return the keys that must be cut again because of what changed in these."""
        wanted: dict[int, datetime] = {}
        for each in cuttings.values():
            for number, at in await self._affected(each):
                if number not in cuttings:
                    wanted[number] = min(at, wanted.get(number, at))
        if not wanted:
            return {}
        rows = await keys.by_id(self.db, wanted)
        neighbours = {number: await self._prepare(row, wanted[number]) for number, row in rows.items()}
        for each in neighbours.values():
            await self._place_siblings(each, cuttings)
        return neighbours

    async def _affected(self, each: Cutting) -> list[tuple[int, datetime]]:
        """Return the keys that the change in one key may change, each with the instant from which on."""
        found: list[tuple[int, datetime]] = []
        rules = self.people.global_rules
        reach = rules.paused_timeout + rules.silence
        fresh = {(p.first_at, p.started_at) for p in each.made} ^ {(k.first_at, k.started_at) for k in each.kept}
        if fresh:
            earliest = min(first for first, _began in fresh) - reach
            for number, sibling, last in await playbacks.beginnings(self.db, each.row.key, earliest):
                if any(sibling.first_at <= first and last >= first - reach for first, _began in fresh):
                    found.append((number, sibling.first_at))
        if each.related and each.check_ins:
            there = await playbacks.of_keys(self.db, each.related, each.check_ins[0].at)
            found.extend((number, min(k.first_at for k in kept)) for number, kept in there.items() if kept)
        return found

    def _cut(self, each: Cutting) -> tuple[Playback, ...]:
        return cut(each.check_ins, each.around, self.people.rules(each.account_id), self._now(each.row.key))

    def _now(self, key: Key) -> datetime:
        """Return the time on the server's clock."""
        return self.now + self.ahead.get(key.server_id, timedelta())

    # --- keeping ------------------------------------------------------------------------------------------------

    async def _items(self, cuttings: Iterable[Cutting]) -> dict[tuple[str, str], ItemFacts]:
        """Return what Jellyfin has told of the series of these keys, and note what it should be asked."""
        wanted: set[tuple[str, str]] = set()
        series: set[tuple[str, str]] = set()
        for each in cuttings:
            server = each.row.key.server_id
            if each.item.series_id:
                series.add((server, each.item.series_id))
            if each.made and _is_incomplete(each.item):
                wanted.add((server, each.row.key.item_id))
        await media.want(self.db, series | wanted, self.now)
        return await media.catalogued(self.db, series)

    async def _keep(self, each: Cutting, items: Mapping[tuple[str, str], ItemFacts]) -> None:
        key, item = each.row.key, each.item
        media_id = await self._media(key, item, items) if each.made else None
        named = units(item, key.item_id) if item.kind is not None else ("",)
        free = sorted(each.kept, key=lambda kept: kept.id)
        for found in each.made:
            overlapping = [k for k in free if k.first_at <= found.last_at and found.first_at <= k.last_at]
            values = playbacks.values_of(
                each.row.id,
                key.server_id,
                self.people.account_of((key.server_id, key.user_id), found.first_at),
                media_id,
                named,
                found,
            ) | {"runtime_seconds": each.around.runtime}
            old = overlapping[0] if overlapping else None
            if old is not None:
                free.remove(old)
            await self._write(old, values, named)
        for gone in free:
            self._touch(gone.account_id, gone.media_id, gone.units)
        await playbacks.remove(self.db, [gone.id for gone in free])

    async def _write(self, old: Kept | None, values: dict[str, object], named: Sequence[str]) -> None:
        account_id, media_id = values["account_id"], values["media_id"]
        if not isinstance(account_id, int) or not isinstance(media_id, int):
            account_id = media_id = None
        if old is None:
            number = await playbacks.add(self.db, values)
            await playbacks.set_units(self.db, number, account_id, media_id, named)
        else:
            number = old.id
            if all(old.values.get(name) == value for name, value in values.items()):
                return
            await playbacks.change(self.db, number, values)
            if (old.account_id, old.media_id, old.units) != (account_id, media_id, tuple(named)):
                self._touch(old.account_id, old.media_id, old.units)
                await playbacks.set_units(self.db, number, account_id, media_id, named)
        self.touched.append(number)
        self._touch(account_id, media_id, named)

    def _touch(self, account_id: int | None, media_id: int | None, named: Iterable[str]) -> None:
        if account_id is not None and media_id is not None:
            self.units.update((account_id, media_id, unit) for unit in named)

    async def _media(self, key: Key, item: ItemFacts, items: Mapping[tuple[str, str], ItemFacts]) -> int | None:
        series = items.get((key.server_id, item.series_id)) if item.series_id else None
        identity = identity_of(key.server_id, key.item_id, item, series)
        if identity is None:
            return None
        found = await media.identify(self.db, identity)
        if found.merged:
            self.units = {
                (account, found.id if number in found.merged else number, unit) for account, number, unit in self.units
            }
            self.units |= await media.units_of(self.db, [found.id])
        return found.id

    # --- watches ------------------------------------------------------------------------------------------------

    async def settle_units(self) -> None:
        """Compute the watches of all touched units anew, and keep what differs."""
        await lock_watches(self.db, {(account, number) for account, number, _unit in self.units})
        for account_id, media_id, unit in sorted(self.units):
            await self._settle_unit(account_id, media_id, unit)
        self.units = set()

    async def _settle_unit(self, account_id: int, media_id: int, unit: str) -> None:
        rules = self.people.rules(account_id)
        viewings, shares = await playbacks.viewings(self.db, account_id, media_id, unit)
        made, verdicts = watches(viewings, shares, rules, self.people.zone_of(account_id))
        await playbacks.set_verdicts(self.db, verdicts, fingerprint(rules))
        kept = await kept_watches.of_unit(self.db, account_id, media_id, unit)
        for found in made:
            row = kept_watches.values_of(found)
            old = kept.pop(row["day"], None)
            if old is not None and not kept_watches.differs(old, row):
                continue
            self.changes.append(Change((account_id, media_id, unit), row["day"], old, row))
            if old is None:
                extra = {"account_id": account_id, "media_id": media_id, "unit": unit, "title": ""}
                await kept_watches.add(self.db, extra | row, self.now)
            else:
                await kept_watches.change(self.db, old["id"], row, self.now)
        for day, old in kept.items():
            self.changes.append(Change((account_id, media_id, unit), day, old, None))
            await kept_watches.remove(self.db, old["id"])


def _is_sibling(other: Key, own: Key) -> bool:
    same = (other.server_id, other.session_id, other.user_id) == (own.server_id, own.session_id, own.user_id)
    return same and other.item_id != own.item_id


def _is_incomplete(item: ItemFacts) -> bool:
    """Say whether Jellyfin should be asked about the item itself."""
    if item.kind is None or item.runtime_seconds is None:
        return True
    if item.kind == "movie":
        return not (item.tmdb_id or item.tvdb_id or item.imdb_id)
    return item.series_id is None
