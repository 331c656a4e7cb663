"""The line of a playback: position against time, by every check-in that proves it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from itertools import pairwise

import msgspec
from markupsafe import Markup

from receiver.pages.pictures.legend import Sign, around, legend, signs_of, spot
from receiver.pages.pictures.line_words import shared_in_words
from receiver.pages.pictures.scales import round_instants, round_step
from receiver.pages.pictures.story import Leg, Story, Way, legs
from receiver.pages.pictures.svg import Size, for_any_width, path, picture, tag, within, words
from receiver.pages.pictures.visible import visible
from receiver.pages.saying import ending_in_words, for_long, position, share_in_words
from reconcile.playback.points import Point

WIDE = Size("pic-wide", 720, 280)
NARROW = Size("pic-narrow", 360, 280)

LEFT, RIGHT, TOP, BOTTOM = 56.0, 42.0, 12.0, 26.0
ROW = 20.0
"""How high a line of the legend is."""

CORNERS, APART = 90, 11.0
"""At most so many corners are drawn, and a check-in between them every so many units."""

LABELS_APART = 20.0

_CLASSES = {
    Way.PLAYED: "pic-played",
    Way.PAUSED: "pic-paused",
    Way.STOOD: "pic-paused",
    Way.AWAY: "pic-away",
    Way.JUMPED: "pic-jumped",
    Way.SILENT: "pic-silent",
}


class Plot(msgspec.Struct, frozen=True):
    """Where instants and positions stand: the rectangle of the plot, and what its edges mean."""

    size: Size
    since: datetime
    seconds: float
    top: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.size.width - RIGHT

    @property
    def floor(self) -> float:
        """The lower edge."""
        return self.size.height - BOTTOM

    def x(self, at: datetime) -> float:
        """Return how far to the right *at* is."""
        share = (at - self.since).total_seconds() / self.seconds
        return within(LEFT + share * (self.right - LEFT), LEFT, self.right)

    def y(self, seconds: float) -> float:
        """Return how far down the position *seconds* is."""
        return within(self.floor - seconds / self.top * (self.floor - TOP), TOP, self.floor)


def line(name: str, it: Story, zone: tzinfo, size: Size = WIDE) -> Markup:
    """Return the picture of *it*, with the times of *zone*. *name* is unique on the page; with both sizes: each."""
    plot = _plot(it, size)
    points = _drawn(it, plot)
    ways = legs(it, points)
    signs = [(Sign.STOP,) if each.is_stop else signs_of(each.channels) for each in points]
    rows, height = legend(_signs(it, signs, ways), LEFT, size.height + ROW * 0.7, size.width, ROW)
    return picture(
        name,
        f"pic-line {size.kind}",
        ("The line of this playback", _described(it)),
        (size.width, height),
        *_grounds(plot, ways),
        *_positions(it, plot),
        *_times(it, plot, zone),
        *_covered(it, plot),
        *_ways(plot, ways),
        *_spots(plot, points, signs),
        *([] if points else [_nothing(plot)]),
        *rows,
    )


def line_for_any_width(name: str, it: Story, zone: tzinfo) -> Markup:
    """Return the picture in both sizes, of which the one is shown that fits."""
    return for_any_width(lambda each, size: line(each, it, zone, size), name, WIDE, NARROW)


def _plot(it: Story, size: Size) -> Plot:
    seconds = max(1.0, (it.ended[0] - it.began[0]).total_seconds())
    furthest = max(it.ended[1], *(p.position or 0.0 for p in it.points), 1.0)
    # A position beyond the runtime is shown, but a wild one must not flatten the rest.
    top = furthest if it.runtime is None else max(it.runtime, min(furthest, 1.5 * it.runtime))
    return Plot(size, it.began[0], seconds, top)


def _drawn(it: Story, plot: Plot) -> list[Point]:
    """Return the points that can be told apart; each was shown for as long as those behind it that are left out."""
    everything = it.points
    kept = visible([(plot.x(p.at), plot.y(p.position or 0.0)) for p in everything], CORNERS, APART)
    found: list[Point] = []
    for index, following in pairwise([*kept, len(everything)]):
        behind = everything[index:following]
        until, shown = max(p.until for p in behind), max(p.shown_until for p in behind)
        found.append(msgspec.structs.replace(everything[index], until=until, shown_until=shown))
    return found


def _described(it: Story) -> str:
    runtime = "of unknown length" if it.runtime is None else f"of {position(it.runtime)}"
    asked = "" if it.runtime is None else f"; it counts from {share_in_words(it.rules.threshold)}"
    seconds = (it.ended[0] - it.began[0]).total_seconds()
    over = "and it still plays" if it.is_open else f"and ended: {ending_in_words(it.ended_by)}" if it.ended_by else ""
    said = f"In {for_long(seconds)} it went from {position(it.began[1])} to {position(it.ended[1])} {runtime}{asked}"
    told = shared_in_words(it)
    return f"{said}, {over}.".replace(", .", ".") + (f" {told}." if told else "")


def _grounds(plot: Plot, ways: Iterable[Leg]) -> list[Markup]:
    """Return the bands in which nobody heard anything."""
    return [
        tag(
            "rect", x=x, y=TOP, width=max(0.0, plot.x(leg.until) - x), height=plot.floor - TOP, class_="pic-no-evidence"
        )
        for leg in ways
        if leg.way is Way.SILENT
        for x in (plot.x(leg.since),)
    ]


def _positions(it: Story, plot: Plot) -> list[Markup]:
    """Return the floor, the ceiling (the runtime), the round positions between them, and the threshold."""
    high = it.runtime or plot.top
    marks = [(0.0, "pic-floor"), (high, "pic-ceiling" if it.runtime else "pic-grid")]
    step, taken = round_step(plot.top, 4), [plot.y(0.0), plot.y(high)]
    for times in range(1, 5):
        y = plot.y(times * step)
        if times * step < plot.top and all(abs(y - each) >= LABELS_APART for each in taken):
            marks.append((times * step, "pic-grid"))
    found = []
    for seconds, kind in marks:
        y = plot.y(seconds)
        found.append(tag("line", x1=LEFT, x2=plot.right, y1=y, y2=y, class_=kind))
        found.append(words(LEFT - 10, y + 4, position(seconds), anchor="end"))
    if it.runtime is not None:
        y = plot.y(it.rules.goal(it.runtime))
        found.append(tag("line", x1=LEFT, x2=plot.right, y1=y, y2=y, class_="pic-threshold"))
        found.append(words(plot.right + 6, y + 4, share_in_words(it.rules.threshold), class_="pic-label pic-strong"))
    return found


def _times(it: Story, plot: Plot, zone: tzinfo) -> list[Markup]:
    most = 7 if plot.size.width >= WIDE.width else 4
    found = []
    for instant in round_instants(it.began[0], it.ended[0], zone, most):
        x = plot.x(instant)
        said = instant.astimezone(zone)
        text = f"{said.day} {said:%b}" if plot.seconds > most * 43200 else f"{said:%H:%M}"
        found.append(tag("line", x1=x, x2=x, y1=plot.floor, y2=plot.floor + 5, class_="pic-tick"))
        found.append(words(x, plot.floor + 19, text, anchor="middle"))
    return found


def _covered(it: Story, plot: Plot) -> list[Markup]:
    """Return what was seen of the item, as a bar along the positions."""
    found = []
    for start, end in sorted(it.covered, key=lambda part: part[0] - part[1])[:40]:
        high, low = sorted((plot.y(start), plot.y(end)))
        found.append(tag("rect", x=LEFT - 5, y=high, width=4, height=low - high, class_="pic-covered"))
    return found


def _ways(plot: Plot, ways: Sequence[Leg]) -> list[Markup]:
    """Return the lines, one element for each way of going; legs that meet are one line."""
    lines: dict[str, list[list[tuple[float, float]]]] = {class_: [] for class_ in _CLASSES.values()}
    for leg in ways:
        start, end = ((plot.x(at), plot.y(where)) for at, where in ((leg.since, leg.start), (leg.until, leg.end)))
        drawn = lines[_CLASSES[leg.way]]
        if drawn and drawn[-1][-1] == start:
            drawn[-1].append(end)
        else:
            drawn.append([start, end])
    return [path(each, class_) for class_, each in reversed(lines.items())]


def _spots(plot: Plot, points: Iterable[Point], signs: Iterable[Sequence[Sign]]) -> Iterator[Markup]:
    """Yield the mark of each point, with the outlines of the other channels that told of it around it."""
    for point, (mark, *others) in zip(points, signs, strict=True):
        x, y = plot.x(point.at), plot.y(point.position or 0.0)
        yield from (around(other, x, y) for other in others)
        yield spot(mark, x, y)


def _signs(it: Story, signs: Collection[Sequence[Sign]], ways: Iterable[Leg]) -> list[Sign]:
    """Return what the legend must explain, each once, in a fixed order."""
    seen = {sign for each in signs for sign in each}
    if any(len(each) > 1 for each in signs):
        seen.add(Sign.ALSO)
    gone = {leg.way for leg in ways}
    if Way.JUMPED in gone:
        seen.add(Sign.JUMP)
    if Way.SILENT in gone:
        seen.add(Sign.SILENCE)
    if it.covered:
        seen.add(Sign.COVERED)
    return [sign for sign in Sign if sign in seen]


def _nothing(plot: Plot) -> Markup:
    return words((LEFT + plot.right) / 2, plot.floor / 2, "No player told a position.", anchor="middle")
