"""The command line. What a command needs is imported when it runs, so that ``--help`` is quick."""

# ruff: noqa: PLC0415 - imported when it runs

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import IO

import click

from receiver import cli_imports, cli_outbound, cli_people
from receiver.plainly import MOMENT, plainly, share


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="playledger", message="%(version)s")
def main() -> None:
    """Exactly-once watch history for Jellyfin. Settings come from the environment (PLAYLEDGER_…, JELLYFIN_…)."""


@main.command()
@plainly
def serve() -> None:
    """Listen for webhooks, poll the servers, and show pages and API."""
    from receiver.commands import serve

    serve.serve()


@main.command()
@plainly
def migrate() -> Iterable[str]:
    """Bring the database to the tables of this version; serve does it, too."""
    from receiver.commands import migrate

    return migrate.migrate()


@main.command()
def doctor() -> None:
    """Check settings, database and Jellyfin, and say what to do. Exit 1 if something is wrong."""
    from receiver.commands import doctor

    is_well = True
    for finding in doctor.findings():
        click.echo(finding.line())
        is_well = is_well and not finding.is_wrong
    raise SystemExit(0 if is_well else 1)


@main.command()
@click.argument("file", type=click.File("rb"), required=False)
@click.option("--deliveries", is_flag=True, help="Replay the deliveries that are kept.")
@click.option("--since", type=MOMENT, help="Only deliveries received from then on.")
@click.option("--until", type=MOMENT, help="Only deliveries received before then.")
@click.option("--rejected", is_flag=True, help="Replay the examples of what could not be read.")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@plainly
def replay(
    file: IO[bytes] | None,
    *,
    deliveries: bool,
    since: datetime | None,
    until: datetime | None,
    rejected: bool,
    dry_run: bool,
) -> Iterable[str]:
    """Take deliveries of the past in once more; nothing is counted twice.

    FILE is NDJSON, a delivery a line: {"received_at", "content_type", "body"}, or a notification with a UtcTimestamp;
    «-» reads standard input. On SQLite a running server has to be stopped first, or asked itself:
    POST /api/v1/replays.
    """
    from receiver.commands import replay

    deliveries = deliveries or since is not None or until is not None
    if (file is not None) + deliveries + rejected != 1:
        raise click.UsageError("Give one of: a FILE, --deliveries, --rejected.")
    source = replay.Source(file, rejected, since, until)
    return replay.replay(source, dry_run=dry_run, progress=_counted("deliveries read"))


@main.command()
@click.option("--threshold", type=click.FloatRange(1, 100), help="In percent: reached this far, it is completed.")
@click.option("--min-seconds", type=click.FloatRange(0, 3600), help="Watched for less, it is no watch.")
@click.option("--record-partials/--no-record-partials", default=None, help="Keep what was not completed too.")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@plainly
def resettle(
    *, threshold: float | None, min_seconds: float | None, record_partials: bool | None, dry_run: bool
) -> Iterable[str]:
    """Make the whole history anew from the evidence, and say what changed.

    With an option the rule is changed for good, unless --dry-run. On SQLite a running server has to be stopped first.
    """
    from receiver.commands import resettle

    told = {"threshold": threshold, "min_seconds": min_seconds, "record_partials": record_partials}
    overrides = {name: value for name, value in told.items() if value is not None}
    return resettle.resettle(overrides, dry_run=dry_run, progress=share("settled"))


@main.group()
def users() -> None:
    """Say whose playbacks are recorded. A running server knows within seconds."""


@users.command("list")
@plainly
def users_list() -> Iterable[str]:
    """List Jellyfin's users, with their accounts, and who is recorded."""
    from receiver.commands import users

    return users.listed()


_SERVER = click.option("--server", help="The server's id or name, where there are several.")
_SINCE = click.option("--since", type=MOMENT, help="Record from then on, instead of from now.")


@users.command("link")
@click.argument("user")
@click.option("--account", help="The account's name or number; one is made if there is none of that name.")
@_SERVER
@_SINCE
@click.option("--quietly", is_flag=True, help="Link only: do not record yet.")
@plainly
def users_link(
    user: str, *, account: str | None, server: str | None, since: datetime | None, quietly: bool
) -> Iterable[str]:
    """Tie the Jellyfin user USER (name or id) to an account, and record them."""
    from receiver.commands import users

    return users.link(user, account, server, since, is_recorded=not quietly)


