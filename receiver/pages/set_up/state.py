"""How far the set-up is. That follows from what is true: a server is asked, it was heard, somebody is recorded.

What was before is done once something is imported, or whoever sets it up has finished without.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec
from litestar.response import Template

from receiver import first_start
from receiver.house import House
from receiver.pages.rendering import AnyRequest, page
from reconcile.store import imports, servers, tokens
from reconcile.store.servers import Server


class Step(StrEnum):
    """The steps, in their order."""

    CONNECT = "connect"
    HEAR = "hear"
    PEOPLE = "people"
    HISTORY = "history"


TITLES = {
    Step.CONNECT: "Connect",
    Step.HEAR: "Hear",
    Step.PEOPLE: "People",
    Step.HISTORY: "History",
}


class Progress(msgspec.Struct, frozen=True):
    """How far it is. *servers* are all that are known; *unheard* those of them that nothing makes heard yet."""

    servers: tuple[Server, ...]
    is_connected: bool
    unheard: tuple[str, ...]
    is_recorded: bool
    is_imported: bool
    is_finished: bool

    def is_done(self, step: Step) -> bool:
        """Say whether a step needs nothing more."""
        return {
            Step.CONNECT: self.is_connected,
            Step.HEAR: bool(self.servers) and not self.unheard,
            Step.PEOPLE: self.is_recorded,
            Step.HISTORY: self.is_finished or self.is_imported,
        }[step]

    @property
    def next_step(self) -> Step | None:
        """The first step that needs something, None if none does."""
        return next((step for step in Step if not self.is_done(step)), None)


async def progress_of(house: House) -> Progress:
    """Return how far the set-up is. Raises StoreAway."""
    async with house.store.read() as db:
        known = tuple(await servers.all_of_them(db))
        bound = {each for each in (await tokens.webhook_tokens(db)).values() if each is not None}
        polled = await first_start.polled_only(db)
        is_imported = await imports.is_anything_applied(db)
        is_finished = await first_start.is_finished(db)
    heard = bound | polled | house.hearing.servers.keys()
    now = house.clock()
    return Progress(
        servers=known,
        is_connected=bool(house.wires.each),
        unheard=tuple(each.id for each in known if each.id not in heard),
        is_recorded=house.settings.auto_link or any(house.people.recorded_of(each.id, now) for each in known),
        is_imported=is_imported,
        is_finished=is_finished,
    )


async def shown(
    request: AnyRequest, house: House, step: Step, name: str, *, status: int = 200, **context: object
) -> Template:
    """Return the page *name* of a step, below the list of all."""
    progress = await progress_of(house)
    steps = [(each, TITLES[each], progress.is_done(each)) for each in Step]
    return page(request, house, name, status=status, step=step, steps=steps, progress=progress, **context)
