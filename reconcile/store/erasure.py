"""Erasure as kept: every row of a person goes; a keyed hash with its time stays, to know them by when they return.

What is deleted goes by the columns of the tables, not by a list of them: a new table is reached if it says whose its
rows are (``account_id``, or ``server_id`` and ``user_id``), or points at one that does.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.store import imports
from reconcile.store.imports import Time
from reconcile.store.tables import (
    account,
    check_in,
    correction,
    delivery,
    erased,
    link,
    manual_mark,
    metadata,
    playback,
    playback_key,
    recorded_interval,
    rejected,
    sighting,
)
from reconcile.store.upsert import upsert

Pair = tuple[str, str]
"""(server id, user id)."""

NOBODY = "somebody who was erased"
"""Who said what an erased person said of others."""

_BODIES = 200


# --- hashes ----------------------------------------------------------------------------------------------------------


class Past(msgspec.Struct, frozen=True):
    """When a user was erased, and whether that was lifted just now."""

    at: datetime
    is_lifted_now: bool


async def erasures(db: AsyncConnection) -> dict[str, tuple[datetime, bool]]:
    """Return by hash when somebody was erased, and whether that stands: nobody has linked them again."""
    query = sa.select(erased.c.hash, erased.c.erased_at, erased.c.lifted_at)
    return {row[0]: (row[1], row[2] is None) for row in await db.execute(query)}


async def note(db: AsyncConnection, hashes: Iterable[str], now: datetime) -> None:
    """Note that these users were erased."""
    for each in sorted(hashes):
        statement = upsert(db, erased).values(hash=each, erased_at=now, lifted_at=None)
        again = {"erased_at": now, "lifted_at": None}
        await db.execute(statement.on_conflict_do_update(index_elements=[erased.c.hash], set_=again))


async def lift(db: AsyncConnection, hashed: str | None, now: datetime) -> Past | None:
    """Let a user be recorded again; return when they had been erased, None if they never were."""
    if hashed is None:
        return None
    c = erased.c
    lifted = sa.update(erased).where(c.hash == hashed, c.lifted_at.is_(None)).values(lifted_at=now).returning(c.hash)
    is_lifted = (await db.execute(lifted)).first() is not None
    at = (await db.execute(sa.select(c.erased_at).where(c.hash == hashed))).scalar()
    return None if at is None else Past(at, is_lifted)


# --- who it is -------------------------------------------------------------------------------------------------------


class Person(msgspec.Struct):
    """All by which an account's person is known.

    *users* are theirs; *moved* were theirs in the times given, and are linked to another account now. What was imported
    of the time before somebody was first recorded is of the account that they had first.
    """

    names: set[str]
    users: set[Pair]
    moved: dict[Pair, list[Time]]


async def person(db: AsyncConnection, number: int) -> Person | None:
    """Return who the account *number* is, None if there is none."""
    name = (await db.execute(sa.select(account.c.name).where(account.c.id == number))).scalar()
    if name is None:
        return None
    found = Person({name}, set(), {})
    now_of: dict[Pair, int] = {}
    for server_id, user_id, account_id, user_name in await db.execute(
        sa.select(link.c.server_id, link.c.user_id, link.c.account_id, link.c.user_name)
    ):
        now_of[server_id, user_id] = account_id
        if account_id == number:
            found.users.add((server_id, user_id))
            found.names.update({user_name} - {None})
    i = recorded_interval.c
    before: set[Pair] = set()
    query = sa.select(i.server_id, i.user_id, i.account_id, i.since, i.until).order_by(i.since)
    for server_id, user_id, account_id, since, until in await db.execute(query):
        is_recorded = until is None or until > since
        pair, is_first = (server_id, user_id), is_recorded and (server_id, user_id) not in before
        if is_recorded:
            before.add(pair)
        if account_id != number:
            continue
        if now_of.get(pair, number) == number:
            found.users.add(pair)
        else:
            found.moved.setdefault(pair, []).append((None if is_first else since, until))
    return found


async def users(db: AsyncConnection) -> set[Pair]:
    """Return every user of whom anything is kept."""
    found: set[Pair] = set()
    for table in metadata.sorted_tables:
        if {"server_id", "user_id"} <= set(table.c.keys()):
            found.update(
                (row[0], row[1])
                for row in await db.execute(sa.select(table.c.server_id, table.c.user_id).distinct())
                if row[0] is not None and row[1] is not None
            )
    return found


# --- what goes -------------------------------------------------------------------------------------------------------


async def forget_users(db: AsyncConnection, pairs: Collection[Pair]) -> dict[str, int]:
    """Delete every row of the users *pairs*, and what hangs on it; return how many of each table."""
    gone: dict[str, int] = {}
    for table in reversed(metadata.sorted_tables):
        if {"server_id", "user_id"} <= set(table.c.keys()):
            for server_id, user_id in sorted(pairs):
                theirs = sa.and_(table.c.server_id == server_id, table.c.user_id == user_id)
                done = await db.execute(sa.delete(table).where(theirs))
                gone[table.name] = gone.get(table.name, 0) + done.rowcount
    return {name: count for name, count in gone.items() if count}


async def forget_recording(db: AsyncConnection, number: int) -> None:
    """Let nothing count for the account *number* any longer: it was never recorded, and nothing was given to it."""
    i, c = recorded_interval.c, correction.c
    await db.execute(sa.delete(recorded_interval).where(i.account_id == number))
    await db.execute(sa.delete(correction).where(c.account_id == number))
    await db.execute(sa.update(correction).where(c.to_account_id == number).values(to_account_id=None))


async def forget_account(db: AsyncConnection, number: int) -> dict[str, int]:
    """Delete every row that bears the account's number, and the account; return how many of each table."""
    gone: dict[str, int] = {}
    for table in reversed(metadata.sorted_tables):
        if "account_id" in table.c:
            done = await db.execute(sa.delete(table).where(table.c.account_id == number))
            gone[table.name] = done.rowcount
    gone["account"] = (await db.execute(sa.delete(account).where(account.c.id == number))).rowcount
    return {name: count for name, count in gone.items() if count}


