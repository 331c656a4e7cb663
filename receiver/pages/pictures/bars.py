"""Small bars, one for each hour or day: how much there was, and how much was expected."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import msgspec
from markupsafe import Markup

from receiver.pages.pictures.svg import number, path, picture, tag, within, words

WIDTH, HEIGHT = 360.0, 124.0
LEFT, RIGHT, TOP, BOTTOM = 4.0, 356.0, 26.0, 104.0
MOST = 120
"""Bars; of more only the latest are shown."""

LEAST = 1.0


class Bars(msgspec.Struct, frozen=True):
    """What is shown: *values*, None where nothing was measured, and what was *expected* of each, if anything.

    *edges* are the words below the first and the last bar; *spoken* says a value («1.2 s», «14 a minute»).
    """

    title: str
    values: Sequence[float | None]
    edges: tuple[str, str]
    spoken: Callable[[float], str] = number
    expected: Sequence[float | None] = ()


def bars(name: str, it: Bars) -> Markup:
    """Return the picture of *it*. A bar is never lower than a line; what was not measured is a dot on the floor."""
    values = [_known(each) for each in it.values][-MOST:]
    expected = [_known(each) for each in it.expected][-MOST:]
    known = [each for each in (*values, *expected) if each is not None]
    highest = max(known, default=0.0)
    top = highest or 1.0
    step = (RIGHT - LEFT) / max(1, len(values))
    wide = max(step - 2, step * 0.6)
    return picture(
        name,
        "pic-bars",
        (it.title, _described(it, values)),
        (WIDTH, HEIGHT),
        words(LEFT, 12, f"at most {it.spoken(highest)}" if known else "nothing measured yet"),
        *(_expectation() if any(expected) else ()),
        tag("line", x1=LEFT, x2=RIGHT, y1=BOTTOM, y2=BOTTOM, class_="pic-floor"),
        *(_bar(LEFT + index * step + (step - wide) / 2, wide, each, top) for index, each in enumerate(values)),
        _wanted(expected[: len(values)], step, top),
        words(LEFT, BOTTOM + 16, it.edges[0]),
        words(RIGHT, BOTTOM + 16, it.edges[1], anchor="end"),
    )


def _expectation() -> tuple[Markup, Markup]:
    """Return what the stairs mean."""
    sample = path([[(RIGHT - 78, 8), (RIGHT - 62, 8)]], "pic-expected")
    return sample, words(RIGHT, 12, "expected", anchor="end")


def _known(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) or value < 0 else value


def _y(value: float, top: float) -> float:
    return within(BOTTOM - value / top * (BOTTOM - TOP), TOP, BOTTOM)


def _bar(x: float, wide: float, value: float | None, top: float) -> Markup:
    if value is None:
        return tag("circle", cx=x + wide / 2, cy=BOTTOM - 3, r=1, class_="pic-missing")
    y = min(_y(value, top), BOTTOM - LEAST)
    return tag("rect", x=x, y=y, width=wide, height=BOTTOM - y, class_="pic-value")


def _wanted(expected: Sequence[float | None], step: float, top: float) -> Markup:
    """Return what was expected as a line of stairs, broken where nothing was."""
    lines: list[list[tuple[float, float]]] = [[]]
    for index, each in enumerate(expected):
        if each is None:
            lines.append([])
        else:
            y = _y(each, top)
            lines[-1] += [(LEFT + index * step, y), (LEFT + (index + 1) * step, y)]
    return path([_without_repeats(each) for each in lines], "pic-expected")


def _without_repeats(stairs: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return *stairs* without the places in the middle of a level stretch."""
    if not stairs:
        return []
    inner = [
        b for (a, b), (_, c) in zip(pairwise(stairs), pairwise(stairs[1:]), strict=False) if not a[1] == b[1] == c[1]
    ]
    return [stairs[0], *inner, stairs[-1]]


def _described(it: Bars, values: Sequence[float | None]) -> str:
    known = [each for each in values if each is not None]
    if not known:
        return "Nothing measured yet."
    latest = "not measured" if values[-1] is None else it.spoken(values[-1])
    missing = len(values) - len(known)
    said = f"From {it.edges[0]} to {it.edges[1]}: at most {it.spoken(max(known))}, latest {latest}"
    return f"{said}; {missing} not measured." if missing else f"{said}."
