"""``playledger outbound``: short writes that may happen beside a running server, which reads them within seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import httpx

from receiver.commands import world
from receiver.commands.world import Ledger
from reconcile import outbound
from reconcile.errors import PlayledgerError, SettingRefused
from reconcile.jellyfin.client import TIMEOUT
from reconcile.playback.news import FACTS
from reconcile.secrets import Safe
from reconcile.sending import Sender
from reconcile.store import accounts, outbox, targets
from reconcile.store.outbox import Row
from reconcile.store.targets import Tally, Target


class NotReceived(PlayledgerError):
    """A test message was not received."""


def listed() -> Iterator[str]:
    """Yield the targets."""
    found, tallies = asyncio.run(_listed())
    if not found:
        yield "Nobody is told: playledger outbound add URL."
    for each in found:
        tally = tallies.get(each.id, Tally())
        who = "everyone" if each.account_id is None else f"account {each.account_id}"
        state = "on" if each.active else f"off {each.note or ''}".rstrip()
        yield f"{each.id:>4}  {each.url}  about {who}: {', '.join(each.events)}"
        yield f"      {state}; {tally.waiting} waiting, {tally.dead} given up"


def add(url: str, events: Sequence[str], account: int | None) -> list[str]:
    """Add a target. Raises SettingRefused."""
    address = outbound.checked_url(url)
    chosen = outbound.checked_events(events or [kind.value for kind in FACTS])

    async def work() -> tuple[int, str]:
        async with world.ledger(await world.settings_of()) as ledger, ledger.store.begin() as db:
            if account is not None and await accounts.one(db, account) is None:
                raise SettingRefused(f"There is no account {account}: playledger users list shows their numbers.")
            safe = Safe.of_folder(ledger.settings.data_dir)
            return await outbound.add(db, safe, address, chosen, account, world.now())

    number, secret = asyncio.run(work())
    return [secret, f"This signs what target {number} is told. It is shown this once."]


def remove(number: int) -> list[str]:
    """Remove a target. Raises SettingRefused if there is none of that number."""

    async def work() -> None:
        async with world.ledger(await world.settings_of()) as ledger, ledger.store.begin() as db:
            if not await targets.remove(db, number):
                raise SettingRefused(_unknown(number))

    asyncio.run(work())
    return [f"Target {number} is told nothing more."]


def test(number: int) -> list[str]:
    """Send a test message. Raises NotReceived, saying why; a running server tries that again."""
    row = asyncio.run(_test(number))
    if row["state"] != outbox.SENT:
        raise NotReceived(f"Target {number} did not receive it: {row['error'] or 'it is still on its way'}.")
    return [f"Target {number} received it, and answered {row['status']}."]


async def _listed() -> tuple[list[Target], dict[int, Tally]]:
    async with world.ledger(await world.settings_of()) as ledger, ledger.store.read() as db:
        return await targets.targets(db), await targets.tallies(db)


async def _test(number: int) -> Row:
    async with world.ledger(await world.settings_of()) as ledger, httpx.AsyncClient(timeout=TIMEOUT) as http:
        async with ledger.store.begin() as db:
            target = await targets.one(db, number)
            if target is None:
                raise SettingRefused(_unknown(number))
            if not target.active:
                raise SettingRefused(f"Target {number} is turned off.")
            row = await outbound.test(db, target, world.now())
        return await _sent(ledger, http, row)


async def _sent(ledger: Ledger, http: httpx.AsyncClient, row: Row) -> Row:
    """Send the message here and now, unless a running server is quicker; return what came of it."""
    sender = Sender(ledger.store, Safe.of_folder(ledger.settings.data_dir), lambda: http, world.now)
    for _ in range(_PATIENCE):
        await sender.send_one(row["id"], row["target_id"])
        async with ledger.store.read() as db:
            row = await outbox.one(db, row["id"]) or row
        if row["attempts"]:
            break
        await asyncio.sleep(_PAUSE_SECONDS)
    return row


_PATIENCE, _PAUSE_SECONDS = 20, 1.0
"""How often, and how long between, a message is looked after that a running server has taken."""


def _unknown(number: int) -> str:
    return f"There is no target {number}: playledger outbound list shows their numbers."
