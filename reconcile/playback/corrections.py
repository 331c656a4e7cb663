"""Corrections by people: what each playback counts as, applied between cutting and judging (DESIGN §7).

A correction names evidence, a key and a time, never a derived row: whatever is cut from that evidence again, by a
replay, a resettle or a restore, is corrected again.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from reconcile.playback.media import Identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class What(StrEnum):
    """What is wrong: somebody else watched, it was something else, it is to go, or the file is another title."""

    NOT_ME = "not_me"
    WRONG_ITEM = "wrong_item"
    DELETE = "delete"
    REMATCH = "rematch"


_SPOKEN = {
    What.NOT_ME: "not me",
    What.WRONG_ITEM: "the wrong item",
    What.DELETE: "deleted",
    What.REMATCH: "another title",
}


class Correction(msgspec.Struct, frozen=True):
    """What somebody said of the playbacks of a user's item, in one session or (None) in any.

    *since* and *until* are the first and last check-in of the playback that was meant; None: whenever. What it counts
    as instead is *to_account*, *to_media* and *to_unit*; «not me» and «wrong item» without any count for nobody.
    """

    id: int
    what: What
    session_id: str | None
    since: datetime | None
    until: datetime | None
    to_account: int | None
    to_media: Identity | None
    to_unit: str | None
    said_by: str
    said_at: datetime

    def is_about(self, session_id: str, first_at: datetime, last_at: datetime) -> bool:
        """Say whether a playback of the session, with these first and last check-ins, is meant."""
        return (
            self.session_id in (None, session_id)
            and (self.since is None or last_at >= self.since)
            and (self.until is None or first_at <= self.until)
        )


class Counts(msgspec.Struct, frozen=True):
    """For whom a playback counts, and as what. *excluded* is the sentence why it counts for nobody."""

    account_id: int | None
    media_id: int | None
    units: tuple[str, ...]
    excluded: str | None = None


def counts_as(
    cut: Counts,
    about: Iterable[Correction],
    media: Mapping[Identity, int],
    accounts: Mapping[int, object],
) -> Counts:
    """Return what a playback counts as that would count as *cut*, after all that was said *about* it, in order of time.

    *media* are the ids of the identities that corrections name, *accounts* those that there are.
    """
    for each in sorted(about, key=lambda c: (c.said_at, c.id)):
        if _excludes(each, accounts):
            return Counts(None, cut.media_id, cut.units, sentence(each))
        if each.to_account is not None:
            cut = msgspec.structs.replace(cut, account_id=each.to_account)
        if each.to_media is not None:
            cut = msgspec.structs.replace(cut, media_id=media[each.to_media])
        if each.to_unit is not None:
            cut = msgspec.structs.replace(cut, units=(each.to_unit,))
    return cut


def spelt_unit(told: str) -> str:
    """Return a unit as it is kept, however an episode was written: «S1E2» is s01e02."""
    found = _EPISODE.fullmatch(told)
    return told if found is None else f"s{int(found[1]):02}e{int(found[2]):02}"


_EPISODE = re.compile("s([0-9]{1,4})e([0-9]{1,5})", re.IGNORECASE)


def meant(
    corrections: Sequence[Correction], session_id: str, first_at: datetime, last_at: datetime
) -> tuple[Correction, ...]:
    """Return those of *corrections* that mean a playback of the session with these first and last check-ins."""
    return tuple(each for each in corrections if each.is_about(session_id, first_at, last_at))


def _excludes(correction: Correction, accounts: Mapping[int, object]) -> bool:
    if correction.what is What.DELETE:
        return True
    if correction.what is What.NOT_ME:
        return correction.to_account is None or correction.to_account not in accounts
    return correction.to_media is None and correction.to_unit is None


def sentence(correction: Correction) -> str:
    """Return why a playback does not count."""
    day = correction.said_at.date().isoformat()
    return f"not counted: marked as {_SPOKEN[correction.what]} by {correction.said_by} on {day}"
