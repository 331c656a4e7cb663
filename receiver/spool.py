"""The spool: deliveries on this host's own disk, for as long as the database does not answer.

Records are framed and appended to segment files, each synced before anyone is told that it is kept. A process killed
at any byte leaves at most a torn record behind, which nobody was told of: it is skipped, and reported.
"""

from __future__ import annotations

import asyncio
import os
import struct
import sys
import zlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec
import structlog

from reconcile.errors import SpoolUnwritable

log = structlog.get_logger()

Done = TypeVar("Done")

SEGMENT_BYTES = 1024 * 1024
"""When a segment is that long, the next one is begun: what one look at the spool reads into memory."""

MOST_BYTES = 1024 * 1024 * 1024
"""How much the spool holds before it refuses more."""

_MAGIC = b"\x93PLY"
_HEAD = struct.Struct("<4sII")  # magic, length of the payload, its CRC-32
_SUFFIX = ".spool"
_NEW = ".new"


class Spooled(msgspec.Struct, frozen=True):
    """One delivery as received. *server_id* is whose it was taken to be where the body does not say."""

    received_at: datetime
    content_type: str
    body: bytes
    server_id: str | None = None


class Segment(msgspec.Struct, frozen=True):
    """What one segment file holds, in order; *torn* bytes of it could not be read."""

    path: Path
    records: tuple[Spooled, ...]
    torn: int = 0


