"""Which badges came and went between two states of the ledger, in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.badges import BY_CODE
from reconcile.store import badges
from reconcile.store.badges import Award
from reconcile.store.tables import account

Awards = Mapping[tuple[int, str], Award]
"""By account and code."""


class BadgeDifference(msgspec.Struct, frozen=True):
    """A badge of an account before and after; None where it was or is not earned."""

    account_id: int
    who: str
    badge: str
    before: Award | None
    after: Award | None

    def sentence(self, *, is_dry: bool) -> str:
        """Return it in words; *is_dry*: it has not happened."""
        name = f"{self.who}: the badge «{self.badge}»"
        if self.after is None:
            return f"{name} {'would be' if is_dry else 'is'} taken back: what earned it does not count any more"
        on = self.after.earned_at.date().isoformat()
        if self.before is None:
            return f"{name} {'would be' if is_dry else 'is'} earned, on {on}"
        return f"{name} {'would have been' if is_dry else 'was'} earned on {on}, not on {self.before.earned_at.date()}"


async def badge_differences(db: AsyncConnection, before: Awards) -> list[BadgeDifference]:
    """Return what differs between the awards *before* and those that *db* shows now, by account and badge.

    An award of the same day is the same award: which watch of that day decided is not told.
    """
    after = await badges.everyone(db)
    rows = await db.execute(sa.select(account.c.id, account.c.name))
    names: dict[int, str] = {row[0]: row[1] for row in rows}
    found: list[BadgeDifference] = []
    for owner, code in sorted(before.keys() | after.keys()):
        then, now = before.get((owner, code)), after.get((owner, code))
        if _day(then) != _day(now):
            name = BY_CODE[code].name if code in BY_CODE else code
            found.append(BadgeDifference(owner, names.get(owner, f"account {owner}"), name, then, now))
    return found


def _day(each: Award | None) -> object:
    return None if each is None else each.earned_at.date()
