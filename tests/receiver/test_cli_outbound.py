"""``playledger outbound``: who is told, from the command line."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.receiver.test_cli import Shell
from tests.reconcile.readers import Reader, reader


@pytest.fixture
def shell(tmp_path: Path, sqlite_template: Path) -> Shell:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(sqlite_template, folder / "playledger.db")
    return Shell(folder)


@pytest.fixture
def friend() -> Iterator[Reader]:
    """A reader in a loop of its own: each command has one, too."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop, found = asyncio.Event(), []

    async def listen() -> None:
        async with reader() as mine:
            found.append(mine)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(listen()))
    thread.start()
    assert ready.wait(10)
    yield found[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


def test_a_target_is_added_listed_tested_and_removed(shell: Shell, friend: Reader) -> None:
    assert "Nobody is told" in shell.said("outbound", "list")

    secret, said = shell.said("outbound", "add", friend.url, "--event", "watch.completed").splitlines()
    assert secret.startswith("whsec_")
    assert "target 1" in said
    listed = shell.said("outbound", "list")
    assert friend.url in listed
    assert "about everyone: watch.completed" in listed
    assert secret not in listed
    assert "answered 204" in shell.said("outbound", "test", "1")
    assert friend.kinds == ["test"]
    assert friend.received[0].is_signed_with(secret)
    assert "nothing more" in shell.said("outbound", "remove", "1")
    assert "Nobody is told" in shell.said("outbound", "list")


def test_a_test_that_is_not_received_fails_and_says_why(shell: Shell, friend: Reader) -> None:
    shell.said("outbound", "add", friend.url)
    friend.status = 500

    assert "answered 500" in shell.refused("outbound", "test", "1")
    assert "1 waiting" in shell.said("outbound", "list")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        pytest.param(("add", "reader"), "http", id="no address"),
        pytest.param(("add", "http://reader/hook", "--event", "watch.begun"), "watch.completed", id="no event"),
        pytest.param(("add", "http://reader/hook", "--account", "7"), "no account 7", id="nobody"),
        pytest.param(("remove", "7"), "no target 7", id="nothing to remove"),
        pytest.param(("test", "7"), "no target 7", id="nothing to test"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_word(shell: Shell, told: tuple[str, ...], said: str) -> None:
    assert said in shell.refused("outbound", *told)
