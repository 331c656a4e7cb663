"""Jellyfin's unit of time, known only where Jellyfin's JSON is read."""

PER_SECOND = 10_000_000
"""One tick is 100 ns (System.TimeSpan.TicksPerSecond)."""


def seconds(ticks: int) -> float:
    """Return *ticks* as seconds."""
    return ticks / PER_SECOND
