"""One page of a list: where one is in it, what is on it, and the addresses around it."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from datetime import tzinfo
from typing import Any, Protocol

import msgspec
from litestar.exceptions import ClientException
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.api.pages import LARGEST_ID, cursor_of, place_of
from receiver.house import House
from receiver.pages.history.filter import EVIDENCE, KINDS, Filter, chips
from receiver.pages.rendering import zone_of
from receiver.visitors import Visitor
from reconcile.store.leafing import Leaf
from reconcile.store.wanted import Place, Wanted

LONG = 30
"""Rows on a page."""


class Leafing(Protocol):
    """Reads a page: `watch_leaf` or `playback_leaf`."""

    def __call__(
        self, db: AsyncConnection, wanted: Wanted, place: Place | None, most: int, *, newer: bool = False
    ) -> Awaitable[Leaf]:
        """Return up to *most* rows beyond *place*."""


class Turn(msgspec.Struct, frozen=True):
    """Where one is: older than *after*, or newer than *before*, as cursors; the row *opened* is laid open."""

    after: str | None = None
    before: str | None = None
    opened: int | None = None

    @property
    def told(self) -> dict[str, str | None]:
        """What an address says of it."""
        return {"after": self.after, "before": self.before}


def turn_of(params: Mapping[str, str]) -> Turn:
    """Return where an address leads. Raises ClientException (400)."""
    after, before = params.get("after") or None, params.get("before") or None
    for cursor in (after, before):
        place_of(cursor)
    if after is not None and before is not None:
        raise ClientException("after, before: one of the two is enough.")
    opened = params.get("open", "")
    return Turn(after, before, number_of(opened))


def number_of(text: str) -> int | None:
    """Return the id that *text* is, None if it is none."""
    is_number = text.isascii() and text.isdecimal() and len(text) < 20  # noqa: PLR2004 - the digits of the largest
    return int(text) if is_number and 0 < int(text) <= LARGEST_ID else None


async def leaf_of(db: AsyncConnection, read: Leafing, wanted: Wanted, turn: Turn) -> Leaf:
    """Return the page that *turn* leads to. Before the first rows there is the first page, whole."""
    if wanted.accounts is not None and not wanted.accounts:
        return Leaf([], None, None, wanted)
    if turn.before is not None:
        leaf = await read(db, wanted, place_of(turn.before), LONG, newer=True)
        if leaf.newer is not None or len(leaf.rows) == LONG:
            return leaf
    return await read(db, wanted, place_of(turn.after), LONG)


def around(house: House, visitor: Visitor, asked: Filter, turn: Turn, path: str, leaf: Leaf) -> dict[str, Any]:
    """Return what every list knows: the filter in words and as fields, and the addresses of other views."""
    people = people_seen(house, visitor)
    counts = {True: "counted", False: "partial"} if path == "/history" else {True: "counted", False: "did not count"}
    looked_no_further = leaf.older is not None and len(leaf.rows) < LONG and turn.before is None
    return {
        "asked": asked,
        "people": people if len(people) > 1 else {},
        "kinds": KINDS,
        "counts": counts,
        "evidence": EVIDENCE,
        "here": asked.address(path, **turn.told),
        "all_of_it": path,
        "chips": [(said, other.address(path)) for said, other in chips(asked, people, counts)],
        "older": None if leaf.older is None else asked.address(path, after=cursor_of(leaf.older)),
        "newer": None if leaf.newer is None else asked.address(path, before=cursor_of(leaf.newer)),
        "looked_until": leaf.older[0] if leaf.older is not None and looked_no_further else None,
        "as_csv": asked.address(f"{path}/export", format="csv"),
        "as_json": asked.address(f"{path}/export", format="json"),
    }


def people_seen(house: House, visitor: Visitor) -> dict[int, str]:
    """Return the names of the accounts whose history *visitor* may see, by id, in the order of the names."""
    seen = [each for each in house.people.accounts.values() if visitor.may_see(each.id)]
    return {each.id: each.name for each in sorted(seen, key=lambda each: (each.name.casefold(), each.id))}


def zone_for(house: House, visitor: Visitor, wanted: Wanted) -> tzinfo:
    """Return the zone in which a list is told: of the one person whose it is, else the visitor's."""
    if wanted.account is not None:
        return house.people.zone_of(wanted.account)
    zone: tzinfo = zone_of(house, visitor)
    return zone
