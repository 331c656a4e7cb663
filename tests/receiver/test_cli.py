"""The command line: what it says, and how it fails."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import httpx
import pytest
import uvicorn
from click.testing import CliRunner, Result

from receiver.cli import main
from receiver.rehearsal.face import Face
from receiver.rehearsal.library import SERVER_ID, USERS, library
from receiver.rehearsal.performance import Performance
from receiver.rehearsal.season import evening
from reconcile.store.lease import FolderLease

EIGHT = datetime(2026, 1, 3, 20, tzinfo=UTC)
KEY = "0123456789abcdef0123456789abcdef"
TOKEN = "a webhook token".replace(" ", "-") + "-of-the-tests"
VIEWER = USERS[0].name
REACHED = "reached 86 % of 1 h 40 min, watched 86 min"


class Shell:
    """Runs commands on a data folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {"PLAYLEDGER_DATA_DIR": str(folder), "PLAYLEDGER_WEBHOOK_TOKEN": TOKEN, "TZ": "UTC"}

    def run(self, *args: str, given: str | None = None, **env: str) -> Result:
        return CliRunner().invoke(main, list(args), input=given, env={**self.env, **env})

    def said(self, *args: str, given: str | None = None, **env: str) -> str:
        """Run a command that is to work, and return what it printed."""
        done = self.run(*args, given=given, **env)
        assert done.exit_code == 0, done.output
        return done.stdout

    def refused(self, *args: str, given: str | None = None, **env: str) -> str:
        """Run a command that is to fail, and return what it said."""
        done = self.run(*args, given=given, **env)
        assert done.exit_code == 1, done.output
        assert "Traceback" not in done.output
        return done.stderr


@pytest.fixture
def bare(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "data")


@pytest.fixture
def shell(tmp_path: Path, sqlite_template: Path) -> Shell:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(sqlite_template, folder / "playledger.db")
    return Shell(folder)


class Simulated:
    """A simulated Jellyfin on loopback."""

    def __init__(self, url: str, face: Face) -> None:
        self.url = url
        self.face = face
        self.env = {"JELLYFIN_URL": url, "JELLYFIN_API_KEY": KEY}

    def sends(self, more: Mapping[str, object] | None = None) -> None:
        """Let the plugin send to us, as *more* says it."""
        told: dict[str, object] = {
            "WebhookName": "Playledger",
            "WebhookUri": "http://127.0.0.1:8484/webhooks/jellyfin",
            "NotificationTypes": ["PlaybackStart", "PlaybackProgress", "PlaybackStop"],
            "EnableWebhook": True,
            "EnableMovies": True,
            "EnableEpisodes": True,
            "SendAllProperties": True,
            "Headers": [{"Key": "X-Playledger-Token", "Value": TOKEN}],
        }
        self.face.plugin_configuration["GenericOptions"] = [told | dict(more or {})]


@pytest.fixture
def jellyfin() -> Iterator[Simulated]:
    now = datetime.now(UTC)
    face = Face(Performance(evening(now)), library(), lambda: datetime.now(UTC), KEY)
    server = uvicorn.Server(uvicorn.Config(face, log_config=None, access_log=False, date_header=False, ws="none"))
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([door])))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield Simulated(f"http://127.0.0.1:{door.getsockname()[1]}", face)
        server.should_exit = True
        thread.join()


def film(until: float = 86.0) -> str:
    """Return the notifications of a film of 100 minutes that is played until that minute, as NDJSON."""
    lines = []
    for minute in [*range(0, int(until), 4), until]:
        at = f"{EIGHT + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%S}.0000000Z"
        told = {
            "NotificationType": "PlaybackStop" if minute == until else "PlaybackProgress",
            "ServerId": SERVER_ID,
            "UserId": USERS[0].id,
            "NotificationUsername": VIEWER,
            "ItemId": "f1" * 16,
            "ItemType": "Movie",
            "Name": "=A Film",
            "Provider_tmdb": "11",
            "RunTimeTicks": 100 * 600_000_000,
            "Id": "d1" * 16,
            "PlaybackPositionTicks": round(minute * 600_000_000),
            "IsPaused": False,
            "IsAutomated": False,
            "UtcTimestamp": at,
            "LastPlaybackCheckIn": at,
        }
        lines.append(json.dumps(told))
    return "\n".join(lines)


@pytest.fixture
def watched(shell: Shell) -> Shell:
    """A data folder in which viewer-1 has watched a film to 86 %."""
    shell.said("replay", "-", given=film(), PLAYLEDGER_AUTO_LINK="true")
    return shell


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)


