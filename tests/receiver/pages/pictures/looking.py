"""Looking at a picture as a browser would: whether it can be drawn, and where everything stands."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

LARGEST = 30_000
"""Characters that a picture may take of a page."""

_ACROSS, _DOWN = ("x", "x1", "x2", "cx"), ("y", "y1", "y2", "cy")
_ABSOLUTE = re.compile(r"[ML]((?:-?[\d.]+[ ]?)+)")


def looked_at(picture: str) -> ET.Element:
    """Return the *picture*, found to be well formed, told in words, within its box, and of bounded size."""
    assert len(picture) < LARGEST
    root = ET.fromstring(picture)  # noqa: S314 - the pictures are our own
    assert root.get("role") == "img"
    assert (root.findtext("title") or "").strip()
    assert (root.findtext("desc") or "").strip()
    assert root.get("aria-labelledby") == f"{root[0].get('id')} {root[1].get('id')}"
    found = [each.get("id") for each in root.iter() if each.get("id")]
    assert len(found) == len(set(found))
    assert all(each.get("style") is None for each in root.iter())
    _, _, width, height = (float(each) for each in (root.get("viewBox") or "").split())
    for x, y in places(root):
        assert -0.1 <= x <= width + 0.1
        assert -0.1 <= y <= height + 0.1
    return root


def places(root: ET.Element) -> Iterator[tuple[float, float]]:
    """Yield every place that an element of *root* names outright, and the far corner of every rectangle."""
    for each in root.iter():
        across = [float(each.get(name, "0")) for name in _ACROSS]
        down = [float(each.get(name, "0")) for name in _DOWN]
        assert all(map(math.isfinite, across + down))
        yield max(across), max(down)
        yield min(across), min(down)
        if each.tag == "rect":
            yield across[0] + float(each.get("width", "0")), down[0] + float(each.get("height", "0"))
        if each.tag == "path" and each.get("transform") is None:
            for run in _ABSOLUTE.findall(each.get("d", "")):
                numbers = [float(number) for number in run.split()]
                yield from zip(numbers[::2], numbers[1::2], strict=False)


def texts(root: ET.Element) -> list[str]:
    """Return what is written in a picture, from top to bottom as it was drawn."""
    return [each.text or "" for each in root.iter("text")]


def count(root: ET.Element, class_: str) -> int:
    """Return how many elements bear *class_*."""
    return sum(class_ in (each.get("class") or "").split() for each in root.iter())
