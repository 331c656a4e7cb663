"""Health: how the program is doing, in numbers with words. What cannot be known honestly is left out."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency

from receiver.api.health import why_not_ready
from receiver.api.status import notices_of
from receiver.canary import MODES
from receiver.house import House
from receiver.pages.admin.measures import (
    Agreement,
    Lag,
    Minutes,
    agreements,
    expected_by_minute,
    heard_by_minute,
    lag_of,
    minutes_of,
    pushing,
)
from receiver.pages.admin.tabs import name_of, tab
from receiver.pages.doors import FOR_OWNERS
from receiver.pages.pictures.bars import Bars, bars
from receiver.pages.rendering import AnyRequest
from receiver.pages.saying import counted
from receiver.version import program_version
from reconcile.errors import StoreError
from reconcile.poller import State, Status
from reconcile.store import deliveries, received, servers, vitals
from reconcile.store.migrations import at_head

LAG_OF = timedelta(hours=6)
CHANNELS_OF = timedelta(days=7)
HOUR = timedelta(hours=1)
REASONS_SHOWN = 20

_STATM = Path("/proc/self/statm")
_PAGE = 4096


class Database(msgspec.Struct, frozen=True):
    """How the database answers. *answers_in* is in seconds, *error* why it does not."""

    kind: str
    version: str = ""
    answers_in: float | None = None
    is_at_head: bool | None = None
    file_bytes: int | None = None
    error: str | None = None


class Spool(msgspec.Struct, frozen=True):
    """What waits for the database."""

    waiting_bytes: int
    torn_bytes: int
    oldest_at: datetime | None
    error: str | None


class Polling(msgspec.Struct, frozen=True):
    """How one server is polled, and by whom."""

    name: str
    status: Status
    lease: str


class Vitals(msgspec.Struct):
    """What the database tells; as it is here where the database is away.

    *expected* counts those that play now on servers that send webhooks.
    """

    playing: int = 0
    expected: int = 0
    lag: Lag | None = None
    agreements: tuple[Agreement, ...] = ()
    minutes: Minutes | None = None
    ignored: list[tuple[str, int]] = msgspec.field(default_factory=list)
    rejected: list[tuple[str, int]] = msgspec.field(default_factory=list)
    names: dict[str, str] = msgspec.field(default_factory=dict)


@get("/admin/health", opt=FOR_OWNERS)
async def health(request: AnyRequest, house: NamedDependency[House]) -> Response[Any]:
    """Show how it is doing."""
    reason, database = await why_not_ready(house), await _database(house)
    mirror = house.elsewhere.seerr
    seerr = None if mirror is None else await mirror.status()
    found = await _vitals(house) if database.error is None else Vitals()
    spool = house.spool
    return tab(
        request,
        house,
        "health.html",
        reason=reason,
        notices=notices_of(house, reason, seerr),
        database=database,
        spool=Spool(spool.waiting_bytes, spool.torn, await spool.oldest_at(), spool.error),
        polling=[_polling(wire.poller.status, found.names) for wire in house.wires.each],
        vitals=found,
        songs=[house.canary.songs[mode] for mode in MODES if mode in house.canary.songs],
        picture=None if found.minutes is None else _picture(found.minutes),
        answered={share: house.metrics.within(share / 100) for share in (50, 99)},
        outcomes=sorted(house.metrics.outcomes.items()),
        refused=sorted(house.metrics.refused.items()),
        lost=house.metrics.lost,
        memory=memory_bytes(),
        started_at=house.started_at,
        version=program_version(),
        python=sys.version.split()[0],
        channels_days=CHANNELS_OF.days,
        lag_hours=int(LAG_OF / HOUR),
        latest=vitals.LATEST,
    )


async def _database(house: House) -> Database:
    kind = "SQLite" if house.is_one_file else "PostgreSQL"
    began = perf_counter()
    try:
        async with house.store.read() as db:
            version = await vitals.server_version(db)
            took = perf_counter() - began
            is_at_head = await at_head(db)
    except StoreError as error:
        return Database(kind, error=str(error))
    size = _file_size(house.settings.database_url) if house.is_one_file else None
    return Database(kind, version, took, is_at_head, size)


def _file_size(url: str) -> int | None:
    path = Path(url.partition(":///")[2].partition("?")[0])
    try:
        return path.stat().st_size
    except OSError:
        return None


async def _vitals(house: House) -> Vitals:
    now = house.clock()
    async with house.store.read() as db:
        lags = await vitals.lags(db, now - LAG_OF)
        told = await vitals.told(db, now - CHANNELS_OF)
        stretches = await vitals.stretches(db, now - HOUR)
        playing = await vitals.playing(db)
        ignored = await deliveries.tallies(db)
        rejected = await received.rejected_reasons(db, REASONS_SHOWN)
        names = {each.id: name_of(each) for each in await servers.all_of_them(db)}
    for why, times in house.tracker.ignored.items():
        ignored[why] = ignored.get(why, 0) + times
    ahead, pushed = house.tracker.ahead, pushing(told) | house.hearing.servers.keys()
    minutes = minutes_of(now, house.started_at)
    heard = heard_by_minute((each.minutes for each in house.hearing.servers.values()), minutes)
    return Vitals(
        playing=sum(playing.values()),
        expected=sum(count for server_id, count in playing.items() if server_id in pushed),
        # Where no poll tells a server's clock, it is guessed from these very deliveries: they would never be late.
        lag=lag_of(lag + ahead.get(server_id, timedelta()) for server_id, lag in lags if house.wires.polls(server_id)),
        agreements=agreements(told, names),
        minutes=Minutes(heard, expected_by_minute([each for each in stretches if each[0] in pushed], minutes)),
        ignored=sorted(ignored.items(), key=lambda each: -each[1])[:REASONS_SHOWN],
        rejected=rejected,
        names=names,
    )


def _picture(minutes: Minutes) -> Any:  # noqa: ANN401 - markup
    it = Bars(
        title="Webhooks in each minute of the last hour",
        values=minutes.heard,
        edges=("an hour ago", "now"),
        spoken=lambda value: f"{counted(round(value), 'webhook')} a minute",
        expected=minutes.expected,
    )
    return bars("webhooks-a-minute", it)


def _polling(status: Status, names: dict[str, str]) -> Polling:
    lease = "this process polls it" if status.state is State.ACTIVE else status.reason or status.state.value
    return Polling(names.get(status.server_id or "", status.url), status, lease)


def memory_bytes() -> int | None:
    """Return how much memory this process takes, None where the system does not say."""
    try:
        return int(_STATM.read_text("ascii").split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return None


ROUTES = (health,)
