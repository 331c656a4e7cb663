"""What one visitor sees of now: what plays, what is just over, how their day stands, and what is amiss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import msgspec

from receiver.house import House
from receiver.live import Playing
from receiver.pages.now.cards import Card, cards_of, titles
from receiver.pages.now.listening import Ear, Kind, Notice, ears_of, notices_of
from receiver.pages.rendering import zone_of
from receiver.pages.saying import ending_in_words, local
from receiver.pages.you.recorded import OPEN_END
from receiver.visitors import Visitor
from reconcile.people import User
from reconcile.store.history import lately_over
from reconcile.store.lately import Day, day_of, last_began

Row = Mapping[str, Any]

MOST_OVER = 5
"""How many playbacks that are over are shown."""

ALL_CARDS = 1000
MOST_CARDS = 20
"""How many cards are shown unless all are asked for: a page is to stay small."""


class Over(msgspec.Struct, frozen=True):
    """A playback of today that is over, when and by what, and what came of it."""

    number: int
    title: str
    detail: str
    name: str
    ended_at: datetime
    by: str
    counted: bool
    sentence: str


class Earlier(msgspec.Struct, frozen=True):
    """What is over: the latest of today, how the *day* stands without what plays, and when anything *began* last."""

    over: tuple[Over, ...] = ()
    day: Day = Day()
    began: datetime | None = None


class View(msgspec.Struct, frozen=True):
    """What one visitor sees. *more* is how many cards are not shown; *minutes* were watched today, with what plays.

    *private* are their own users in private mode, each with its end; None: whoever began it ends it.
    """

    cards: tuple[Card, ...]
    more: int
    ears: tuple[Ear, ...]
    notices: tuple[Notice, ...]
    earlier: Earlier
    minutes: int
    private: Mapping[User, datetime | None]
    is_alone: bool
    is_set_up: bool


def view_of(house: House, visitor: Visitor, playing: Playing, earlier: Earlier, most: int = MOST_CARDS) -> View:
    """Return what *visitor* sees of what is *playing*, in up to *most* cards, and of what was *earlier*."""
    now = house.clock()
    rows = [row for row in playing.rows if is_shown(house, visitor, row, now)]
    rules = {account: house.people.rules(account) for account in {row["account_id"] for row in rows}}
    cards = cards_of(rows, rules, playing.told, playing.looked, house.tracker.ahead, visitor.account_id)
    ears = ears_of(house, playing.servers, playing.looked, visitor)
    midnight = midnight_of(house, visitor, now)
    watched = earlier.day.watched_seconds + sum(watched_since(row, midnight) for row in rows)
    return View(
        cards=cards[:most],
        more=len(cards[most:]),
        ears=tuple(ears),
        notices=(*notices_of(house, ears, visitor, is_away=False), *_own_notices(house, visitor, now)),
        earlier=earlier,
        minutes=round(watched / 60),
        private=private_of(house, visitor, now),
        is_alone=visitor.seen is not None and len(visitor.seen) <= 1,
        is_set_up=bool(playing.servers or house.wires.each),
    )


def is_shown(house: House, visitor: Visitor, row: Row, now: datetime) -> bool:
    """Say whether *visitor* may see the open playback, of somebody who is still recorded."""
    there = now + house.tracker.ahead.get(row["server_id"], timedelta())
    return visitor.may_see(row["account_id"]) and house.people.is_recorded((row["server_id"], row["user_id"]), there)


async def earlier_of(house: House, visitor: Visitor, playing: Playing) -> Earlier:
    """Return what is over for *visitor*. When something began last is asked only where nothing plays."""
    accounts = visitor.seen if visitor.seen is not None else house.people.accounts.keys()
    if not accounts:
        return Earlier()
    now = house.clock()
    midnight, today = midnight_of(house, visitor, now), today_of(house, visitor, now)
    async with house.store.read() as db:
        rows = await lately_over(db, accounts, midnight, MOST_OVER)
        day = await day_of(db, accounts, today, midnight)
        is_anything_on = any(is_shown(house, visitor, row, now) for row in playing.rows)
        began = None if is_anything_on else await last_began(db, accounts)
    return Earlier(tuple(_over(house, row) for row in rows), day, began)


def _over(house: House, row: Row) -> Over:
    title, detail = titles(row)
    ahead = house.tracker.ahead.get(row["server_id"], timedelta())
    return Over(
        number=row["id"],
        title=title,
        detail=detail,
        name=row["account_name"] or row["user_name"] or "?",
        ended_at=row["ended_at"] - ahead,
        by=ending_in_words(row["ended_by"]),
        counted=row["completed"],
        sentence=row["sentence"],
    )


def today_of(house: House, visitor: Visitor, now: datetime) -> date:
    """Return the day that it is for *visitor*."""
    return local(now, zone_of(house, visitor)).date()


def midnight_of(house: House, visitor: Visitor, now: datetime) -> datetime:
    """Return the instant at which today began for *visitor*."""
    there = local(now, zone_of(house, visitor))
    return datetime.combine(there.date(), time(), there.tzinfo).astimezone(now.tzinfo)


def watched_since(row: Row, since: datetime) -> float:
    """Return how many seconds of a playback were watched from *since* on; what began before it counts for its rest."""
    return sum(_after(datetime.fromisoformat(at), float(seconds), since) for at, seconds in row["intervals"])


def _after(at: datetime, seconds: float, since: datetime) -> float:
    return max(0.0, min(seconds, (at - since).total_seconds() + seconds))


def private_of(house: House, visitor: Visitor, now: datetime) -> Mapping[User, datetime | None]:
    """Return the visitor's own users that are in private mode, each with its end; None: whoever began it ends it."""
    if visitor.account_id is None:
        return {}
    hidden = house.people.in_private(visitor.account_id, now)
    return {user: None if until >= OPEN_END else until for user, until in hidden.items()}


def _own_notices(house: House, visitor: Visitor, now: datetime) -> Iterable[Notice]:
    """Yield why nothing of the visitor's own is recorded."""
    if visitor.user is None or private_of(house, visitor, now):
        return
    if visitor.account_id is None:
        said = f"«{visitor.name}» is not linked to an account yet: whoever administers this service can do that."
        yield Notice(Kind.WARN, "Nothing of yours is recorded.", said)
    elif not house.people.has_opted_in(visitor.account_id, now):
        yield Notice(Kind.WARN, "Nothing of yours is recorded.", "You can turn it on under «You».")


def faces(cards: Sequence[Card]) -> tuple[object, ...]:
    """Return what of *cards* does not move: while it is the same, only their moving parts are told anew."""
    return tuple(card.face for card in cards)
