"""Signed-in browsers as kept: by the fingerprint of their token, with who sits before them and until when."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store.tables import link, sign_in


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in browser. Without a server it is the holder of the administrator's token.

    *account_id* is whose account the Jellyfin user is linked to now; *is_administrator*, of their server.
    """

    id: int
    server_id: str | None
    user_id: str | None
    user_name: str | None
    is_administrator: bool
    made_at: datetime
    seen_at: datetime
    expires_at: datetime
    checked_at: datetime | None
    agent: str | None
    account_id: int | None


_OF_USER = sa.and_(link.c.server_id == sign_in.c.server_id, link.c.user_id == sign_in.c.user_id)
_SIGN_INS = sa.select(
    *(sign_in.c[name] for name in SignIn.__struct_fields__ if name != "account_id"), link.c.account_id
).outerjoin(link, _OF_USER)
_BY_TOKEN = _SIGN_INS.where(sign_in.c.token_hash == sa.bindparam("token_hash"))


async def by_token(db: AsyncConnection, fingerprint: str, now: datetime) -> SignIn | None:
    """Return the sign-in whose token has that fingerprint, None once it is over."""
    row = (await db.execute(_BY_TOKEN, {"token_hash": fingerprint})).mappings().first()
    found = None if row is None else SignIn(**row)
    return found if found is not None and found.expires_at > now else None


async def all_of(db: AsyncConnection, now: datetime, user: tuple[str, str] | None = None) -> list[SignIn]:
    """Return the sign-ins that stand, the latest seen first: those of *user*, or everybody's."""
    query = _SIGN_INS.where(sign_in.c.expires_at > now).order_by(sign_in.c.seen_at.desc(), sign_in.c.id.desc())
    if user is not None:
        query = query.where(sign_in.c.server_id == user[0], sign_in.c.user_id == user[1])
    return [SignIn(**row) for row in (await db.execute(query)).mappings()]


async def add(db: AsyncConnection, fingerprint: str, who: SignIn) -> int:
    """Keep a sign-in and return its id; *who* says all but the id and the account."""
    values = msgspec.structs.asdict(who) | {"token_hash": fingerprint}
    del values["id"], values["account_id"]
    return int((await db.execute(sa.insert(sign_in).values(**values).returning(sign_in.c.id))).scalar_one())


async def seen(db: AsyncConnection, number: int, now: datetime, expires_at: datetime) -> None:
    """Note that a browser was here."""
    await db.execute(sa.update(sign_in).where(sign_in.c.id == number).values(seen_at=now, expires_at=expires_at))


async def checked(db: AsyncConnection, user: tuple[str, str], now: datetime, *, is_administrator: bool) -> None:
    """Note what their server says of *user* now."""
    theirs = sa.and_(sign_in.c.server_id == user[0], sign_in.c.user_id == user[1])
    values = {"checked_at": now, "is_administrator": is_administrator}
    await db.execute(sa.update(sign_in).where(theirs).values(**values))


async def remove(db: AsyncConnection, numbers: Collection[int]) -> None:
    """Sign browsers out."""
    await db.execute(sa.delete(sign_in).where(sign_in.c.id.in_(numbers)))


async def remove_of(db: AsyncConnection, user: tuple[str, str]) -> None:
    """Sign all browsers of *user* out."""
    await db.execute(sa.delete(sign_in).where(sign_in.c.server_id == user[0], sign_in.c.user_id == user[1]))


async def remove_expired(db: AsyncConnection, now: datetime) -> None:
    """Forget the sign-ins that are over."""
    await db.execute(sa.delete(sign_in).where(sign_in.c.expires_at <= now))
