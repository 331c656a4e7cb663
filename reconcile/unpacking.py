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

RATIO, FREE = 100, 16 * 1024 * 1024
"""A real backup is 10 to 30 times its packed size: what is more than 100 times as large, and than 16 MiB, is a trap."""

ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError)
"""What reading foreign JSON may raise."""

NO_TABLES = "it is JSON, but no backup of tables"

_GZIP = b"\x1f\x8b"
_MARK = b"\xef\xbb\xbf"
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BYTE = re.compile(r" \(byte (\d+)\)$")
_FIELD = re.compile(r" - at `\$\.([^`]+)`$")
_EARLY = "Input data was truncated"
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
_UNKNOWN = b"\\ufffd"
_HEAD = 256
_SMALL, _PER_COMMA = 1024 * 1024, 8
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
    """Return *data* as it was before gzip, or itself, in UTF-8 without a mark.

    Rejected where the compression is damaged, and where there is more in it than *largest*, or than a backup can hold
    that was packed so small (RATIO): no more than that is ever unpacked.
    """
    if not data.startswith(_GZIP):
        return _narrowed(data)
    bound = min(largest, max(FREE, RATIO * len(data)))
    parts, size = [], 0
    while data.startswith(_GZIP):
        member = zlib.decompressobj(wbits=31)
        try:
            part = member.decompress(data, max_length=bound - size + 1)
        except zlib.error:
            return Rejected("its compression (gzip) is damaged: copy it again")
        size += len(part)
        parts.append(part)
        if size > bound:
            return Rejected(_too_much(bound, largest))
        if not member.eof:
            return Rejected("its compression (gzip) ends too early: copy it again")
        data = member.unused_data
    return _narrowed(b"".join(parts))


def _too_much(bound: int, largest: int) -> str:
    if bound == largest:
        return f"unpacked it is larger than {largest // 1024 // 1024} MiB: import a part of it"
    return f"unpacked it is more than {RATIO} times as large, and a backup is 10 to 30 times: make the backup again"


def _narrowed(data: bytes) -> bytes:
    """Return *data* without its mark, in UTF-8 where the mark says that it is UTF-16, as Windows likes to save it."""
    if data.startswith(_WIDE_MARKS):
        return data.decode("utf-16", errors="replace").encode()
    return data.removeprefix(_MARK)


def _repaired(data: bytes) -> bytes:
    """Return JSON in which escaped halves of a character are U+FFFD: a single one would refuse the whole file."""
    if _SURROGATE.search(data) is None:
        return data
    mended = bytearray(data)
    for found in _ESCAPE.finditer(data):
        if found[1] is not None:
            mended[found.start() : found.end()] = _UNKNOWN
    return bytes(mended)


def records(data: bytes, only: str, hallmark: str) -> Iterator[Record | Rejected]:
    """Yield the records of a backup in one of three shapes, and what of it cannot be read.

    A list of objects by table, one object by table, or one object a line (``type``, ``table``, ``data``). A bare list
    of rows that have the key *hallmark* is taken for the table *only*.
    """
    data = _repaired(data)
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
        return
    for each in told:
        tables = _read(each, dict[str, msgspec.Raw], NO_TABLES)
        if isinstance(tables, Rejected):
            yield tables
            return
        if hallmark in tables:
            yield from _rows(only, told)
            return
        for table, rows in tables.items():
            yield from _table(table, rows)


def _objects(data: bytes) -> list[msgspec.Raw] | Rejected:
    """Return the outermost objects, none of which is read yet."""
    if not data or data.isspace():
        return Rejected("it is empty: make the backup again")
    # Each value of a list takes some 70 bytes of memory, and a row of any table has more than 8 bytes for each comma.
    if len(data) > _SMALL and data.count(b",") * _PER_COMMA > len(data):
        return Rejected(NO_TABLES)
    if data[:_HEAD].lstrip().startswith(b"{"):
        return [msgspec.Raw(data)]
    return _read(data, list[msgspec.Raw], NO_TABLES)


def _table(table: str, rows: msgspec.Raw) -> Iterator[Record | Rejected]:
    told = _read(rows, list[msgspec.Raw], "it is no list of rows")
    if isinstance(told, Rejected):
        yield Record(table, 0, None)
        yield _at(told, f"table {table.replace(chr(0), '')[:80]}")
    else:
        yield from _rows(table, told)


def _rows(table: str, rows: list[msgspec.Raw]) -> Iterator[Record]:
    yield Record(table, 0, None)
    for number, row in enumerate(rows, start=1):
        yield Record(table, number, row)


def _at(told: Rejected, place: str) -> Rejected:
    """Return *told* with another place."""
    return Rejected(told.reason, place)


def _read(data: msgspec.Raw | bytes, shape: type[_T], otherwise: str = "it is no row of a table") -> _T | Rejected:
    try:
        return msgspec.json.decode(data, type=shape)
    except ERRORS as error:
        return Rejected(words(error, otherwise), _place(data, error))


def words(error: Exception, otherwise: str) -> str:
    """Return what is wrong, for one who has never seen JSON; *otherwise* where it is JSON, but something else."""
    told = str(error)
    if isinstance(error, msgspec.ValidationError):
        found = _FIELD.search(told)
        return otherwise if found is None else f"{found[1]} is {_missed(told)}"
    if isinstance(error, msgspec.MsgspecError):
        return "it ends too early: copy it again" if told == _EARLY else "it is no JSON"
    if isinstance(error, UnicodeDecodeError):
        return "a text in it is damaged (no UTF-8)"
    return "it is nested too deeply" if isinstance(error, RecursionError) else "a number in it is too large"


def _missed(told: str) -> str:
    """Return what a value is not, where msgspec says *told* of it."""
    wanted = told.partition(", got")[0]
    if "bool" in wanted:
        return "neither true nor false"
    return "no text" if "str" in wanted else "no number"


def _place(data: msgspec.Raw | bytes, error: Exception) -> str:
    found = _BYTE.search(str(error))
    if found is None:
        return ""
    before = bytes(data)[: int(found[1])]
    line = before.count(b"\n") + 1
    return f"line {line}, column {len(before) - before.rfind(bytes([10]))}"
