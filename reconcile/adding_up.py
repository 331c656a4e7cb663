"""Adding up one account's history, part by part: the touched films and episodes, series and days, and nothing else.

Each part is computed anew from watches and viewings, compared with what is kept, and what differs is written. So
whatever order the history was learnt in, the same rows come out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback import feats as pure
from reconcile.playback.activity import Activity, Sitting, activity, day_begins, days_between
from reconcile.playback.days import local_day
from reconcile.playback.feats import Feat, in_order, saturday_of, unit_name
from reconcile.playback.progress import Completion, Progress, Status, Totals, progress, season_of
from reconcile.playback.streaks import ONE_DAY
from reconcile.store import activity as kept_activity
from reconcile.store import completions, feats
from reconcile.store import progress as kept_progress
from reconcile.store.completions import Shown
from reconcile.store.feats import Moved

UNIT_KINDS = (pure.MOVIES, pure.EPISODES, pure.REWATCHES, pure.TOGETHER)
STREAK_KINDS = tuple(pure.streak_kind(length) for length in pure.STREAKS)

_T = TypeVar("_T", Shown, int, date)

_APART = timedelta(days=7)
_AT_ONCE = timedelta(days=100)
_UNITS_AT_ONCE = 500
_DAYS_AT_ONCE = 100


class Touched(msgspec.Struct):
    """What of one account's history is to be added up again.

    *is_all*: it is all there is, and nothing kept is to be trusted. *is_anew*: it is a part of that, and what was kept
    has been forgotten.
    """

    units: set[Shown] = set()
    series: set[int] = set()
    days: set[date] = set()
    is_all: bool = False
    is_anew: bool = False

    def parts(self) -> Iterator[Touched]:
        """Yield all of it in parts, each of which takes a moment only; episodes of one series stay near each other."""
        for units in _some(self.units, _UNITS_AT_ONCE):
            yield Touched(set(units), is_anew=True)
        for series in _some(self.series - {number for number, _unit in self.units}, _UNITS_AT_ONCE):
            yield Touched(series=set(series), is_anew=True)
        for days in _some(self.days, _DAYS_AT_ONCE):
            yield Touched(days=set(days), is_anew=True)


async def everything(db: AsyncConnection, account: int, zone: tzinfo) -> Touched:
    """Return all that an account's history consists of, and all that is kept of it."""
    units = await completions.units_ever(db, account)
    days = {each.day for each in await kept_activity.days(db, account)}
    for since, until in await kept_activity.times(db, account):
        days.update(days_between(since, until, zone))
    series = await kept_progress.series_of(db, account) | {number for number, _unit in units}
    return Touched(units, series, days, is_all=True)


async def add_up(db: AsyncConnection, account: int, zone: tzinfo, touched: Touched) -> Moved:
    """Bring what is kept of the *touched* parts up to date; return the feats that moved by it, already counted."""
    if touched.is_all:
        await feats.forget(db, account)
    adding = _Adding(db, account, zone, Moved({}, {}, [], []), touched.is_all, touched.is_all or touched.is_anew)
    kinds = await completions.kinds_of(db, {number for number, _unit in touched.units} | touched.series)
    await adding.units(touched.units, kinds)
    named = touched.series | {number for number, _unit in touched.units}
    await adding.series({number for number in named if kinds.get(number, ("series", None))[0] == "series"})
    await adding.days(touched.days)
    await adding.decades()
    await feats.count(db, account, adding.moved)
    return adding.moved


