"""What a bad channel does to deliveries: lose, delay, double and shuffle them; and our own outages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from random import Random

from msgspec.structs import replace

from receiver.rehearsal.dice import chance, dice
from receiver.rehearsal.recording import Delivery, Recording

Outage = tuple[datetime, datetime]
"""A time, on our clock, in which neither deliveries nor looks arrive: from, to."""


def with_losses(
    recording: Recording,
    seed: int,
    *,
    dropped: float = 0.02,
    delayed: float = 0.03,
    doubled: float = 0.03,
    shuffled: float = 0.05,
    outages: Sequence[Outage] = (),
) -> list[Delivery]:
    """Return the deliveries of *recording* as a bad channel brings them, in order of arrival.

    The shares of deliveries that are *dropped*; *delayed* by up to five minutes; *doubled*, seconds to an hour later;
    *shuffled* with their neighbours within two seconds. What would arrive in one of *outages* never does: the plugin
    neither retries nor queues (facts A5).
    """
    random = dice(seed)
    found: list[Delivery] = []
    for delivery in recording.deliveries:
        if chance(random, dropped):
            continue
        late = _late(random, delayed, shuffled)
        arrived = replace(delivery, arrives_at=delivery.arrives_at + timedelta(seconds=late)) if late else delivery
        found.append(arrived)
        if chance(random, doubled):
            again = random.uniform(0.01, 5.0) if chance(random, 0.7) else random.uniform(5.0, 3600.0)
            found.append(replace(arrived, arrives_at=arrived.arrives_at + timedelta(seconds=again)))
    heard = [delivery for delivery in found if not is_deaf(delivery.arrives_at, outages)]
    return sorted(heard, key=lambda delivery: delivery.arrives_at)


def is_deaf(at: datetime, outages: Iterable[Outage]) -> bool:
    """Say whether our own service is away at *at*, on our clock."""
    return any(since <= at < until for since, until in outages)


def outages_of(recording: Recording, seed: int, *, most: int = 2, longest: float = 5400.0) -> list[Outage]:
    """Return up to *most* outages of our service in the evening of *recording*, of 5 to *longest* seconds each."""
    random = dice(seed)
    if not recording.truths:
        return []
    begins = min(truth.started_at for truth in recording.truths)
    length = (max(truth.ended_at for truth in recording.truths) - begins).total_seconds()
    found: list[Outage] = []
    for _ in range(random.randint(0, most)):
        since = recording.our_time(begins + timedelta(seconds=random.uniform(0.0, length)))
        found.append((since, since + timedelta(seconds=random.uniform(5.0, random.uniform(30.0, longest)))))
    return found


def _late(random: Random, delayed: float, shuffled: float) -> float:
    if chance(random, delayed):
        return random.uniform(1.0, 300.0)
    return random.uniform(0.0, 2.0) if chance(random, shuffled) else 0.0