class _Frame:
    """A frame on its way to the disk."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.is_kept = False
        self.error: OSError | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Spooled)


def framed(record: Spooled) -> bytes:
    """Return *record* as it stands in a segment."""
    payload = _encoder.encode(record)
    return _HEAD.pack(_MAGIC, len(payload), zlib.crc32(payload)) + payload


def unframed(data: bytes) -> tuple[tuple[Spooled, ...], int]:
    """Return the whole records in *data*, and how many bytes belong to none."""
    found: list[Spooled] = []
    torn = at = 0
    while at < len(data):
        record, after = _record_at(data, at)
        if record is not None:
            found.append(record)
            at = after
            continue
        following = data.find(_MAGIC, at + 1)
        after = len(data) if following < 0 else following
        torn += after - at
        at = after
    return tuple(found), torn


def _record_at(data: bytes, at: int) -> tuple[Spooled | None, int]:
    if len(data) - at < _HEAD.size:
        return None, at
    magic, length, checksum = _HEAD.unpack_from(data, at)
    payload = data[at + _HEAD.size : at + _HEAD.size + length]
    if magic != _MAGIC or len(payload) != length or zlib.crc32(payload) != checksum:
        return None, at
    try:
        return _decoder.decode(payload), at + _HEAD.size + length
    except msgspec.MsgspecError:
        return None, at


class Spool:
    """Segment files in *folder*, which belongs to this process alone."""

    def __init__(self, folder: Path, *, segment_bytes: int = SEGMENT_BYTES, most_bytes: int = MOST_BYTES) -> None:
        self.folder = folder
        self.error: str | None = None
        self.torn = 0
        self._segment_bytes = segment_bytes
        self._most_bytes = most_bytes
        self._frames: deque[_Frame] = deque()
        # One thread: whatever becomes of those who wait, writes never cross each other.
        self._thread = ThreadPoolExecutor(1, "spool")
        self._handle: int | None = None
        self._active: Path | None = None
        self._sizes: dict[Path, int] = {}
        self._number = 0

    @property
    def is_empty(self) -> bool:
        """Say whether nothing waits."""
        return not self._sizes

    @property
    def waiting_bytes(self) -> int:
        """How much waits, in bytes."""
        return sum(self._sizes.values())

    async def open(self) -> None:
        """Find what an earlier process left. A folder that cannot be used is noted in *error*, and tried again."""
        try:
            await self._run(self._find)
        except OSError as error:
            self._note(error)

    async def append(self, record: Spooled) -> None:
        """Keep *record*; on return it is on the disk. Raises SpoolUnwritable. Those who wait share one sync."""
        frame = _Frame(framed(record))
        self._frames.append(frame)
        await self._run(lambda: self._write(frame))
        if frame.error is not None:
            self._note(frame.error)
            raise SpoolUnwritable(f"Writing to the spool in {self.folder}: {frame.error}.") from frame.error
        self.error = None

    async def oldest(self) -> Segment | None:
        """Return the oldest segment, with all its records; None if nothing waits. It will not grow any more."""
        if not self._sizes:
            return None
        path = min(self._sizes)
        try:
            data = await self._run(lambda: self._finished(path))
        except OSError as error:
            self._note(error)
            raise SpoolUnwritable(f"Reading the spool in {self.folder}: {error}.") from error
        records, torn = unframed(data)
        if torn:
            log.warning("a torn record in the spool is skipped", file=path.name, bytes=torn)
        return Segment(path, records, torn)

    async def oldest_at(self) -> datetime | None:
        """Return when the oldest delivery that waits was received; None if nothing waits, or it cannot be read."""
        if not self._sizes:
            return None
        path = min(self._sizes)
        try:
            records, _torn = unframed(await self._run(path.read_bytes))
        except OSError:
            return None
        return records[0].received_at if records else None

    async def discard(self, segment: Segment) -> None:
        """Forget a segment: all of it is in the database."""
        self.torn += segment.torn
        await self._run(lambda: self._unlink(segment.path))

    async def purge(self, is_gone: Callable[[Spooled], bool]) -> int:
        """Take the records that are to go out of every segment; return how many. Raises SpoolUnwritable.

        Each segment is replaced as a whole, so a process killed meanwhile leaves it as it was, or purged.
        """
        try:
            return await self._run(lambda: sum(self._purge(path, is_gone) for path in sorted(self._sizes)))
        except OSError as error:
            self._note(error)
            raise SpoolUnwritable(f"Rewriting the spool in {self.folder}: {error}.") from error

    async def close(self) -> None:
        """Finish the segment that is being written. What waits is drained at the next start."""
        await self._run(self._finish)
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[], Done]) -> Done:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    # --- in the thread --------------------------------------------------------------------------------------------

    def _find(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for unfinished in self.folder.glob(f"*{_NEW}"):
            unfinished.unlink()
        self._sizes = {path: path.stat().st_size for path in sorted(self.folder.glob(f"*{_SUFFIX}"))}
        self._number = max((int(path.stem) for path in self._sizes if path.stem.isdecimal()), default=0)

    def _write(self, frame: _Frame) -> None:
        """Write all frames that wait, *frame* among them unless a turn before has done so."""
        if frame.is_kept or frame.error is not None:
            return
        frames = [self._frames.popleft() for _ in range(len(self._frames))]
        try:
            self._append(b"".join(each.data for each in frames))
        except OSError as error:
            for each in frames:
                each.error = error
            return
        for each in frames:
            each.is_kept = True

    def _append(self, data: bytes) -> None:
        if self.waiting_bytes + len(data) > self._most_bytes:
            raise OSError(f"the spool holds {self.waiting_bytes} bytes already")
        handle, path = self._opened()
        before = self._sizes[path]
        try:
            _write_all(handle, data)
            os.fsync(handle)
        except OSError:
            self._give_up(handle, before)
            raise
        self._sizes[path] = before + len(data)
        if self._sizes[path] >= self._segment_bytes:
            self._finish()

    def _opened(self) -> tuple[int, Path]:
        """Return the segment that is being written; a process never goes on in another's."""
        if self._handle is not None and self._active is not None:
            return self._handle, self._active
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._number += 1
        path = self.folder / f"{self._number:012d}{_SUFFIX}"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._handle, self._active = handle, path
        self._sizes[path] = 0
        _sync_folder(self.folder)
        return handle, path

    def _give_up(self, handle: int, size: int) -> None:
        """Cut off what a failed write may have left, and begin a new segment next time."""
        try:
            os.ftruncate(handle, size)
        except OSError as error:
            log.warning("a failed write to the spool could not be cut off", error=str(error))
        self._finish()

    def _finish(self) -> None:
        handle, self._handle = self._handle, None
        path, self._active = self._active, None
        if handle is not None:
            os.close(handle)
        if path is not None and not self._sizes.get(path):
            self._unlink(path)

    def _finished(self, path: Path) -> bytes:
        if path == self._active:
            self._finish()
        return path.read_bytes() if path.exists() else b""

    def _purge(self, path: Path, is_gone: Callable[[Spooled], bool]) -> int:
        records, torn = unframed(self._finished(path))
        rest = [record for record in records if not is_gone(record)]
        if len(rest) == len(records) and not torn:
            return 0
        if not rest:
            self._unlink(path)
            return len(records)
        data = b"".join(map(framed, rest))
        new = path.with_suffix(_NEW)
        new.unlink(missing_ok=True)
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            _write_all(handle, data)
            os.fsync(handle)
        finally:
            os.close(handle)
        new.replace(path)
        self._sizes[path] = len(data)
        _sync_folder(self.folder)
        return len(records) - len(rest)

    def _unlink(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._sizes.pop(path, None)
        _sync_folder(self.folder)

    def _note(self, error: OSError) -> None:
        if self.error is None:
            log.error("the spool cannot be used: what comes in now is lost", folder=str(self.folder), error=str(error))
        self.error = str(error)


def _write_all(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _sync_folder(folder: Path) -> None:
    """Make a file's coming or going last. Windows knows no such thing."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
