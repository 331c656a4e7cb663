"""Commands about who is told what happens here."""

# ruff: noqa: PLC0415 - imported when it runs

from __future__ import annotations

from collections.abc import Iterable

import click

from receiver.plainly import plainly


def add_to(main: click.Group) -> None:
    """Add these commands to the program."""
    main.add_command(outbound)


@click.group()
def outbound() -> None:
    """Say who is told what happens here, by signed webhooks. A running server knows within seconds."""


@outbound.command("list")
@plainly
def outbound_list() -> Iterable[str]:
    """List the targets, and how many messages wait for them or were given up."""
    from receiver.commands import outbound

    return outbound.listed()


@outbound.command("add")
@click.argument("url")
@click.option("--event", "events", multiple=True, help="watch.completed, …; may be given again. All unless said.")
@click.option("--account", type=int, help="About this account only, by its number.")
@plainly
def outbound_add(url: str, *, events: tuple[str, ...], account: int | None) -> Iterable[str]:
    """Tell URL what happens from now on, and print the secret that signs it: it is shown this once."""
    from receiver.commands import outbound

    return outbound.add(url, events, account)


@outbound.command("remove")
@click.argument("target", type=int)
@plainly
def outbound_remove(target: int) -> Iterable[str]:
    """Tell the target with this number nothing more, nor what waits for it."""
    from receiver.commands import outbound

    return outbound.remove(target)


@outbound.command("test")
@click.argument("target", type=int)
@plainly
def outbound_test(target: int) -> Iterable[str]:
    """Send the target with this number a test message now, and say what it answered."""
    from receiver.commands import outbound

    return outbound.test(target)
