"""Whose a check-in was, where they are not recorded: known in memory only, and for as long as it is the latest."""

from __future__ import annotations

from datetime import datetime

import msgspec

from reconcile.playback.check_in import SWITCH, Observation

REMEMBERED = 4096
"""How many items in how many sessions are remembered at the most, the last ones seen."""

Place = tuple[str, str, str]
"""A server, a session, an item."""


class _Sight(msgspec.Struct, frozen=True):
    user_id: str
    at: datetime
    seen_at: datetime


class Strangers:
    """With which check-ins people were seen of whom nothing is kept.

    After a user switch the server goes on guessing for whoever touched the session last (facts F14). Of two recorded
    users the evidence tells whose a check-in is; one who is not recorded leaves none.
    """

    def __init__(self) -> None:
        self._sights: dict[Place, _Sight] = {}

    def note(self, told: Observation) -> None:
        """Remember the check-in in *told*, of somebody who is not recorded."""
        check_in, place = told.check_in, _place(told)
        known = self._sights.pop(place, None)
        if check_in is not None and (known is None or check_in.at > known.at):
            known = _Sight(told.key.user_id, check_in.at, check_in.seen_at)
        if known is not None:
            self._sights[place] = known
        if len(self._sights) > REMEMBERED:
            del self._sights[next(iter(self._sights))]

    def had(self, told: Observation) -> bool:
        """Say whether the check-in in *told* was a stranger's first, by more than users who watch along differ."""
        known = self._sights.get(_place(told))
        if known is None or told.check_in is None or known.at != told.check_in.at:
            return False
        return known.user_id != told.key.user_id and told.check_in.seen_at - known.seen_at > SWITCH


def _place(told: Observation) -> Place:
    return (told.key.server_id, told.key.session_id, told.key.item_id)
