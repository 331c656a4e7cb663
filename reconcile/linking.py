"""Links from Seerr, and from people's own sign-in: they have an account here, not recorded until they want it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.people import People, User
from reconcile.playback.identity import is_guid
from reconcile.recording import link_new
from reconcile.seerr.answers import SeerrUser
from reconcile.store import accounts, seerr
from reconcile.store import people as kept_people
from reconcile.store.locks import lock_users

SOURCE = "seerr"
SIGN_IN = "sign-in"


class Imported(msgspec.Struct, frozen=True):
    """How many links were made, and which users of Seerr share a Jellyfin user with one of a lower number."""

    made: int = 0
    duplicates: tuple[int, ...] = ()


async def import_links(
    db: AsyncConnection, people: People, server_id: str, users: Sequence[SeerrUser], now: datetime
) -> Imported:
    """Link the Jellyfin users of *users* on the server to accounts, within the transaction *db*.

    An account that a user of Seerr had stays theirs when they link to another Jellyfin user (facts A3). Whoever was
    unlinked here, opted out or was erased stays so; whom `PLAYLEDGER_AUTO_LINK` links at first sight is left to that.
    """
    linked = [each for each in users if each.jellyfin_user_id and is_guid(each.jellyfin_user_id)]
    await lock_users(db, {(server_id, each.jellyfin_user_id or "") for each in linked})
    before = await seerr.users(db)
    there = {(each.server_id, each.user_id): each.account_id for each in await kept_people.links(db)}
    seen: set[str] = set()
    kept: set[int] = set()
    duplicates: list[int] = []
    made = 0
    for each in sorted(linked, key=lambda user: user.id):
        user_id = each.jellyfin_user_id or ""
        if user_id in seen:
            duplicates.append(each.id)
        account_id = there.get((server_id, user_id))
        if account_id is None:
            if _is_left_alone(people, (server_id, user_id)):
                continue
            known = before.get(each.id)
            account_id = known["account_id"] if known else None
            if account_id is None:
                account_id = await kept_people.add_account(db, (each.name or user_id)[:200], now)
            await kept_people.tie(db, server_id, user_id, account_id, each.name or None, SOURCE, now)
            there[server_id, user_id] = account_id
            made += 1
        seen.add(user_id)
        kept.add(each.id)
        if before.get(each.id) != _row(each.id, account_id, server_id, user_id):
            await seerr.keep_user(db, each.id, account_id, server_id, user_id)
    await seerr.lose_users(db, before.keys() - kept, now)
    return Imported(made, tuple(duplicates))


class Guest(msgspec.Struct, frozen=True):
    """Who has signed in: their account, None where they have none; whether it *is_new*, or whether they were erased."""

    account_id: int | None = None
    is_new: bool = False
    is_erased: bool = False


async def come_in(db: AsyncConnection, people: People, user: User, name: str, now: datetime) -> Guest:
    """Return whose account *user* is, who has just signed in; at the first time one is made and linked.

    Nothing is recorded by that, unless everybody is from first sight. Whoever was unlinked here, opted out or was
    erased stays so. *people* is a copy (`People.fresh`), read anew within the transaction *db*.
    """
    await lock_users(db, [user])
    linked = await accounts.one_link(db, *user)
    if linked is not None:
        return Guest(int(linked["account_id"]))
    await people.load(db)
    if people.is_erased(user):
        return Guest(is_erased=True)
    if people.is_known(user):
        return Guest()
    if people.is_to_be_linked(user):
        return Guest(await link_new(db, *user, name[:200] or None, SIGN_IN, now), is_new=True)
    number = await kept_people.add_account(db, name[:200] or user[1], now)
    await kept_people.tie(db, *user, number, name[:200] or None, SIGN_IN, now)
    return Guest(number, is_new=True)


def _is_left_alone(people: People, user: User) -> bool:
    return people.is_known(user) or people.is_erased(user) or people.is_to_be_linked(user)


def _row(number: int, account_id: int, server_id: str, user_id: str) -> dict[str, object]:
    return {"id": number, "account_id": account_id, "server_id": server_id, "user_id": user_id, "gone_at": None}
