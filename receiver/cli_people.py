"""Commands about people and what they say: private mode, rules, erasure, corrections."""

# ruff: noqa: PLC0415 - imported when it runs

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import click

from receiver.plainly import MOMENT, plainly

_DRY_RUN = click.option("--dry-run", is_flag=True, help="Only say what would change.")
_RULES = ("threshold", "min_seconds", "partial_min_seconds", "record_partials", "require_coverage", "time_zone")


def add_to(main: click.Group, users: click.Group) -> None:
    """Add these commands to the program, and to what it can do with users."""
    for command in (users_private, users_rules, users_erase):
        users.add_command(command)
    main.add_command(corrections)


@click.command("private")
@click.argument("user")
@click.option("--until", type=MOMENT, help="Record again from then on; without it, use users enable to end it.")
@click.option("--server", help="The server's id or name, where there are several.")
@plainly
def users_private(user: str, *, until: datetime | None, server: str | None) -> Iterable[str]:
    """Record USER not now: what they play from now on is not kept."""
    from receiver.commands import users

    return users.private(user, server, until)


@click.command("rules")
@click.argument("account")
@click.option("--threshold", type=click.FloatRange(1, 100), help="In percent: reached this far, it is completed.")
@click.option("--min-seconds", type=click.FloatRange(0, 3600), help="Watched for less, it is no watch.")
@click.option("--partial-min-seconds", type=click.FloatRange(0, 36000), help="Watched for less, it is no partial one.")
@click.option("--partials/--no-partials", "record_partials", default=None, help="Keep what was not completed too.")
@click.option("--coverage/--no-coverage", "require_coverage", default=None, help="Skipped parts are not seen.")
@click.option("--time-zone", help="Whose days are counted: Europe/Berlin.")
@click.option("--reset", multiple=True, type=click.Choice(_RULES), help="Go by the global setting again.")
@_DRY_RUN
@plainly
def users_rules(  # noqa: PLR0913 - as many as there are rules
    account: str,
    *,
    threshold: float | None,
    min_seconds: float | None,
    partial_min_seconds: float | None,
    record_partials: bool | None,
    require_coverage: bool | None,
    time_zone: str | None,
    reset: tuple[str, ...],
    dry_run: bool,
) -> Iterable[str]:
    """Show or change the rules of ACCOUNT (name or number), and say what that does to its history."""
    from receiver.commands import people

    told = {
        "threshold": threshold,
        "min_seconds": min_seconds,
        "partial_min_seconds": partial_min_seconds,
        "record_partials": record_partials,
        "require_coverage": require_coverage,
        "time_zone": time_zone,
    }
    values = {name: value for name, value in told.items() if value is not None} | dict.fromkeys(reset)
    return people.rules(account, values, dry_run=dry_run)


@click.command("erase")
@click.argument("account")
@click.option("--yes", is_flag=True, help="It is meant: there is no way back.")
@plainly
def users_erase(account: str, *, yes: bool) -> Iterable[str]:
    """Erase ACCOUNT (name or number) for good: all that was recorded of its users, its links, and itself.

    Its users are ignored from then on, until somebody links them again. On SQLite a running server has to be stopped
    first, or asked itself: POST /api/v1/accounts/NUMBER/erase.
    """
    from receiver.commands import people

    return people.erase(account, is_meant=yes)


@click.group()
def corrections() -> None:
    """Say what is wrong with the history: kept as facts that no replay forgets, and that can be undone."""


@corrections.command("list")
@click.option("--account", type=int, help="One account's only, by its number.")
@plainly
def corrections_list(*, account: int | None) -> Iterable[str]:
    """List the corrections, newest first, undone ones too."""
    from receiver.commands import corrections

    return corrections.listed(account)


@corrections.command("add")
@click.argument("what", type=click.Choice(["not_me", "wrong_item", "delete", "rematch"]))
@click.option("--playback", type=click.IntRange(1), help="The playback that is meant, by its number.")
@click.option("--watch", type=click.IntRange(1), help="The row of the history that is meant, with all its playbacks.")
@click.option("--account", type=click.IntRange(1), help="not_me: whose it was, by the account's number.")
@click.option("--media", type=click.IntRange(1), help="wrong_item, rematch: what it was, by the media's number.")
@click.option("--unit", help="wrong_item, rematch: the episode it was, as s01e02.")
@click.option("--note", help="A word on why.")
@_DRY_RUN
@plainly
def corrections_add(  # noqa: PLR0913 - as many as there are things to say
    what: str,
    *,
    playback: int | None,
    watch: int | None,
    account: int | None,
    media: int | None,
    unit: str | None,
    note: str | None,
    dry_run: bool,
) -> Iterable[str]:
    """Correct a playback or a row of the history, and say what that changes."""
    from receiver.commands import corrections

    if (playback is None) == (watch is None):
        raise click.UsageError("Give one of: --playback, --watch.")
    told = corrections.Told(what, playback, watch, account, media, unit, note)
    return corrections.add(told, dry_run=dry_run)


@corrections.command("undo")
@click.argument("number", type=click.IntRange(1))
@_DRY_RUN
@plainly
def corrections_undo(number: int, *, dry_run: bool) -> Iterable[str]:
    """Undo the correction NUMBER: what it took out counts again."""
    from receiver.commands import corrections

    return corrections.take_back(number, dry_run=dry_run)
