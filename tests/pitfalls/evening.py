"""One hand-written evening at the simulated Jellyfin, heard in one of four ways, with what goes wrong on our side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from random import Random

import msgspec
from msgspec.structs import replace

from receiver.rehearsal.library import DEVICES, USERS, Device, Item, User, library
from receiver.rehearsal.recording import Delivery, Recording, record
from receiver.rehearsal.script import Script
from receiver.rehearsal.steps import Programme, Step
from reconcile.playback.rules import Rules
from tests.pitfalls.ledger import Ledger, read_ledger
from tests.pitfalls.program import Glance, Program

EIGHT_PM = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
MINUTE, HOUR = 60.0, 3600.0

FILM, OTHER_FILM = (replace(film, runtime=6000.0) for film in library().films[:2])
EPISODE, NEXT_EPISODE, THIRD_EPISODE = (replace(each, runtime=1440.0) for each in library().episodes[0][:3])
BROWSER = DEVICES[0]
TELEVISION = replace(DEVICES[1], interval=10.0)
PHONE = DEVICES[2]
VIEWER, GUEST, STRANGER = USERS[:3]

LEAD = 120.0
"""Seconds before eight at which somebody begins to look."""

STRIDE = timedelta(minutes=3)
"""How much of an evening is taken into one transaction or two."""

QUIET = 12
"""How many looks before and after anything plays are kept; the rest of a night says nothing."""


class Way(StrEnum):
    """How the evening is heard."""

    WEBHOOK = "webhook only"
    POLL = "poll only"
    BOTH = "both"
    SHUFFLED = "both, shuffled and doubled"

    @property
    def has_webhooks(self) -> bool:
        return self is not Way.POLL

    @property
    def has_polls(self) -> bool:
        return self is not Way.WEBHOOK


class Absence(msgspec.Struct, frozen=True):
    """Our service is away from one second after eight to another: killed, stopped in good order, or only deaf."""

    since: float
    until: float
    how: str


Heard = tuple[datetime, Delivery | Glance]
Mend = Callable[[bytes], bytes]


class Evening:
    """What is played, what goes wrong, and what the ledger at *url* says afterwards. Seconds count from eight."""

    def __init__(self, url: str, way: Way) -> None:
        self.url = url
        self.way = way
        self.every = 10.0
        self.clock_offset = 0.0
        self.server = "10.11.8"
        self.began = EIGHT_PM
        self.zone: tzinfo = UTC
        self.rules = Rules()
        self.linked: tuple[User, ...] | None = None
        self.flood = False
        self.stride = STRIDE
        self.refuses_at: float | None = None
        self.absences: list[Absence] = []
        self.body: Mend = bytes
        self.look: Callable[[float, bytes | None], bytes | None] = lambda _second, body: body
        self.deliver: Callable[[list[Delivery]], Iterable[Delivery]] = lambda deliveries: deliveries
        self._programmes: list[Programme] = []

    # *refuses_at* is when the database refuses its next two writes, *stride* how much is taken into one transaction.

    # --- what is played, and what goes wrong ------------------------------------------------------------------------

    def play(self, *steps: Step, on: Device = BROWSER, by: User = VIEWER, at: float = 0.0) -> None:
        """Let *by* do *steps* at the player *on*, from *at* seconds after eight."""
        self._programmes.append(Programme(on, by, LEAD + at, steps))

    def deaf(self, since: float, until: float) -> None:
        """Hear nothing for a while, though the program runs: the network is gone."""
        self.absences.append(Absence(since, until, "deaf"))

    def killed(self, since: float, until: float) -> None:
        """Let the power be cut, and the program come back."""
        self.absences.append(Absence(since, until, "killed"))

    def redeployed(self, since: float, until: float) -> None:
        """Stop the program in good order, and start it anew."""
        self.absences.append(Absence(since, until, "redeployed"))

    def at(self, second: float) -> datetime:
        """Return the instant *second* seconds after eight, on the server's clock."""
        return self.began + timedelta(seconds=second)

    @property
    def tolerance(self) -> float:
        """By how many seconds the watched time may be off (facts/peers.md §3)."""
        return 5.0 if self.way.has_webhooks else 1.25 * self.every

    # --- what comes of it -------------------------------------------------------------------------------------------

    async def ledger(self) -> Ledger:
        """Play it all, hear it in the evening's way, let the night pass, and return what was kept."""
        program = await self.perform()
        try:
            return await read_ledger(program.store)
        finally:
            await program.close()

    async def perform(self) -> Program:
        """Play it all and hear it, and return the program as it stands the next morning; whoever asks closes it."""
        program = await self.program(self.recording())
        await self.run(program)
        return program

    async def program(self, recording: Recording) -> Program:
        """Start a program that will hear *recording*."""
        program = Program(self.url, recording, self.rules, self.zone, auto_link=self.linked is None)
        await program.start(self.linked or ())
        return program

    async def run(self, program: Program) -> None:
        """Let *program* hear the evening, and let the night pass."""
        recording = program.recording
        await self._run(program, self._heard(recording))
        await program.sleep_until(recording.our_time(recording.until))
        await program.tend()

    def recording(self) -> Recording:
        """Return what the simulated server and its plugin made of it."""
        began = self.began - timedelta(seconds=LEAD)
        script = Script(1, began, tuple(self._programmes), self.server, self.clock_offset)
        return record(script, flood=self.flood)

    def deliveries(self, recording: Recording) -> list[Delivery]:
        """Return what the plugin delivers, as `deliver` and `body` change it."""
        told = [replace(each, body=self.body(each.body)) for each in recording.deliveries]
        return sorted(self.deliver(told), key=lambda each: each.arrives_at)

    def _heard(self, recording: Recording) -> list[Heard]:
        found: list[Heard] = []
        if self.way.has_webhooks:
            found += [(each.arrives_at, each) for each in self.deliveries(recording)]
        if self.way.has_polls:
            found += [(recording.our_time(glance.at), glance) for glance in self._glances(recording)]
        found = [(at, what) for at, what in found if not self._is_away(recording, at)]
        if self.way is Way.SHUFFLED:
            found = list(_shuffled(found))
        return sorted(found, key=lambda each: each[0])

    def _glances(self, recording: Recording) -> Iterator[Glance]:
        looks = [
            Glance(at, self.body(body))
            for at, told in recording.looks(self.every, 0.25, seed=3)
            if (body := self.look((at - self.began).total_seconds(), told)) is not None
        ]
        busy = {number for number, look in enumerate(looks) if b'"NowPlayingItem"' in look.body}
        near = {other for number in busy for other in range(number - QUIET, number + QUIET + 1)}
        return (look for number, look in enumerate(looks) if number in near)

    def _is_away(self, recording: Recording, at: datetime) -> bool:
        second = (at - recording.our_time(self.began)).total_seconds()
        return any(absence.since <= second < absence.until for absence in self.absences)

    async def _run(self, program: Program, heard: Sequence[Heard]) -> None:
        ours = program.recording.our_time(self.began)
        cuts = sorted(self.absences, key=lambda absence: absence.since)
        start = 0
        for absence in cuts:
            since = ours + timedelta(seconds=absence.since)
            until = ours + timedelta(seconds=absence.until)
            end = next((n for n in range(start, len(heard)) if heard[n][0] >= since), len(heard))
            await self._take(program, heard[start:end])
            start = end
            if absence.how == "deaf":
                await program.sleep_until(since)
            else:
                await program.restart(until, in_order=absence.how == "redeployed")
        await self._take(program, heard[start:])

    async def _take(self, program: Program, heard: Sequence[Heard]) -> None:
        start = 0
        while start < len(heard):
            until = heard[start][0] + self.stride
            end = next((n for n in range(start, len(heard)) if heard[n][0] > until), len(heard))
            await program.sleep_until(heard[start][0])
            program.now = max(program.now, heard[end - 1][0])
            if self.refuses_at is not None and program.now >= program.recording.our_time(self.at(self.refuses_at)):
                self.refuses_at, program.store.refusals = None, 2
            await program.hear([what for _at, what in heard[start:end]])
            start = end


def _shuffled(heard: Sequence[Heard]) -> Iterator[Heard]:
    """Yield everything twice, in whatever order: up to five minutes late, some deliveries up to an hour."""
    random = Random(7)
    for at, what in heard:
        for _ in range(2):
            is_late = isinstance(what, Delivery) and random.random() < 0.02
            yield at + timedelta(seconds=random.uniform(0.0, 3600.0 if is_late else 300.0)), what


def retyped(item: Item, name: str) -> Mend:
    """Return what makes every body call *item* a *name* instead of a film or an episode."""
    told = item.id.encode()

    def mend(body: bytes) -> bytes:
        if told not in body:
            return body
        for key in (b"ItemType", b"Type"):
            for type_name in (b"Movie", b"Episode"):
                body = body.replace(b'"%s":"%s"' % (key, type_name), b'"%s":"%s"' % (key, name.encode()))
        return body

    return mend
