"""Taking evidence in: one batch, one transaction, from observations to settled history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.people import ALWAYS, People, User
from reconcile.playback.check_in import CheckIn, Key, Kind, Observation, merged
from reconcile.playback.facts import learnt
from reconcile.settling import Settled, Settling
from reconcile.store import deliveries, evidence, keys, playbacks, servers
from reconcile.store import people as kept_people
from reconcile.store.deliveries import Delivery
from reconcile.store.keys import KeyRow
from reconcile.store.locks import lock_sessions


class Outcome(StrEnum):
    """What became of an arrival."""

    RECORDED = "recorded"
    KNOWN = "known"
    SPOOLED = "spooled"
    FAILED = "failed"
    IGNORED = "ignored"
    REJECTED = "rejected"


class Answer(msgspec.Struct, frozen=True):
    """What became of an arrival, why, and the id under which it is kept."""

    outcome: Outcome
    reason: str = ""
    delivery: int | None = None


class Look(msgspec.Struct, frozen=True):
    """One successful snapshot. *still* are the check-ins (key, at, kind) that it showed and that are known already."""

    server_id: str
    at: datetime
    still: tuple[tuple[Key, datetime, Kind], ...] = ()
    vanished: tuple[int, ...] = ()


class Arrival(msgspec.Struct):
    """What came in at once: a delivery's observation, or a look with all that it showed."""

    observations: tuple[Observation, ...]
    delivery: Delivery | None = None
    look: Look | None = None


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
        self, db: AsyncConnection, people: People, now: datetime, ahead: Mapping[str, timedelta] | None = None
    ) -> None:
        self.db = db
        self.people = people
        self.now = now
        self.ahead = ahead or {}

    async def take(
        self, arrivals: Sequence[Arrival], shown: Sequence[tuple[int, datetime, Kind, datetime]] = ()
    ) -> Batch:
        """Keep what *arrivals* tell, settle what it touches, and return an answer for each.

        *shown* are known check-ins (key id, at, kind) that were still shown until an instant.
        """
        await evidence.extend(self.db, shown)
        await self._link_newcomers(arrivals)
        mine = [[o for o in arrival.observations if self._is_recorded(o)] for arrival in arrivals]
        told = [o for each in mine for o in each]
        await self._see_servers(arrivals)
        await lock_sessions(self.db, {(o.key.server_id, o.key.session_id, o.key.user_id) for o in told})
        rows = await keys.find_or_add(self.db, {o.key for o in told} | self._still(arrivals))
        fresh = await self._keep(told, rows)
        touched = {rows[key].id: at for key, at in fresh.items()}
        for number, at in await self._touched_by_looks(arrivals, rows):
            touched[number] = min(at, touched.get(number, at))
        await self._look(arrivals, rows)
        for number, at, _kind, until in shown:
            if self._is_late(until):
                touched[number] = min(at, touched.get(number, at))
        settling = Settling(self.db, self.people, self.now, ahead=self.ahead)
        settled = await settling.settle(touched, touched) if touched else Settled([], [])
        answers = [await self._answer(arrival, kept, fresh) for arrival, kept in zip(arrivals, mine, strict=True)]
        return Batch(answers, settled, {key: row.id for key, row in rows.items()})

    # --- people ---------------------------------------------------------------------------------------------------

    def _is_recorded(self, told: Observation) -> bool:
        at = told.check_in.at if told.check_in is not None else told.observed_at
        return self.people.is_recorded((told.key.server_id, told.key.user_id), at)

    async def _link_newcomers(self, arrivals: Sequence[Arrival]) -> None:
        newcomers: dict[User, str | None] = {}
        for arrival in arrivals:
            for told in arrival.observations:
                user = (told.key.server_id, told.key.user_id)
                if self.people.is_to_be_linked(user):
                    newcomers[user] = newcomers.get(user) or told.user_name
        for (server_id, user_id), name in sorted(newcomers.items()):
            await link_new(self.db, server_id, user_id, name, "first sight", self.now)
        if newcomers:
            await self.people.load(self.db)

    async def _see_servers(self, arrivals: Sequence[Arrival]) -> None:
        seen = {told.key.server_id for arrival in arrivals for told in arrival.observations}
        for server_id in sorted(seen):
            await servers.see(self.db, server_id, self.now)

    # --- evidence -------------------------------------------------------------------------------------------------

    async def _keep(self, told: Sequence[Observation], rows: Mapping[Key, KeyRow]) -> dict[Key, datetime]:
        """Keep the evidence in *told*; return the keys for which it was news, each with its earliest instant."""
        if not told:
            return {}
        fresh: dict[Key, datetime] = {}
        check_ins = [(o.key, o.check_in) for o in told if o.check_in is not None]
        news: dict[int, dict[tuple[datetime, Kind], CheckIn]] = {}
        if check_ins:
            earliest = min(check_in.at for _key, check_in in check_ins)
            known = await evidence.recent(self.db, {rows[key].id for key, _ in check_ins}, earliest)
            for key, check_in in check_ins:
                number = rows[key].id
                there = news.get(number, {}).get(check_in.identity) or _find(known.get(number, {}), check_in)
                now = check_in if there is None else merged(there, check_in)
                if now != there:
                    news.setdefault(number, {})[check_in.identity] = now
                    fresh[key] = min(check_in.at, fresh.get(key, check_in.at))
        await evidence.keep(self.db, {number: found.values() for number, found in news.items()})
        sightings = [(o.key, o.sighting) for o in told if o.sighting is not None]
        await evidence.keep_sightings(self.db, ((rows[key].id, at) for key, at in sightings))
        for key, at in sightings:
            fresh[key] = min(at, fresh.get(key, at))
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

    def _still(self, arrivals: Sequence[Arrival]) -> set[Key]:
        return {key for arrival in arrivals if arrival.look is not None for key, _at, _kind in arrival.look.still}

    async def _look(self, arrivals: Sequence[Arrival], rows: Mapping[Key, KeyRow]) -> None:
        looks = [arrival.look for arrival in arrivals if arrival.look is not None]
        await evidence.keep_looks(self.db, {(look.server_id, look.at) for look in looks})
        shown = [(rows[key].id, at, kind, look.at) for look in looks for key, at, kind in look.still if key in rows]
        await evidence.extend(self.db, shown)

    async def _touched_by_looks(
        self, arrivals: Sequence[Arrival], rows: Mapping[Key, KeyRow]
    ) -> list[tuple[int, datetime]]:
        """Return the keys that looks say something new of, each with the instant from which on.

        What the latest look still shows needs no new cut: its next check-in, or its limit, brings one.
        """
        touched: list[tuple[int, datetime]] = []
        for look in (arrival.look for arrival in arrivals):
            if look is None:
                continue
            touched.extend((number, look.at) for number in look.vanished)
            latest = await evidence.latest_look(self.db, look.server_id)
            if latest is not None and look.at < latest:
                touched.extend((rows[key].id, at) for key, at, _kind in look.still)
                reach = self.people.global_rules.paused_timeout
                around = await playbacks.around(self.db, look.server_id, look.at - reach, look.at + reach)
                touched.extend((number, look.at - reach) for number in around)
        return touched

    def _is_late(self, at: datetime) -> bool:
        """Say whether what was seen *at* that instant comes after the sweep may have closed what it was about."""
        return self.now - at > LATE

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


def _find(known: Mapping[datetime, Sequence[CheckIn]], wanted: CheckIn) -> CheckIn | None:
    return next((each for each in known.get(wanted.at, ()) if each.kind is wanted.kind), None)


async def link_new(
    db: AsyncConnection, server_id: str, user_id: str, name: str | None, source: str, now: datetime
) -> int:
    """Make an account for a Jellyfin user, link it, and record it from the beginning of time; return its id."""
    account = await kept_people.add_account(db, name or user_id, now)
    await kept_people.tie(db, server_id, user_id, account, name, source, now)
    await kept_people.open_interval(db, server_id, user_id, account, ALWAYS)
    return account
