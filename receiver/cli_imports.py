"""Commands about what other tools kept of earlier years."""

# ruff: noqa: PLC0415 - imported when it runs

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

import click

from receiver.plainly import plainly, share


def add_to(main: click.Group) -> None:
    """Add these commands to the program."""
    main.add_command(imports)


_SERVER = click.option("--server", help="Whose people it is about: the server's id or name, where there are several.")
_ZONE = click.option("--zone", help="The time zone that the server's clock showed, such as Europe/Berlin.")
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Only say what would change, and keep nothing.")


@click.group("import")
def imports() -> None:
    """Take over what another tool kept of those who are recorded; what was seen live is not counted twice.

    On SQLite a running server has to be stopped first, or asked itself: Administration › Imports, or POST
    /api/v1/imports.
    """


@imports.command("playback-reporting")
@click.argument("file", type=click.File("rb"), required=False)
@_SERVER
@_ZONE
@_DRY_RUN
@plainly
def import_playback_reporting(
    file: IO[bytes] | None, *, server: str | None, zone: str | None, dry_run: bool
) -> Iterable[str]:
    """Import what the plugin Playback Reporting kept: a backup of it in FILE (.tsv), or what it says at the server.

    It kept the wall time of its server. The time zone is found by comparing what is known; if that proves none,
    --zone has to say it.
    """
    from receiver.commands import imports

    return imports.take(imports.Wish("playback-reporting", file, server, zone, dry_run), share("rows taken"))


@imports.command("jellystat")
@click.argument("file", type=click.File("rb"))
@_SERVER
@_ZONE
@_DRY_RUN
@plainly
def import_jellystat(file: IO[bytes], *, server: str | None, zone: str | None, dry_run: bool) -> Iterable[str]:
    """Import a backup of Jellystat (.json, gzip or not).

    What it had itself from Playback Reporting is in the wall time of the server: --zone may have to say which.
    """
    from receiver.commands import imports

    return imports.take(imports.Wish("jellystat", file, server, zone, dry_run), share("rows taken"))


@imports.command("list")
@plainly
def import_list() -> Iterable[str]:
    """List the imports, newest first."""
    from receiver.commands import imports

    return imports.listed()


@imports.command("undo")
@click.argument("number", type=click.IntRange(1, 2**63 - 1))
@plainly
def import_undo(number: int) -> Iterable[str]:
    """Take all of the import NUMBER out of the history again."""
    from receiver.commands import imports

    return imports.undo(number, share("rows taken out"))
