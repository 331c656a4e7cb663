"""From evidence to history within one transaction: cut the touched keys again, judge, and settle the watches."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile import marked
from reconcile.changes import Settled, Unit
from reconcile.corrected import Corrected
from reconcile.following import follow
from reconcile.gathering import Cutting, Gathering, Seat, seat
from reconcile.judging import Judging
from reconcile.memory import Draft, Memory, Others
from reconcile.people import People
from reconcile.playback.check_in import ItemFacts
from reconcile.playback.corrections import Counts
from reconcile.playback.days import units
from reconcile.playback.edges import EndedBy
from reconcile.playback.media import Identity, Match, identity_of, locals_of
from reconcile.store import keys, media, playbacks, titles
from reconcile.store import matches as kept_matches
from reconcile.store.playbacks import Kept


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
        self.people = people
        self.now = now
        self.gathering = Gathering(db, people, now, ahead or {}, draft or Memory().draft(), whole=whole)
        self.units: set[Unit] = set()
        self.corrected = Corrected({}, {}, {})
        self.settled = Settled()
        self._rewritten: list[tuple[int, dict[str, object]]] = []
        self._shown: list[dict[str, object]] = []
        self._merged: dict[int, int] = {}
        self._judging = Judging(db, people, now, self.settled)

    async def settle(self, key_ids: Collection[int], since: Mapping[int, datetime] | None = None) -> Settled:
        """Cut the keys numbered *key_ids* again; *since* is each one's earliest new evidence, if it is known."""
        rows = await keys.by_id(self.db, key_ids)
        cuttings = await self.gathering.cuttings(rows, since or {})
        for each in cuttings.values():
            self.gathering.cut(each)
        # Where a playback begins depends on its own key and on the looks only, so one more round is enough.
        for each in await self.gathering.place_siblings(cuttings.values(), cuttings):
            self.gathering.cut(each)
        for number, each in (await self._neighbours(cuttings)).items():
            self.gathering.cut(each)
            cuttings[number] = each
        named = await self._media(cuttings.values())
        self.corrected = await Corrected.of(self.db, [c.row.key for c in cuttings.values()], self.people.accounts)
        for number, each in cuttings.items():
            await self._keep(each, self._now_called(named[number]))
        await playbacks.change(self.db, self._rewritten)
        await playbacks.add_units(self.db, self._shown)
        self._rewritten, self._shown = [], []
        await self.corrected.keep(self.db)
        known = {number: self._now_called(media_id) for number, media_id in named.items()}
        newly_marked = await marked.place(self.db, self.people, cuttings.values(), known)
        units = {(account, self._merged.get(number, number), unit) for account, number, unit in self.units}
        self.settled.merged |= self._merged
        is_sure = self.gathering.whole or bool(self._merged)
        await self._judging.settle(units | newly_marked, newly_marked, ask_for_marks=is_sure)
        self.units = set()
        for each in cuttings.values():
            self._remember(each)
        await follow(self.db, self.people, self.now, self.settled)
        return self.settled

    async def line(self, key_id: int) -> Cutting:
        """Return a key with all that cutting it takes."""
        each = (await self.gathering.cuttings(await keys.by_id(self.db, [key_id]), {}))[key_id]
        await self.gathering.place_siblings([each], {})
        return each

    def _remember(self, each: Cutting) -> None:
        """Remember a key's line, and how its open playback may be extended where nothing else can change it."""
        unit = self._unit_of(each)
        found = None if unit is None or each.number is None else self._judging.standing(unit, each.number)
        if found is None:
            self.gathering.remember(each, None, None, Others())
        else:
            self.gathering.remember(each, unit, *found)

    def _unit_of(self, each: Cutting) -> Unit | None:
        """Return the one unit that the open playback of a key shows; None where people have said something of it."""
        counts = each.counts
        if counts is None or not each.made[-1].is_open or len(counts.units) != 1 or self.corrected.concern(each.row):
            return None
        if counts.account_id is None or counts.media_id is None:
            return None
        return (counts.account_id, counts.media_id, counts.units[0])

    # --- neighbours -----------------------------------------------------------------------------------------------

    async def _neighbours(self, cuttings: Mapping[int, Cutting]) -> dict[int, Cutting]:
        """Return the keys that must be cut again because of what changed in these."""
        wanted: dict[int, datetime] = {}
        for number, at in await self._affected(cuttings.values()):
            if number not in cuttings:
                wanted[number] = min(at, wanted.get(number, at))
        if not wanted:
            return {}
        neighbours = await self.gathering.cuttings(await keys.by_id(self.db, wanted), wanted)
        await self.gathering.place_siblings(neighbours.values(), cuttings)
        return neighbours

    async def _affected(self, cuttings: Collection[Cutting]) -> list[tuple[int, datetime]]:
        """Return the keys that the changes in these may change, each with the instant from which on."""
        found: list[tuple[int, datetime]] = []
        rules = self.people.global_rules
        reach = rules.paused_timeout + rules.silence
        moved = {each.row.id: _moved(each) for each in cuttings}
        seats: dict[Seat, datetime] = {}
        for each in cuttings:
            if moved[each.row.id]:
                place, earliest = seat(each.row.key), min(moved[each.row.id]) - reach
                seats[place] = min(earliest, seats.get(place, earliest))
        begun = await playbacks.begun_in(self.db, seats)
        for each in cuttings:
            for other in begun.get(seat(each.row.key), ()):
                is_before = (other.sibling.first_at <= at <= other.last_at + reach for at in moved[each.row.id])
                if other.key_id != each.row.id and any(is_before):
                    found.append((other.key_id, other.sibling.first_at))
            if each.related and each.check_ins:
                there = await playbacks.of_keys(self.db, each.related, each.check_ins[0].at)
                found.extend((number, min(k.first_at for k in kept)) for number, kept in there.items() if kept)
        return found

    # --- keeping ------------------------------------------------------------------------------------------------

    async def _items(self, cuttings: Iterable[Cutting]) -> dict[tuple[str, str], ItemFacts]:
        """Return what Jellyfin has told of the series of these keys, and note what it should be asked."""
        wanted: set[tuple[str, str]] = set()
        series: set[tuple[str, str]] = set()
        for each in cuttings:
            server = each.row.key.server_id
            if each.item.series_id:
                series.add((server, each.item.series_id))
            if (each.made or marked.is_marked(each)) and _is_incomplete(each.item):
                wanted.add((server, each.row.key.item_id))
        known = await media.catalogued(self.db, series | wanted)
        await media.want(self.db, (series | wanted) - known.keys(), self.now)
        return known

    async def _media(self, cuttings: Collection[Cutting]) -> dict[int, int | None]:
        """Return the media of each key; None while it is not known what kind of item it is."""
        items = await self._items(cuttings)
        matches = await self._matches(cuttings)
        identities: dict[int, Identity | None] = {}
        for each in cuttings:
            key, item = each.row.key, each.item
            series = items.get((key.server_id, item.series_id)) if item.series_id else None
            said = identity_of(key.server_id, key.item_id, item, series, matches)
            identities[each.row.id] = said if each.made or marked.is_marked(each) else None
        known = await media.known(self.db, {identity for identity in identities.values() if identity is not None})
        unnamed: set[int] = set()
        for identity in dict.fromkeys(identities.values()):
            if identity is not None and identity not in known:
                known[identity] = await self._identify(identity, unnamed)
        await titles.name(self.db, unnamed)
        return {number: None if identity is None else known[identity] for number, identity in identities.items()}

    async def _matches(self, cuttings: Collection[Cutting]) -> dict[str, Match]:
        """Return what people said which media these are."""
        each_one = (locals_of(each.row.key.server_id, each.row.key.item_id, each.item) for each in cuttings)
        return await kept_matches.matches(self.db, {name for names in each_one for name in names})

    async def _identify(self, identity: Identity, unnamed: set[int]) -> int:
        found = await media.place(self.db, identity)
        if found.is_news:
            unnamed.add(found.id)
        if found.merged:
            self._merged |= dict.fromkeys(found.merged, found.id)
            self._merged = {old: found.id if new in found.merged else new for old, new in self._merged.items()}
            self.units |= await media.units_of(self.db, [found.id])
        return found.id

    async def _keep(self, each: Cutting, media_id: int | None) -> None:
        key, item = each.row.key, each.item
        named = units(item, key.item_id) if item.kind is not None else ("",)
        free = sorted(each.kept, key=lambda kept: kept.id)
        for found in each.made:
            overlapping = [k for k in free if k.first_at <= found.last_at and found.first_at <= k.last_at]
            is_import = found.ended_by is EndedBy.IMPORTED
            account_id = self.people.account_of((key.server_id, key.user_id), found.first_at, imported=is_import)
            counts = self.corrected.counts(each.row, found, Counts(account_id, media_id, tuple(named)))
            values = playbacks.values_of(
                each.row.id, key.server_id, counts.account_id, counts.media_id, counts.units, found
            ) | {"runtime_seconds": each.around.runtime}
            old = overlapping[0] if overlapping else None
            if old is not None:
                free.remove(old)
            each.number = await self._write(old, values, counts.units)
            each.counts = counts
        for gone in free:
            self._touch(gone.account_id, gone.media_id, gone.units)
            self._span(gone.account_id, gone.started_at, gone.ended_at)
        await playbacks.remove(self.db, [gone.id for gone in free])

    async def _write(self, old: Kept | None, values: dict[str, object], named: Sequence[str]) -> int:
        account_id, media_id = values["account_id"], values["media_id"]
        if not isinstance(account_id, int) or not isinstance(media_id, int):
            account_id = media_id = None
        if old is None:
            number = await playbacks.add(self.db, values)
            self.settled.began.append(number)
            self._shown += playbacks.units_of(number, account_id, media_id, named)
        else:
            number = old.id
            if all(old.values.get(name) == value for name, value in values.items()):
                if self.gathering.whole:
                    # The rules may have changed: what is the same playback may have another verdict.
                    self._touch(account_id, media_id, named)
                return number
            self._rewritten.append((number, values))
            if (old.account_id, old.media_id, old.units) != (account_id, media_id, tuple(named)):
                self._touch(old.account_id, old.media_id, old.units)
                await playbacks.set_units(self.db, number, account_id, media_id, named)
        self.settled.playbacks.append(number)
        self._touch(account_id, media_id, named)
        self._note_end(number, old, values)
        return number

    def _note_end(self, number: int, old: Kept | None, values: dict[str, object]) -> None:
        """Note that a playback is over now, or was before."""
        was_over = old is not None and not old.open
        if not values["open"]:
            # What comes late may end it otherwise than was thought, though it was never seen to go on: a stop, at last.
            if old is None or old.open or old.values["ended_by"] != values["ended_by"]:
                self.settled.ended.append(number)
            self._span(values["account_id"], values["started_at"], values["ended_at"])
        if old is not None and was_over:
            self._span(old.account_id, old.started_at, old.ended_at)

    def _span(self, account_id: object, since: object, until: object) -> None:
        if isinstance(account_id, int) and isinstance(since, datetime) and isinstance(until, datetime):
            self.settled.spans.append((account_id, since, until))

    def _now_called(self, media_id: int | None) -> int | None:
        return None if media_id is None else self._merged.get(media_id, media_id)

    def _touch(self, account_id: int | None, media_id: int | None, named: Iterable[str]) -> None:
        if account_id is not None and media_id is not None:
            self.units.update((account_id, media_id, unit) for unit in named)


def _moved(each: Cutting) -> set[datetime]:
    """Return the first check-ins of the playbacks of a key that began, or began elsewhere, with this cut."""
    made = {(p.first_at, p.started_at) for p in each.made}
    return {first for first, _began in made ^ {(k.first_at, k.started_at) for k in each.kept}}


def _is_incomplete(item: ItemFacts) -> bool:
    """Say whether Jellyfin should be asked about the item itself."""
    if item.kind is None or item.runtime_seconds is None:
        return True
    if item.kind == "movie":
        return not (item.tmdb_id or item.tvdb_id or item.imdb_id)
    return item.series_id is None
