"""``/health/live``, ``/health/ready``, ``/metrics``: for whoever runs it. No token is needed, and nothing is told."""

from __future__ import annotations

from litestar import Response, get
from litestar.di import NamedDependency

from receiver.house import House
from reconcile.errors import StoreAway
from reconcile.store.migrations import at_head


@get("/health/live", tags=["health"])
async def alive() -> dict[str, str]:
    """Return 200 for as long as the process answers at all."""
    return {"status": "live"}


@get("/health/ready", tags=["health"])
async def ready(house: NamedDependency[House]) -> Response[dict[str, object]]:
    """Return 200 if the database answers with the tables of this version, and what comes in can be kept; else 503."""
    reason = await why_not_ready(house)
    if reason is None:
        return Response({"status": "ready"})
    return Response({"status_code": 503, "detail": reason, "extra": None}, status_code=503)


@get("/metrics", tags=["health"], media_type="text/plain")
async def metrics(house: NamedDependency[House]) -> Response[bytes]:
    """Return counters for Prometheus."""
    gauges = {
        "spool_bytes": house.spool.waiting_bytes,
        "recording": house.waits_for is None,
        "database_away": house.intake.is_away,
        "servers_polled": len(house.wires.each),
        "canary_faults": house.canary.faults,
    }
    body = house.metrics.exposition(gauges)
    return Response(body, media_type="text/plain; version=0.0.4")


async def why_not_ready(house: House) -> str | None:
    """Return what keeps this process from working, None if nothing does."""
    try:
        async with house.store.read() as db:
            if not await at_head(db):
                return "The database has not the tables of this version."
    except StoreAway as error:
        return str(error)
    if house.waits_for is not None:
        return house.waits_for
    if house.spool.error is not None:
        return f"The spool cannot be written: {house.spool.error}"
    return None
