"""Everything left to chance, so that a seed settles it."""

from random import Random


def dice(seed: int | str) -> Random:
    """Return dice that always fall the same way for *seed*."""
    return Random(seed)


def chance(random: Random, odds: float) -> bool:
    """Say whether something of these *odds* (0 to 1) happens this time."""
    return random.random() < odds
