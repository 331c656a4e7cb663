"""Reading what another tool kept: the rows of those who are recorded are set aside, nothing counts yet.

Of everybody else nothing is kept but how many rows there were (DESIGN §9).
"""

from __future__ import annotations

import asyncio
import zoneinfo
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

import msgspec

from reconcile.errors import SettingRefused
from reconcile.people import ERASED, NOT_RECORDED, People
from reconcile.playback.check_in import Ignored, Rejected
from reconcile.playback.imports import Play, Told
from reconcile.playback.zones import WIDEST, Fit, fitting
from reconcile.store import imports, media
from reconcile.store.engine import Transactions

SHOWN = 100
"""How many refusals are told one by one."""

MOST_ROWS = 1_000_000
"""How many rows one import may have."""

MOST_MONTHS = 120
"""How many months are told of one by one, the latest."""

NOT_THEN = "not recorded at that time"
FUTURE = "in the future"

_AHEAD = timedelta(days=1)
_WALLS = 500
_STARTS = 5000


class Source(StrEnum):
    """Whose history it is."""

    PLAYBACK_REPORTING = "playback-reporting"
    JELLYSTAT = "jellystat"


class Known(msgspec.Struct, frozen=True):
    """What is known of a server's starts from elsewhere, by user id; *zones* are those to be preferred."""

    starts: Mapping[str, Sequence[datetime]] = {}
    zones: tuple[str, ...] = ()


class _Sum(msgspec.Struct):
    """What has been read so far."""

    rows: int = 0
    ignored: Counter[str] = msgspec.field(default_factory=Counter)
    refused: list[str] = []
    refusals: int = 0
    others: set[str] = set()
    people: dict[int, list[Any]] = {}
    months: Counter[str] = msgspec.field(default_factory=Counter)
    walls: deque[tuple[str, datetime]] = msgspec.field(default_factory=lambda: deque(maxlen=_WALLS))
    walls_in_all: int = 0

    def refuse(self, told: Rejected) -> None:
        self.refusals += 1
        if len(self.refused) < SHOWN:
            self.refused.append(f"{told.place}: {told.reason}" if told.place else told.reason)

    def take(self, account_id: int, play: Play) -> None:
        self.rows += 1
        day = play.started_at.date().isoformat()
        mine = self.people.setdefault(account_id, [0, day, day])
        mine[0] += 1
        mine[1], mine[2] = min(mine[1], day), max(mine[2], day)
        self.months[day[:7]] += 1
        if play.started_at.tzinfo is None:
            self.walls_in_all += 1
            self.walls.append((play.user_id, play.started_at))


async def read(
    store: Transactions,
    people: People,
    server_id: str,
    source: Source,
    pages: AsyncIterator[Sequence[Told]],
    clock: Callable[[], datetime],
    known: Known | None = None,
) -> int:
    """Set aside what *pages* tell of those who are recorded now; return the number of the import.

    Where the rows are in wall time, the time zone that is proven by what is known is noted with it. Raises StoreAway,
    what *pages* raise, and SettingRefused if there is nothing, or too much; then nothing of it is kept.
    """
    async with store.begin() as db:
        number: int = (await imports.add(db, clock(), server_id, source.value, None))["id"]
    found = _Sum()
    try:
        async for page in pages:
            await _keep(store, people, clock(), number, server_id, page, found)
            _check(found, source, is_all=False)
        _check(found, source, is_all=True)
        fit = await _fit(store, server_id, found, known or Known()) if found.walls else None
        told = await _words(store, server_id, found, fit)
    except BaseException:
        async with store.begin() as db:
            await imports.drop(db, number)
        raise
    async with store.begin() as db:
        await people.load(db)
        told["people"] = {number: each for number, each in told["people"].items() if int(number) in people.accounts}
        zone = fit.zone if fit is not None and fit.is_proven else None
        await imports.note(db, number, state=imports.DONE, told=told, zone=zone, total=found.rows)
    return number


async def _keep(
    store: Transactions,
    people: People,
    now: datetime,
    number: int,
    server_id: str,
    page: Sequence[Told],
    found: _Sum,
) -> None:
    plays: list[Play] = []
    async with store.begin() as db:
        await people.load(db)
        for told in page:
            if isinstance(told, Rejected):
                found.refuse(told)
            elif isinstance(told, Ignored):
                found.ignored[told.reason] += 1
            elif (account_id := people.account_of((server_id, told.user_id), now)) is None:
                found.ignored[people.unrecorded((server_id, told.user_id))] += 1
                found.others.add(told.user_id)
            elif (reason := _why_not(people, server_id, told, now)) is not None:
                found.ignored[reason] += 1
            else:
                found.take(account_id, told)
                plays.append(told)
        await imports.keep(db, number, server_id, plays)
        await media.want(db, {(server_id, play.item_id) for play in plays}, now)


