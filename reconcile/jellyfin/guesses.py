"""Undoing the server's guesses: between two reports it advances the position by itself, 1 s a second (facts B4)."""

from __future__ import annotations

from datetime import datetime, timedelta

_SLACK = timedelta(seconds=5)
"""How far the server's last activity may lie outside (check-in, observation) and still be believed: the request that
reports is logged a little before its check-in is noted, and the time of an answer is known to a second or two."""

_SECOND = timedelta(seconds=1)


def guessed_seconds(checked_in: datetime, observed_at: datetime, last_activity: datetime | None) -> int:
    """Return how many whole seconds the server had added when it was observed, given when the client last reported.

    *last_activity* moves with every guess, to the millisecond (facts B4, B6), so it tells best; where it is missing or
    impossible, the time of the observation has to do.
    """
    if last_activity is not None and checked_in - _SLACK <= last_activity <= observed_at + _SLACK:
        return max(0, (last_activity - checked_in) // _SECOND)
    return max(0, (observed_at - checked_in) // _SECOND)


def taken_back(position: float | None, guessed: int) -> float | None:
    """Return the *position* (seconds) that the client itself had reported: never below 0, None where none is known."""
    return None if position is None else max(0.0, position - guessed)
