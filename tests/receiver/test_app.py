"""The program as a whole: how it comes up, what a second one does, how it goes down, and that no secret gets out."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from receiver import logs
from receiver.app import create_app
from receiver.house import House
from reconcile.errors import StoreAway
from reconcile.playback.rules import Rules
from reconcile.settings import read_settings
from reconcile.store.engine import Transactions
from reconcile.store.lease import FolderLease
from tests.receiver.houses import ADMIN_TOKEN, NINE_PM, WEBHOOK_TOKEN, notification, program, until
from tests.recordings.shapes import SERVER, changed, recording

START = recording("plugin_21_start.json")


def test_importing_it_does_nothing(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(Path.cwd())!r}); import receiver.app"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
        text=True,
    )

    assert list(tmp_path.iterdir()) == []
    assert told.stdout + told.stderr == ""


async def test_it_migrates_an_empty_database_by_itself(tmp_path: Path, empty_url: str) -> None:
    async with program(tmp_path, empty_url) as here:
        assert (await here.http.get("/health/ready")).status_code == 200
        assert (await here.send(START)).json()["outcome"] == "recorded"


async def test_warming_up_leaves_no_trace(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here:
        for resource in ("accounts", "links", "servers", "playbacks", "history", "deliveries"):
            assert (await here.get(f"/{resource}"))["items"] == []


async def test_the_rules_are_those_of_the_settings(tmp_path: Path) -> None:
    async with program(tmp_path, PLAYLEDGER_THRESHOLD="70", PLAYLEDGER_SILENCE="60") as here:
        assert here.house.people.global_rules == Rules(threshold=70, silence=timedelta(seconds=60))


async def test_a_second_process_on_one_file_refuses_to_record_and_says_who_does(tmp_path: Path) -> None:
    async with program(tmp_path) as first, program(tmp_path) as second:
        answer = await second.send(START)
        status = await second.get("/status")

        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "process" in answer.json()["detail"]
        assert status["recording"] is False
        assert "held by process" in status["waits_for"]
        assert (await second.http.get("/health/ready")).status_code == 503
        assert (await second.http.post("/api/v1/accounts", json={"name": "viewer"})).status_code == 503
        assert (await first.send(START)).json()["outcome"] == "recorded"
        assert len((await second.get("/playbacks"))["items"]) == 1


async def test_it_takes_over_when_the_other_process_has_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("receiver.house._AGAIN_SECONDS", 0.05)
    other = FolderLease(tmp_path)
    other.take()
    async with program(tmp_path) as here:
        assert (await here.send(START)).status_code == 503
        await other.release()
        await until(lambda: here.house.waits_for is None)

        assert (await here.send(START)).json()["outcome"] == "recorded"


async def test_two_processes_share_a_postgresql(tmp_path: Path, postgres_url: str) -> None:
    async with program(tmp_path, postgres_url) as first, program(tmp_path, postgres_url) as second:
        assert (await first.send(START)).json()["outcome"] == "recorded"
        assert (await second.send(START)).json()["outcome"] == "known"
        assert first.house.spool.folder != second.house.spool.folder


async def test_a_database_that_does_not_answer_at_the_start_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_url: str) -> None:
        raise StoreAway("the database does not answer")

    monkeypatch.setattr("receiver.house.migrate", away)
    async with program(tmp_path) as here:
        assert (await here.send(START)).status_code == 503
        assert (await here.http.get("/health/live")).status_code == 200
        assert (await here.http.get("/health/ready")).status_code == 503
        monkeypatch.undo()
        await until(lambda: here.house.waits_for is None)
        assert (await here.send(START)).status_code == 202


async def test_whoever_shuts_down_finishes_what_was_begun_and_ends_no_playback(
    tmp_path: Path, database_url: str
) -> None:
    checked = "2026-11-22T21:00:00Z"
    async with program(tmp_path, database_url) as here:
        for second in range(3):
            at = NINE_PM + timedelta(seconds=second)
            await here.send(notification("Automated", at, second, LastPlaybackCheckIn=checked))
        await here.send(changed("plugin_21_start.json", ItemType="Audio"))
        await here.send(b"not JSON")

    async with program(tmp_path, database_url) as here:
        playback = (await here.get("/playbacks"))["items"][0]
        line = (await here.get(f"/playbacks/{playback['id']}"))["check_ins"]
        assert playback["open"] is True
        assert [each["sighted_until"] for each in line] == ["2026-11-22T21:00:02Z"]
        assert (await here.get("/status"))["ignored"] == {"item type Audio": 1}
        assert len((await here.get("/rejected"))["items"]) == 1


async def test_works_run_for_as_long_as_the_program(tmp_path: Path) -> None:
    seen: list[str] = []

    async def work(_house: House) -> None:
        seen.append("begun")
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("ended")

    async with program(tmp_path, works=[work]):
        await until(lambda: seen == ["begun"])

    assert seen == ["begun", "ended"]


async def test_a_work_that_fails_begins_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("receiver.tasks._FIRST_PAUSE", 0.01)
    seen: list[int] = []

    async def work(_house: House) -> None:
        seen.append(len(seen))
        if len(seen) == 1:
            raise RuntimeError("an error of ours")

    async with program(tmp_path, works=[work]) as here:
        await until(lambda: seen == [0, 1])
        assert (await here.send(START)).status_code == 202


async def test_what_another_process_changed_is_read_again(tmp_path: Path, postgres_url: str) -> None:
    async with program(tmp_path, postgres_url) as first, program(tmp_path, postgres_url) as second:
        await first.send(START)
        token = (await first.http.post(f"/api/v1/servers/{SERVER}/webhook-tokens")).json()["token"]
        assert (await second.send(START, token)).status_code == 401
        await second.house.refresh()

        assert (await second.send(START, token)).status_code == 202


async def test_no_secret_stands_in_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with program(tmp_path) as here:
        store: Transactions = here.house.store

        def broken() -> None:
            raise RuntimeError("an error of ours")

        here.house.store.read = broken  # type: ignore[assignment, method-assign]
        answer = await here.http.get("/api/v1/history")
        await here.http.post(f"/webhooks/jellyfin?token={WEBHOOK_TOKEN}", content=START)
        del store.read

    told = "".join(capsys.readouterr())
    assert answer.json() == {"status_code": 500, "detail": "Internal Server Error", "extra": None}
    assert "an error of ours" in told
    assert ADMIN_TOKEN not in told
    assert WEBHOOK_TOKEN not in told
    assert logging.getLogger("httpx").level == logging.WARNING


@pytest.mark.parametrize("as_json", [True, False], ids=["for machines", "for eyes"])
def test_an_error_is_logged_without_the_variables_around_it(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    import structlog  # noqa: PLC0415 - set up here, and put back

    logs.set_up(as_json=as_json)
    secret = ADMIN_TOKEN
    try:
        int("no number")
    except ValueError:
        structlog.get_logger().exception("it failed", at=NINE_PM)

    told = capsys.readouterr().err
    assert "no number" in told
    assert "2026-11-22T21:00:00" in told
    assert secret not in told


async def test_the_schema_is_the_apis(tmp_path: Path) -> None:
    settings = read_settings({"PLAYLEDGER_DATA_DIR": str(tmp_path)})
    schema = create_app(settings).openapi_schema.to_schema()

    assert schema["openapi"] == "3.1.0"
    paths = schema["paths"]
    assert "/api/v1/history" in paths
    assert {p["name"] for p in paths["/api/v1/history"]["get"]["parameters"]} == {
        "account",
        "media",
        "kind",
        "completed",
        "from",
        "to",
        "limit",
        "cursor",
    }


def test_a_logger_once_used_follows_what_is_set_up_later(capsys: pytest.CaptureFixture[str]) -> None:
    import structlog  # noqa: PLC0415 - set up here, and put back

    log = structlog.get_logger()
    logs.set_up(as_json=True, level=logging.ERROR)
    log.error("said for machines")
    assert capsys.readouterr().err.startswith("{")

    logs.set_up(as_json=False)
    with contextlib.redirect_stderr(io.StringIO()) as elsewhere:
        log.info("said for eyes")

    assert "said for eyes" in elsewhere.getvalue()
    assert not elsewhere.getvalue().startswith("{")
