"""``playledger users rules`` and ``users erase``: what is done to a whole account."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.commands import world
from receiver.commands.world import Ledger
from receiver.intake import is_of_erased
from receiver.spool import Spool
from reconcile.accounts import change_account, checked_zone
from reconcile.difference import differences_of
from reconcile.erasing import erase as erased
from reconcile.erasing import finish
from reconcile.errors import FolderHeld, SettingRefused
from reconcile.store import people
from reconcile.store.lease import FolderLease
from reconcile.store.people import Account
from reconcile.trial import trial

OR_ELSE = "Or let it do that itself: POST /api/v1/accounts/NUMBER/erase."


def rules(name: str, values: Mapping[str, object], *, dry_run: bool) -> list[str]:
    """Change an account's own rules (None: the global one), and return what that changes. Raises SettingRefused."""
    if isinstance(zone := values.get("time_zone"), str):
        checked_zone(zone)

    async def work() -> list[str]:
        async with world.ledger(await world.settings_of()) as ledger, trial(ledger.store, dry_run=dry_run) as db:
            found = await _account(db, name)
            if not values:
                return list(_shown(ledger, found))
            settled = await change_account(db, ledger.people, found.id, values, world.now(), ledger.ahead)
            differences = await differences_of(db, settled)
            lines = [each.sentence(is_dry=dry_run) for each in differences]
            return [*lines, f"{len(lines)} rows of the history {'would change' if dry_run else 'changed'}."]

    return asyncio.run(work())


def _shown(ledger: Ledger, found: Account) -> Iterator[str]:
    """Yield the rules that an account goes by, and which are its own."""
    going_by = ledger.people.rules(found.id)
    for name in ("threshold", "min_seconds", "partial_min_seconds", "record_partials", "require_coverage"):
        own = "" if getattr(found, name) is None else "  (its own)"
        yield f"{name:20} {_plain(getattr(going_by, name))}{own}"
    yield f"{'time_zone':20} {ledger.people.zone_of(found.id)}{'  (its own)' if found.time_zone else ''}"


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).lower()


def erase(name: str, *, is_meant: bool) -> list[str]:
    """Erase an account for good, and return what went. Raises SettingRefused, and FolderHeld beside a server."""

    async def work() -> list[str]:
        async with world.ledger(await world.settings_of(), alone=True, or_else=OR_ELSE) as ledger:
            async with ledger.store.begin() as db:
                found = await _account(db, name)
                if not is_meant:
                    raise SettingRefused(f"This erases account {found.id}, {found.name}, for good: say so with --yes.")
                done = await erased(db, ledger.people, found.id, world.now(), ledger.ahead)
            await _purge_spools(ledger)
            is_over = await finish(ledger.store, ledger.people, world.now())
            count = 0 if done is None else sum(done.rows.values())
            last = "" if is_over else " The rest is finished by serve."
            return [
                f"Account {found.id} is erased: {count} rows. Whoever it was is ignored from now on.{last}",
                "Backups and exports that were made before still tell of them: those are yours to delete.",
            ]

    return asyncio.run(work())


async def _purge_spools(ledger: Ledger) -> None:
    """Take the erased out of this host's spools; one that a process holds is purged by that process."""
    for folder in sorted(ledger.settings.data_dir.glob("spool*")):
        lease = FolderLease(folder)
        try:
            lease.take()
        except FolderHeld:
            continue
        spool = Spool(folder)
        try:
            await spool.open()
            await spool.purge(lambda record: is_of_erased(record, ledger.people))
        finally:
            await spool.close()
            await lease.release()


async def _account(db: AsyncConnection, wanted: str) -> Account:
    """Return the one account of that number or name, or to which a user of that name is linked."""
    known = {each.id: each for each in await people.accounts(db)}
    by_name = [each for each in known.values() if wanted in (str(each.id), each.name)]
    linked = {each.account_id for each in await people.links(db) if wanted.lower() == (each.user_name or "").lower()}
    found = by_name or [known[number] for number in sorted(linked)]
    if not found:
        raise SettingRefused(f"There is no account {wanted}: playledger users list shows them.")
    if len(found) > 1:
        numbers = ", ".join(str(each.id) for each in found)
        raise SettingRefused(f"{wanted} is the name of several accounts: give one of the numbers {numbers}.")
    return found[0]
