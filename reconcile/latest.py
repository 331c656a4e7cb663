"""What is committed last of each key: more of the same needs no transaction, only now and then a flush."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from reconcile.arrivals import Arrival, Shown
from reconcile.playback.check_in import CheckIn, Key, Kind, Observation, merged
from reconcile.store import evidence

REMEMBERED = 20_000
"""How many keys' latest check-ins are remembered."""

Place = tuple[int, datetime, Kind | None]
"""(key id, instant, kind) of a check-in that is still shown; without a kind, 5 s of bare sightings."""


class Last(msgspec.Struct, gc=False):
    """The latest check-in of a key that is committed, and until when it is known to have been shown.

    None: the key is known by bare sightings alone.
    """

    key_id: int
    check_in: CheckIn | None
    until: datetime


class Latest:
    """The latest check-in of each key, and what has been shown of it since the last flush."""

    def __init__(self) -> None:
        self._last: OrderedDict[Key, Last] = OrderedDict()
        self._shown: dict[Place, Shown] = {}

    def is_known(self, told: Observation) -> bool:
        """Take in a check-in that is known already and is merely still shown; False if there is more to it."""
        check_in = told.check_in
        last = self._last.get(told.key)
        if told.sighting is not None and last is not None:
            return self._sighted(told.key, last, told.sighting)
        if check_in is None or last is None or last.check_in is None or last.check_in.identity != check_in.identity:
            return False
        both = merged(last.check_in, check_in)
        if msgspec.structs.replace(both, sighted_until=last.check_in.sighted_until) != last.check_in:
            return False
        return self.still_shown(told.key, check_in.at, check_in.kind, check_in.sighted_until)

    def still_shown(self, key: Key, at: datetime, kind: Kind, until: datetime) -> bool:
        """Note that the check-in of *key* at *at* was still shown *until* then; False if it is not the latest known."""
        last = self._last.get(key)
        if last is None or last.check_in is None or last.check_in.at != at or last.check_in.kind is not kind:
            return False
        if until > last.until:
            last.until = until
            self._shown[last.key_id, at, kind] = Shown(key, last.key_id, at, kind, until)
        return True

    def _sighted(self, key: Key, last: Last, at: datetime) -> bool:
        """Note a bare sighting of a key that is known: of each 5 s the last is kept."""
        if last.check_in is not None and at < last.check_in.at:
            return False
        bucket = evidence.bucket_start(at)
        place = (last.key_id, bucket, None)
        known = self._shown.get(place)
        if known is None or at > known.until:
            self._shown[place] = Shown(key, last.key_id, bucket, None, at)
        return True

    def ids(self, keys: Iterable[Key]) -> tuple[int, ...]:
        """Return the numbers of those of *keys* that are remembered."""
        return tuple(self._last[key].key_id for key in keys if key in self._last)

    # --- what waits for a transaction -----------------------------------------------------------------------------

    @property
    def waits(self) -> bool:
        """Say whether anything was shown since the last flush."""
        return bool(self._shown)

    def take_shown(self) -> Sequence[Shown]:
        """Return what was shown since this was asked last."""
        shown, self._shown = self._shown, {}
        return tuple(shown.values())

    def show_again(self, shown: Collection[Shown]) -> None:
        """Put back what a transaction that failed was to keep."""
        for each in shown:
            place = (each.key_id, each.at, each.kind)
            later = self._shown.get(place)
            if later is None or later.until < each.until:
                self._shown[place] = each

    # --- remembering ----------------------------------------------------------------------------------------------

    def remember(self, arrivals: Sequence[Arrival], ids: Mapping[Key, int]) -> None:
        """Remember the latest check-in of each key of *arrivals*, which are committed; *ids* are the keys' numbers."""
        for arrival in arrivals:
            for told in arrival.observations:
                key = told.key
                if (key_id := ids.get(key)) is not None:
                    self._last[key] = _later(self._last.pop(key, None), told, key_id)
        while len(self._last) > REMEMBERED:
            self._last.popitem(last=False)

    def forget(self, is_meant: Callable[[Key], bool]) -> None:
        """Forget the keys that are meant, and what waits of them."""
        for key in [key for key in self._last if is_meant(key)]:
            del self._last[key]
        self._shown = {place: each for place, each in self._shown.items() if not is_meant(each.key)}


def _later(last: Last | None, told: Observation, key_id: int) -> Last:
    """Return what is to be remembered of a key, *told* being what was taken in."""
    check_in = told.check_in
    if last is None or check_in is None or last.check_in is None:
        known = last or Last(key_id, None, told.observed_at)
        return known if check_in is None else Last(key_id, check_in, check_in.sighted_until)
    if last.check_in.at > check_in.at:
        return last
    if last.check_in.identity != check_in.identity:
        return Last(key_id, check_in, check_in.sighted_until)
    return Last(key_id, merged(last.check_in, check_in), max(last.until, check_in.sighted_until))
