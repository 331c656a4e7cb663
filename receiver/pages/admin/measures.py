"""Measures of health: pure sums over what was kept and counted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from receiver.hearing import MINUTES
from reconcile.playback.check_in import Channel
from reconcile.store.channels import channels_of
from reconcile.store.vitals import Stretch

_PUSH = frozenset({Channel.WEBHOOK, Channel.SOCKET})


class Lag(msgspec.Struct, frozen=True):
    """How late deliveries were, in seconds, from what they tell of to their receipt: half of them, 99 of 100."""

    count: int
    p50: float
    p99: float


class Agreement(msgspec.Struct, frozen=True):
    """How many playbacks of a server each channel told of: a push alone, polls alone, or both."""

    server: str
    both: int
    push_only: int
    poll_only: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.both + self.push_only + self.poll_only


def pushing(told: Iterable[tuple[str, int, int]]) -> set[str]:
    """Return the servers of which a push told, from (server id, channel mask, how many)."""
    return {server_id for server_id, mask, _count in told if channels_of(mask) & _PUSH}


class Minutes(msgspec.Struct, frozen=True):
    """What was heard in each minute, None before the program ran, and about how much was expected."""

    heard: tuple[float | None, ...]
    expected: tuple[float | None, ...]


def lag_of(lags: Iterable[timedelta]) -> Lag | None:
    """Return the lag of deliveries; None of none. A clock that is off a little does not make them come early."""
    known = sorted(max(0.0, each.total_seconds()) for each in lags)
    return Lag(len(known), _share(known, 0.5), _share(known, 0.99)) if known else None


def _share(known: Sequence[float], share: float) -> float:
    return known[min(len(known) - 1, max(0, math.ceil(share * len(known)) - 1))]


def agreements(told: Iterable[tuple[str, int, int]], names: Mapping[str, str]) -> tuple[Agreement, ...]:
    """Return how the channels agree, by server, from (server id, channel mask, how many)."""
    found: dict[str, list[int]] = {}
    for server_id, mask, count in told:
        channels = channels_of(mask)
        is_pushed = bool(channels & _PUSH)
        is_polled = Channel.POLL in channels
        if is_pushed or is_polled:
            counts = found.setdefault(server_id, [0, 0, 0])
            counts[0 if is_pushed and is_polled else 1 if is_pushed else 2] += count
    return tuple(Agreement(names.get(server_id, "?"), *counts) for server_id, counts in sorted(found.items()))


def minutes_of(now: datetime, started_at: datetime) -> tuple[tuple[int, bool], ...]:
    """Return the last minutes by their numbers since 1970, oldest first, each with whether the program ran then."""
    last, first = _minute(now), _minute(started_at)
    return tuple((number, number >= first) for number in range(last - MINUTES + 1, last + 1))


def heard_by_minute(
    counts: Iterable[Mapping[int, int]], minutes: Sequence[tuple[int, bool]]
) -> tuple[float | None, ...]:
    """Return how much was heard in each of *minutes*, all servers together."""
    known = list(counts)
    return tuple(
        float(sum(each.get(number, 0) for each in known)) if is_counted else None for number, is_counted in minutes
    )


def expected_by_minute(stretches: Iterable[Stretch], minutes: Sequence[tuple[int, bool]]) -> tuple[float | None, ...]:
    """Return how many webhooks were to be expected in each of *minutes*: one for each second that something played.

    Facts B4: while it plays, the server sends one automated Progress a second and stream.
    """
    sums = {number: 0.0 for number, _is_counted in minutes}
    first, last = _start(min(sums)), _start(max(sums) + 1)
    for _server, began, seconds in stretches:
        at, end = max(began, first), min(began + timedelta(seconds=seconds), last)
        while at < end:
            number = _minute(at)
            border = min(end, _start(number + 1))
            sums[number] += (border - at).total_seconds()
            at = border
    return tuple(sums[number] if is_counted else None for number, is_counted in minutes)


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60


def _start(number: int) -> datetime:
    return datetime.fromtimestamp(number * 60, UTC)