class _Adding(msgspec.Struct):
    db: AsyncConnection
    account: int
    zone: tzinfo
    moved: Moved
    is_all: bool
    is_anew: bool

    async def _settle(self, kinds: Collection[str], names: Collection[str], wanted: Collection[Feat]) -> None:
        await feats.settle(self.db, self.account, kinds, names, wanted, self.moved)

    # --- films and episodes ---------------------------------------------------------------------------------------

    async def units(self, units: Collection[Shown], kinds: Mapping[int, tuple[str, int | None]]) -> None:
        """Settle the feats of single films and episodes."""
        if not units:
            return
        seen = await completions.of_units(self.db, self.account, units, is_all=self.is_all)
        done = [unit for unit, rows in seen.items() if rows]
        shared = await completions.together(self.db, self.account, done, is_all=self.is_all)
        wanted: list[Feat] = []
        for unit, rows in seen.items():
            kind, year = kinds.get(unit[0], ("", None))
            wanted += pure.unit_feats(rows, is_movie=kind == "movie", year=year)
            wanted += _in_company(shared.get(unit, ()))
        await self._settle(UNIT_KINDS, [unit_name(*unit) for unit in units], wanted)

    async def decades(self) -> None:
        """Settle the first film of each decade from which one has come or gone."""
        gone = [each for each in self.moved.gone if each.kind == pure.MOVIES and each.part]
        made = [each for each in self.moved.made if each.kind == pure.MOVIES and each.part]
        parts = {each.part for each in (*gone, *made)}
        if not parts:
            return
        kept = await feats.named(self.db, self.account, [pure.DECADES], parts)
        wanted: list[Feat] = []
        for part in sorted(parts):
            first = kept.get((pure.DECADES, part))
            mine = [each for each in made if each.part == part]
            if first is not None and any(each.part == part and each.at <= first.at for each in gone):
                found = await feats.first_of_part(self.db, self.account, pure.MOVIES, part)
                mine, first = [found] if found is not None else [], None
            wanted += _first_of_decade(part, [*mine, *([first] if first is not None else [])])
        await self._settle([pure.DECADES], parts, wanted)

    # --- series ---------------------------------------------------------------------------------------------------

    async def series(self, series: Collection[int]) -> None:
        """Settle how far the account is with each series, and the feats of having seen all of it, or a season."""
        if not series:
            return
        totals = await kept_progress.totals_of(self.db, series)
        abandoned = await kept_progress.abandoned(self.db, self.account, series)
        before = await kept_progress.kept(self.db, self.account, series)
        after: dict[int, Progress] = {}
        for number in sorted(series):
            rows = await completions.of_series(self.db, self.account, number)
            known = totals.get(number, Totals())
            found = progress(rows, known, abandoned.get(number))
            if found is not None:
                after[number] = found
            wanted = [*_seasons(number, rows, known), *_finished(number, rows, found)]
            names = await feats.names_of_series(self.db, self.account, number)
            await self._settle([pure.SERIES, pure.SEASONS], names | {each.name for each in wanted}, wanted)
        await kept_progress.write(self.db, self.account, before, after)

    # --- days -----------------------------------------------------------------------------------------------------

    async def days(self, days: Collection[date]) -> None:
        """Settle the activity of *days*, and the feats of nights, weekends and streaks."""
        woken: list[date] = []
        for part in _near(days):
            woken += await self._some_days(part)
        for part in _near(woken):
            await self._streaks(part[0], part[-1])

    async def _streaks(self, first: date, last: date) -> None:
        """Settle the streaks that the days from *first* to *last* can be, or have been, part of.

        They begin at most so many days before as the longest of them has, so a row of a thousand is no more work.
        """
        since, until = first - pure.LONGEST_STREAK, last + ONE_DAY
        active = await kept_activity.active_within(self.db, self.account, since - ONE_DAY, until + pure.LONGEST_STREAK)
        names = [(since + timedelta(days=n)).isoformat() for n in range((until - since).days + 1)]
        await self._settle(STREAK_KINDS, names, pure.streak_feats(active, since, until))

    async def _some_days(self, days: Sequence[date]) -> list[date]:
        """Settle days that lie near each other; return those on which watching began at another instant.

        Where everything is made anew that is all of them: their streaks are forgotten, whether they differ or not.
        """
        first, last = days[0] - ONE_DAY, days[-1] + ONE_DAY
        since, until = day_begins(first, self.zone), day_begins(last + ONE_DAY, self.zone)
        over = await kept_activity.over(self.db, self.account, since, until)
        seen = await completions.between(self.db, self.account, since, until)
        by_day: dict[date, list[Completion]] = {}
        for each in seen:
            by_day.setdefault(local_day(each.at, self.zone), []).append(each)
        sittings = _by_day(over, self.zone)
        done = {local_day(each.completed_at, self.zone) for each in over if each.completed_at is not None}
        made = {day: activity(day, sittings.get(day, ()), self.zone, completed=day in done) for day in days}
        await self._nights(days, by_day)
        before = await kept_activity.kept(self.db, self.account, days)
        after = {day: each for day, each in made.items() if each is not None}
        changed = await kept_activity.write(self.db, self.account, before, after)
        if self.is_anew:
            return list(days)
        return [day for day in changed if _active_at(before.get(day)) != _active_at(after.get(day))]

    async def _nights(self, days: Sequence[date], by_day: Mapping[date, list[Completion]]) -> None:
        nights = [pure.night_feat(day, by_day.get(day, ()), self.zone) for day in days]
        saturdays = {saturday for day in days if (saturday := saturday_of(day)) is not None}
        weekends = [
            pure.weekend_feat(day, [*by_day.get(day, ()), *by_day.get(day + ONE_DAY, ())], self.zone)
            for day in saturdays
        ]
        await self._settle([pure.NIGHTS], [day.isoformat() for day in days], [each for each in nights if each])
        if saturdays:
            await self._settle([pure.WEEKENDS], [s.isoformat() for s in saturdays], [each for each in weekends if each])


