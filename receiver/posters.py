"""Posters for the pages: fetched from their server, small, kept on disk, and never in anybody's way.

They are the library's, not anybody's: what is kept here says nothing of a person.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import structlog

from reconcile.errors import JellyfinError, JellyfinUnreachable
from reconcile.jellyfin.client import Answer
from reconcile.playback.identity import is_guid, normalised_id

log = structlog.get_logger()

Fetch = Callable[[str, str, int], Awaitable[Answer | None]]
"""Asks (server id, item id, width) for a picture; None: that server cannot be asked. Raises JellyfinError."""

WIDTH = 240
"""Pixels: twice what the widest card shows."""

ROOM = 200 * 1024 * 1024
LARGEST = 512 * 1024
FRESH = timedelta(days=7)
"""How long a kept poster is shown without asking whether there is another one."""

NONE_FOR = timedelta(hours=1)
AWAY_FOR = timedelta(seconds=30)
"""How long a server that did not answer is not asked again: a page has many posters, and each would wait for it."""

_AT_ONCE = 4
_SECONDS = 5.0
_MOST_ABSENT = 10_000
_DAY = 24 * 3600


class Poster(msgspec.Struct, frozen=True):
    """A picture as it is to be sent. *content_type* is what its first bytes say."""

    body: bytes
    content_type: str
    etag: str

    @property
    def headers(self) -> dict[str, str]:
        """Return what a browser is told beside it: to keep it for itself for a day, and to take it for nothing else."""
        kept = {"cache-control": f"private, max-age={_DAY}", "vary": "cookie"}  # whoever signs in next asks anew
        return {"etag": self.etag, **kept, "x-content-type-options": "nosniff"}


class Posters:
    """Posters, kept in *folder* within *room* bytes; what was not looked at for longest goes first."""

    def __init__(self, folder: Path, fetch: Fetch, clock: Callable[[], datetime], *, room: int = ROOM) -> None:
        self._fetch = fetch
        self._clock = clock
        self._shelf = Shelf(folder, room)
        self._absent: OrderedDict[str, datetime] = OrderedDict()
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._asking: dict[str, asyncio.Task[Poster | None]] = {}

    async def of(self, server_id: str, *item_ids: str | None) -> Poster | None:
        """Return the poster of the first of *item_ids* that has one (a series before its episode), else None.

        Never raises: a page without posters is a page.
        """
        server = normalised_id(server_id)
        for item_id in item_ids:
            item = normalised_id(item_id or "")
            if is_guid(server) and is_guid(item):
                found = await self._one(server, item)
                if found is not None:
                    return found
        return None

    async def _one(self, server: str, item: str) -> Poster | None:
        """Ask once, however many wait for it; whoever goes away leaves the others their answer."""
        name = f"{server}-{item}"
        task = self._asking.get(name)
        if task is None:
            task = self._asking[name] = asyncio.create_task(self._found(server, item, name))
            task.add_done_callback(lambda _task: self._asking.pop(name, None))
        return await asyncio.shield(task)

    async def _found(self, server: str, item: str, name: str) -> Poster | None:
        try:
            kept = await asyncio.to_thread(self._shelf.read, name, self._clock())
            if kept is not None and self._clock() - kept.fetched_at < FRESH:
                return _poster(kept.body)
            async with self._at_once:
                return await self._asked(server, item, name, None if kept is None else _poster(kept.body))
        except Exception:
            log.exception("a poster could not be had", server=server, item=item)
            return None

    async def _asked(self, server: str, item: str, name: str, kept: Poster | None) -> Poster | None:
        if self._is_absent(name) or self._is_absent(server):
            return kept
        try:
            async with asyncio.timeout(_SECONDS):
                answer = await self._fetch(server, item, WIDTH)
        except (JellyfinUnreachable, TimeoutError):
            answer = None
        except JellyfinError:
            self._note(name, NONE_FOR)
            return None
        if answer is None:
            self._note(server, AWAY_FOR)
            return kept
        poster = _poster(answer.body) if _is_allowed(answer) else None
        if poster is None:
            self._note(name, NONE_FOR)
            return None
        await asyncio.to_thread(self._shelf.write, name, poster.body, self._clock())
        return poster

    def _is_absent(self, name: str) -> bool:
        return name in self._absent and self._clock() < self._absent[name]

    def _note(self, name: str, lasts: timedelta) -> None:
        self._absent.pop(name, None)
        self._absent[name] = self._clock() + lasts
        while len(self._absent) > _MOST_ABSENT:
            self._absent.popitem(last=False)


class Kept(msgspec.Struct, frozen=True):
    """A file of the shelf."""

    body: bytes
    fetched_at: datetime


class Shelf:
    """Files in a folder, *room* bytes in all. A file's access time says when it was read last, its other one its age.

    A folder that cannot be written is an empty one: nothing is kept, nothing raised.
    """

    def __init__(self, folder: Path, room: int) -> None:
        self._folder = folder
        self._room = room
        self._used: int | None = None

    def read(self, name: str, now: datetime) -> Kept | None:
        """Return what is kept under *name*, and note that it was read."""
        path = self._folder / name
        try:
            body, fetched = path.read_bytes(), path.stat().st_mtime
            os.utime(path, (now.timestamp(), fetched))
        except OSError:
            return None
        return Kept(body, datetime.fromtimestamp(fetched, UTC)) if len(body) <= LARGEST else None

    def write(self, name: str, body: bytes, now: datetime) -> None:
        """Keep *body* under *name*, whole or not at all."""
        path = self._folder / name
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.write_bytes(body)
            os.utime(part, (now.timestamp(), now.timestamp()))
            part.replace(path)
        except OSError as error:
            log.warning("a poster could not be kept", error=str(error))
            return
        self._used = None if self._used is None else self._used + len(body)
        if self._used is None or self._used > self._room:
            self._make_room()

    def _make_room(self) -> None:
        """Count anew, and throw away what was not read for longest until a tenth is free."""
        files = sorted(self._files())
        self._used = sum(size for _read_at, size, _path in files)
        if self._used <= self._room:
            return
        for _read_at, size, path in files:
            if self._used <= 0.9 * self._room:
                return
            path.unlink(missing_ok=True)
            self._used -= size

    def _files(self) -> list[tuple[float, int, Path]]:
        found: list[tuple[float, int, Path]] = []
        for path in self._folder.iterdir():
            try:
                told = path.stat()
            except OSError:
                continue
            found.append((told.st_atime, told.st_size, path))
        return found


_KINDS = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n", "image/webp": b"RIFF"}


def sniffed(body: bytes) -> str | None:
    """Return the kind of picture that *body* begins as, None if it is none that we show."""
    kind = next((kind for kind, begins in _KINDS.items() if body.startswith(begins)), None)
    return None if kind == "image/webp" and body[8:12] != b"WEBP" else kind


def _is_allowed(answer: Answer) -> bool:
    told = answer.content_type.partition(";")[0].strip().lower()
    return told in _KINDS and 0 < len(answer.body) <= LARGEST


def _poster(body: bytes) -> Poster | None:
    kind = sniffed(body)
    return None if kind is None else Poster(body, kind, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
