"""Awards as kept, and what each account's were made by."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store.keys import CHUNK
from reconcile.store.tables import account, award_basis, badge_award
from reconcile.store.upsert import upsert


class Award(msgspec.Struct, frozen=True):
    """A badge earned: when, and by which feat; *watch* is the row of the history that decided, where one did."""

    badge: str
    earned_at: datetime
    name: str
    watch: int | None


class Basis(msgspec.Struct, frozen=True):
    """By which zone and which version of the rules an account's feats were made, and when the first one was done."""

    zone: str
    version: int
    first_at: datetime | None = None


_COLUMNS = (badge_award.c.badge, badge_award.c.earned_at, badge_award.c.name, badge_award.c.watch_id)
_OF_ACCOUNT = sa.select(*_COLUMNS).where(badge_award.c.account_id == sa.bindparam("account"))
_DELETE = sa.delete(badge_award).where(
    badge_award.c.account_id == sa.bindparam("account"), badge_award.c.badge == sa.bindparam("code")
)
_INSERT = sa.insert(badge_award)


async def awards(db: AsyncConnection, account: int) -> dict[str, Award]:
    """Return an account's awards, by the badge's code."""
    return {row[0]: Award(*row) for row in await db.execute(_OF_ACCOUNT, {"account": account})}


async def holders(db: AsyncConnection, code: str) -> dict[int, Award]:
    """Return who has a badge."""
    query = sa.select(badge_award.c.account_id, *_COLUMNS).where(badge_award.c.badge == code)
    return {account: Award(*row) for account, *row in await db.execute(query)}


async def everyone(db: AsyncConnection) -> dict[tuple[int, str], Award]:
    """Return all awards, by account and badge."""
    query = sa.select(badge_award.c.account_id, *_COLUMNS)
    return {(account, row[0]): Award(*row) for account, *row in await db.execute(query)}


async def put(db: AsyncConnection, account: int, code: str, before: Award | None, after: Award | None) -> None:
    """Keep the award *after* instead of the one *before*; None: there is none."""
    if before is not None:
        await db.execute(_DELETE, {"account": account, "code": code})
    if after is not None:
        values = {"account_id": account, "badge": code, "earned_at": after.earned_at, "name": after.name}
        await db.execute(_INSERT, values | {"watch_id": after.watch})


# --- what they were made by ------------------------------------------------------------------------------------------

_BASES = sa.select(award_basis.c.account_id, award_basis.c.zone, award_basis.c.version, award_basis.c.first_at).where(
    award_basis.c.account_id.in_(sa.bindparam("accounts", expanding=True))
)


async def bases(db: AsyncConnection, accounts: Collection[int]) -> dict[int, Basis]:
    """Return what the awards of *accounts* were made by; those never made are missing."""
    found: dict[int, Basis] = {}
    wanted = sorted(accounts)
    for start in range(0, len(wanted), CHUNK):
        rows = await db.execute(_BASES, {"accounts": wanted[start : start + CHUNK]})
        found.update((account, Basis(*basis)) for account, *basis in rows)
    return found


async def set_basis(db: AsyncConnection, account: int, basis: Basis) -> None:
    """Note what the awards of an account are made by now."""
    told = {"zone": basis.zone, "version": basis.version, "first_at": basis.first_at}
    statement = upsert(db, award_basis).values(account_id=account, **told)
    await db.execute(statement.on_conflict_do_update(index_elements=["account_id"], set_=told))


# Versions of the rules are above 0. What is owed is below, and each time that it is said it is another number: whoever
# has made an account anew sees whether it was said again meanwhile.
_OWED = sa.case((award_basis.c.version > 0, 0), else_=award_basis.c.version - 1)


async def forget_bases(db: AsyncConnection, accounts: Collection[int]) -> None:
    """Have the awards of *accounts* made anew at the next occasion."""
    await db.execute(sa.update(award_basis).where(award_basis.c.account_id.in_(accounts)).values(version=_OWED))


async def owe(db: AsyncConnection, account_id: int) -> int | None:
    """Mark an account's awards as owed; return the mark, None if there is no such account."""
    known = sa.select(account.c.id, sa.literal(""), sa.literal(0)).where(account.c.id == account_id)
    statement = upsert(db, award_basis).from_select(["account_id", "zone", "version"], known)
    said = statement.on_conflict_do_update(index_elements=["account_id"], set_={"version": _OWED})
    mark: int | None = (await db.execute(said.returning(award_basis.c.version))).scalar()
    return mark


async def settle_basis(db: AsyncConnection, account: int, mark: int, basis: Basis) -> bool:
    """Note what the awards of an account are made by, unless they are owed by another *mark* now; return whether."""
    c = award_basis.c
    statement = sa.update(award_basis).where(c.account_id == account, c.version == mark)
    return (await db.execute(statement.values(msgspec.structs.asdict(basis)))).rowcount == 1


async def earliest(db: AsyncConnection, most: int) -> Mapping[int, datetime]:
    """Return the *most* accounts that completed something first, each with when."""
    c = award_basis.c
    query = sa.select(c.account_id, c.first_at).where(c.first_at.is_not(None)).order_by(c.first_at, c.account_id)
    return {row[0]: row[1] for row in await db.execute(query.limit(most))}
