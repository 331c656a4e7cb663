"""Elements of a picture: escaped by construction, with numbers that a drawing can bear."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence

import msgspec
from markupsafe import Markup, escape

LONGEST_TEXT = 300
"""Characters of a title or a sentence that a picture takes in."""

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_NAME = re.compile(r"[^A-Za-z0-9_-]+")


class Size(msgspec.Struct, frozen=True):
    """How large a picture is drawn, in units of its view box, and *kind*, the class that shows it where it fits."""

    kind: str
    width: float
    height: float


def tag(name: str, /, *children: str | Markup, **attributes: str | float) -> Markup:
    """Return an element; ``stroke_width`` means ``stroke-width``, ``class_`` means ``class``."""
    said = "".join(f' {key.rstrip("_").replace("_", "-")}="{_said(value)}"' for key, value in attributes.items())
    inner = "".join(child if isinstance(child, Markup) else escape(plain(child)) for child in children)
    # Ten times as quick as Markup.format, and a page of rows has hundreds: all that others wrote is escaped by now.
    return Markup(f"<{name}{said}>{inner}</{name}>" if inner else f"<{name}{said}/>")  # noqa: S704


def picture(
    name: str, kind: str, told: tuple[str, str], box: tuple[float, float], *body: Markup, fit: str = ""
) -> Markup:
    """Return the whole picture: *told* are its title and description, *box* its width and height in its own units.

    *name* is unique on the page; *kind* is its class; *fit* is SVG's ``preserveAspectRatio``.
    """
    own, (title, description), (width, height) = name_of(name), told, box
    return tag(
        "svg",
        tag("title", title, id=f"{own}-title"),
        tag("desc", description, id=f"{own}-desc"),
        *body,
        class_=f"pic {kind}",
        id=own,
        viewBox=f"0 0 {number(width)} {number(height)}",
        role="img",
        aria_labelledby=f"{own}-title {own}-desc",
        **({"preserveAspectRatio": fit} if fit else {}),
    )


def for_any_width(draw: Callable[[str, Size], Markup], name: str, *sizes: Size) -> Markup:
    """Return the picture once in each of *sizes*: the style sheet shows the one that fits the room there is."""
    drawn = Markup("").join(draw(f"{name}-{size.kind.removeprefix('pic-')}", size) for size in sizes)
    return Markup('<div class="pic-box">{}</div>').format(drawn)


def words(x: float, y: float, text: str, *, anchor: str = "start", class_: str = "pic-label") -> Markup:
    """Return a line of text whose *anchor* stands at (x, y)."""
    return tag("text", text, x=x, y=y, text_anchor=anchor, class_=class_)


def path(places: Iterable[Sequence[tuple[float, float]]], class_: str) -> Markup:
    """Return one element for several open lines; nothing where there are none."""
    data = "".join(_way(line) for line in places if len(line) > 1)
    return tag("path", d=data, class_=class_) if data else Markup("")


def _way(line: Sequence[tuple[float, float]]) -> str:
    (x, y), *rest = line
    return f"M{number(x)} {number(y)}L" + " ".join(f"{number(x)} {number(y)}" for x, y in rest)


def number(value: float) -> str:
    """Return *value* to a tenth of a unit, as short as it can be said."""
    said = f"{value:.1f}" if math.isfinite(value) else "0"
    return "0" if float(said) == 0 else said.removesuffix(".0")


def within(value: float, low: float, high: float) -> float:
    """Return *value* between *low* and *high*; what is no number is *low*."""
    return low if math.isnan(value) else max(low, min(high, value))


def plain(text: str) -> str:
    """Return *text* without what no document may hold, and not longer than anyone reads."""
    said = _NOT_XML.sub("", text)
    return said if len(said) <= LONGEST_TEXT else f"{said[: LONGEST_TEXT - 1]}…"


def _said(value: str | float) -> str:
    return escape(_NOT_XML.sub("", value)) if isinstance(value, str) else number(value)


def name_of(name: str) -> str:
    """Return *name* as an id may be written."""
    return "pic-" + _NOT_NAME.sub("-", name)
