"""How much of a whole is done: a ring and a bar, for series and for badges."""

from __future__ import annotations

from math import cos, pi, sin

from markupsafe import Markup

from receiver.pages.pictures.svg import number, picture, tag, words
from receiver.pages.saying import share_in_words

RING = 64.0
_RADIUS = 27.0
LENGTH, HEIGHT = 1000.0, 8.0


def ring(name: str, title: str, done: int, total: int | None) -> Markup:
    """Return a ring of *done* of *total*, with its share in the middle; a dashed one where nobody knows the total."""
    middle = RING / 2
    whole = share(done, total)
    said = str(done) if whole is None else share_in_words(100 * whole)
    kind = "pic-ring-track" if whole is not None else "pic-ring-track pic-unknown"
    return picture(
        name,
        "pic-ring",
        (title, _described(done, total)),
        (RING, RING),
        tag("circle", cx=middle, cy=middle, r=_RADIUS, class_=kind),
        arc(middle, middle, _RADIUS, whole or 0.0, "pic-ring-done"),
        words(middle, middle + 5, said, anchor="middle", class_="pic-label pic-strong"),
    )


def bar(name: str, title: str, done: int, total: int | None) -> Markup:
    """Return a bar of *done* of *total*, as wide as there is room; a dashed one where nobody knows the total."""
    whole = share(done, total)
    middle = HEIGHT / 2
    if whole is None:
        body = [tag("line", x1=0, x2=LENGTH, y1=middle, y2=middle, class_="pic-unknown")]
    else:
        body = [
            tag("rect", x=0, y=0, width=LENGTH, height=HEIGHT, class_="pic-track"),
            tag("rect", x=0, y=0, width=whole * LENGTH, height=HEIGHT, class_="pic-covered"),
        ]
    return picture(name, "pic-bar", (title, _described(done, total)), (LENGTH, HEIGHT), *body, fit="none")


def share(done: int, total: int | None) -> float | None:
    """Return *done* as a share of *total*, 0 to 1; None where that is not known."""
    return None if not total or total < 0 else max(0.0, min(done, total) / total)


def arc(x: float, y: float, radius: float, whole: float, class_: str) -> Markup:
    """Return the part of a circle round (x, y) that stands for the share *whole*, from the top on, clockwise."""
    if whole <= 0:
        return Markup("")
    if whole >= 1:
        return tag("circle", cx=x, cy=y, r=radius, class_=class_)
    angle = 2 * pi * whole
    end_x, end_y = x + radius * sin(angle), y - radius * cos(angle)
    data = f"M{number(x)} {number(y - radius)}A{number(radius)} {number(radius)} 0 {int(whole > 1 / 2)} 1 "
    return tag("path", d=f"{data}{number(end_x)} {number(end_y)}", class_=class_)


def _described(done: int, total: int | None) -> str:
    return f"{done} of {total}." if total else f"{done}; how many there are is not known."
