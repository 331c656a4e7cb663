"""``playledger corrections``: short writes that may happen beside a running server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import msgspec

from receiver.commands import world
from reconcile.correcting import Saying, correct, undo
from reconcile.difference import Difference, differences_of
from reconcile.errors import SettingRefused
from reconcile.playback.corrections import What
from reconcile.store import corrections
from reconcile.store.corrections import Row
from reconcile.trial import trial

BY = "an administrator"
_MOST = 500


class Told(msgspec.Struct, frozen=True):
    """What somebody said: about a playback or a row, and what it was instead; all by their numbers."""

    what: str
    playback: int | None
    watch: int | None
    account: int | None
    media: int | None
    unit: str | None
    note: str | None


def listed(account: int | None) -> Iterator[str]:
    """Yield the corrections, newest first."""

    async def work() -> list[Row]:
        async with world.ledger(await world.settings_of()) as ledger, ledger.store.read() as db:
            return await corrections.corrections(db, account, None, _MOST)

    for row in asyncio.run(work()):
        about = "whenever" if row["since"] is None else f"{row['since']:%Y-%m-%d %H:%M} UTC"
        held = "" if row["undone_at"] is None else f"; undone by {row['undone_by']} on {row['undone_at']:%Y-%m-%d}"
        said = f"said by {row['said_by']} on {row['said_at']:%Y-%m-%d}"
        whose = f"account {row['account_id']}, item {row['item_id']}"
        yield f"{row['id']:6} {row['what']:12} {whose}, {about}; {said}{held}"


def add(told: Told, *, dry_run: bool) -> list[str]:
    """Correct, and return what that changes. Raises SettingRefused."""

    async def work() -> list[str]:
        async with (
            world.ledger(await world.settings_of()) as ledger,
            trial(ledger.store, dry_run=dry_run) as db,
        ):
            about = await corrections.meant(db, number=told.playback, watch=told.watch)
            if not about:
                raise SettingRefused("There is no such playback, or none that makes this row.")
            media = None if told.media is None else await corrections.identity_of(db, told.media)
            if told.media is not None and media is None:
                raise SettingRefused(f"There is no media {told.media}.")
            saying = Saying(What(told.what), BY, told.account, media, told.unit, told.note)
            done = await correct(db, ledger.people, about, saying, world.now(), ledger.ahead)
            numbers = ", ".join(map(str, done.numbers))
            first = "" if dry_run else f"Correction {numbers}: playledger corrections undo {done.numbers[0]} undoes it."
            return _said(first, await differences_of(db, done.settled), is_dry=dry_run)

    return asyncio.run(work())


def take_back(number: int, *, dry_run: bool) -> list[str]:
    """Undo a correction, and return what that changes. Raises SettingRefused."""

    async def work() -> list[str]:
        async with (
            world.ledger(await world.settings_of()) as ledger,
            trial(ledger.store, dry_run=dry_run) as db,
        ):
            settled = await undo(db, ledger.people, number, BY, world.now(), ledger.ahead)
            if settled is None:
                raise SettingRefused(f"There is no correction {number} that holds.")
            return _said("", await differences_of(db, settled), is_dry=dry_run)

    return asyncio.run(work())


def _said(first: str, found: Sequence[Difference], *, is_dry: bool) -> list[str]:
    lines = [first] if first else []
    lines += [each.sentence(is_dry=is_dry) for each in found]
    return [*lines, f"{len(found)} rows of the history {'would change' if is_dry else 'changed'}."]