@pytest.mark.parametrize("command", [pytest.param(path, id=" ".join(path)) for path in commands(main)])
def test_every_command_says_what_it_is_for(bare: Shell, command: tuple[str, ...]) -> None:
    said = bare.said(*command, "--help")

    assert said.startswith("Usage: ")
    assert not bare.folder.exists(), "asking for help makes nothing"


def test_asking_for_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from receiver.cli import main;"
        "CliRunner().invoke(main, ['--help']); CliRunner().invoke(main, ['replay', '--help']);"
        "print([name for name in ('sqlalchemy', 'litestar', 'httpx', 'msgspec') if name in sys.modules])"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout == "[]\n"


def test_a_misspelt_setting_is_named(bare: Shell) -> None:
    assert "did you mean PLAYLEDGER_PORT?" in bare.refused("migrate", PLAYLEDGER_PROT="1")


NEEDY = (("users", "list"), ("tokens", "list"), ("resettle",), ("export",), ("backup", "x"))


@pytest.mark.parametrize("command", NEEDY)
def test_without_a_database_a_command_says_how_it_comes_to_be(bare: Shell, command: tuple[str, ...]) -> None:
    assert "There is no database yet" in bare.refused(*command)


def test_migrate_makes_the_database(bare: Shell) -> None:
    assert "tables of this version" in bare.said("migrate")
    assert "no users are known" in bare.said("users", "list").lower()


# --- replay and resettle ----------------------------------------------------------------------------------------------


def test_a_file_is_replayed_and_what_came_of_it_is_said(shell: Shell) -> None:
    said = shell.said("replay", "-", given=film(), PLAYLEDGER_AUTO_LINK="true").splitlines()

    assert said == [
        f"2026-01-03 viewer-1: =A Film, now counts: {REACHED}",
        "23 deliveries: 23 new, 0 known before. 1 rows of the history changed.",
    ]


def test_a_dry_run_changes_nothing(shell: Shell) -> None:
    said = shell.said("replay", "-", "--dry-run", given=film(), PLAYLEDGER_AUTO_LINK="true")

    assert "would now count" in said
    assert shell.said("export") == ""


def test_lines_that_are_no_deliveries_are_named(shell: Shell) -> None:
    said = shell.said("replay", "-", given="nonsense\n{}")

    assert said.splitlines()[0].startswith("line 1: no delivery")
    assert "line 2: neither received_at nor UtcTimestamp" in said
    assert "2 refused" in said


@pytest.mark.parametrize("options", [(), ("--deliveries", "--rejected"), ("--since", "yesterday")])
def test_a_replay_needs_one_source(shell: Shell, options: tuple[str, ...]) -> None:
    assert shell.run("replay", *options).exit_code == 2


def test_kept_deliveries_and_rejected_examples_can_be_replayed(shell: Shell) -> None:
    assert "0 deliveries" in shell.said("replay", "--deliveries", "--since", "2026-01-01")
    assert "0 deliveries" in shell.said("replay", "--rejected")


@pytest.mark.parametrize("command", [("replay", "--deliveries"), ("resettle",), ("migrate",)])
def test_long_writes_beside_a_running_server_are_refused(shell: Shell, command: tuple[str, ...]) -> None:
    held = FolderLease(shell.folder)
    held.take()

    said = shell.refused(*command)
    asyncio.run(held.release())

    assert "is held by process" in said


def test_a_running_server_can_be_asked_to_replay_instead(shell: Shell) -> None:
    held = FolderLease(shell.folder)
    held.take()

    said = shell.refused("replay", "--deliveries")
    asyncio.run(held.release())

    assert "POST /api/v1/replays" in said


def test_new_rules_are_tried_before_they_are_kept(watched: Shell) -> None:
    said = watched.said("resettle", "--threshold", "90", "--dry-run").splitlines()

    assert said == [
        f"2026-01-03 viewer-1: =A Film, would no longer count: {REACHED}; the threshold is 90 %",
        "viewer-1: the badge «Early Adopter» would be taken back: what earned it does not count any more",
        "viewer-1: the badge «Lights Down» would be taken back: what earned it does not count any more",
        "1 rows of the history would change.",
        "2 badges would come or go.",
    ]
    assert watched.said("export") != ""


def test_new_rules_are_kept_for_the_next_start(watched: Shell) -> None:
    assert "PLAYLEDGER_THRESHOLD kept" in watched.said("resettle", "--threshold", "90")

    assert watched.said("export") == ""
    assert watched.said("resettle") == "0 rows of the history changed.\n", "the kept rule holds"
    assert "now counts" in watched.said("resettle", PLAYLEDGER_THRESHOLD="85"), "the environment is above it"


