"""``playledger users``: short writes that may happen beside a running server, which reads them within seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from typing import TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.commands import world
from receiver.commands.world import Ledger
from reconcile import accounts
from reconcile.accounts import LinkWish
from reconcile.errors import JellyfinError, SettingRefused
from reconcile.playback.identity import is_guid, normalised_id
from reconcile.store import people, servers
from reconcile.store.people import Interval, Link

T = TypeVar("T")
Pair = tuple[str, str]


class Known(msgspec.Struct):
    """A Jellyfin user as far as anybody told: the server itself, or a link."""

    server_id: str
    server_name: str
    user_id: str
    name: str
    account_id: int | None = None
    account_name: str | None = None
    recorded_since: datetime | None = None
    is_opted_out: bool = False

    def line(self) -> str:
        """Return it as one line of a table."""
        account = f"{self.account_id} {self.account_name}" if self.account_id is not None else "–"
        return f"{self.name:24} {self.server_name:20} {account:24} {self._recorded():34} {self.user_id}"

    def _recorded(self) -> str:
        if self.recorded_since is not None:
            is_always = self.recorded_since.year == 1970  # noqa: PLR2004 - the beginning of time
            return "recorded" if is_always else f"recorded since {self.recorded_since:%Y-%m-%d %H:%M} UTC"
        if self.is_opted_out:
            return "not recorded, by wish"
        return "not recorded"


class Household(msgspec.Struct):
    """Everybody, and what went wrong while the servers were asked."""

    users: list[Known]
    troubles: list[str]


def listed() -> Iterator[str]:
    """Yield the users of all servers, with their accounts."""
    found = asyncio.run(_with_ledger(_household))
    yield from found.troubles
    if not found.users:
        yield "No users are known yet: set JELLYFIN_URL and JELLYFIN_API_KEY, or let somebody play something."
        return
    yield f"{'user':24} {'server':20} {'account':24} {'recorded':34} id"
    for each in sorted(found.users, key=lambda user: (user.server_name, user.name.lower())):
        yield each.line()


def link(name: str, account: str | None, server: str | None, since: datetime | None, *, is_recorded: bool) -> list[str]:
    """Tie a user to an account, made if there is none of that name; record them from *since*, or from now."""

    async def work(ledger: Ledger) -> list[str]:
        user, now = await _chosen(ledger, name, server), world.now()
        async with ledger.store.begin() as db:
            await servers.see(db, user.server_id, now)
            number, account_name = await _account(db, account or user.account_name or user.name, now)
            wish = LinkWish(number, is_recorded, user.name, since)
            done = await accounts.link(db, ledger.people, (user.server_id, user.user_id), wish, now, ledger.ahead)
        said = _since(since) if is_recorded else "not recorded"
        lines = [f"{user.name} is account {number}, {account_name}: {said}."]
        return [*lines, _LIFTED] if done.lifted else lines

    return asyncio.run(_with_ledger(work))


_LIFTED = "This user had been erased; that is lifted. What was before it stays forgotten."


def unlink(name: str, server: str | None) -> list[str]:
    """Take a link away."""

    async def work(ledger: Ledger) -> list[str]:
        user = await _chosen(ledger, name, server)
        async with ledger.store.begin() as db:
            pair = (user.server_id, user.user_id)
            if await accounts.unlink(db, ledger.people, pair, world.now(), ledger.ahead) is None:
                raise SettingRefused(f"{user.name} is not linked.")
        return [f"{user.name} is no longer linked, and no longer recorded. What was recorded stays."]

    return asyncio.run(_with_ledger(work))


def enable(name: str, server: str | None, since: datetime | None) -> list[str]:
    """Record a user who is linked."""

    async def work(ledger: Ledger) -> list[str]:
        user = await _chosen(ledger, name, server)
        if user.account_id is None:
            raise SettingRefused(f"{user.name} is not linked to an account yet: playledger users link {name}.")
        if user.recorded_since is not None and user.recorded_since <= world.now():
            return [f"{user.name}: recorded already."]
        wish = LinkWish(user.account_id, recorded=True, user_name=user.name, since=since)
        async with ledger.store.begin() as db:
            pair = (user.server_id, user.user_id)
            await accounts.link(db, ledger.people, pair, wish, world.now(), ledger.ahead)
        return [f"{user.name}: {_since(since)}."]

    return asyncio.run(_with_ledger(work))


def disable(name: str, server: str | None) -> list[str]:
    """Record a user no longer, whatever is set for newcomers."""

    async def work(ledger: Ledger) -> list[str]:
        user = await _chosen(ledger, name, server)
        async with ledger.store.begin() as db:
            await accounts.stop(db, ledger.people, (user.server_id, user.user_id), world.now(), ledger.ahead)
        return [f"{user.name} is recorded no longer. What was recorded stays."]

    return asyncio.run(_with_ledger(work))


def private(name: str, server: str | None, until: datetime | None) -> list[str]:
    """Record a user not now, but again from *until* on, if that is given."""
    if until is not None and until <= world.now():
        raise SettingRefused("--until: it has to be later than now.")
    if until is None:
        return disable(name, server)

    async def work(ledger: Ledger) -> list[str]:
        user = await _chosen(ledger, name, server)
        if user.account_id is None:
            raise SettingRefused(f"{user.name} is not linked to an account, and so not recorded anyway.")
        wish = LinkWish(user.account_id, recorded=True, user_name=user.name, private_until=until)
        async with ledger.store.begin() as db:
            pair = (user.server_id, user.user_id)
            await accounts.link(db, ledger.people, pair, wish, world.now(), ledger.ahead)
        return [f"{user.name} is not recorded until {until:%Y-%m-%d %H:%M} UTC, and again from then on."]

    return asyncio.run(_with_ledger(work))


def _since(since: datetime | None) -> str:
    return "recorded from now on" if since is None else f"recorded since {since:%Y-%m-%d %H:%M} UTC"


async def _with_ledger(work: Callable[[Ledger], Awaitable[T]]) -> T:
    settings = await world.settings_of()
    async with world.ledger(settings) as ledger:
        return await work(ledger)


async def _account(db: AsyncConnection, wanted: str, now: datetime) -> tuple[int, str]:
    """Return the account of that number or name; one is made if there is none of that name."""
    known = await people.accounts(db)
    for each in known:
        if wanted in (str(each.id), each.name):
            return each.id, each.name
    if wanted.isdigit():
        raise SettingRefused(f"There is no account {wanted}.")
    return await people.add_account(db, wanted, now), wanted


async def _chosen(ledger: Ledger, name: str, server: str | None) -> Known:
    """Return the one user whom *name* (a name or an id) means. Raises SettingRefused."""
    household = await _household(ledger)
    wanted = normalised_id(name)
    found = [each for each in household.users if each.name.lower() == name.lower() or each.user_id == wanted]
    if server is not None:
        found = [each for each in found if server in (each.server_id, each.server_name)]
    if len(found) == 1:
        return found[0]
    if found:
        places = ", ".join(each.server_name for each in found)
        raise SettingRefused(f"{name} is a user of several servers ({places}): say which one with --server.")
    sole = server or ledger.sole_server
    if is_guid(wanted) and sole is not None:
        return Known(sole, sole, wanted, wanted)
    trouble = " ".join(household.troubles)
    raise SettingRefused(f"No Jellyfin user is called {name}: playledger users list shows them. {trouble}".rstrip())


async def _household(ledger: Ledger) -> Household:
    async with ledger.store.read() as db:
        links = {(each.server_id, each.user_id): each for each in await people.links(db)}
        intervals = await people.intervals(db)
        opted_out = await people.opted_out(db)
        accounts = {each.id: each.name for each in await people.accounts(db)}
    names = {each.id: each.name or each.id for each in ledger.servers}
    found, troubles = await _asked(ledger, names)
    for pair, one in links.items():
        found.setdefault(pair, Known(*_place(one, names), one.user_id, one.user_name or one.user_id))
    for pair, known in found.items():
        tied = links.get(pair)
        if tied is not None:
            known.account_id, known.account_name = tied.account_id, accounts.get(tied.account_id)
        known.recorded_since = _recorded_since(intervals, pair, world.now())
        known.is_opted_out = pair in opted_out
    return Household(list(found.values()), troubles)


def _place(one: Link, names: dict[str, str]) -> tuple[str, str]:
    return one.server_id, names.get(one.server_id, one.server_id)


async def _asked(ledger: Ledger, names: dict[str, str]) -> tuple[dict[Pair, Known], list[str]]:
    """Return the users whom the servers tell of, and which servers do not tell."""
    found: dict[Pair, Known] = {}
    troubles: list[str] = []
    async with world.reached(ledger.settings) as reaches:
        for reach in reaches:
            if reach.client is None:
                troubles.append(reach.error)
                continue
            try:
                info = await reach.client.public_info()
                told = await reach.client.users()
            except JellyfinError as error:
                troubles.append(str(error))
                continue
            names[info.id] = info.name or info.id
            for user in told:
                found[info.id, user.id] = Known(info.id, names[info.id], user.id, user.name)
    return found, troubles


def _recorded_since(intervals: list[Interval], pair: Pair, now: datetime) -> datetime | None:
    mine = [i for i in intervals if (i.server_id, i.user_id) == pair and (i.until is None or i.until > now)]
    return min((i.since for i in mine), default=None)
