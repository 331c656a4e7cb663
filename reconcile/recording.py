"""Taking evidence in: one batch, one transaction, from observations to settled history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.arrivals import Answer, Arrival, Outcome, Shown
from reconcile.changes import Settled
from reconcile.extending import Extending
from reconcile.memory import Draft, Line, Memory
from reconcile.people import ALWAYS, People, User
from reconcile.playback.check_in import Channel, CheckIn, Key, Kind, Observation, merged
from reconcile.playback.facts import learnt
from reconcile.settling import Settling
from reconcile.store import accounts, deliveries, evidence, keys, marks, playbacks, servers
from reconcile.store import people as kept_people
from reconcile.store.keys import KeyRow
from reconcile.store.locks import lock_sessions, lock_users


class Batch(msgspec.Struct):
    """What a transaction did, for those who asked for it."""

    answers: list[Answer]
    settled: Settled
    keys: dict[Key, int]


LATE = timedelta(seconds=60)
"""What was seen longer ago than this may be about a playback that is already over."""

NOT_RECORDED = "not a recorded user"


class Recording:
    """Takes arrivals in within the transaction *db*; *now* is our clock, *ahead* how far each server's is ahead."""

    def __init__(
        self,
        db: AsyncConnection,
        people: People,
        now: datetime,
        ahead: Mapping[str, timedelta] | None = None,
        draft: Draft | None = None,
    ) -> None:
        self.db = db
        self.people = people
        self.now = now
        self.ahead = ahead or {}
        self.draft = draft or Memory().draft()
        self._take_back: Callable[[], None] = lambda: None

    def take_back(self) -> None:
        """Forget whom the transaction had linked: it failed."""
        self._take_back()

    async def take(self, arrivals: Sequence[Arrival], shown: Sequence[Shown] = ()) -> Batch:
        """Keep what *arrivals* tell, settle what it touches, and return an answer for each.

        *shown* are sightings of what is known already.
        """
        await self._link_newcomers(arrivals)
        mine = [[o for o in arrival.observations if self._is_recorded(o)] for arrival in arrivals]
        told = [o for each in mine for o in each]
        await self._see_servers(arrivals)
        still = self._still(arrivals)
        everyone = {o.key for o in told} | {each.key for each in shown} | still
        await lock_sessions(self.db, ((key.server_id, key.session_id, key.user_id) for key in everyone))
        await self._keep_looks(arrivals)
        await self._extend(shown, remembered=True)
        grown = await Extending(self.db, self.people, self.now, self.ahead, self.draft).take(told)
        extended = {each.key: each for each in grown}
        told = [o for o in told if o.key not in extended]
        rows = await keys.find_or_add(self.db, {o.key for o in told} | still)
        fresh = await self._keep(told, rows)
        touched = {rows[key].id: at for key, at in fresh.items()}
        for number, at in await self._touched_by_looks(arrivals, rows):
            touched[number] = min(at, touched.get(number, at))
        await self._show(arrivals, rows)
        for each in shown:
            if self._is_late(each.key.server_id, each.until):
                touched[each.key_id] = min(each.at, touched.get(each.key_id, each.at))
        settling = Settling(self.db, self.people, self.now, ahead=self.ahead, draft=self.draft)
        settled = await settling.settle(touched, touched) if touched else Settled()
        settled.playbacks += [each.number for each in grown]
        settled.watches += [each.watch for each in grown if each.watch is not None]
        fresh |= {key: each.check_ins[0].at for key, each in extended.items()}
        answers = [await self._answer(arrival, kept, fresh) for arrival, kept in zip(arrivals, mine, strict=True)]
        ids = {key: row.id for key, row in rows.items()} | {key: each.key_id for key, each in extended.items()}
        return Batch(answers, settled, ids)

    # --- people ---------------------------------------------------------------------------------------------------

    def _is_recorded(self, told: Observation) -> bool:
        at = told.check_in.at if told.check_in is not None else told.observed_at
        user = (told.key.server_id, told.key.user_id)
        if told.channel is Channel.IMPORT:
            return self.people.may_import(user, at, self.now)
        return self.people.is_recorded(user, at)

    async def _link_newcomers(self, arrivals: Sequence[Arrival]) -> None:
        newcomers: dict[User, str | None] = {}
        for arrival in arrivals:
            for told in arrival.observations:
                user = (told.key.server_id, told.key.user_id)
                if told.channel is not Channel.IMPORT and self.people.is_to_be_linked(user):
                    newcomers[user] = newcomers.get(user) or told.user_name
        if not newcomers:
            return
        await lock_users(self.db, newcomers)
        await self.people.load(self.db)  # another process may have seen them first
        for (server_id, user_id), name in sorted(newcomers.items()):
            if self.people.is_to_be_linked((server_id, user_id)):
                await link_new(self.db, server_id, user_id, name, "first sight", self.now)
        self._take_back = await self.people.load_within(self.db)

    async def _see_servers(self, arrivals: Sequence[Arrival]) -> None:
        seen = {told.key.server_id for arrival in arrivals for told in arrival.observations}
        for server_id in sorted(seen):
            await servers.see(self.db, server_id, self.now)

    # --- evidence -------------------------------------------------------------------------------------------------

    async def _extend(self, shown: Sequence[Shown], *, remembered: bool = False) -> dict[int, int]:
        """Keep until when known check-ins were shown; return the new versions of their keys.

        What comes from memory makes none where one process alone remembers: it is in what is remembered already.
        """
        told = [(each.key_id, each.at, each.kind, each.until) for each in shown if each.kind is not None]
        await evidence.extend(self.db, told)
        await evidence.keep_sightings(self.db, [(each.key_id, each.until) for each in shown if each.kind is None])
        if remembered and self.db.dialect.name == "sqlite":
            for each in shown:
                known = self.draft.latest(each.key_id)
                self.draft.set(each.key_id, known and _showing(known, each, known.version))
            return {}
        versions = await keys.touch(self.db, {each.key_id for each in shown})
        lines = {number: self.draft.line(number, version - 1) for number, version in versions.items()}
        for each in shown:
            version, line = versions.get(each.key_id, 0), lines.get(each.key_id)
            lines[each.key_id] = line and _showing(line, each, version)
        for number, line in lines.items():
            self.draft.set(number, line)
        return versions

    async def _keep(self, told: Sequence[Observation], rows: Mapping[Key, KeyRow]) -> dict[Key, datetime]:
        """Keep the evidence in *told*; return the keys for which it was news, each with its earliest instant."""
        if not told:
            return {}
        fresh: dict[Key, datetime] = {}
        news = await self._news([(rows[o.key], o.check_in) for o in told if o.check_in is not None])
        await evidence.keep(self.db, {number: found.values() for number, found in news.items()})
        for key, row in rows.items():
            if row.id in news:
                fresh[key] = min(at for at, _kind in news[row.id])
        sightings = [(o.key, o.sighting) for o in told if o.sighting is not None]
        await evidence.keep_sightings(self.db, ((rows[key].id, at) for key, at in sightings))
        for key, at in sightings:
            fresh[key] = min(at, fresh.get(key, at))
        marked = await marks.keep(self.db, [(rows[o.key].id, o.mark) for o in told if o.mark is not None])
        fresh |= {key: marked[row.id] for key, row in rows.items() if row.id in marked}
        await self._remember(news, {rows[key].id for key, _at in sightings}, rows)
        changed: list[KeyRow] = []
        for each in told:
            row = rows[each.key]
            facts = learnt(row.facts, each)
            if facts != row.facts:
                row.facts = facts
                changed.append(row)
                at = each.check_in.at if each.check_in is not None else each.observed_at
                fresh.setdefault(each.key, at)
        await keys.save(self.db, list({row.id: row for row in changed}.values()))
        return fresh

    async def _news(self, told: Sequence[tuple[KeyRow, CheckIn]]) -> dict[int, dict[tuple[datetime, Kind], CheckIn]]:
        """Return the check-ins, by key and merged with what is kept, that are not kept just so."""
        news: dict[int, dict[tuple[datetime, Kind], CheckIn]] = {}
        late = [(row, check_in) for row, check_in in told if not self._is_next(row, check_in)]
        known: dict[int, dict[datetime, list[CheckIn]]] = {}
        if late:
            earliest = min(check_in.at for _row, check_in in late)
            known = await evidence.recent(self.db, {row.id for row, _ in late}, earliest)
        for row, check_in in told:
            line = self.draft.line(row.id, row.version)
            there = news.get(row.id, {}).get(check_in.identity)
            there = there or _find(known.get(row.id, {}), check_in) or (line.known(check_in) if line else None)
            now = check_in if there is None else merged(there, check_in)
            if now != there:
                news.setdefault(row.id, {})[check_in.identity] = now
        return news

    def _is_next(self, row: KeyRow, check_in: CheckIn) -> bool:
        """Say whether memory is enough to tell what is known of *check_in*."""
        line = self.draft.line(row.id, row.version)
        return line is not None and (line.appends(check_in) or line.known(check_in) is not None)

    async def _remember(
        self,
        news: Mapping[int, Mapping[tuple[datetime, Kind], CheckIn]],
        sighted: set[int],
        rows: Mapping[Key, KeyRow],
    ) -> None:
        """Note that the evidence of these keys has grown, and bring what is remembered of them up to date."""
        versions = await keys.touch(self.db, {*news, *sighted})
        for row in rows.values():
            if row.id not in versions:
                continue
            line = self.draft.line(row.id, row.version)
            row.version = versions[row.id]
            if line is not None:
                told = news.get(row.id, {}).values()
                line = None if row.id in sighted else line.taking(told, row.version)
            self.draft.set(row.id, line)

    def _still(self, arrivals: Sequence[Arrival]) -> set[Key]:
        return {key for arrival in arrivals if arrival.look is not None for key, _at, _kind in arrival.look.still}

    async def _keep_looks(self, arrivals: Sequence[Arrival]) -> None:
        looks = [arrival.look for arrival in arrivals if arrival.look is not None]
        await evidence.keep_looks(self.db, {(look.server_id, look.at) for look in looks})
        for look in looks:
            known = self.draft.looks_of(look.server_id)
            if known is not None and known.taken and look.at < known.taken[-1]:
                self.draft.set_looks(look.server_id, None)

    async def _show(self, arrivals: Sequence[Arrival], rows: Mapping[Key, KeyRow]) -> None:
        """Keep until when looks have shown what is known already."""
        looks = [arrival.look for arrival in arrivals if arrival.look is not None]
        shown = [
            Shown(key, rows[key].id, at, kind, look.at) for look in looks for key, at, kind in look.still if key in rows
        ]
        versions = await self._extend(shown)
        for row in rows.values():
            row.version = versions.get(row.id, row.version)

    async def _touched_by_looks(
        self, arrivals: Sequence[Arrival], rows: Mapping[Key, KeyRow]
    ) -> list[tuple[int, datetime]]:
        """Return the keys that looks say something new of, each with the instant from which on.

        What the latest look still shows needs no new cut: its next check-in, or its limit, brings one.
        """
        touched: list[tuple[int, datetime]] = []
        late: dict[str, list[datetime]] = {}
        latest: dict[str, datetime | None] = {}
        for look in (arrival.look for arrival in arrivals if arrival.look is not None):
            touched.extend((number, look.at) for number in look.vanished)
            if look.server_id not in latest:
                latest[look.server_id] = await evidence.latest_look(self.db, look.server_id)
            newest = latest[look.server_id]
            if (newest is not None and look.at < newest) or self._is_late(look.server_id, look.at):
                touched.extend((rows[key].id, at) for key, at, _kind in look.still)
                late.setdefault(look.server_id, []).append(look.at)
        reach = self.people.global_rules.paused_timeout
        for server_id, at in late.items():
            around = await playbacks.around(self.db, server_id, min(at) - reach, max(at) + reach)
            touched.extend((number, min(at) - reach) for number in around)
        return touched

    def _is_late(self, server_id: str, at: datetime) -> bool:
        """Say whether what was seen *at* that instant comes after the sweep may have closed what it was about."""
        return self.now + self.ahead.get(server_id, timedelta()) - at > LATE

    # --- answers --------------------------------------------------------------------------------------------------

    async def _answer(self, arrival: Arrival, kept: Sequence[Observation], fresh: Mapping[Key, datetime]) -> Answer:
        if not kept and arrival.observations:
            await deliveries.count(self.db, Counter({NOT_RECORDED: len(arrival.observations)}))
            return Answer(Outcome.IGNORED, NOT_RECORDED)
        is_news = any(o.key in fresh for o in kept)
        outcome, reason = (Outcome.RECORDED, "") if is_news else (Outcome.KNOWN, "told before")
        if arrival.delivery is None:
            return Answer(outcome, reason)
        arrival.delivery.outcome, arrival.delivery.reason = outcome.value, reason
        return Answer(outcome, reason, await deliveries.add(self.db, arrival.delivery))


def _showing(line: Line, shown: Shown, version: int) -> Line | None:
    """Return what is remembered of a key with what was *shown* of it; None if that is of another check-in."""
    if shown.kind is None:
        return line.sighted(shown.until, version)
    return line.showing(shown.at, shown.kind, shown.until, version)


def _find(known: Mapping[datetime, Sequence[CheckIn]], wanted: CheckIn) -> CheckIn | None:
    return next((each for each in known.get(wanted.at, ()) if each.kind is wanted.kind), None)


async def link_new(
    db: AsyncConnection, server_id: str, user_id: str, name: str | None, source: str, now: datetime
) -> int:
    """Record a Jellyfin user from the beginning of time, for the account they have or for a new one; return its id."""
    linked = await accounts.one_link(db, server_id, user_id)
    if linked is not None:  # Seerr, or a sign-in, has linked them before anybody saw them play
        account = int(linked["account_id"])
    else:
        account = await kept_people.add_account(db, name or user_id, now)
        await kept_people.tie(db, server_id, user_id, account, name, source, now)
    await kept_people.open_interval(db, server_id, user_id, account, ALWAYS)
    return account
