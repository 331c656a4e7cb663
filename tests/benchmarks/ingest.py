"""Webhooks over loopback, to the program as it is served: latency of new check-ins, and the cost of the flood.

``python -m tests.benchmarks.ingest [seconds]``. The server runs in a process of its own on SQLite with full
durability; the load is open-loop (what is due is sent, answered or not), bounded in count and time.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import msgspec

from receiver.rehearsal.score import quantile
from tests.recordings.shapes import recording

TOKEN = "token-of-the-benchmark"
STREAMS = 500
REPORTS_EVERY = 10.0
"""Seconds between two reports of one client."""


def body(stream: int, at: datetime, checked_in: datetime, *, position: float, automated: bool) -> bytes:
    """Return a Progress of one of the streams, with all the keys that «Send All» sends."""
    told = msgspec.json.decode(recording("plugin_21_progress.json")) | {
        "UserId": f"{stream + 1:032x}",
        "Id": f"{stream + 1_000_000:032x}",
        "ItemId": f"{stream % 50 + 2_000_000:032x}",
        "UtcTimestamp": _told(at),
        "LastActivityDate": _told(at),
        "LastPlaybackCheckIn": _told(checked_in),
        "PlaybackPositionTicks": round(position * 10_000_000),
        "IsAutomated": automated,
        "IsPaused": False,
    }
    return msgspec.json.encode(told)


def _told(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


class Load:
    """Sends what is due over kept connections, with as little of its own as it can, and notes how long answers took."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.took: list[float] = []
        self.outcomes: Counter[str] = Counter()

    async def send(self, content: bytes) -> None:
        began = time.perf_counter()
        while self.free and self.free[-1][0].at_eof():
            self.free.pop()[1].close()
        reader, writer = self.free.pop() if self.free else await asyncio.open_connection("127.0.0.1", self.port)
        head = f"POST /webhooks/jellyfin HTTP/1.1\r\nHost: x\r\nX-Playledger-Token: {TOKEN}\r\n"
        writer.write(f"{head}Content-Type: text/plain\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        told = msgspec.json.decode(await reader.readexactly(length))
        self.took.append(time.perf_counter() - began)
        self.outcomes[told["outcome"]] += 1
        self.free.append((reader, writer))

    async def run(self, rate: float, count: int, make: Callable[[int], bytes]) -> float:
        """Send *count* bodies at *rate* a second; return the seconds that took."""
        began = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for number in range(count):
                await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
                tasks.create_task(self.send(make(number)))
        return time.perf_counter() - began


def cpu_of(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def told(name: str, load: Load, rate: float, cpu: float, seconds: float) -> None:
    """Print what a phase came to, and begin the next one."""
    p50, p99 = (1000 * quantile(load.took, share) for share in (0.5, 0.99))
    print(
        f"{name}: {rate:.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms, worst {1000 * max(load.took):.1f} ms, "
        f"server {100 * cpu / seconds:.0f} % of a core, {dict(load.outcomes)}"
    )
    load.took, load.outcomes = [], Counter()


async def measure(port: int, pid: int, seconds: int) -> None:
    """Measure new check-ins at 100 a second, then the automated flood of 500 streams at once a second each."""
    load = Load(port)
    start = datetime.now(UTC)
    await load.run(50, STREAMS, lambda n: body(n, start, start, position=0.0, automated=False))
    await asyncio.sleep(3)
    load.took, load.outcomes = [], Counter()
    for name, streams in (("new check-ins, 500 streams", STREAMS), ("new check-ins, 10 streams", 10)):
        count, before = 100 * seconds, cpu_of(pid)

        def report(number: int, streams: int = streams) -> bytes:
            at = datetime.now(UTC)
            return body(number % streams, at, at, position=(at - start).total_seconds(), automated=False)

        spent = await load.run(100, count, report)
        told(name, load, count / spent, cpu_of(pid) - before, spent)
    checked_in = datetime.now(UTC)
    position = (checked_in - start).total_seconds()
    for stream in range(STREAMS):
        await load.send(body(stream, checked_in, checked_in, position=position, automated=False))
    load.took, load.outcomes = [], Counter()
    before, count = cpu_of(pid), STREAMS * seconds

    def tick(number: int) -> bytes:
        passed = number // STREAMS % 9 + 1
        at = checked_in + timedelta(seconds=passed, microseconds=number)
        return body(number % STREAMS, at, checked_in, position=position + passed, automated=True)

    spent = await load.run(STREAMS, count, tick)
    told("flood, 500 streams", load, count / spent, cpu_of(pid) - before, spent)


def main() -> None:
    """Start the program, measure, stop it."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as folder:
        port = 18484
        environment = os.environ | {
            "PLAYLEDGER_DATA_DIR": folder,
            "PLAYLEDGER_PORT": str(port),
            "PLAYLEDGER_WEBHOOK_TOKEN": TOKEN,
            "PLAYLEDGER_AUTO_LINK": "true",
        }
        quiet = subprocess.DEVNULL
        command = [sys.executable, "-m", "receiver", "serve"]
        server = subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet)
        url = f"http://127.0.0.1:{port}"
        try:
            for _attempt in range(100):
                try:
                    if httpx.get(f"{url}/health/ready").status_code == 200:
                        break
                except httpx.TransportError:
                    time.sleep(0.1)
            asyncio.run(measure(port, server.pid, seconds))
        finally:
            server.terminate()
            server.wait(20)
        print(f"server, largest RSS: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
