"""Thinning for the eye: which places of a line can be told apart at the size it is drawn in."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

Place = tuple[float, float]

UNSEEN = 0.4
"""The area, in square units, that a corner must take up to be seen."""


def visible(places: Sequence[Place], corners: int, apart: float) -> list[int]:
    """Return which of *places* (in order of x) to draw: up to *corners* of them, and between these one every *apart*.

    Corners go by the area of the triangle that they make with their neighbours, the smallest first
    (M. Visvalingam, J. D. Whyatt: Line generalisation by repeated elimination of points, 1993).
    """
    kept = _corners(places, corners)
    bends, found, before = set(kept), list[int](), float("-inf")
    for index, (x, _y) in enumerate(places):
        if index in bends or x - before >= apart:
            found.append(index)
            before = x
    return found


def _corners(places: Sequence[Place], most: int) -> list[int]:
    left = [index - 1 for index in range(len(places))]
    right = [index + 1 for index in range(len(places))]
    heap = [(_area(places, i - 1, i, i + 1), i) for i in range(1, len(places) - 1)]
    heapq.heapify(heap)
    areas = {index: area for area, index in heap}
    remain = len(places)
    while heap and (heap[0][0] < UNSEEN or remain > most):
        area, index = heapq.heappop(heap)
        if areas.get(index) != area:
            continue
        del areas[index]
        remain -= 1
        before, after = left[index], right[index]
        right[before], left[after] = after, before
        for each in (before, after):
            if each in areas:
                areas[each] = max(area, _area(places, left[each], each, right[each]))
                heapq.heappush(heap, (areas[each], each))
    return [index for index in range(len(places)) if index in areas or index in (0, len(places) - 1)]


def _area(places: Sequence[Place], a: int, b: int, c: int) -> float:
    (ax, ay), (bx, by), (cx, cy) = places[a], places[b], places[c]
    return abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay)) / 2
