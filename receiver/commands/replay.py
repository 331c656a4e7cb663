"""``playledger replay``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from functools import partial
from typing import IO

import msgspec

from receiver.commands import world
from receiver.notification import read
from reconcile.bygones import Told, examples, kept, lines
from reconcile.replaying import Replayed
from reconcile.replaying import replay as replayed
from reconcile.store.engine import Transactions

OR_ELSE = "Or let it do that itself: POST /api/v1/replays."


class Source(msgspec.Struct, frozen=True):
    """Where deliveries come from: *file*, the rejected examples, or those that are kept."""

    file: IO[bytes] | None
    rejected: bool
    since: datetime | None
    until: datetime | None

    def told(self, store: Transactions) -> AsyncIterator[Told]:
        """Return them."""
        if self.file is not None:
            return lines(self.file)
        return examples(store) if self.rejected else kept(store, self.since, self.until)


def replay(source: Source, *, dry_run: bool, progress: Callable[[int], None]) -> Iterator[str]:
    """Replay what is in *source*, and yield what came of it in plain sentences."""
    done = asyncio.run(_replay(source, dry_run=dry_run, progress=progress))
    for refused in done.refused:
        yield f"{refused.place}: {refused.reason}"
    if done.refusals > len(done.refused):
        yield f"… and {done.refusals - len(done.refused)} more that were refused."
    for each in done.differences:
        yield each.sentence(is_dry=dry_run)
    yield summary(done)


async def _replay(source: Source, *, dry_run: bool, progress: Callable[[int], None]) -> Replayed:
    settings = await world.settings_of()
    async with world.ledger(settings, alone=True, or_else=OR_ELSE) as ledger:
        reading = partial(read, sole_server=ledger.sole_server, with_marks=settings.record_manual)
        found = source.told(ledger.store)
        return await replayed(
            ledger.store,
            ledger.people,
            found,
            world.now,
            reading,
            dry_run=dry_run,
            ahead=ledger.ahead,
            progress=progress,
        )


def summary(done: Replayed) -> str:
    """Return the last line: how much was read, and what became of it."""
    parts = [f"{done.recorded} {'would be new' if done.is_dry else 'new'}", f"{done.known} known before"]
    parts += [f"{count} ignored ({reason})" for reason, count in done.ignored.most_common()]
    if done.refusals:
        parts.append(f"{done.refusals} refused")
    if done.restored:
        could = "could be read" if done.is_dry else "read"
        parts.append(f"{done.restored} rejected examples {could} now")
    changed = len(done.differences)
    verb = "would change" if done.is_dry else "changed"
    return f"{done.read} deliveries: {', '.join(parts)}. {changed} rows of the history {verb}."