def _active_at(each: Activity | None) -> datetime | None:
    return None if each is None else each.active_at


def _by_day(over: Collection[kept_activity.Over], zone: tzinfo) -> dict[date, list[Sitting]]:
    found: dict[date, list[Sitting]] = {}
    for each in over:
        for day in days_between(each.started_at, each.ended_at, zone):
            found.setdefault(day, []).append(each.sitting)
    return found


def _in_company(shared: Collection[tuple[Completion, int]]) -> Iterator[Feat]:
    """Yield the feat of having seen something in company, if it was: the first time, with the first of them."""
    if shared:
        first = in_order(each for each, _other in shared)[0]
        other = min(other for each, other in shared if each == first)
        name = unit_name(first.media, first.unit)
        yield Feat(pure.TOGETHER, name, first.at, first.watch, first.media, str(other))


def _first_of_decade(part: str, done: Collection[Feat]) -> Iterator[Feat]:
    if done:
        first = min(done, key=lambda each: (each.at, each.media or 0))
        yield Feat(pure.DECADES, part, first.at, first.watch, first.media)


def _seasons(number: int, rows: Sequence[Completion], totals: Totals) -> Iterator[Feat]:
    for season in sorted({season_of(each.unit) or 0 for each in rows}):
        found = pure.season_feat(number, season, rows, totals.seasons.get(season))
        if found is not None:
            yield found


def _finished(number: int, rows: Sequence[Completion], found: Progress | None) -> Iterator[Feat]:
    if found is not None and found.status is Status.COMPLETED and found.completed_at is not None:
        last = next((each for each in in_order(rows) if each.at == found.completed_at), None)
        yield Feat(pure.SERIES, str(number), found.completed_at, None if last is None else last.watch, number)


def _some(found: Collection[_T], most: int) -> Iterator[list[_T]]:
    """Yield what was *found* in order, at most so many at once."""
    ordered = sorted(found)
    for start in range(0, len(ordered), most):
        yield ordered[start : start + most]


def _near(days: Collection[date]) -> Iterator[list[date]]:
    """Yield *days* in parts that lie together, none of them too long."""
    part: list[date] = []
    for day in sorted(days):
        if part and (day - part[-1] > _APART or day - part[0] > _AT_ONCE):
            yield part
            part = []
        part.append(day)
    if part:
        yield part
