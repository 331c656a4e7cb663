"""A backup of tables as JSON, unpacked and taken apart into its records, none of which is read yet."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import TypeVar

import msgspec

from reconcile.playback.check_in import Rejected

LARGEST = 512 * 1024 * 1024
"""Bytes, unpacked: more is a mistake, or meant to fill the memory."""

ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What reading foreign JSON may raise."""

_GZIP = b"\x1f\x8b"
_MARK = b"\xef\xbb\xbf"
_BYTE = re.compile(r" \(byte (\d+)\)$")
_HEAD = 256
_T = TypeVar("_T")


class Record(msgspec.Struct, frozen=True):
    """One row of *table*, as it came; *number* counts the table's rows from 1. Without a row it is the table's head."""

    table: str
    number: int
    row: msgspec.Raw | None


class _Line(msgspec.Struct, frozen=True):
    type: str
    table: str
    data: msgspec.Raw = msgspec.Raw()


def unpacked(data: bytes, largest: int = LARGEST) -> bytes | Rejected:
    """Return *data* as it was before gzip, or itself; rejected where that is damaged, or too large."""
    if not data.startswith(_GZIP):
        return data.removeprefix(_MARK)
    parts, size = [], 0
    while data.startswith(_GZIP):
        member = zlib.decompressobj(wbits=31)
        try:
            part = member.decompress(data, max_length=largest - size + 1)
        except zlib.error:
            return Rejected("its compression (gzip) is damaged: copy it again")
        size += len(part)
        parts.append(part)
        if size > largest:
            return Rejected(f"unpacked it is larger than {largest // 1024 // 1024} MiB")
        if not member.eof:
            return Rejected("its compression (gzip) ends too early: copy it again")
        data = member.unused_data
    return b"".join(parts).removeprefix(_MARK)


def records(data: bytes, only: str, hallmark: str) -> Iterator[Record | Rejected]:
    """Yield the records of a backup in one of three shapes, and what of it cannot be read.

    A list of objects by table, one object by table, or one object a line (``type``, ``table``, ``data``). A bare list
    of rows that have the key *hallmark* is taken for the table *only*.
    """
    head = data[: data.find(b"\n") if b"\n" in data else len(data)]
    return _by_line(data) if isinstance(_read(head, _Line), _Line) else _by_table(data, only, hallmark)


def _by_line(data: bytes) -> Iterator[Record | Rejected]:
    counts: dict[str, int] = {}
    for number, line in enumerate(BytesIO(data), start=1):
        if not line.strip():
            continue
        told = _read(line, _Line)
        if isinstance(told, Rejected):
            yield _at(told, f"line {number}")
        elif told.type == "row":
            counts[told.table] = counts.get(told.table, 0) + 1
            yield Record(told.table, counts[told.table], told.data)
        else:
            yield Record(told.table, 0, None)


def _by_table(data: bytes, only: str, hallmark: str) -> Iterator[Record | Rejected]:
    told = _objects(data)
    if isinstance(told, Rejected):
        yield told
    elif told and hallmark in told[0]:
        yield from _rows(only, data)
    else:
        for tables in told:
            for table, rows in tables.items():
                yield from _rows(table, rows)


def _objects(data: bytes) -> list[dict[str, msgspec.Raw]] | Rejected:
    if not data[:_HEAD].lstrip().startswith(b"{"):
        return _read(data, list[dict[str, msgspec.Raw]])
    one = _read(data, dict[str, msgspec.Raw])
    return one if isinstance(one, Rejected) else [one]


def _rows(table: str, rows: msgspec.Raw | bytes) -> Iterator[Record | Rejected]:
    yield Record(table, 0, None)
    told = _read(rows, list[msgspec.Raw])
    if isinstance(told, Rejected):
        yield _at(told, f"table {table[:80]}")
        return
    for number, row in enumerate(told, start=1):
        yield Record(table, number, row)


def _at(told: Rejected, place: str) -> Rejected:
    """Return *told* with another place."""
    return Rejected(told.reason, place)


def _read(data: msgspec.Raw | bytes, shape: type[_T]) -> _T | Rejected:
    try:
        return msgspec.json.decode(data, type=shape)
    except ERRORS as error:
        return Rejected(f"it cannot be read: {words(error)}", _place(data, error))


def words(error: Exception) -> str:
    """Return what is wrong, without the place."""
    return _BYTE.sub("", str(error)) if isinstance(error, msgspec.MsgspecError) else type(error).__name__


def _place(data: msgspec.Raw | bytes, error: Exception) -> str:
    found = _BYTE.search(str(error))
    if found is None:
        return ""
    before = bytes(data)[: int(found[1])]
    line = before.count(b"\n") + 1
    return f"line {line}, column {len(before) - before.rfind(bytes([10]))}"
