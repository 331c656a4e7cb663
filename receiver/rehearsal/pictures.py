"""Pictures of what the simulated household owns: plain gradients, each item's its own, drawn as it is asked for."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache

from receiver.rehearsal.library import Library

WIDEST = 600


def shape(library: Library, item_id: str) -> float | None:
    """Return the height of an item's picture in widths: films and series stand, episodes lie, shorts have none."""
    for series in library.episodes:
        if any(item.id == item_id for item in series):
            return 9 / 16
        if any(item.series is not None and item.series.id == item_id for item in series):
            return 1.5
    return 1.5 if any(film.id == item_id for film in library.films) else None


@lru_cache(maxsize=256)
def picture(item_id: str, width: int, height: int) -> bytes:
    """Return a PNG of that size in pixels; the colours come from the id."""
    red, green, blue = (64 + byte // 2 for byte in bytes.fromhex(item_id[:6]))
    rows = bytearray()
    for row in range(height):
        share = 1.0 - 0.6 * row / height
        rows += b"\0" + bytes((int(red * share), int(green * share), int(blue * share))) * width
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = _chunk(b"IHDR", head), _chunk(b"IDAT", zlib.compress(bytes(rows), 9)), _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
