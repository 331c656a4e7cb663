"""What was watched when: the calendar of a year, streaks, and sums, by the account's own days."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.response import Template
from markupsafe import Markup

from receiver.house import House
from receiver.pages.pictures.bars import Bars, bars
from receiver.pages.pictures.days import Year, calendar_for_any_width, calendar_in_words, first_day
from receiver.pages.rendering import AnyRequest
from receiver.pages.saying import for_long, local
from receiver.pages.you.whose import shown, theirs, whose
from reconcile.playback.streaks import streaks
from reconcile.store import accounts
from reconcile.store import activity as kept
from reconcile.store.people import Interval

BARS = 30
"""Days whose minutes are shown as bars."""


class Sum(msgspec.Struct, frozen=True):
    """What a span of time comes to: *name* it, and the seconds and days on which something was watched."""

    name: str
    seconds: float
    days: int


@get(theirs("/activity"))
async def activity(request: AnyRequest, house: NamedDependency[House]) -> Template:
    """Show the last 53 weeks."""
    it, now = whose(request, house), house.clock()
    today = local(now, it.zone).date()
    first = min(first_day(today), today.replace(month=1, day=1))
    async with house.store.read() as db:
        found = {each.day: each for each in await kept.days(db, it.account.id, first, today)}
        active = await kept.active_days(db, it.account.id)
        intervals = await accounts.intervals_of(db, it.account.id)
    seconds = {day: each.watched_seconds for day, each in found.items()}
    year = Year(seconds, today, unrecorded(intervals, seconds, first_day(today), today, it.zone))
    return shown(
        request,
        house,
        it,
        "you/activity.html",
        is_empty=not active and not any(seconds.values()),
        calendar=calendar_for_any_width("calendar", year),
        words=calendar_in_words(year),
        bars=month(seconds, today, year.unrecorded),
        days=[(day, found.get(day)) for day in reversed(_latest(today))],
        streaks=streaks(active, today),
        sums=sums(seconds, today),
        today=today,
    )


def month(seconds: Mapping[date, float], today: date, unrecorded: Collection[date] = ()) -> Markup:
    """Return the seconds of each of the last 30 days as bars; of *unrecorded* ones nothing is known."""
    days = _latest(today)
    values = [None if day in unrecorded else seconds.get(day, 0.0) for day in days]
    title = f"Watched on each of the last {BARS} days"
    return bars("minutes", Bars(title, values, (f"{days[0].day} {days[0]:%b}", "today"), for_long))


def _latest(today: date) -> list[date]:
    return [today - timedelta(days=BARS - 1 - number) for number in range(BARS)]


def sums(seconds: Mapping[date, float], today: date) -> list[Sum]:
    """Return what this week, month and year came to, up to *today*."""
    spans = (
        ("This week", today - timedelta(days=today.weekday())),
        ("This month", today.replace(day=1)),
        ("This year", today.replace(month=1, day=1)),
    )
    found = []
    for name, since in spans:
        inside = [each for day, each in seconds.items() if since <= day <= today and each > 0]
        found.append(Sum(name, math.fsum(inside), len(inside)))
    return found


def unrecorded(
    intervals: Iterable[Interval], seconds: Mapping[date, float], first: date, last: date, zone: tzinfo
) -> frozenset[date]:
    """Return the days from *first* to *last* in which nobody was recorded for a moment, and nothing is known."""
    known = {day for day, each in seconds.items() if each > 0}
    for each in intervals:
        if each.until is not None and each.until <= each.since:
            continue
        begin = max(first, _day(each.since, zone, first))
        end = last if each.until is None else min(last, _day(each.until - timedelta(microseconds=1), zone, last))
        known.update(date.fromordinal(number) for number in range(begin.toordinal(), end.toordinal() + 1))
    return frozenset(
        day
        for number in range(first.toordinal(), last.toordinal() + 1)
        if (day := date.fromordinal(number)) not in known
    )


def _day(at: datetime, zone: tzinfo, near: date) -> date:
    """Return the date of *at*; of what is very far from *near* any one that is."""
    far = datetime.combine(near, time(), UTC)
    return local(max(far - timedelta(days=800), min(at, far + timedelta(days=800))), zone).date()


ROUTES = (activity,)
