"""What goes wrong of an evening, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from receiver.rehearsal.dice import chance

ODDS: Mapping[str, float] = {
    # per evening
    "clock ahead or behind": 0.15,
    "two tabs": 0.05,
    "two devices, one item": 0.03,
    # per player
    "seeks untold": 0.12,
    # per viewing
    "stop at 0": 0.05,
    "stop without position": 0.04,
    "no stop": 0.04,
    "double stop": 0.04,
    "late progress": 0.03,
    "late stop": 0.02,
    "double start": 0.04,
    "crash, socket closed": 0.04,
    "crash, half open": 0.04,
    "crash and come back": 0.5,  # of the crashed
    "socket flap": 0.05,
    "restart": 0.025,
    "gives up after a restart": 0.2,  # of those
    "user switch": 0.03,
    "paused past midnight": 0.02,
    "paused past midnight, asleep": 0.025,
    "lid closed": 0.03,
    "runtime unknown": 0.025,
    "fast": 0.04,
    "slow": 0.008,
    "joined late": 0.2,  # of those who watch along
    # per chance of it
    "rewatch": 0.3,
    "autoplay without stop": 0.3,
    "autoplay reordered": 0.25,
}
"""Odds of each mishap, per viewing unless a line says otherwise."""

NO_MISHAPS: Mapping[str, float] = {}


class Mishaps:
    """The dice of an evening."""

    def __init__(self, random: Random, odds: Mapping[str, float]) -> None:
        """Throw with *random*, by *odds*."""
        self.random = random
        self._odds = odds

    def happens(self, what: str) -> bool:
        """Say whether *what* happens this time."""
        odds = self._odds.get(what, 0.0)
        return odds > 0.0 and chance(self.random, odds)

    def none(self) -> Mishaps:
        """Return the same dice, with nothing going wrong."""
        return Mishaps(self.random, NO_MISHAPS)