@users.command("unlink")
@click.argument("user")
@_SERVER
@plainly
def users_unlink(user: str, *, server: str | None) -> Iterable[str]:
    """Take the link of USER away. What was recorded stays; nothing more is."""
    from receiver.commands import users

    return users.unlink(user, server)


@users.command("enable")
@click.argument("user")
@_SERVER
@_SINCE
@plainly
def users_enable(user: str, *, server: str | None, since: datetime | None) -> Iterable[str]:
    """Record USER, who is linked already."""
    from receiver.commands import users

    return users.enable(user, server, since)


@users.command("disable")
@click.argument("user")
@_SERVER
@plainly
def users_disable(user: str, *, server: str | None) -> Iterable[str]:
    """Record USER no longer, even where everybody is linked at first sight."""
    from receiver.commands import users

    return users.disable(user, server)


cli_people.add_to(main, users)
cli_outbound.add_to(main)
cli_imports.add_to(main)


@main.group()
def tokens() -> None:
    """Tokens for the API, and for the webhooks of single servers."""


@tokens.command("list")
@plainly
def tokens_list() -> Iterable[str]:
    """List the tokens, without what would open anything."""
    from receiver.commands import tokens

    return tokens.listed()


@tokens.command("make")
@click.argument("name")
@click.option("--admin", is_flag=True, help="It may change everything; without this it may only read.")
@click.option("--webhook", "server", metavar="SERVER", help="A webhook token, for that server alone.")
@plainly
def tokens_make(name: str, *, admin: bool, server: str | None) -> Iterable[str]:
    """Make a token, and print it: it is shown this once."""
    from receiver.commands import tokens

    return tokens.make(name, server, is_admin=admin)


@tokens.command("revoke")
@click.argument("token")
@plainly
def tokens_revoke(token: str) -> Iterable[str]:
    """Revoke the token with the number, or the beginning of a fingerprint, that list shows."""
    from receiver.commands import tokens

    return tokens.revoke(token)


@main.command()
@click.option("--speed", type=click.FloatRange(1, 600), default=60.0, show_default=True, help="How fast time passes.")
@click.option("--once", is_flag=True, help="Stop when the first evening is over.")
@plainly
def demo(*, speed: float, once: bool) -> None:
    """Serve evenings of a simulated Jellyfin from a temporary folder, one after another, and say what happens."""
    from receiver.commands import demo

    demo.demo(speed, click.echo, is_once=once)


@main.command()
@click.option("--evenings", type=click.IntRange(1), default=20, show_default=True)
@click.option("--mode", type=click.Choice(["webhook", "poll", "both", "losses", "old"]), default="both")
@click.option("--seed", type=int, default=0, show_default=True, help="The first evening's number.")
@click.option("--faults/--no-faults", default=True, show_default=True)
@click.option("--processes", type=click.IntRange(1), default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@plainly
def rehearse(*, evenings: int, mode: str, seed: int, faults: bool, processes: int, as_json: bool) -> Iterable[str]:
    """Play generated evenings through the whole program, faster than real time, and print how true the ledger is."""
    from receiver.rehearsal.rehearsing import Mode, run

    told = share("evenings")
    report = run(
        evenings, Mode(mode), seed, faults=faults, processes=processes, progress=lambda done: told(done, evenings)
    )
    return [report.as_json()] if as_json else report.lines()


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, writable=True, allow_dash=True, path_type=Path), default="-")
@click.option("--format", "form", type=click.Choice(["json", "csv"]), help="By the file's ending, else JSON.")
@click.option("--account", type=int, help="All that is kept of one account, by its number.")
@plainly
def export(file: Path, *, form: str | None, account: int | None) -> Iterable[str]:
    """Write the history to FILE as JSON (the API's words, one row a line) or CSV.

    With --account it is everything that is kept of one person, as one JSON object or as CSV: history, playbacks,
    corrections, links, badges and the rest.
    """
    from receiver.commands import export

    return export.export(file, form, account)


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@plainly
def backup(file: Path) -> Iterable[str]:
    """Write a consistent copy of the SQLite database to FILE, while the server runs if it does."""
    from receiver.commands import backup

    return backup.backup(file)


def _counted(what: str) -> Callable[[int], None]:
    def tell(done: int) -> None:
        click.echo(f"{done} {what}", err=True)

    return tell
