"""The numbers that the rules go by, each with its source."""

from datetime import timedelta

import msgspec

TOLERANCE = 3.0
"""Seconds by which a point may miss the line and still lie on it. It is never paid out (DESIGN §5)."""

FASTEST = 2.05
"""No player in the field plays faster than twice; a little is for rounding."""

SEEK_WITHIN = timedelta(seconds=120)
"""The longest interval around a seek that is still taken for played."""

REPORTS_EVERY = timedelta(seconds=35)
"""Clients that play report at least every 30 s (facts B3, F6); a little is for their way to us."""

REPORTS_APART = 10.0
"""Seconds between two reports of a client that plays, at the least (facts F6, F18) …"""

REPORTS_OFF = 0.2
"""… give or take so many: timers and ways differ."""

SAME_PLACE = 1.0
"""Seconds by which whoever resumes where they left may seem to resume before it: a Stop is dated when it arrives."""

LEFT_WHOLE = 6.0
"""The widest gap, in seconds, before the last thing asked in a session that is credited whole; half of what is more.
Mostly that is the Stop itself (facts B1, B6); the longer the gap, the likelier something was asked since."""

PAUSE_WITHIN = timedelta(seconds=60)
"""Two paused check-ins this close are one pause, wherever the position went."""

NEAR = 120.0
"""Seconds within which a position is «where it ended»; a tenth of a shorter runtime."""

OPENING = 60.0
"""Seconds from the start that count as the start; a twentieth of a shorter runtime.
Jellyfin stores no resume point below 5 % (facts D1)."""

PLAYED_THROUGH = 10.0
"""The shortest stretch, in seconds, whose end counts as reached."""

BACK_AT_START = 0.30
"""The least drop, as a share of the runtime, that makes a rewatch."""

RACE = timedelta(seconds=15)
"""A check-in this soon after a stop is the tail of a race (facts F22) …"""

RACE_PROVED_BY = timedelta(seconds=5)
"""… unless another one follows at least this much later."""

ECHO = timedelta(seconds=1)
"""How much later than the report itself a plugin before 16 may date it."""

IDLE = timedelta(minutes=5)
"""Jellyfin stops a session that has not reported for longer than this by itself (facts B5)."""

ABSENT_HALF = 75.0
"""The widest gap, in seconds, of which half is credited where nobody saw the end."""

SUPERSEDED_WHOLE = 6.0
"""The widest gap, in seconds, before another item that is credited whole."""


class Rules(msgspec.Struct, frozen=True):
    """What an owner, and for the verdict an account, may set (DESIGN §15).

    *threshold* is in percent; *min_seconds* and *partial_min_seconds* are seconds.
    """

    silence: timedelta = timedelta(seconds=300)
    paused_timeout: timedelta = timedelta(seconds=1800)
    resume_window: timedelta = timedelta(seconds=28800)
    freshness: timedelta = timedelta(seconds=60)
    absence_grace: timedelta = timedelta(seconds=20)
    threshold: float = 85.0
    min_seconds: float = 120.0
    partial_min_seconds: float = 600.0
    record_partials: bool = False
    require_coverage: bool = False

    def near(self, runtime: float | None) -> float:
        """Return how far, in seconds, a position may be from another and still be the same place."""
        return NEAR if runtime is None else min(NEAR, runtime / 10)

    def opening(self, runtime: float | None) -> float:
        """Return up to which position, in seconds, an item counts as at its start."""
        return OPENING if runtime is None else min(OPENING, runtime / 20)

    def goal(self, runtime: float) -> float:
        """Return the position, in seconds, that completes an item of *runtime* seconds."""
        return self.threshold / 100 * runtime
