"""``/activity``: what an account watched on each of its own days, and its streaks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import QueryParameter

from receiver.api.pages import LARGEST_ID
from receiver.house import House
from reconcile.playback.activity import Activity
from reconcile.playback.days import local_day
from reconcile.playback.streaks import streaks
from reconcile.store import activity as kept

USUALLY, LONGEST = 90, 3700

Whose = Annotated[int, QueryParameter(ge=1, le=LARGEST_ID)]
FirstDay = Annotated[
    str | None, QueryParameter(name="from", description="The first day (YYYY-MM-DD); 90 days before the last one.")
]
LastDay = Annotated[str | None, QueryParameter(name="to", description="The last day (YYYY-MM-DD); today.")]


class DayWords(msgspec.Struct, frozen=True):
    """A day of the account's own calendar. *viewings* are those of a minute or more."""

    day: date
    watched_seconds: float
    viewings: int
    completed: bool


class StreakWords(msgspec.Struct, frozen=True):
    """Days in a row. *current* is 0 unless the last run is *alive*: it ends today or yesterday."""

    current: int
    longest: int
    alive: bool
    last_day: date | None


class ActivityWords(msgspec.Struct, frozen=True):
    """Every day from the first to the last, empty ones too, by the clocks of *time_zone*."""

    account_id: int
    time_zone: str
    streaks: StreakWords
    items: list[DayWords]
    next_cursor: str | None = None


@get("/activity", tags=["activity"])
async def activity(
    house: NamedDependency[House], account: Whose, from_: FirstDay = None, to: LastDay = None
) -> ActivityWords:
    """Return the days of an account. What is still playing joins them when it is over."""
    if account not in house.people.accounts:
        raise NotFoundException(f"There is no account {account}.")
    zone = house.people.zone_of(account)
    today = local_day(house.clock(), zone)
    last = _day("to", to) or today
    first = _day("from", from_) or last - min(timedelta(days=USUALLY - 1), last - date.min)
    if not 0 <= (last - first).days < LONGEST:
        raise ClientException(f"from, to: up to {LONGEST} days in order are told at once.")
    async with house.store.read() as db:
        days = {each.day: each for each in await kept.days(db, account, first, last)}
        found = streaks(await kept.active_days(db, account), today)
    items = [_words(first + timedelta(days=n), days) for n in range((last - first).days + 1)]
    told = StreakWords(found.current, found.longest, found.alive, found.last_day)
    return ActivityWords(account, str(zone), told, items)


def _day(name: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ClientException(f"{name}: a day is needed, such as 2026-11-22.") from error


def _words(day: date, days: Mapping[date, Activity]) -> DayWords:
    each = days.get(day) or Activity(day, 0.0, 0, completed=False, active_at=None)
    return DayWords(day, each.watched_seconds, each.viewings, each.completed)
