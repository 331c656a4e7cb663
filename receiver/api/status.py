"""``/status``: how this process is doing, with what needs somebody's attention first."""

from __future__ import annotations

import sqlite3
import sys
from datetime import datetime

import msgspec
from litestar import get
from litestar.di import NamedDependency

from receiver.api.guard import ADMIN
from receiver.api.health import why_not_ready
from receiver.house import House
from receiver.version import program_version
from reconcile.errors import StoreAway
from reconcile.mirroring import Status as SeerrStatus
from reconcile.poller import Status as PollerStatus
from reconcile.store import deliveries, targets


class HeardWords(msgspec.Struct, frozen=True):
    """What a server's webhooks told since this process started. *flags* count what its template lacks."""

    server_id: str
    last_at: datetime
    count: int
    flags: dict[str, int]


class SpoolWords(msgspec.Struct, frozen=True):
    """What waits for the database. *torn_bytes* were left by a process that died while it wrote them."""

    waiting_bytes: int
    torn_bytes: int
    error: str | None
    since: datetime | None


class StatusWords(msgspec.Struct, frozen=True):
    """How it is doing. *notices* are sentences for people; *recording* is false where `waits_for` says why."""

    version: str
    python: str
    sqlite: str
    database: str
    started_at: datetime
    now: datetime
    ready: bool
    recording: bool
    waits_for: str | None
    notices: list[str]
    pollers: list[PollerStatus]
    seerr: SeerrStatus | None
    webhooks: list[HeardWords]
    outcomes: dict[str, int]
    refused: dict[str, int]
    lost: int
    ignored: dict[str, int]
    spool: SpoolWords
    clock_offsets: dict[str, float]


@get("/status", tags=["status"], opt=ADMIN)
async def status(house: NamedDependency[House]) -> StatusWords:
    """Return how this process is doing, and what it has counted."""
    reason = await why_not_ready(house)
    try:
        async with house.store.read() as db:
            ignored = await deliveries.tallies(db)
            given_up = {number: tally.dead for number, tally in (await targets.tallies(db)).items() if tally.dead}
    except StoreAway:
        ignored, given_up = {}, {}
    for why, times in house.tracker.ignored.items():
        ignored[why] = ignored.get(why, 0) + times
    heard = house.hearing.servers
    mirror = house.elsewhere.seerr
    seerr = None if mirror is None else await mirror.status()
    return StatusWords(
        version=program_version(),
        python=sys.version.split()[0],
        sqlite=sqlite3.sqlite_version,
        database=house.store.dialect,
        started_at=house.started_at,
        now=house.clock(),
        ready=reason is None,
        recording=house.waits_for is None and house.settings.monitor_enabled,
        waits_for=house.waits_for,
        notices=[*notices_of(house, reason, seerr), *_given_up(given_up)],
        pollers=[wire.poller.status for wire in house.wires.each],
        seerr=seerr,
        webhooks=[HeardWords(server, each.last_at, each.count, dict(each.flags)) for server, each in heard.items()],
        outcomes=dict(house.metrics.outcomes),
        refused=dict(house.metrics.refused),
        lost=house.metrics.lost,
        ignored=ignored,
        spool=SpoolWords(house.spool.waiting_bytes, house.spool.torn, house.spool.error, house.intake.away_since),
        clock_offsets={server: ahead.total_seconds() for server, ahead in house.tracker.ahead.items()},
    )


def _given_up(dead: dict[int, int]) -> list[str]:
    return [
        f"Messages to outbound target {number} were given up: {count}. /outbox shows them, and tries them again."
        for number, count in sorted(dead.items())
    ]


def notices_of(house: House, reason: str | None, seerr: SeerrStatus | None) -> list[str]:
    """Return what needs somebody's attention, in sentences; *reason* is why it is not ready."""
    found = []
    if reason is not None:
        found.append(f"Not ready: {reason}")
    if not house.settings.monitor_enabled:
        found.append("Recording is off: JELLYFIN_ACTIVITY_MONITOR_ENABLED is false.")
    if house.intake.is_away:
        found.append("The database does not answer: deliveries are kept in the spool.")
    if house.metrics.lost:
        found.append(f"{house.metrics.lost} deliveries could be kept nowhere. The plugin does not repeat them.")
    for server_id, heard in house.hearing.servers.items():
        found.extend(f"Server {server_id}: {flag} in {count} webhooks; add it." for flag, count in heard.flags.items())
    for wire in house.wires.each:
        state = wire.poller.status
        if state.unseen:
            found.append(f"Webhooks are silent: {state.unseen} playbacks of {state.url} were seen by polls only.")
        if state.state == "error":
            found.append(f"{state.url}: {state.reason}")
    if house.canary.faults:
        found.append("A made-up evening did not come out right here: see the health page, and report it.")
    found.extend(_elsewhere(house, seerr))
    return found


def _elsewhere(house: House, seerr: SeerrStatus | None) -> list[str]:
    """Return what is to be said of Seerr and TMDB."""
    found = [] if house.elsewhere.trouble is None else [house.elsewhere.trouble]
    if seerr is not None and seerr.state == "error":
        found.append(f"Seerr: {seerr.reason}")
    found.extend([] if seerr is None else seerr.warnings)
    finder = house.elsewhere.finder
    return found if finder is None or finder.error is None else [*found, finder.error]
