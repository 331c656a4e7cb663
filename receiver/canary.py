"""The canary: an hourly made-up evening through this program's own reader, tracker and store, held against the truth.

It is played in a process of its own, on a database of its own in a folder that goes with it: nothing of it comes near
the ledger, and it tells whether what is installed here, on this machine, still counts right.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import structlog

log = structlog.get_logger()

MODES = ("webhook", "poll", "both")
"""Over which channels the evening is heard, one after another."""

_EVERY_SECONDS = 3600.0
_SETTLED_IN_SECONDS = 300.0
_PATIENCE = timedelta(minutes=3)
_SEEDS = 1000

_HANDED_ON = frozenset({"PATH", "PYTHONPATH", "HOME", "SYSTEMROOT", "LD_LIBRARY_PATH"})
"""What the process is told of the environment: nothing secret."""


class Song(msgspec.Struct, frozen=True):
    """What an evening came to, heard over *mode*. *true* playbacks there were; seconds are those watched, off by.

    *error* says why it could not be played; then nothing else is known.
    """

    mode: str
    at: datetime
    true: int = 0
    missed: int = 0
    split: int = 0
    doubled: int = 0
    wrong: int = 0
    median_seconds: float = 0.0
    worst_seconds: float = 0.0
    error: str | None = None

    @property
    def faults(self) -> int:
        """How many playbacks or watches were not as they should be.

        What lies within one report interval is in no poll (DESIGN §5): by polls alone a watch may be counted wrong, as
        one ordinary evening of 150 was.
        """
        return self.missed + self.split + self.doubled + (0 if self.mode == "poll" else self.wrong)


class _Told(msgspec.Struct, frozen=True):
    """What ``playledger rehearse --json`` prints, as far as it matters here."""

    true: int
    missed: int
    split: int
    doubled: int
    wrong: int
    median_seconds: float
    worst_seconds: float


class Canary:
    """Sings every hour, in *folder*. `songs` has the last one of each mode since this process started."""

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        self.songs: dict[str, Song] = {}
        self._folder = folder
        self._clock = clock

    @property
    def faults(self) -> int:
        """How much was wrong in the last song of each mode."""
        return sum(song.faults for song in self.songs.values())

    async def run(self) -> None:
        """Sing again and again, until cancelled."""
        await asyncio.sleep(_SETTLED_IN_SECONDS)
        while True:
            await self.sing()
            await asyncio.sleep(_EVERY_SECONDS)

    async def sing(self) -> None:
        """Play an evening over each mode, and remember what it came to."""
        seed = int(self._clock().timestamp() // _EVERY_SECONDS) % _SEEDS
        try:
            for mode in MODES:
                song = self.songs[mode] = await self._sung(mode, seed)
                if song.error is not None:
                    log.warning("the canary could not sing", mode=mode, error=song.error)
                elif song.faults:
                    log.error("the canary found the ledger wrong", mode=mode, seed=seed, faults=song.faults)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def _sung(self, mode: str, seed: int) -> Song:
        asked = ("rehearse", "--evenings", "1", "--no-faults", "--json", "--mode", mode, "--seed", str(seed))
        known = {name: value for name, value in os.environ.items() if name.upper() in _HANDED_ON}
        known |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(self._folder.absolute()))
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            singer = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "receiver", *asked),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=known,
            )
        except OSError as error:
            return Song(mode, self._clock(), error=f"It could not be begun: {error}.")
        try:
            async with asyncio.timeout(_PATIENCE.total_seconds()):
                said, _ = await singer.communicate()
            told = msgspec.json.decode(said, type=_Told)
        except TimeoutError:
            return Song(mode, self._clock(), error="It took too long.")
        except msgspec.MsgspecError:
            return Song(mode, self._clock(), error=f"It ended with {singer.returncode}, and said nothing of use.")
        finally:
            if singer.returncode is None:
                singer.kill()
                await singer.wait()
        return Song(mode=mode, at=self._clock(), **msgspec.structs.asdict(told))
