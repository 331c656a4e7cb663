"""What follows for activity, progress and badges from a change of the history, in the same transaction (DESIGN §10).

It costs what has changed, not what there is: the touched parts of an account are added up again, and of its badges
only those are looked at that feats of a touched kind could earn, since the instant of the earliest change.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.adding_up import Touched, add_up, everything
from reconcile.changes import BadgeChange, Change, Settled, Unit
from reconcile.people import People
from reconcile.playback.activity import days_between
from reconcile.playback.badges import ANYTHING, BADGES, EARLY_ADOPTER, VERSION, Rule, concerned
from reconcile.playback.feats import unit_name
from reconcile.store import activity, badges, completions, feats, progress
from reconcile.store.badges import Award, Basis
from reconcile.store.completions import is_counted
from reconcile.store.engine import Transactions
from reconcile.store.feats import Moved, Ranking, ranking
from reconcile.store.locks import lock_everyone, lock_feats

Parts: TypeAlias = dict[int, Touched]

_DECIDES = ("watched_at", "started_at", "plays", "playbacks", "channels", "verdict", "completed")


async def award(db: AsyncConnection, people: People, settled: Settled) -> None:
    """Add up again what *settled* touches, and note in it which badges came and went. Without news nothing is asked."""
    watches = [each for each in settled.watches if _is_news(each)]
    if not watches and not settled.spans and not settled.merged:
        return
    parts: Parts = {}
    for each in watches:
        account, number, unit = each.unit
        part = _part(parts, account)
        part.units.add((number, unit))
        part.days.add(date.fromisoformat(each.day))
    for account, since, until in settled.spans:
        _part(parts, account).days.update(days_between(since, until, people.zone_of(account)))
    if settled.merged:
        await _add_merged(db, people, settled, parts)
    settled.badges.extend(await _add_up(db, people, parts))


async def count_again(db: AsyncConnection, people: People, media_ids: Collection[int]) -> list[BadgeChange]:
    """Bring everyone's progress with *media_ids* up to date: what is known of the series has changed."""
    parts: Parts = {}
    for account, number in await progress.accounts_of(db, media_ids):
        _part(parts, account).series.add(number)
    return await _add_up(db, people, parts)


async def count_series(db: AsyncConnection, people: People, account: int, media_id: int) -> list[BadgeChange]:
    """Bring an account's progress with one series up to date: they gave it up, or took that back."""
    return await _add_up(db, people, {account: Touched(set(), {media_id}, set())})


async def make_anew(db: AsyncConnection, people: People, account: int) -> list[BadgeChange]:
    """Forget what an account's history adds up to, and make it anew; return the badges that came and went by it."""
    await lock_feats(db, (), [account])
    parts = {account: await everything(db, account, people.zone_of(account))}
    return await _add_up(db, people, parts)


async def make_anew_in_parts(store: Transactions, people: People, account: int) -> list[BadgeChange]:
    """Do the same in many short transactions, so that nobody waits for a long history; return what came and went.

    Meanwhile, and after a crash half-way, the account is marked as owed: its awards stay what they were, new watches
    add what they touch and judge nothing, and `catch_up` does it all again.
    """
    zone = people.zone_of(account)
    async with store.begin() as db:
        await lock_feats(db, (), [account])
        mark = await badges.owe(db, account)
        if mark is None:
            return []
        await feats.forget(db, account)
    async with store.read() as db:
        whole = await everything(db, account, zone)
    for part in whole.parts():
        async with store.begin() as db:
            await lock_feats(db, part.units)
            await lock_feats(db, (), [account])
            await add_up(db, account, zone, part)
    async with store.begin() as db:
        await lock_feats(db, (), [account])
        first = await (await ranking(db, account, ANYTHING)).nth(db, 1)
        basis = Basis(str(zone), VERSION, None if first is None else first.at)
        if not await badges.settle_basis(db, account, mark, basis):
            return []  # something was said of the account meanwhile: it is owed still
        changes = await _judge(db, account, Moved({}, {}, [], []), is_all=True)
        return changes + await _early_adopters(db)


async def catch_up(store: Transactions, people: People) -> int:
    """Make anew what was made by another zone or by older rules, account by account; return how many that were."""
    async with store.read() as db:
        bases = await badges.bases(db, people.accounts)
    behind = [account for account in people.accounts if not _is_current(bases.get(account), people, account)]
    for account in behind:
        await make_anew_in_parts(store, people, account)
    return len(behind)


async def leave(db: AsyncConnection, account: int) -> None:
    """Have others added up again at their next occasion: *account*, in whose company they watched, is to be erased."""
    others = set(await feats.in_company_of(db, account))
    early = await badges.holders(db, EARLY_ADOPTER.code)
    if account in early:  # then somebody else is among the first: any of them will ask who
        others.update(sorted(early.keys() - {account})[:1])
    if others:
        await badges.forget_bases(db, others)


# --- what is touched -------------------------------------------------------------------------------------------------


def _is_news(each: Change) -> bool:
    """Say whether a change of a row changes what it counts for."""
    before, after = each.before, each.after
    if not is_counted(before) and not is_counted(after):
        return False
    return before is None or after is None or any(before[name] != after[name] for name in _DECIDES)


def _part(parts: Parts, account: int) -> Touched:
    return parts.setdefault(account, Touched(set(), set(), set()))


