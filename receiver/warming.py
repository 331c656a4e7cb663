"""Warming up: one made-up delivery goes all the way into the database and is taken back before anybody is let in.

The first statements of a process are compiled, which takes longer than a viewer's player should wait with us.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import msgspec
import structlog

from reconcile.arrivals import Arrival
from reconcile.errors import StoreAway
from reconcile.people import People
from reconcile.playback.check_in import Channel, CheckIn, DeviceFacts, ItemFacts, Key, Kind, Observation
from reconcile.recording import Recording
from reconcile.replaying import RolledBack
from reconcile.store.deliveries import Delivery
from reconcile.store.engine import Transactions

log = structlog.get_logger()

_RUNTIME = 600.0
_WEBHOOK = frozenset({Channel.WEBHOOK})


async def warm_up(store: Transactions, people: People, now: datetime) -> None:
    """Take a made-up film in, in two steps, and leave no trace of it. Raises StoreAway."""
    nobody = People(people.global_rules, people.zone, auto_link=True)
    film = _film()
    try:
        async with store.begin() as db:
            for kind, seconds in ((Kind.PLAYING, 0.0), (Kind.PLAYING, 300.0), (Kind.STOPPED, _RUNTIME)):
                at = now - timedelta(seconds=_RUNTIME - seconds)
                check_in = CheckIn(at, kind, seconds, True, at, at, _WEBHOOK)  # noqa: FBT003 - a struct's field
                found = msgspec.structs.replace(film, observed_at=at, check_in=check_in)
                arrival = Arrival((found,), Delivery(at, "application/json", b"{}", kind="warming up"))
                await Recording(db, nobody, now).take([arrival])
            raise RolledBack  # noqa: TRY301 - it takes the transaction back
    except RolledBack:
        return
    except StoreAway:
        raise
    except Exception:
        log.exception("warming up failed; what comes in first may be slow")


def _film() -> Observation:
    ids = [uuid.uuid4().hex for _ in range(4)]
    item = ItemFacts(kind="movie", name="warming up", runtime_seconds=_RUNTIME, tmdb_id=f"warming-{ids[0]}")
    start = datetime.fromtimestamp(0, UTC)
    return Observation(Key(*ids), Channel.WEBHOOK, start, item=item, device=DeviceFacts(client="warming up"))
