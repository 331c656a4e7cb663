"""A PostgreSQL of the tests' own: a real server on a Unix socket in a folder that goes away with it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

_SUPERUSER = "playledger"
_OWNER = "postgres" if os.getuid() == 0 else None  # PostgreSQL refuses to be root
_START_SECONDS = 30
_FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=60", "listen_addresses=")


def binaries() -> Path | None:
    """Return the folder with PostgreSQL's server, the newest of Debian's or the one on PATH; None if there is none."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = str(debian[-1]) if debian else shutil.which("initdb")
    return Path(found).parent if found else None


class Postgres:
    """A running server: makes databases, empty or like a template."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._numbers = count(1)

    def new_database(self, template: str | None = None) -> str:
        """Return the URL of a database that nobody has used before."""
        name = f"evening{next(self._numbers)}"
        like = ["-T", template, *self._copying()] if template else []
        self.run("createdb", "-h", str(self._folder), "-U", _SUPERUSER, *like, name)
        return f"postgresql+asyncpg://{_SUPERUSER}@/{name}?host={self._folder}"

    def _copying(self) -> list[str]:
        """Return how a database is copied file by file, where this server knows a choice: it is quicker."""
        told = subprocess.run([str(self._programs / "createdb"), "--help"], check=True, capture_output=True, text=True)
        return ["--strategy", "file_copy"] if "--strategy" in told.stdout else []

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as the user that the server runs as."""
        command = [str(self._programs / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, user=_OWNER, group=_OWNER, cwd=self._folder)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Make a cluster, start the server, and stop it at the end."""
        data = str(self._folder / "data")
        self.run("initdb", "-D", data, "-U", _SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        options = [word for setting in _FAST for word in ("-c", setting)]
        command = [str(self._programs / "postgres"), "-D", data, "-k", str(self._folder), *options]
        with (
            (self._folder / "log").open("wb") as log,
            subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder, user=_OWNER, group=_OWNER) as server,
        ):
            try:
                self._wait(server)
                yield
            finally:
                server.send_signal(signal.SIGQUIT)  # at once: nothing here is worth a checkpoint

    def _wait(self, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        ready = [str(self._programs / "pg_isready"), "-q", "-h", str(self._folder)]
        while subprocess.run(ready, check=False).returncode != 0:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._folder / "log").read_text("utf-8"))
            time.sleep(0.02)


@contextmanager
def started(programs: Path) -> Iterator[Postgres]:
    """Start a server in a folder of its own, with a path short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="playledger-"))
    try:
        if _OWNER is not None:
            shutil.chown(folder, _OWNER, _OWNER)
        server = Postgres(programs, folder)
        with server.running():
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)
