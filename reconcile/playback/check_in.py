"""Evidence: what a client reported, what was seen between two reports, and how the same report told twice is one."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec


class Channel(StrEnum):
    """Where evidence came from."""

    WEBHOOK = "webhook"
    POLL = "poll"
    SOCKET = "socket"
    IMPORT = "import"
    MANUAL = "manual"


class Kind(StrEnum):
    """What the player was doing."""

    PLAYING = "playing"
    PAUSED = "paused"
    STOPPED = "stopped"


class Key(msgspec.Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """Whose check-ins belong together. All four are normalised ids (lower case, no dashes)."""

    server_id: str
    session_id: str
    user_id: str
    item_id: str


class ItemFacts(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a channel said of the item: *kind* is ``movie`` or ``episode``, ids are its own, never its series'."""

    kind: str | None = None
    name: str | None = None
    year: int | None = None
    runtime_seconds: float | None = None
    series_id: str | None = None
    series_name: str | None = None
    season: int | None = None
    episode: int | None = None
    episode_end: int | None = None
    tmdb_id: str | None = None
    tvdb_id: str | None = None
    imdb_id: str | None = None


class DeviceFacts(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a channel said of the player."""

    client: str | None = None
    device_name: str | None = None
    device_id: str | None = None


class CheckIn(msgspec.Struct, frozen=True, gc=False):
    """What a client itself reported at one instant.

    *at*, *seen_at* and *sighted_until* are UTC instants on the server's clock, to the microsecond; *position* is in
    seconds, None when not known. *reported* is False for a position taken back from the server's guess, and for the
    Stop that the server itself sends for an idle session (a soft end, facts B5). *seen_at* is the earliest
    observation of this check-in, *sighted_until* the latest instant at which it was still being shown.
    *server_completed* is what the server itself said of the play at this Stop: played to its end or not (facts A7).
    None where it said nothing, as of all that is no Stop. *left_by* is an instant by which the player had been left:
    nothing played in its session any longer, and nothing was asked in it since then (facts B1, B6). None where no look
    has shown that.
    """

    at: datetime
    kind: Kind
    position: float | None
    reported: bool
    seen_at: datetime
    sighted_until: datetime
    channels: frozenset[Channel]
    server_completed: bool | None = None
    left_by: datetime | None = None

    @property
    def identity(self) -> tuple[datetime, Kind]:
        """What makes two tellings of one key the same check-in."""
        return (self.at, self.kind)


class Mark(msgspec.Struct, frozen=True):
    """An item was marked as *played*, or as not played, by hand, *at* that UTC instant (facts D2)."""

    at: datetime
    played: bool


class Observation(msgspec.Struct, frozen=True, gc=False):
    """What one notification, or one session of a snapshot, says of one user.

    One of *check_in*, *sighting* and *mark* is given: a bare sighting is an automated notification of a plugin before
    16, which does not tell when the client last reported.
    """

    key: Key
    channel: Channel
    observed_at: datetime
    check_in: CheckIn | None = None
    sighting: datetime | None = None
    item: ItemFacts = ItemFacts()
    device: DeviceFacts = DeviceFacts()
    user_name: str | None = None
    flags: tuple[str, ...] = ()
    mark: Mark | None = None

    @property
    def is_farewell(self) -> bool:
        """Say whether this was seen when it was over: it tells of what an earlier look had shown."""
        return self.check_in is not None and self.check_in.left_by is not None


class Ignored(msgspec.Struct, frozen=True):
    """Well understood, and not history. *reason* is a short fixed phrase, counted."""

    reason: str


class Rejected(msgspec.Struct, frozen=True):
    """Not understood. *reason* says what to do about it; *place* says where («line 4, column 17»)."""

    reason: str
    place: str = ""


def merged(one: CheckIn, other: CheckIn) -> CheckIn:
    """Return the one check-in that both tell of. Commutative, associative, idempotent.

    A reported position beats one taken back from a guess; of two equals the smaller wins; a known one beats none.
    Of what the server said «completed» beats «not completed», and that beats nothing. It was left by the earliest.
    """
    best = min(one, other, key=_trust)
    said, also = one.server_completed, other.server_completed
    left = [each.left_by for each in (one, other) if each.left_by is not None]
    return CheckIn(
        at=one.at,
        kind=one.kind,
        position=best.position,
        reported=best.reported,
        seen_at=min(one.seen_at, other.seen_at),
        sighted_until=max(one.sighted_until, other.sighted_until),
        channels=one.channels | other.channels,
        server_completed=said if also is None else said or also,
        left_by=min(left, default=None),
    )


def _trust(check_in: CheckIn) -> tuple[bool, bool, float]:
    return (check_in.position is None, not check_in.reported, check_in.position or 0.0)


def gathered(check_ins: list[CheckIn]) -> tuple[CheckIn, ...]:
    """Return the set that *check_ins* tell of, in order of time: told twice or shuffled makes no difference."""
    found: dict[tuple[datetime, Kind], CheckIn] = {}
    for check_in in check_ins:
        known = found.get(check_in.identity)
        found[check_in.identity] = check_in if known is None else merged(known, check_in)
    return tuple(found[identity] for identity in sorted(found, key=lambda i: (i[0], _ORDER[i[1]])))


_ORDER = {Kind.PLAYING: 0, Kind.PAUSED: 1, Kind.STOPPED: 2}

SWITCH = timedelta(seconds=5)
"""How much later a check-in may be first seen under another user and still be theirs too (AdditionalUsers)."""
