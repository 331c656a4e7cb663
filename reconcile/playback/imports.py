"""What other tools kept of earlier years: one row of theirs is one play, and what of it may be believed."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING

import msgspec

from reconcile.playback.check_in import Channel, CheckIn, DeviceFacts, Ignored, ItemFacts, Kind, Rejected
from reconcile.playback.coverage import Stretch
from reconcile.playback.edges import EndedBy
from reconcile.playback.playback import Playback

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.playback.surroundings import Recorded, Surroundings

_ONLY = frozenset({Channel.IMPORT})

_DYING = 600.0
"""For so many seconds more than was played a tool may count: the server keeps a dead player's session so long."""


class Play(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of another tool's history.

    Ids are normalised. *started_at* is aware UTC; naive where the tool kept the wall time of its server. *seconds* are
    those it says were played: from where to where, no tool tells (facts E). *place* is where the row stands («row 17»).
    *retold* says that the tool had it from Playback Reporting itself.
    """

    user_id: str
    item_id: str
    started_at: datetime
    seconds: float
    place: str
    item: ItemFacts = ItemFacts()
    device: DeviceFacts = DeviceFacts()
    user_name: str | None = None
    retold: bool = False


Told = Play | Ignored | Rejected
"""What a row says; *ignored* by a short fixed reason, *rejected* with what is wrong, and where."""


def told_of(play: Play, started_at: datetime) -> CheckIn:
    """Return the evidence in *play*, which began at that UTC instant: a check-in shown for as long as it played."""
    return CheckIn(
        at=started_at,
        kind=Kind.PLAYING,
        position=None,
        reported=True,
        seen_at=started_at,
        sighted_until=started_at + timedelta(seconds=play.seconds),
        channels=_ONLY,
    )


def session_of(source: str, play: Play) -> str:
    """Return the id of the session that stands for what *source* tells of an item on a device.

    It is none of Jellyfin's: a row of another tool is never part of the line of a playback that was seen. Each item has
    its own, because a tool does not tell what followed what in a session.
    """
    device = play.device
    told = "\n".join((source, play.item_id, device.client or "", device.device_name or "", device.device_id or ""))
    return hashlib.md5(told.encode(), usedforsecurity=False).hexdigest()


def is_imported(check_ins: Sequence[CheckIn]) -> bool:
    """Say whether a key is one that an import made: all of its check-ins are rows of another tool."""
    return bool(check_ins) and all(each.channels == _ONLY for each in check_ins)


def imported(check_ins: Sequence[CheckIn], around: Surroundings) -> tuple[Playback, ...]:
    """Return the playbacks that the rows of another tool tell of: one each.

    A row says when playing began and for how long, not from where to where (facts E): nothing is covered, and reached
    is what was watched. Time that runs into the next row, or beyond the runtime, is not believed: these tools go on
    counting for a player that has died. Where it is more than twice the runtime, nothing is: that was an outage, and
    how long somebody watched before it cannot be told (facts peers 1.1). What lies where nothing of the person may be
    imported is left out.
    """
    mine = [each for each in check_ins if _is_theirs(each.at, around.recorded)]
    after = [each.at for each in mine[1:]]
    return tuple(_playback(each, then, around.runtime) for each, then in zip_longest(mine, after))


def _is_theirs(at: datetime, recorded: Sequence[Recorded]) -> bool:
    return not recorded or any(each.holds(at) for each in recorded)


def _playback(told: CheckIn, then: datetime | None, runtime: float | None) -> Playback:
    until = told.sighted_until if then is None else min(told.sighted_until, then)
    seconds = (until - told.at).total_seconds()
    if runtime:
        seconds = 0.0 if seconds > max(2 * runtime, runtime + _DYING) else min(seconds, runtime)
    stretch = Stretch(told.at, seconds, 0.0, 0.0)
    return Playback(
        started_at=told.at,
        first_at=told.at,
        last_at=told.at,
        ended_at=stretch.ended_at,
        ended_by=EndedBy.IMPORTED,
        state=Kind.STOPPED,
        due_at=None,
        position=None,
        reached_seconds=seconds,
        completed_at=None,
        stretches=(stretch,),
        covered=(),
        skipped=(),
        channels=told.channels,
        looks=(),
    )
