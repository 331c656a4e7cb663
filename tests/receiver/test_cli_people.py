"""The commands about people: rules tried first, private mode, corrections, erasure, and all of one account."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from receiver.rehearsal.library import USERS
from reconcile.store.lease import FolderLease
from tests.receiver.houses import everything_in
from tests.receiver.test_cli import REACHED, VIEWER, Shell, film, shell, watched

__all__ = ["shell", "watched"]

GONE = f"2026-01-03 {VIEWER}: A Film"


def test_an_accounts_rules_are_tried_before_they_are_kept(watched: Shell) -> None:
    tried = watched.said("users", "rules", VIEWER, "--threshold", "95", "--dry-run").splitlines()
    assert tried[0].startswith(f"2026-01-03 {VIEWER}: =A Film, would no longer count: {REACHED}")
    assert tried[-1] == "1 rows of the history would change."
    assert watched.said("export") != ""

    done = watched.said("users", "rules", "1", "--threshold", "95", "--time-zone", "Europe/Berlin").splitlines()
    assert done[-1] == "1 rows of the history changed."
    assert watched.said("export") == ""
    shown = watched.said("users", "rules", VIEWER)
    assert "threshold            95  (its own)" in shown
    assert "min_seconds          120\n" in shown
    assert "Europe/Berlin  (its own)" in shown

    assert "now counts" in watched.said("users", "rules", VIEWER, "--reset", "threshold")


@pytest.mark.parametrize(
    ("options", "status", "named"),
    [
        (("nobody", "--threshold", "90"), 1, "There is no account nobody"),
        ((VIEWER, "--time-zone", "Mars/Olympus"), 1, "time_zone"),
        ((VIEWER, "--threshold", "101"), 2, "101"),
        ((VIEWER, "--min-seconds", "3601"), 2, "3601"),
    ],
)
def test_an_impossible_rule_is_refused(watched: Shell, options: tuple[str, ...], status: int, named: str) -> None:
    done = watched.run("users", "rules", *options)

    assert done.exit_code == status
    assert named in done.output


def test_private_mode_has_an_end(watched: Shell) -> None:
    assert "is not recorded until 2099-01-01 20:00 UTC" in watched.said(
        "users", "private", VIEWER, "--until", "2099-01-01T20:00:00"
    )
    assert "recorded since 2099-01-01 20:00 UTC" in watched.said("users", "list")
    assert "later than now" in watched.refused("users", "private", VIEWER, "--until", "2001-01-01")

    assert "recorded from now on" in watched.said("users", "enable", VIEWER)
    assert "2099" not in watched.said("users", "list")
    assert "recorded already" in watched.said("users", "enable", VIEWER)
    watched.said("users", "private", VIEWER)
    assert "not recorded, by wish" in watched.said("users", "list")


def test_to_opt_out_ends_what_is_playing(watched: Shell) -> None:
    playing = film().splitlines()[:-1]  # without its Stop
    told = "\n".join(line.replace("f1" * 16, "f2" * 16).replace("2026-01-03", "2036-01-03") for line in playing)
    watched.said("replay", "-", given=told, PLAYLEDGER_AUTO_LINK="true")

    watched.said("users", "disable", VIEWER)

    everything = json.loads(watched.said("export", "--account", "1"))
    assert [row["open"] for row in everything["playbacks"]].count(True) <= 1
    assert "recorded since" not in watched.said("users", "list")


def test_a_row_is_corrected_listed_and_restored(watched: Shell) -> None:
    tried = watched.said("corrections", "add", "not_me", "--watch", "1", "--dry-run")
    assert "would no longer count: marked as not me by an administrator on" in tried
    assert watched.said("corrections", "list") == ""

    done = watched.said("corrections", "add", "not_me", "--watch", "1", "--note", "the cat")
    assert "playledger corrections undo 1" in done
    assert watched.said("export") == ""
    assert "not_me" in watched.said("corrections", "list")

    assert "now counts" in watched.said("corrections", "undo", "1")
    assert watched.said("export") != ""
    assert "undone by an administrator" in watched.said("corrections", "list")
    assert "no correction 1 that holds" in watched.refused("corrections", "undo", "1")


@pytest.mark.parametrize(
    ("options", "status"),
    [(("delete",), 2), (("delete", "--watch", "1", "--playback", "1"), 2), (("delete", "--playback", "99"), 1)],
    ids=["of nothing", "of two things", "of what is not there"],
)
def test_a_correction_needs_something_to_be_about(watched: Shell, options: tuple[str, ...], status: int) -> None:
    assert watched.run("corrections", "add", *options).exit_code == status


def test_replaying_everything_brings_a_deleted_row_not_back(watched: Shell) -> None:
    watched.said("corrections", "add", "delete", "--watch", "1")

    watched.said("replay", "-", given=film())
    watched.said("replay", "--deliveries")
    watched.said("resettle")

    assert watched.said("export") == ""


def test_everything_of_an_account_is_exported(watched: Shell, tmp_path: Path) -> None:
    told = json.loads(watched.said("export", "--account", "1"))
    assert told["account"]["name"] == VIEWER
    assert len(told["history"]) == len(told["playbacks"]) == 1

    file = tmp_path / "all.csv"
    watched.said("export", str(file), "--account", "1")
    assert file.read_text("utf-8").startswith("record,id,day,")
    assert file.stat().st_mode & 0o077 == 0
    assert "There is no account 99" in watched.refused("export", "--account", "99")


def test_an_erased_user_is_gone_and_stays_so(watched: Shell) -> None:
    assert "say so with --yes" in watched.refused("users", "erase", VIEWER)
    spool = watched.folder / "spool"
    spool.mkdir()

    said = watched.said("users", "erase", VIEWER, "--yes")

    assert "is ignored from now on" in said
    left = everything_in(watched.folder).lower()
    assert VIEWER.encode() not in left
    assert USERS[0].id.encode() not in left
    again = watched.said("replay", "-", given=film(), PLAYLEDGER_AUTO_LINK="true")
    assert "ignored (erased)" in again
    assert watched.said("export") == ""


def test_beside_a_running_server_it_is_the_server_that_is_to_be_asked(watched: Shell) -> None:
    held = FolderLease(watched.folder)
    held.take()

    said = watched.refused("users", "erase", VIEWER, "--yes")

    assert "POST /api/v1/accounts/NUMBER/erase" in said
    assert watched.said("export") != ""


def test_linking_again_lifts_an_erasure_and_says_so(watched: Shell) -> None:
    watched.said("users", "erase", VIEWER, "--yes")

    said = watched.said("users", "link", USERS[0].id, "--since", "2026-01-01")

    assert "This user had been erased; that is lifted." in said
    watched.said("replay", "-", given=film())
    assert watched.said("export") == "", "what was before the erasure never returns, whatever since is given"
