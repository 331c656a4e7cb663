"""Which rows of the history are wanted, and from where on: what every list of it is narrowed and ordered by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from reconcile.store.tables import media

Place = tuple[datetime, int]
"""Where a page ended: the instant and the id of its last row."""

_ZONES = timedelta(days=2)
"""A local day begins and ends within so much of the same day in UTC, wherever that is."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows are wanted; None: all. *since* is the first instant, *until* the first that is too late.

    *accounts* and *medias* are ids, any of which will do; *text* stands somewhere in the title of the film or series.
    *kind* is ``movie`` or ``episode``; *channels* are sets of channels as numbers (`store.channels`), each one exactly;
    *first_day* and *last_day* are dates as watches bear them.
    """

    account: int | None = None
    accounts: frozenset[int] | None = None
    media: int | None = None
    medias: frozenset[int] | None = None
    text: str | None = None
    channels: frozenset[int] | None = None
    kind: str | None = None
    completed: bool | None = None
    open: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    first_day: str | None = None
    last_day: str | None = None


def narrowed(query: sa.Select[Any], wanted: Wanted, table: sa.Table, at: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """Return *query* for those rows of *table* alone that are wanted; its instant is *at*."""
    wanted = of_one(wanted)
    return query.where(*_whose(wanted, table), *_when(wanted, table, at), *_what(wanted, table))


def _whose(wanted: Wanted, table: sa.Table) -> Iterator[sa.ColumnElement[bool]]:
    c = table.c
    if wanted.account is not None:
        yield c.account_id == wanted.account
    if wanted.accounts is not None:
        # Of several, an index by account would give all that they ever watched, to be sorted: go by time instead.
        yield (c.account_id + 0).in_(wanted.accounts)


def _what(wanted: Wanted, table: sa.Table) -> Iterator[sa.ColumnElement[bool]]:
    c = table.c
    if wanted.media is not None:
        yield c.media_id == wanted.media
    if wanted.medias is not None:
        yield c.media_id.in_(wanted.medias)
    if wanted.text is not None:
        yield media.c.title.icontains(wanted.text, autoescape=True)
    if wanted.completed is not None:
        yield c.completed.is_(wanted.completed)
    if wanted.open is not None and "open" in c:
        yield c.open.is_(wanted.open)
    if wanted.kind is not None:
        yield media.c.kind == "movie" if wanted.kind == "movie" else media.c.kind != "movie"
    if wanted.channels is not None:
        yield c.channels.in_(wanted.channels)


def _when(wanted: Wanted, table: sa.Table, at: sa.ColumnElement[Any]) -> Iterator[sa.ColumnElement[bool]]:
    c = table.c
    if "day" in c:
        wanted = timed(wanted)
        if wanted.first_day is not None:
            yield c.day >= wanted.first_day
        if wanted.last_day is not None:
            yield c.day <= wanted.last_day
    if wanted.since is not None:
        yield at >= wanted.since
    if wanted.until is not None:
        yield at < wanted.until


def timed(wanted: Wanted) -> Wanted:
    """Return *wanted* with the instants between which its days lie: there is an index by time, and none by day."""
    since = None if wanted.first_day is None else _start_of(wanted.first_day, -_ZONES)
    until = None if wanted.last_day is None else _start_of(wanted.last_day, _ZONES)
    return msgspec.structs.replace(
        wanted,
        since=max((each for each in (since, wanted.since) if each is not None), default=None),
        until=min((each for each in (until, wanted.until) if each is not None), default=None),
    )


def of_one(wanted: Wanted) -> Wanted:
    """Return *wanted* with one account instead of a set of one: an index serves that."""
    if wanted.account is not None or wanted.accounts is None or len(wanted.accounts) != 1:
        return wanted
    (account,) = wanted.accounts
    return msgspec.structs.replace(wanted, account=account, accounts=None)


def _start_of(day: str, more: timedelta) -> datetime | None:
    """Return the instant at which *day* begins in UTC, and *more*; None at the ends of time."""
    try:
        return datetime.combine(date.fromisoformat(day), time(), UTC) + more
    except OverflowError:
        return None


def paged(query: sa.Select[Any], at: sa.Column[Any], after: Place | None, *, newer: bool) -> sa.Select[Any]:
    """Return *query* in the order of a page, by instant and id, from beyond the place *after* on.

    With *newer* it goes the other way.
    """
    number: sa.Column[Any] = at.table.c.id
    if after is not None:
        # «at <= instant» says no more than the rest, but it is what an index is entered by.
        instant, last = after
        if newer:
            query = query.where(at >= instant, sa.or_(at > instant, number > last))
        else:
            query = query.where(at <= instant, sa.or_(at < instant, number < last))
    return query.order_by(at, number) if newer else query.order_by(at.desc(), number.desc())
