"""The calendar of an account: a square for every day of 53 weeks, the larger the more was watched."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta

import msgspec
from markupsafe import Markup

from receiver.pages.pictures.svg import Size, for_any_width, number, picture, tag, words
from receiver.pages.saying import HOUR, MINUTE, counted, for_long

WEEKS, WEEK = 53, 7

WIDE = Size("pic-wide", 720, 144)
NARROW = Size("pic-narrow", 360, 266)

STEPS = (30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR)
"""Seconds up to which a day has the size of its step; beyond the last one it has the largest."""

LONGEST_DAY = 25.0 * HOUR
"""Once a year, where clocks are put back."""

_SAID = ("30 min", "1 h", "2 h", "3 h", "more")
_SIDES = (3.0, 5.0, 7.0, 9.0, 11.0)
_CELL, _LEFT, _TOP, _ROW = 11.0, 30.0, 18.0, 20.0

_NAMED = {0: "Mon", 2: "Wed", 4: "Fri"}
_MONTHS_APART = 3


class Year(msgspec.Struct, frozen=True):
    """What the calendar shows: seconds by local day, of the days up to *today*; *unrecorded* ones have no number."""

    seconds: Mapping[date, float]
    today: date
    unrecorded: Collection[date] = ()

    @property
    def first(self) -> date:
        """The first day, a Monday."""
        return first_day(self.today)

    def days(self) -> Iterator[date]:
        """Yield every day of it."""
        for ordinal in range(self.first.toordinal(), self.today.toordinal() + 1):
            yield date.fromordinal(ordinal)

    def of(self, day: date) -> float:
        """Return the seconds watched on *day*; what is no length is none."""
        found = self.seconds.get(day, 0.0)
        return min(found, LONGEST_DAY) if found > 0 else 0.0


def first_day(today: date) -> date:
    """Return the Monday on which the 53 weeks begin that end with that of *today*."""
    monday = today.toordinal() - today.weekday()
    return date.fromordinal(max(1, monday - WEEK * (WEEKS - 1)))


def step_of(seconds: float) -> int:
    """Return 1 to 5 by how much was watched on a day, 0 for nothing."""
    return 0 if seconds <= 0 else 1 + sum(seconds > limit for limit in STEPS)


def calendar(name: str, year: Year, size: Size = WIDE) -> Markup:
    """Return the picture of *year*: one band of 53 weeks, or on a narrow page two, one above the other."""
    grid = _Grid(year.first, 1 if size is WIDE else 2)
    known = set(year.unrecorded)
    steps: dict[int | None, list[date]] = {}
    for day in year.days():
        steps.setdefault(None if day in known else step_of(year.of(day)), []).append(day)
    recorded = [day for step, days in steps.items() if step is not None for day in days]
    return picture(
        name,
        f"pic-calendar {size.kind}",
        ("Watched by day", _described(year)),
        (size.width, size.height),
        *_labels(grid, year),
        _squares([grid.corner(day) for day in recorded], _CELL, "pic-cell"),
        *(
            _squares([grid.corner(day) for day in steps.get(step, ())], _SIDES[step - 1], f"pic-day pic-step-{step}")
            for step in range(1, len(_SIDES) + 1)
        ),
        _slashes([grid.corner(day) for day in steps.get(None, ())]),
        _today(grid, year.today),
        *_legend(size, is_partly=bool(steps.get(None))),
    )


def calendar_for_any_width(name: str, year: Year) -> Markup:
    """Return the picture in both sizes, of which the one is shown that fits."""
    return for_any_width(lambda each, size: calendar(each, year, size), name, WIDE, NARROW)


def calendar_in_words(year: Year) -> list[str]:
    """Return what the calendar shows: the sum, the fullest day, each month, and what was not recorded."""
    unrecorded = set(year.unrecorded)
    days = [(day, year.of(day)) for day in year.days() if day not in unrecorded]
    watched = [(day, seconds) for day, seconds in days if seconds > 0]
    said = [_sum(f"{_date(year.first)} to {_date(year.today)}", [seconds for _day, seconds in watched])]
    if watched:
        fullest, most = max(watched, key=lambda each: each[1])
        said.append(f"Most on one day: {for_long(most)}, on {fullest:%A}, {_date(fullest)}")
    months: dict[tuple[int, int], list[float]] = {}
    for day, seconds in days:
        months.setdefault((day.year, day.month), []).extend([seconds] if seconds > 0 else [])
    said += [_sum(f"{date(*month, 1):%B} {month[0]}", found) for month, found in months.items()]
    missing = sum(day in unrecorded for day in year.days())
    return [*said, f"Not recorded: {counted(missing, 'day')}"] if missing else said


class _Grid(msgspec.Struct, frozen=True):
    """Where days stand: weeks are columns, in so many *bands*, the earliest on top."""

    first: date
    bands: int

    @property
    def step(self) -> float:
        return 13.0 if self.bands == 1 else 12.0

    @property
    def columns(self) -> int:
        return math.ceil(WEEKS / self.bands)

    def place(self, week: int) -> tuple[float, float]:
        """Return the upper left corner of a *week*."""
        band, column = divmod(week, self.columns)
        return _LEFT + column * self.step, _TOP + band * (WEEK * self.step + 2 * _TOP - 8)

    def corner(self, day: date) -> tuple[float, float]:
        """Return the upper left corner of *day*."""
        week, row = divmod((day - self.first).days, WEEK)
        x, y = self.place(week)
        return x, y + row * self.step


def _squares(corners: Iterable[tuple[float, float]], side: float, class_: str) -> Markup:
    inset = (_CELL - side) / 2
    data = "".join(
        f"M{number(x + inset)} {number(y + inset)}h{number(side)}v{number(side)}h{number(-side)}z" for x, y in corners
    )
    return tag("path", d=data, class_=class_) if data else Markup("")


def _slashes(corners: Iterable[tuple[float, float]]) -> Markup:
    data = "".join(f"M{number(x + 3)} {number(y + 8)}l5 -5" for x, y in corners)
    return tag("path", d=data, class_="pic-unrecorded") if data else Markup("")


def _today(grid: _Grid, today: date) -> Markup:
    x, y = grid.corner(today)
    return tag("rect", x=x - 1, y=y - 1, width=_CELL + 2, height=_CELL + 2, class_="pic-today")


def _labels(grid: _Grid, year: Year) -> list[Markup]:
    found = []
    for band in range(grid.bands):
        x, y = grid.place(band * grid.columns)
        found += [words(0, y + row * grid.step + 9, text, class_="pic-label") for row, text in _NAMED.items()]
    weeks = 1 + (year.today - year.first).days // WEEK
    months = {week: _month_of(year.first + timedelta(days=WEEK * week)) for week in range(weeks)}
    last = -WEEKS
    for week, month in reversed(months.items()):
        x, y = grid.place(week)
        is_new = months.get(week - 1) != month or week == 0
        if is_new and (last < 0 or last - week >= _MONTHS_APART):
            found.append(words(min(x, _room(grid)), y - 6, month))
            last = week
    return found


def _room(grid: _Grid) -> float:
    """Return how far to the right a month may be written."""
    return _LEFT + grid.columns * grid.step - 24


def _month_of(monday: date) -> str:
    """Return the month that a week belongs to: that of its last day."""
    return f"{date.fromordinal(min(date.max.toordinal(), monday.toordinal() + WEEK - 1)):%b}"


def _legend(size: Size, *, is_partly: bool) -> list[Markup]:
    y = size.height - 8
    found, x = [words(0, y, "Up to")], 40.0
    for step, text in enumerate(_SAID, start=1):
        found.append(_squares([(x, y - 9)], _CELL, "pic-cell"))
        found.append(_squares([(x, y - 9)], _SIDES[step - 1], f"pic-day pic-step-{step}"))
        found.append(words(x + 15, y, text))
        x += 15 + 6.4 * len(text) + 10
    if is_partly:
        x, y = (x, y) if size is WIDE else (40.0, y - _ROW)
        found += [_slashes([(x, y - 9)]), words(x + 15, y, "not recorded")]
    return found


def _described(year: Year) -> str:
    return calendar_in_words(year)[0] + "."


def _sum(when: str, watched: list[float]) -> str:
    if not watched:
        return f"{when}: nothing"
    return f"{when}: {for_long(math.fsum(watched))} on {counted(len(watched), 'day')}"


def _date(day: date) -> str:
    return f"{day.day} {day:%B} {day.year}"
