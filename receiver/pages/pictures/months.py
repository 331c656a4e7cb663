"""Two histories side by side, month by month: what an import tells above the line, what was seen live below it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import groupby

import msgspec
from markupsafe import Markup

from receiver.pages.pictures.svg import Size, for_any_width, number, picture, tag, words
from receiver.pages.saying import counted, listed

WIDE = Size("pic-wide", 720, 216)
NARROW = Size("pic-narrow", 360, 216)

EDGE, AXIS, HIGHEST = 4.0, 98.0, 68.0
"""Where the plot ends on both sides, where the line is, and how high the highest bar is."""

LEAST, WIDEST = 1.5, 48.0
"""A bar is never lower, and a month never wider."""

MOST = 120
"""Months; of more only the latest are shown."""

LABEL = 58.0
"""How much room the name of a month takes."""

YEAR = 12
_STEPS = (1, 2, 3, 6, 12, 24, 36, 60)
_NAMED = 4


class Month(msgspec.Struct, frozen=True):
    """A month (its first day), how many *rows* an import has of it, and how many playbacks were *seen* live."""

    day: date
    rows: int = 0
    seen: int = 0

    @property
    def is_both(self) -> bool:
        """Say whether both tell of it."""
        return bool(self.rows and self.seen)

    @property
    def name(self) -> str:
        """The month as a sentence names it: «July 2023»."""
        return f"{self.day:%B} {self.day.year}"

    @property
    def index(self) -> int:
        """Its number among all months."""
        return self.day.year * YEAR + self.day.month - 1


def months_of(told: Mapping[str, Mapping[str, int]]) -> tuple[Month, ...]:
    """Return the months (2026-11) of what was read of an import, without a gap between the first and the last shown."""
    known = {(each := _day(text)).year * YEAR + each.month - 1: counts for text, counts in told.items()}
    if not known:
        return ()
    first, last = max(min(known), max(known) - MOST + 1), max(known)
    return tuple(_month(index, known.get(index, {})) for index in range(first, last + 1))


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[5:7]), 1)


def _month(index: int, counts: Mapping[str, int]) -> Month:
    return Month(date(index // YEAR, index % YEAR + 1, 1), counts.get("rows", 0), counts.get("seen", 0))


def in_words(it: Sequence[Month]) -> str:
    """Return how the two histories lie to each other, in a sentence or two."""
    both = [each for each in it if each.is_both]
    told = f"{_stretch(it, lambda each: each.rows, 'row')} of the import"
    seen = f"{_stretch(it, lambda each: each.seen, 'playback')} seen live"
    if not any(each.seen for each in it):
        return f"{told}; nothing had been seen live by then."
    if not both:
        return f"{told}; {seen}. No month has both."
    named = listed(each.name for each in both) if len(both) <= _NAMED else f"{both[0].name} to {both[-1].name}"
    return f"{told}; {seen}. Both tell of {counted(len(both), 'month')}: {named}."


def _stretch(it: Sequence[Month], of: Callable[[Month], int], what: str) -> str:
    mine = [each for each in it if of(each)]
    total = counted(sum(of(each) for each in mine), what)
    if not mine:
        return f"no {what}s"
    when = f"in {mine[0].name}" if len(mine) == 1 else f"from {mine[0].name} to {mine[-1].name}"
    return f"{total} {when}"


def timeline(name: str, it: Sequence[Month], size: Size = WIDE) -> Markup:
    """Return the picture of *it*, one bar a month on each side; months that have both stand on a ground of their own.

    Both sides have one scale; where nothing was seen there is no lower side.
    """
    floor = AXIS + (HIGHEST if any(each.seen for each in it) else 0)
    step = min(WIDEST, (size.width - 2 * EDGE) / max(1, len(it)))
    top = max((max(each.rows, each.seen) for each in it), default=0) or 1
    return picture(
        name,
        f"pic-months {size.kind}",
        ("What the import tells, and what was seen live", in_words(it)),
        (size.width, size.height - AXIS - HIGHEST + floor),
        words(EDGE, 14, _label("the import", "row", [each.rows for each in it])),
        *_legend(it, size),
        _grounds(it, step),
        _bars([each.rows for each in it], step, -HIGHEST / top, "pic-told"),
        _bars([each.seen for each in it], step, HIGHEST / top, "pic-value"),
        tag("line", x1=EDGE, x2=size.width - EDGE, y1=AXIS, y2=AXIS, class_="pic-floor"),
        words(EDGE, floor + 22, _label("seen live", "playback", [each.seen for each in it])),
        *_names(it, step, size.width, floor),
    )


def timeline_for_any_width(name: str, it: Sequence[Month]) -> Markup:
    """Return the picture in both sizes, of which the one is shown that fits."""
    return for_any_width(lambda each, size: timeline(each, it, size), name, WIDE, NARROW)


def _label(what: str, one: str, values: Sequence[int]) -> str:
    return f"{what}: at most {counted(max(values), one)} a month" if any(values) else f"{what}: nothing"


def _legend(it: Sequence[Month], size: Size) -> tuple[Markup, ...]:
    if not any(each.is_both for each in it):
        return ()
    right = size.width - EDGE
    return (
        tag("rect", x=right - 74, y=4, width=12, height=12, class_="pic-both"),
        words(right, 14, "both tell", anchor="end"),
    )


def _x(place: int, step: float) -> float:
    return EDGE + place * step


def _grounds(it: Sequence[Month], step: float) -> Markup:
    """Return the ground of the months that have both, one piece for those that follow each other."""
    top, high = AXIS - HIGHEST - 6, 2 * HIGHEST + 12
    data = ""
    for is_both, stretch in groupby(enumerate(it), lambda each: each[1].is_both):
        places = [place for place, _month in stretch]
        if is_both:
            wide = number(len(places) * step)
            data += f"M{number(_x(places[0], step))} {number(top)}h{wide}v{number(high)}h-{wide}z"
    return tag("path", d=data, class_="pic-both") if data else Markup("")


def _bars(values: Sequence[int], step: float, high: float, class_: str) -> Markup:
    """Return the bars of one side as one element; *high* is the height of one, less than nothing for upwards."""
    wide = step * 0.76
    data = "".join(
        f"M{number(_x(place, step) + (step - wide) / 2)} {number(AXIS)}v{number(_at_least(each * high))}"
        f"h{number(wide)}V{number(AXIS)}z"
        for place, each in enumerate(values)
        if each
    )
    return tag("path", d=data, class_=class_) if data else Markup("")


def _at_least(height: float) -> float:
    return min(height, -LEAST) if height < 0 else max(height, LEAST)


def _names(it: Sequence[Month], step: float, width: float, floor: float) -> list[Markup]:
    """Return the names of as many months as there is room for, each with the tick where it begins."""
    found: list[Markup] = []
    for place, text in _named(it, step):
        x = _x(place, step)
        anchor = "start" if width - EDGE - x >= LABEL / 2 else "end"
        found.append(tag("line", x1=x, x2=x, y1=floor + 32, y2=floor + 37, class_="pic-tick"))
        found.append(words(x, floor + 50, text, anchor=anchor))
    return found


def _named(it: Sequence[Month], step: float) -> list[tuple[int, str]]:
    """Return which months are named, and how: Januaries as their year, and the first with its year behind it."""
    apart = next((each for each in _STEPS if each * step >= LABEL), _STEPS[-1])
    found = [(place, _name(each)) for place, each in enumerate(it) if each.index % apart == 0]
    room = found[0][0] if found else len(it)
    is_of_years = apart >= YEAR and room == 0
    if it and not is_of_years and (room == 0 or room * step >= LABEL or not found):
        found = [(0, f"{it[0].day:%b} {it[0].day.year}"), *(each for each in found if each[0])]
    return found


def _name(each: Month) -> str:
    return f"{each.day.year}" if each.day.month == 1 else f"{each.day:%b}"
