"""Who sits before the pages, and what they may see and change (DESIGN §17).

Users see their own. Administrators of a Jellyfin server administer that server, and see the accounts that are linked
there. Whoever holds the administrator's token, or administers every server there is, administers all.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

import msgspec

from reconcile.store.sign_ins import SignIn

User = tuple[str, str]


class Who(IntEnum):
    """For whom a page is. Each may what those before may."""

    ANYONE = 0
    VISITOR = 1
    ADMINISTRATOR = 2
    OWNER = 3


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who has signed in. *accounts* and *servers* are those that they administer; None: all.

    *account_id* is their own account, None for whoever has none (the holder of the administrator's token).
    """

    sign_in: int
    name: str
    account_id: int | None = None
    user: User | None = None
    accounts: frozenset[int] | None = frozenset()
    servers: frozenset[str] | None = frozenset()

    @property
    def who(self) -> Who:
        """What they are."""
        if self.servers is None:
            return Who.OWNER
        return Who.ADMINISTRATOR if self.servers else Who.VISITOR

    @property
    def is_owner(self) -> bool:
        """Whether they administer all."""
        return self.who is Who.OWNER

    @property
    def is_administrator(self) -> bool:
        """Whether they administer a server, or all."""
        return self.who >= Who.ADMINISTRATOR

    @property
    def seen(self) -> frozenset[int] | None:
        """The accounts whose history they may see; None: all."""
        if self.accounts is None or self.account_id is None:
            return self.accounts
        return self.accounts | {self.account_id}

    def may_see(self, account_id: int | None) -> bool:
        """Say whether they may see what is of that account."""
        return self.seen is None or (account_id is not None and account_id in self.seen)

    def may_change(self, account_id: int | None) -> bool:
        """Say whether they may change what is of that account."""
        return self.may_see(account_id)

    def may_administer(self, server_id: str) -> bool:
        """Say whether they administer that server."""
        return self.servers is None or server_id in self.servers


def visitor_of(found: SignIn, servers: frozenset[str], linked: Mapping[User, int]) -> Visitor:
    """Return who has signed in, with the rights that follow from the *servers* there are and who is *linked* there."""
    if found.server_id is None:
        return Visitor(sign_in=found.id, name="Administrator", accounts=None, servers=None)
    user = (found.server_id, found.user_id or "")
    mine = Visitor(sign_in=found.id, name=found.user_name or "?", account_id=found.account_id, user=user)
    if not found.is_administrator:
        return mine
    if servers <= {found.server_id}:
        return msgspec.structs.replace(mine, accounts=None, servers=None)
    there = frozenset(account for (server_id, _), account in linked.items() if server_id == found.server_id)
    return msgspec.structs.replace(mine, accounts=there, servers=frozenset({found.server_id}))