async def keys_of_others(db: AsyncConnection, number: int) -> list[int]:
    """Return the keys whose playbacks count for the account *number*."""
    query = sa.select(playback.c.key_id).where(playback.c.account_id == number).distinct()
    return list((await db.execute(query)).scalars())


async def forget_time(db: AsyncConnection, pair: Pair, times: Sequence[Time]) -> list[int]:
    """Delete the evidence of a user from the *times* given; return their keys, which are to be settled.

    What was imported and is no evidence yet goes where it may be of these times.
    """
    k = playback_key.c
    query = sa.select(k.id).where(k.server_id == pair[0], k.user_id == pair[1])
    keys = list((await db.execute(query)).scalars())
    told = sa.func.coalesce(delivery.c.at, delivery.c.received_at, type_=delivery.c.at.type)
    for time in times:
        for table in (check_in, sighting, manual_mark):
            await db.execute(sa.delete(table).where(table.c.key_id.in_(query), *_within(table.c.at, time)))
        is_theirs = [delivery.c.server_id == pair[0], delivery.c.user_id == pair[1]]
        await db.execute(sa.delete(delivery).where(*is_theirs, *_within(told, time)))
    await imports.forget(db, pair, times)
    return keys


def _within(at: sa.ColumnElement[datetime], time: Time) -> list[sa.ColumnElement[bool]]:
    since, until = time
    return [*([] if since is None else [at >= since]), *([] if until is None else [at < until])]


async def forget_bodies(db: AsyncConnection, found: Mentions) -> int:
    """Delete bodies of nobody known that name a person, those that could not be read among them; return how many."""
    gone = 0
    for table, condition in ((rejected, sa.true()), (delivery, delivery.c.user_id.is_(None))):
        last = 0
        while True:
            query = sa.select(table.c.id, table.c.body).where(condition, table.c.id > last)
            rows = (await db.execute(query.order_by(table.c.id).limit(_BODIES))).all()
            named = [number for number, body in rows if found.are_in(zlib.decompress(body))]
            if named:
                await db.execute(sa.delete(table).where(table.c.id.in_(named)))
            gone += len(named)
            if len(rows) < _BODIES:
                break
            last = rows[-1][0]
    return gone


async def forget_sentences(db: AsyncConnection, found: Mentions, number: int) -> None:
    """Take the sentences that name a person, and what is said of the account *number*, out of what works did."""
    for table in _works():
        for column in (table.c[name] for name in ("told", "result") if name in table.c):
            for each, told in (await db.execute(sa.select(table.c.id, column).where(column.is_not(None)))).all():
                rest = _without(found, told, number)
                if rest != told:
                    await db.execute(sa.update(table).where(table.c.id == each).values({column: rest}))


async def unsign(db: AsyncConnection, names: Collection[str]) -> None:
    """Take the *names* of a person from what they said of others: it stands, and nobody's name is on it."""
    c, p = correction.c, playback.c
    said = sa.select(c.id).where(c.said_by.in_(names)).limit(1)
    if (await db.execute(said)).first() is not None:
        for name in names:
            spoken = p.sentence.contains(f" by {name} on ", autoescape=True)
            nobodys = sa.func.replace(p.sentence, f" by {name} on ", f" by {NOBODY} on ")
            await db.execute(sa.update(playback).where(spoken).values(sentence=nobodys))
    for table in metadata.sorted_tables:
        for signed in (table.c[each] for each in ("said_by", "undone_by") if each in table.c):
            await db.execute(sa.update(table).where(signed.in_(names)).values({signed: NOBODY}))


async def is_at_work(db: AsyncConnection) -> bool:
    """Say whether a replay, a resettling or an import runs: it tells at the end of what it had read before."""
    for table in _works():
        query = sa.select(table.c.id).where(table.c.state == "running").limit(1)
        if (await db.execute(query)).first() is not None:
            return True
    return False


def _works() -> list[sa.Table]:
    return [table for table in metadata.sorted_tables if {"id", "state", "result"} <= set(table.c.keys())]


def _without(found: Mentions, told: object, number: int) -> object:
    """Return what was *told* without the sentences that name a person, and without their account among ``people``."""
    if isinstance(told, dict):
        rest = {name: _without(found, value, number) for name, value in told.items()}
        people = rest.get("people")
        if isinstance(people, dict):
            rest["people"] = {name: value for name, value in people.items() if name != str(number)}
        return rest
    if isinstance(told, list):
        kept = [each for each in told if not (isinstance(each, str) and found.are_in(each.encode()))]
        return [_without(found, each, number) for each in kept]
    return told


class Mentions:
    """Finds a person in bytes: a user's id with or without dashes, or a name that stands by itself."""

    def __init__(self, names: Iterable[str], pairs: Iterable[Pair]) -> None:
        ids = sorted({form for _server, user in pairs for form in (user, _dashed(user))})
        words = sorted({re.escape(name) for name in names if name})
        patterns = [re.escape(each) for each in ids] + [rf"(?<!\w){word}(?!\w)" for word in words]
        self._pattern = re.compile("|".join(patterns), re.IGNORECASE) if patterns else None

    def are_in(self, body: bytes) -> bool:
        """Say whether *body* names the person."""
        return self._pattern is not None and self._pattern.search(body.decode("utf-8", "replace")) is not None


def _dashed(user: str) -> str:
    return "-".join((user[:8], user[8:12], user[12:16], user[16:20], user[20:]))