def test_a_rule_that_the_environment_sets_is_changed_there(watched: Shell) -> None:
    said = watched.refused("resettle", "--threshold", "90", PLAYLEDGER_THRESHOLD="85")

    assert "PLAYLEDGER_THRESHOLD is set in the environment" in said


# --- people -----------------------------------------------------------------------------------------------------------


def test_jellyfins_users_are_listed_with_what_is_known_of_them(shell: Shell, jellyfin: Simulated) -> None:
    shell.said("users", "link", VIEWER, **jellyfin.env)

    said = shell.said("users", "list", **jellyfin.env).splitlines()

    assert len(said) == 1 + len(USERS)
    assert "1 viewer-1" in said[1]
    assert "recorded since" in said[1]
    assert "not recorded" in said[2]


def test_a_link_records_from_now_or_from_a_given_day(shell: Shell, jellyfin: Simulated) -> None:
    assert "recorded from now on" in shell.said("users", "link", VIEWER, **jellyfin.env)
    assert "since 2026-01-01" in shell.said(
        "users", "link", USERS[1].name, "--since", "2026-01-01", "--account", "1", **jellyfin.env
    )

    said = shell.said("users", "list", **jellyfin.env)
    assert said.count("1 viewer-1") == 2, "two users, one account"


def test_recording_is_turned_off_and_on_and_the_link_taken_away(shell: Shell, jellyfin: Simulated) -> None:
    shell.said("users", "link", VIEWER, **jellyfin.env)

    shell.said("users", "disable", VIEWER, **jellyfin.env)
    assert "not recorded, by wish" in shell.said("users", "list", **jellyfin.env)
    shell.said("users", "enable", VIEWER, **jellyfin.env)
    assert "recorded since" in shell.said("users", "list", **jellyfin.env)
    shell.said("users", "unlink", VIEWER, **jellyfin.env)
    assert "1 viewer-1" not in shell.said("users", "list", **jellyfin.env)
    assert "is not linked" in shell.refused("users", "unlink", VIEWER, **jellyfin.env)


def test_whom_nobody_knows_is_said(shell: Shell, jellyfin: Simulated) -> None:
    assert "No Jellyfin user is called somebody" in shell.refused("users", "link", "somebody", **jellyfin.env)


def test_linked_users_are_known_while_jellyfin_is_away(watched: Shell) -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        away = {"JELLYFIN_URL": f"http://127.0.0.1:{door.getsockname()[1]}", "JELLYFIN_API_KEY": KEY}

        said = watched.said("users", "list", **away)

    assert "GET /System/Info/Public" in said.splitlines()[0]
    assert "recorded" in said.splitlines()[2]


def test_people_and_tokens_can_be_changed_beside_a_running_server(watched: Shell) -> None:
    held = FolderLease(watched.folder)
    held.take()

    watched.said("users", "disable", VIEWER)
    watched.said("tokens", "make", "a dashboard")
    asyncio.run(held.release())


# --- tokens, copies ---------------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_listed_and_revoked(watched: Shell) -> None:
    token = watched.said("tokens", "make", "a dashboard").splitlines()[0]

    listed = watched.said("tokens", "list")
    assert "a dashboard" in listed
    assert token not in listed
    assert "opens nothing" in watched.said("tokens", "revoke", "1")
    assert "no token 1" in watched.refused("tokens", "revoke", "1")


def test_a_webhook_token_is_bound_to_its_server(watched: Shell) -> None:
    watched.said("tokens", "make", "the attic", "--webhook", SERVER_ID)

    listed = watched.said("tokens", "list")
    assert f"for {SERVER_ID}" in listed
    assert "opens nothing" in watched.said("tokens", "revoke", listed.split()[0])
    assert "There is no server" in watched.refused("tokens", "make", "x", "--webhook", "elsewhere")


def test_a_backup_is_a_whole_database_for_its_owners_eyes(watched: Shell, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"

    assert "secret.key" in watched.said("backup", str(copy))

    with contextlib.closing(sqlite3.connect(copy)) as database:
        assert database.execute("SELECT count(*) FROM watch").fetchone() == (1,)
    assert copy.stat().st_mode & 0o077 == 0
    assert "is there already" in watched.refused("backup", str(copy))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "data"]


def test_postgresql_is_backed_up_by_its_own_program(bare: Shell, tmp_path: Path) -> None:
    url = "postgresql://nobody@127.0.0.1:1/nothing"

    assert "pg_dump" in bare.refused("backup", str(tmp_path / "copy"), PLAYLEDGER_DATABASE_URL=url)


