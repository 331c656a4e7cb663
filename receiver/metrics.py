"""Numbers for Prometheus, counted by hand: a middleware would cost a third of the ingest (facts/stack.md §1).

No label is a path, an id or a name: a token in a URL, or somebody's history, must not end up on a dashboard.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.08, 0.1, 0.25, 1.0)
"""Seconds: from «known, nothing written» to the 80 ms after which a delivery is spooled."""


class Metrics:
    """What was counted since the start of this process."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.flags: Counter[str] = Counter()
        self.lost = 0
        self._took = [0] * (len(_BUCKETS) + 1)
        self._took_seconds = 0.0

    def count(self, outcome: str, seconds: float) -> None:
        """Count a webhook that was answered with *outcome* after *seconds*."""
        self.outcomes[outcome] += 1
        self._took[bisect_left(_BUCKETS, seconds)] += 1
        self._took_seconds += seconds

    def within(self, share: float) -> float | None:
        """Return within how many seconds that *share* of webhooks was answered, as far as the buckets tell.

        None where none was answered, or where it took longer than the last bucket.
        """
        total, so_far = sum(self._took), 0
        for bound, count in zip(_BUCKETS, self._took, strict=False):
            so_far += count
            if total and so_far >= share * total:
                return bound
        return None

    def exposition(self, gauges: Mapping[str, float]) -> bytes:
        """Return everything as Prometheus reads it; *gauges* are what only the caller knows, by name."""
        registry = CollectorRegistry()
        registry.register(_Reading([*self._families(), *_gauges(gauges)]))
        return generate_latest(registry)

    def _families(self) -> Iterator[Metric]:
        yield _counter("playledger_webhooks", "Webhooks answered, by outcome.", "outcome", self.outcomes)
        yield _counter("playledger_webhooks_refused", "Webhooks refused, by status.", "status", self.refused)
        yield _counter("playledger_flags", "Webhooks whose template lacks a key.", "flag", self.flags)
        lost = CounterMetricFamily("playledger_deliveries_lost", "Deliveries that could be kept nowhere.")
        lost.add_metric([], self.lost)
        yield lost
        took = HistogramMetricFamily("playledger_webhook_seconds", "Time from a webhook to its answer.")
        took.add_metric([], _cumulated(self._took), self._took_seconds)
        yield took


class _Reading:
    """Metrics as they were when they were asked for."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


def _counter(name: str, sentence: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, sentence, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family


def _gauges(gauges: Mapping[str, float]) -> Iterator[Metric]:
    for name, value in gauges.items():
        yield GaugeMetricFamily(f"playledger_{name}", name.replace("_", " ").capitalize() + ".", value)


def _cumulated(counts: list[int]) -> list[tuple[str, float]]:
    total, found = 0, []
    for bucket, count in zip((*map(str, _BUCKETS), "+Inf"), counts, strict=True):
        total += count
        found.append((bucket, float(total)))
    return found
