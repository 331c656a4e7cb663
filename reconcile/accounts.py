"""Accounts and links changed: what was kept is settled by the new rules at once, in the same transaction.

The API and the command line call the same functions. *people* are read anew within the transaction: whoever takes it
back (a dry run) hands over a copy (`People.fresh`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.awarding import make_anew
from reconcile.changes import Settled
from reconcile.errors import SettingRefused
from reconcile.people import People, User
from reconcile.playback.check_in import Key
from reconcile.settling import Settling
from reconcile.store import accounts, erasure, playbacks
from reconcile.store import people as kept
from reconcile.store.locks import lock_sessions, lock_users

ADMINISTRATOR = "administrator"
"""The source of a link that was made by hand."""

Ahead = Mapping[str, timedelta]

_SHOWN = 80
"""How much of a name that is none is said again."""


class LinkWish(msgspec.Struct, frozen=True):
    """What a user's link is to be. *since*: from when on they are recorded (None: from now on, not before).

    *private_until*: not recorded now, but again from that instant on.
    """

    account_id: int
    recorded: bool
    user_name: str | None = None
    since: datetime | None = None
    private_until: datetime | None = None


class Linked(msgspec.Struct, frozen=True):
    """What a change of links did. *lifted*: the user had been erased, and may be recorded again from now on."""

    settled: Settled
    lifted: bool = False


def checked_zone(name: str, field: str = "time_zone") -> str:
    """Return the name of a time zone. Raises SettingRefused, which names the *field*, if there is none of that name."""
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:  # an unknown name is a KeyError, a folder an OSError
        told = f"there is no time zone «{name[:_SHOWN]}»; its name is one such as Europe/Berlin."
        raise SettingRefused(f"{field}: {told}") from error
    return name


async def change_account(
    db: AsyncConnection, people: People, number: int, values: Mapping[str, object], now: datetime, ahead: Ahead
) -> Settled:
    """Change an account's name or its own rules (None: the global one), and settle its history by them."""
    await accounts.change(db, number, values)
    await people.load(db)
    if not values.keys() - {"name"}:
        return Settled()
    settled = await _settle(
        db, people, await accounts.keys_of(db, number), now, ahead, await accounts.units_of(db, number)
    )
    if "time_zone" in values:
        # Other midnights: the days of its activity, its streaks and nights are others too.
        settled.badges += await make_anew(db, people, number)
    return settled


async def link(db: AsyncConnection, people: People, user: User, wish: LinkWish, now: datetime, ahead: Ahead) -> Linked:
    """Make a user's link and intervals what they are wished to be; what is so already stays untouched.

    An administrator's link lifts an erasure: nothing from before it comes back, whatever is replayed.
    """
    server, name = user
    await lock_users(db, [user])
    erased_at = await erasure.lift(db, people.hash_of(user), now)
    before = await accounts.one_link(db, server, name)
    await kept.tie(db, server, name, wish.account_id, wish.user_name, ADMINISTRATOR, now)
    if wish.private_until is not None or not wish.recorded:
        await kept.note_asked(db, server, name, wish.account_id, now)
    has_moved = before is not None and before["account_id"] != wish.account_id
    is_recorded = user in await accounts.recorded_since(db, [user], now)
    if has_moved or not wish.recorded or wish.private_until is not None or not is_recorded:
        await kept.close(db, server, name, now)  # also what begins later only: private mode may end sooner
    if wish.recorded:
        since = wish.since or now
        if wish.private_until is not None:
            since = max(now, wish.private_until)
        since = since if erased_at is None else max(since, erased_at.at)
        await kept.open_interval(db, server, name, wish.account_id, since)
    else:
        await kept.set_opted_out(db, server, name, opted_out=True)
    return Linked(await _settle_user(db, people, user, now, ahead), erased_at is not None and erased_at.is_lifted_now)


async def stop(db: AsyncConnection, people: People, user: User, now: datetime, ahead: Ahead) -> Settled:
    """Record a user no longer, whatever is set for newcomers. What was recorded stays."""
    await lock_users(db, [user])
    await _note_asked(db, user, now)
    await kept.close(db, *user, now)
    await kept.set_opted_out(db, *user, opted_out=True)
    return await _settle_user(db, people, user, now, ahead)


async def unlink(db: AsyncConnection, people: People, user: User, now: datetime, ahead: Ahead) -> Settled | None:
    """Take a link away, and record the user no longer; None if there was none."""
    await lock_users(db, [user])
    await _note_asked(db, user, now)
    if not await kept.untie(db, *user, now):
        return None
    await kept.set_opted_out(db, *user, opted_out=True)
    return await _settle_user(db, people, user, now, ahead)


async def _note_asked(db: AsyncConnection, user: User, now: datetime) -> None:
    linked = await accounts.one_link(db, *user)
    if linked is not None:
        await kept.note_asked(db, *user, int(linked["account_id"]), now)


async def _settle_user(db: AsyncConnection, people: People, user: User, now: datetime, ahead: Ahead) -> Settled:
    """Cut the user's open playbacks again: none of them crosses the end of an interval."""
    await people.load(db)
    mine = await accounts.keys_of_user(db, *user)
    still_open = {number: mine[number] for number in await playbacks.open_keys(db, user[0]) if number in mine}
    return await _settle(db, people, still_open, now, ahead)


async def _settle(
    db: AsyncConnection,
    people: People,
    keys: Mapping[int, Key],
    now: datetime,
    ahead: Ahead,
    units: Collection[tuple[int, int, str]] = (),
) -> Settled:
    await lock_sessions(db, {(key.server_id, key.session_id, key.user_id) for key in keys.values()})
    settling = Settling(db, people, now, ahead=ahead, whole=True)
    settling.units.update(units)
    return await settling.settle(keys)
