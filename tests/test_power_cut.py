"""The program is killed without warning, again and again, and nothing that it had answered is lost."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

import httpx
import pytest

from receiver.rehearsal.evening import evening
from receiver.rehearsal.recording import Delivery, record

TOKEN = "token-of-the-power-cuts"
CUTS = 20

_PLAYBACKS = """
    select k.session_id, k.user_id, k.item_id, p.started_at, p.first_at, p.last_at, p.ended_at, p.ended_by, p.state,
           p.watched_seconds, p.reached_seconds, p.covered, p.skipped, p.intervals, p.completed, p.verdict, p.sentence
    from playback p join playback_key k on k.id = p.key_id order by 1, 2, 3, 4"""
_WATCHES = """
    select l.user_id, w.unit, w.day, w.completed, w.plays, w.watched_seconds, w.watched_at, w.sentence
    from watch w join link l on l.account_id = w.account_id order by 1, 2, 3"""


class Served:
    """The program as `serve` runs it, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.environment = os.environ | {
            "PLAYLEDGER_DATA_DIR": str(folder),
            "PLAYLEDGER_PORT": str(port),
            "PLAYLEDGER_WEBHOOK_TOKEN": TOKEN,
            "PLAYLEDGER_AUTO_LINK": "true",
            "TZ": "UTC",
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.http = httpx.Client(base_url=self.url, headers={"X-Playledger-Token": TOKEN}, timeout=30)

    def start(self) -> None:
        command = [sys.executable, "-m", "receiver", "serve"]
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(command, env=self.environment, stdout=quiet, stderr=quiet)
        for _attempt in range(600):
            try:
                if self.http.get("/health/ready").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError("the program does not start")

    def cut(self, sign: signal.Signals = signal.SIGKILL) -> None:
        assert self.process is not None
        self.process.send_signal(sign)
        self.process.wait(30)

    def send(self, delivery: Delivery) -> bool:
        """Send *delivery*; return whether it was answered 2xx."""
        headers = {"Content-Type": delivery.content_type}
        try:
            answer = self.http.post("/webhooks/jellyfin", content=delivery.body, headers=headers)
        except httpx.TransportError:
            return False
        return answer.is_success

    def ledger(self) -> list[list[tuple[object, ...]]]:
        """Return the playbacks and the watches, all but their ids."""
        with closing(sqlite3.connect(self.folder / "playledger.db")) as db:
            return [db.execute(query).fetchall() for query in (_PLAYBACKS, _WATCHES)]

    def bodies(self) -> set[bytes]:
        """Return the deliveries that were kept."""
        with closing(sqlite3.connect(self.folder / "playledger.db")) as db:
            return {zlib.decompress(body) for (body,) in db.execute("select body from delivery")}


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    program = Served(folder)
    program.start()
    try:
        yield program
    finally:
        assert program.process is not None
        if program.process.poll() is None:
            program.cut(signal.SIGTERM)
        program.http.close()


def send_and_cut(program: Served, delivery: Delivery, after: float) -> bool:
    """Send *delivery*, cut the power *after* so many seconds, and start again; return whether it was answered."""
    answered: list[bool] = []
    sender = threading.Thread(target=lambda: answered.append(program.send(delivery)))
    sender.start()
    time.sleep(after)
    program.cut()
    sender.join()
    program.start()
    return answered[0]


def told(deliveries: Sequence[Delivery], program: Served, cuts: dict[int, float]) -> list[bytes]:
    """Send all *deliveries*, those not answered again; return the bodies that were answered at first."""
    answered: list[bytes] = []
    for number, delivery in enumerate(deliveries):
        heard = send_and_cut(program, delivery, cuts[number]) if number in cuts else program.send(delivery)
        if heard:
            answered.append(delivery.body)
        else:
            assert program.send(delivery)
    return answered


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_killed_twenty_times_in_an_evening_the_ledger_is_as_if_nothing_had_happened(tmp_path: Path) -> None:
    random = Random(20)
    deliveries = [each for each in record(evening(32, faults=True)).deliveries if b'"IsAutomated":false' in each.body]
    cuts = {number: random.uniform(0.0, 0.03) for number in random.sample(range(len(deliveries)), CUTS)}

    with served(tmp_path / "undisturbed") as program:
        told(deliveries, program, {})
        undisturbed = program.ledger()
    with served(tmp_path / "cut") as program:
        answered = told(deliveries, program, cuts)
        program.cut()
        program.start()  # what waits in the spool is taken in at the latest now
        _wait_for(lambda: program.ledger() == undisturbed)
        disturbed, kept = program.ledger(), program.bodies()

    assert undisturbed[1], "an evening without a watch would prove nothing"
    assert disturbed == undisturbed
    assert set(answered) <= kept


def _wait_for(true: Callable[[], bool], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.1)
