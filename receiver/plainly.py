"""What all commands share: how they read an instant, and how they speak and fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import wraps
from typing import ParamSpec

import click

P = ParamSpec("P")


class Moment(click.ParamType[datetime]):
    """An instant: ``2026-01-03``, or ``2026-01-03T20:00:00+01:00``; without a zone it is UTC."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the aware instant that *value* spells."""
        if isinstance(value, datetime):
            return value
        try:
            told = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no instant: 2026-01-03 or 2026-01-03T20:00:00+01:00 is one.", param, ctx)
        return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)


MOMENT = Moment()


def plainly(command: Callable[P, Iterable[str] | None]) -> Callable[P, None]:
    """Print what *command* says, line by line; what it raises on purpose is said without a traceback, with exit 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        from reconcile.errors import PlayledgerError  # noqa: PLC0415 - --help is quick without it

        try:
            for line in command(*args, **kwargs) or ():
                click.echo(line)
        except PlayledgerError as error:
            raise click.ClickException(str(error)) from error

    return run


def share(what: str) -> Callable[[int, int], None]:
    """Return what shows on standard error how far a work is, a line for each tenth."""
    told = -1

    def tell(done: int, total: int) -> None:
        nonlocal told
        tenth = 10 * done // max(1, total)
        if tenth > told:
            told = tenth
            click.echo(f"{done} of {total} {what}", err=True)

    return tell