async def _add_merged(db: AsyncConnection, people: People, settled: Settled, parts: Parts) -> None:
    """Add what was made with media that are now others: their rows went without a word."""
    await progress.merge(db, settled.merged)
    for account, each in await feats.of_media(db, settled.merged.keys()):
        part = _part(parts, account)
        part.series.add(each.media or 0)
        named, _, unit = each.name.partition(":")
        if each.media is not None and named == str(each.media):
            part.units.add((each.media, unit))
    for account, number in await progress.accounts_of(db, settled.merged.keys()):
        _part(parts, account).series.add(number)
    keepers = set(settled.merged.values())
    for account, number, unit in settled.units:
        if number in keepers:
            _part(parts, account).units.add((number, unit))
    for account, since, until in await activity.times_of_media(db, keepers):
        _part(parts, account).days.update(days_between(since, until, people.zone_of(account)))


async def _add_companions(db: AsyncConnection, parts: Parts) -> None:
    """Add the same films and episodes of those who watched them in one seat, or are said to have."""
    mine: set[Unit] = {(account, *unit) for account, part in parts.items() if not part.is_all for unit in part.units}
    others = await completions.companions(db, mine)
    for account, number, unit in mine:
        for other in await feats.company_of(db, number, unit_name(number, unit), account):
            others.add((other, number, unit))
    for account, number, unit in others:
        _part(parts, account).units.add((number, unit))


# --- adding up -------------------------------------------------------------------------------------------------------


async def _add_up(db: AsyncConnection, people: People, parts: Parts) -> list[BadgeChange]:
    if not parts:
        return []
    await lock_feats(db, {unit for part in parts.values() for unit in part.units})
    await _add_companions(db, parts)
    await lock_feats(db, (), parts)
    bases = await badges.bases(db, parts)
    changes: list[BadgeChange] = []
    is_early = False
    for account, part in sorted(parts.items()):
        basis = bases.get(account)
        touched = part
        if not part.is_all and not _is_current(basis, people, account):
            if await completions.is_long(db, account):
                await add_up(db, account, people.zone_of(account), part)
                continue  # all the rest is owed, and made without anybody waiting for it: `catch_up`
            touched = await everything(db, account, people.zone_of(account))
            touched.units |= part.units
            touched.series |= part.series
            touched.days |= part.days
        moved = await add_up(db, account, people.zone_of(account), touched)
        changes += await _judge(db, account, moved, is_all=touched.is_all)
        is_early |= await _note_basis(db, people, account, basis, moved, is_all=touched.is_all)
    if is_early:
        changes += await _early_adopters(db)
    return changes


def _is_current(basis: Basis | None, people: People, account: int) -> bool:
    zone = str(people.zone_of(account))
    return basis is not None and (basis.zone, basis.version) == (zone, VERSION)


async def _note_basis(
    db: AsyncConnection, people: People, account: int, basis: Basis | None, moved: Moved, *, is_all: bool
) -> bool:
    """Keep by what an account was added up; return whether its first completion is another than was thought."""
    then = None if basis is None else basis.first_at
    first_at = then
    since = min((moved.since[kind] for kind in ANYTHING if kind in moved.since), default=None)
    if is_all or (since is not None and (then is None or since <= then)):
        first = await (await ranking(db, account, ANYTHING)).nth(db, 1)
        first_at = None if first is None else first.at
    now = Basis(str(people.zone_of(account)), VERSION, first_at)
    if now != basis:
        await badges.set_basis(db, account, now)
    return is_all or then != first_at or (since is not None and since == first_at)


# --- badges ----------------------------------------------------------------------------------------------------------


async def _judge(db: AsyncConnection, account: int, moved: Moved, *, is_all: bool) -> list[BadgeChange]:
    """Compare an account's awards with what its feats earn, where they could have changed."""
    chosen = [badge for badge in BADGES if badge.rule is not Rule.EARLY] if is_all else concerned(moved.since)
    if not chosen:
        return []
    kept = await badges.awards(db, account)
    rankings: dict[tuple[str, ...], Ranking] = {}
    changes: list[BadgeChange] = []
    for badge in chosen:
        before = kept.get(badge.code)
        since = min((moved.since[kind] for kind in badge.kinds if kind in moved.since), default=None)
        if before is not None and since is not None and before.earned_at < since and not is_all:
            continue  # what came later cannot have moved it
        if badge.kinds not in rankings:
            rankings[badge.kinds] = await ranking(db, account, badge.kinds)
        found = await rankings[badge.kinds].nth(db, badge.needed)
        after = None if found is None else Award(badge.code, found.at, found.name, found.watch)
        changes += await _keep(db, account, badge.code, before, after)
    if is_all:
        for code in kept.keys() - {badge.code for badge in BADGES}:
            changes += await _keep(db, account, code, kept[code], None)
    return changes


async def _keep(
    db: AsyncConnection, account: int, code: str, before: Award | None, after: Award | None
) -> list[BadgeChange]:
    if before == after:
        return []
    await badges.put(db, account, code, before, after)
    then = None if before is None else before.earned_at
    now = None if after is None else after.earned_at
    told = after or before
    return [BadgeChange(account, code, then, now, None if told is None else told.watch)] if then != now else []


async def _early_adopters(db: AsyncConnection) -> list[BadgeChange]:
    """Give the badge to the first accounts that ever completed something; the instant decides, never the account."""
    await lock_everyone(db)
    wanted: Mapping[int, object] = await badges.earliest(db, EARLY_ADOPTER.threshold)
    kept = await badges.holders(db, EARLY_ADOPTER.code)
    changes: list[BadgeChange] = []
    for account in sorted(kept.keys() | wanted.keys()):
        after = None
        if account in wanted:
            first = await (await ranking(db, account, ANYTHING)).nth(db, 1)
            after = None if first is None else Award(EARLY_ADOPTER.code, first.at, first.name, first.watch)
        changes += await _keep(db, account, EARLY_ADOPTER.code, kept.get(account), after)
    return changes
