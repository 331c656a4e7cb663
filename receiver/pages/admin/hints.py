"""Hints that two users may be one person: the same name on two servers. Names alone never link anybody. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from reconcile.store.people import Account, Link


class Hint(msgspec.Struct, frozen=True):
    """A user whose name is that of an account which they are not linked to."""

    user_id: str
    name: str
    account_id: int
    account_name: str
    has_account: bool


def hints(
    server_id: str, users: Sequence[tuple[str, str, int | None]], accounts: Sequence[Account], links: Sequence[Link]
) -> list[Hint]:
    """Return who of *users* (id, name, account) bears the name of another account, or of a user linked to one.

    An account that has a user on this server already is another person's: two people may bear one name.
    """
    taken = {each.account_id for each in links if each.server_id == server_id}
    named: dict[str, Account] = {}
    by_id = {each.id: each for each in accounts}
    for each in links:
        if each.user_name and each.account_id in by_id:
            named.setdefault(each.user_name.casefold(), by_id[each.account_id])
    named |= {each.name.casefold(): each for each in reversed(accounts) if each.id not in taken}
    found = []
    for user_id, name, account_id in users:
        near = named.get(name.casefold())
        if near is not None and near.id != account_id and near.id not in taken:
            found.append(Hint(user_id, name, near.id, near.name, account_id is not None))
    return found
