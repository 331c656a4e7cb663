"""A thin strip of what has been covered of an item: for cards and rows, as wide as there is room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from receiver.pages.pictures.svg import path, picture, tag, within
from receiver.pages.saying import position as placed
from receiver.pages.saying import share_in_words
from reconcile.playback.reach import joined, length

LENGTH, HEIGHT = 1000.0, 12.0
TOP, DEPTH = 3.0, 6.0
"""Where the track lies in the strip."""

LEAST, MOST_PARTS = 2.0, 120
"""A part is drawn at least so wide, in thousandths; and of the longest parts so many."""


def strip(
    name: str,
    covered: Iterable[Sequence[float]],
    runtime: float | None,
    *,
    threshold: float | None = None,
    position: float | None = None,
) -> Markup:
    """Return what is *covered*, as (from, to) in seconds, of *runtime* seconds.

    *threshold* is in percent, *position* in seconds. The strip has 1000 units, so that x is in thousandths of the
    runtime; the one at ``.pic-here`` is where it plays now. Without a runtime it is a dashed track.
    """
    parts = joined((max(0.0, part[0]), part[1]) for part in covered)
    if runtime is None or not 0 < runtime < float("inf"):
        return _unknown(name, parts, position)
    seen = [(within(a, 0, runtime), within(b, 0, runtime)) for a, b in parts]
    body = [tag("rect", x=0, y=TOP, width=LENGTH, height=DEPTH, class_="pic-track")]
    for start, end in sorted(seen, key=lambda part: part[0] - part[1])[:MOST_PARTS]:
        left = min(start / runtime * LENGTH, LENGTH - LEAST)
        wide = max(LEAST, (end - start) / runtime * LENGTH)
        body.append(tag("rect", x=left, y=TOP, width=min(wide, LENGTH - left), height=DEPTH, class_="pic-covered"))
    if threshold is not None:
        x = within(threshold, 0, 100) / 100 * LENGTH
        body += [_mark(x, "pic-halo"), _mark(x, "pic-threshold")]
    if position is not None:
        x = within(position, 0, runtime) / runtime * LENGTH
        body += [_mark(x, "pic-halo"), _mark(x, "pic-here")]
    told = (_title(position, runtime), _description(100 * length(joined(seen)) / runtime, threshold))
    return picture(name, "pic-strip", told, (LENGTH, HEIGHT), *body, fit="none")


def _mark(x: float, class_: str) -> Markup:
    place = within(x, LEAST, LENGTH - LEAST)
    return tag("line", x1=place, x2=place, y1=0, y2=HEIGHT, class_=class_, vector_effect="non-scaling-stroke")


def _unknown(name: str, parts: Sequence[tuple[float, float]], position: float | None) -> Markup:
    middle = TOP + DEPTH / 2
    seen = placed(length(parts))
    told = (_title(position, None), f"{seen} covered; the runtime is not known, so it cannot be placed.")
    track = path([[(0, middle), (LENGTH, middle)]], "pic-unknown")
    return picture(name, "pic-strip", told, (LENGTH, HEIGHT), track, fit="none")


def _title(position: float | None, runtime: float | None) -> str:
    where = "Covered" if position is None else f"At {placed(position)}"
    return where if runtime is None else f"{where} of {placed(runtime)}"


def _description(percent: float, threshold: float | None) -> str:
    counts = "" if threshold is None else f"; it counts from {share_in_words(threshold)}"
    return f"{share_in_words(percent)} covered{counts}."