def test_the_history_is_exported_in_the_words_of_the_api(watched: Shell) -> None:
    (line,) = watched.said("export").splitlines()

    told = json.loads(line)
    assert (told["day"], told["account"]["name"], told["media"]["tmdb_id"]) == ("2026-01-03", VIEWER, "11")


def test_or_as_a_table_in_which_no_title_is_a_formula(watched: Shell, tmp_path: Path) -> None:
    file = tmp_path / "history.csv"

    assert watched.said("export", str(file)) == f"{file}: 1 rows.\n"

    header, row = file.read_text().splitlines()
    assert header.startswith("day,watched_at,started_at,account,title,")
    assert ",'=A Film," in row


# --- doctor, serve, rehearse ------------------------------------------------------------------------------------------


def doctor(shell: Shell, jellyfin: Simulated | None = None) -> Result:
    return shell.run("doctor", **(jellyfin.env if jellyfin else {}), PLAYLEDGER_PORT=str(free_port()))


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def test_the_doctor_finds_nothing_wrong_where_all_is_well(watched: Shell, jellyfin: Simulated) -> None:
    jellyfin.sends()

    said = doctor(watched, jellyfin)

    assert said.exit_code == 0, said.output
    assert "points at us, with a good token" in said.output
    assert "clock and ours agree" in said.output


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param({"EnableWebhook": False}, "is switched off", id="switched off"),
        pytest.param({"NotificationTypes": ["PlaybackStop"]}, "lacks PlaybackProgress, PlaybackStart", id="half"),
        pytest.param({"SendAllProperties": False}, "sends an empty body", id="no body"),
        pytest.param({"EnableMovies": False}, "leaves movies out", id="no movies"),
        pytest.param({"Headers": []}, "presents no token", id="no token"),
        pytest.param({"Headers": [{"Key": "Authorization", "Value": "Bearer x"}]}, "not ours", id="another token"),
    ],
)
def test_the_doctor_reads_how_the_plugin_is_set_up(
    watched: Shell, jellyfin: Simulated, change: dict[str, object], sentence: str
) -> None:
    jellyfin.sends(change)

    said = doctor(watched, jellyfin)

    assert said.exit_code == 1
    assert sentence in said.output
    assert TOKEN not in said.output


def test_the_doctor_accepts_a_token_in_the_address(watched: Shell, jellyfin: Simulated) -> None:
    jellyfin.sends({"WebhookUri": f"http://127.0.0.1:8484/webhooks/jellyfin?token={TOKEN}", "Headers": []})

    assert doctor(watched, jellyfin).exit_code == 0


def test_the_doctor_says_that_a_key_is_wrong(watched: Shell, jellyfin: Simulated) -> None:
    jellyfin.face.token = "another"

    said = doctor(watched, jellyfin)

    assert said.exit_code == 1
    assert "The API key is wrong" in said.output


def test_the_doctor_names_an_impossible_setting(bare: Shell) -> None:
    said = bare.run("doctor", PLAYLEDGER_THRESHOLD="900")

    assert said.exit_code == 1
    assert "PLAYLEDGER_THRESHOLD" in said.output


def test_serve_says_where_it_listens_and_stops_when_told(bare: Shell) -> None:
    env = {**bare.env, "PLAYLEDGER_PORT": "0", "PATH": ""}
    program = [sys.executable, "-u", "-m", "receiver", "serve"]
    with subprocess.Popen(program, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        assert running.stdout is not None
        said: list[str] = []
        for line in running.stdout:
            said.append(line)
            if "listens on" in line:
                break
        url = re.findall(r"http://\S+$", said[-1])[0]
        is_live = httpx.get(f"{url}/health/live", trust_env=False).status_code
        running.send_signal(signal.SIGTERM)
        code = running.wait(timeout=30)

    text = "".join(said)
    assert is_live == 200
    assert code in (0, -signal.SIGTERM)
    assert f"{url}/webhooks/jellyfin" in text
    assert "set in the environment" in text
    assert TOKEN not in text


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_an_address_that_is_taken_is_said(bare: Shell, command: str) -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()

        said = bare.refused(command, PLAYLEDGER_PORT=str(door.getsockname()[1]))

    assert "cannot be listened on" in said


def test_an_evening_is_rehearsed(bare: Shell) -> None:
    said = bare.said("rehearse", "--evenings", "1", "--no-faults", "--mode", "webhook")

    assert said.startswith("webhook: 1 evenings")
    assert "missed 0" in said