def _check(found: _Sum, source: Source, *, is_all: bool) -> None:
    if found.rows > MOST_ROWS:
        raise SettingRefused(f"More than {MOST_ROWS:,} rows: import a part of it, year by year.")
    if is_all and not found.rows:
        raise SettingRefused(_nothing(found, source))


def _nothing(found: _Sum, source: Source) -> str:
    strangers = found.ignored[NOT_RECORDED] + found.ignored[ERASED]
    if strangers:
        is_all = strangers == found.ignored.total() and not found.refusals
        return (
            f"{'All of it' if is_all else 'What could be read'} is about people who are not recorded: record them "
            "first, under Administration › People or with playledger users link, then import."
        )
    if found.refusals and found.ignored.total():
        return f"There is no film and no episode in it that can be read. The first: {found.refused[0]}"
    if found.refusals:
        what = _BACKUPS[source]
        return (
            f"This is no backup of {what}: choose the other kind, or make the backup again. "
            f"The first: {found.refused[0]}"
        )
    if barred := [f"{found.ignored[why]:,} × {why}" for why in (NOT_THEN, FUTURE) if found.ignored[why]]:
        return f"Nothing of it may be taken: {', '.join(barred)}."
    return "There is nothing in it: no film and no episode."


_BACKUPS = {
    Source.PLAYBACK_REPORTING: "Playback Reporting (.tsv)",
    Source.JELLYSTAT: "Jellystat (.json)",
}


def _why_not(people: People, server_id: str, play: Play, now: datetime) -> str | None:
    """Return why a row may not be kept, whatever time zone its wall time may be of; None if it may be."""
    at = play.started_at
    meant = [at] if at.tzinfo is not None else [at.replace(tzinfo=UTC) + off for off in (-WIDEST, timedelta(), WIDEST)]
    if min(meant) > now + _AHEAD:
        return FUTURE
    if not any(people.may_import((server_id, play.user_id), each, now) for each in meant):
        return NOT_THEN
    return None


async def _fit(store: Transactions, server_id: str, found: _Sum, known: Known) -> Fit | None:
    starts: dict[str, list[datetime]] = {user: list(each) for user, each in known.starts.items()}
    async with store.read() as db:
        for user, at in await imports.begun(db, server_id, _STARTS):
            starts.setdefault(user, []).append(at)
    sorted_ones = {user: sorted(each) for user, each in starts.items()}
    return await asyncio.to_thread(_fitting, list(found.walls), sorted_ones, known.zones)


def _fitting(
    walls: Sequence[tuple[str, datetime]], starts: Mapping[str, Sequence[datetime]], zones: Sequence[str]
) -> Fit | None:
    return fitting(walls, starts, sorted(zoneinfo.available_timezones()), zones)


async def _words(store: Transactions, server_id: str, found: _Sum, fit: Fit | None) -> dict[str, Any]:
    """Return what was read as it is kept, and told by the API. People are the numbers of their accounts."""
    async with store.read() as db:
        span = await imports.span(db, server_id)
        months = sorted({*found.months, *_months(span)})[-MOST_MONTHS:]
        seen = {month: await imports.seen_in(db, server_id, *_month(month, UTC)) for month in months}
    return {
        "rows": found.rows,
        "ignored": dict(found.ignored),
        "refused": found.refused,
        "refusals": found.refusals,
        "others": len(found.others),
        "people": {str(k): {"rows": v[0], "first": v[1], "last": v[2]} for k, v in sorted(found.people.items())},
        "months": {month: {"rows": found.months[month], "seen": seen[month]} for month in months},
        "seen_since": None if span is None else span[0].isoformat(),
        "wall_times": found.walls_in_all,
        "fit": None if fit is None else msgspec.to_builtins(fit),
    }


def _months(span: tuple[datetime, datetime] | None) -> list[str]:
    """Return the months (2026-11) from the first instant of *span* to its last."""
    if span is None:
        return []
    first, last = (each.year * 12 + each.month - 1 for each in span)
    return [f"{index // 12:04}-{index % 12 + 1:02}" for index in range(max(first, last - MOST_MONTHS + 1), last + 1)]


def _month(month: str, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return when a month (2026-11) begins, and when the next one does."""
    year, number = int(month[:4]), int(month[5:])
    after = (year + number // 12, number % 12 + 1)
    return datetime(year, number, 1, tzinfo=zone), datetime(*after, 1, tzinfo=zone)
