"""What viewers do of an evening: generated programmes, ordinary ones and those with everything that goes wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from msgspec.structs import replace

from receiver.rehearsal.dice import chance, dice
from receiver.rehearsal.library import DEVICES, USERS, Device, Item, User, library
from receiver.rehearsal.mishaps import NO_MISHAPS, ODDS, Mishaps
from receiver.rehearsal.script import Script
from receiver.rehearsal.steps import Close, Join, Leave, Open, Programme, SignIn, Step, Wait
from receiver.rehearsal.viewing import after_the_end, near_old_position, viewing, zap

FIRST_EVENING = datetime(2024, 1, 1, 18, 0, tzinfo=UTC)
EVENINGS = 700
"""Evenings are dated one a day from the first one on, and after so many begin again."""


def evening(seed: int, faults: bool) -> Script:  # noqa: FBT001 - the one question about an evening
    """Return the evening of *seed*: 1 to 4 viewings; with *faults* also what goes wrong, each by its odds."""
    random = dice(seed * 2 + faults)
    mishaps = Mishaps(random, ODDS if faults else NO_MISHAPS)
    household = _Household(random, mishaps)
    household.spend(_how_many(random))
    drift = random.uniform(-420.0, 420.0) if mishaps.happens("clock ahead or behind") else random.uniform(-1.0, 1.0)
    return Script(
        seed=seed,
        began=FIRST_EVENING + timedelta(days=seed % EVENINGS, seconds=random.randrange(7200)),
        programmes=tuple(household.programmes),
        server="12.0.0" if chance(random, 0.3) else "10.11.8",
        clock_offset=drift,
    )


def _how_many(random: Random) -> int:
    return random.choices((1, 2, 3, 4), weights=(36, 34, 20, 10))[0]


class _Household:
    """Writes the programmes of one evening."""

    def __init__(self, random: Random, mishaps: Mishaps) -> None:
        self.random, self.mishaps = random, mishaps
        self.programmes: list[Programme] = []
        self._devices = random.sample(DEVICES, len(DEVICES))
        self._seen: set[str] = set()
        self._series: tuple[Item, ...] = random.choice(library().episodes)[random.randrange(8) :]

    def spend(self, viewings: int) -> None:
        """Write an evening of so many viewings, sometimes shared between two players."""
        user = self.random.choice(USERS[:3])
        aside = sum(chance(self.random, 0.12) for _ in range(viewings - 1))
        self._programme(user, viewings - aside)
        if aside:
            other = user if chance(self.random, 0.5) else self.random.choice(USERS[:3])
            self._programme(other, aside)
        if self.mishaps.happens("two tabs"):
            self._other_tab(self.programmes[0])

        if self.mishaps.happens("two devices, one item"):
            self._elsewhere(self.programmes[0])

    def _programme(self, user: User, viewings: int) -> None:
        device = self._device()
        begins = self.random.uniform(30.0, 5400.0)
        steps: list[Step] = []
        while viewings > 0:
            shown = self._viewing(device, user, viewings)
            viewings -= shown[1]
            steps += [*shown[0], Wait(self.random.uniform(25.0, 1500.0))]
        self.programmes.append(Programme(device, user, begins, tuple(steps)))

    def _viewing(self, device: Device, user: User, room: int) -> tuple[list[Step], int]:
        """Return the steps of one viewing and how many of the evening's viewings it took."""
        random, mishaps = self.random, self.mishaps
        if chance(random, 0.08):
            return zap(self._item(), mishaps), 1
        item = self._item()
        steps, end = viewing(item, mishaps)
        taken = 1
        while room > taken and item.series and end.natural and chance(random, 0.6):
            item = self._after(item)
            steps = self._autoplay(steps)
            more, end = viewing(item, mishaps, begin=0.0)
            steps += more
            taken += 1
        steps += near_old_position(item, end, mishaps) if end.early else []
        if end.natural and room > taken and mishaps.happens("rewatch"):
            steps += after_the_end(item, mishaps)
            taken += 1
        if mishaps.happens("user switch"):
            steps += self._switch(steps, user)
        elif chance(random, 0.08):
            steps = self._together(steps, user, device)
        return steps, taken

    def _together(self, steps: list[Step], user: User, device: Device) -> list[Step]:
        """Let another user watch along: asked before the start, or (a mishap) in the middle of it."""
        if any(step.severs(device) for step in steps):
            return steps
        other = self.random.choice([someone for someone in USERS if someone != user])
        late = self.mishaps.happens("joined late")
        place = min(2, len(steps) - 1) if late else 0
        return [*steps[:place], Join(other), *steps[place:], Wait(1.0), Leave(other)]

    def _switch(self, steps: list[Step], user: User) -> list[Step]:
        """Hand the player to another user; where the Stop was never sent, the server goes on guessing for them."""
        other = self.random.choice([someone for someone in USERS if someone != user])
        if isinstance(steps[-1], Close) and chance(self.random, 0.5):
            steps[-1] = Close("nothing")
        away = self.random.uniform(0.5, 4.0) if chance(self.random, 0.5) else self.random.uniform(5, 300)
        more, _ = viewing(self._item(short=True), self.mishaps.none(), begin=0.0)
        return [Wait(away), SignIn(other), *more, Wait(self.random.uniform(20.0, 400.0)), SignIn(user)]

    def _autoplay(self, steps: list[Step]) -> list[Step]:
        """Let the next episode follow: Stop then Start; or in the wrong order, or without a Stop (facts F9 to F11)."""
        if not isinstance(steps[-1], Close):
            return [*steps, Wait(self.random.uniform(0.2, 2.5))]
        if self.mishaps.happens("autoplay without stop"):
            return [*steps[:-1], Close("nothing"), Wait(self.random.uniform(0.1, 2.5))]
        if self.mishaps.happens("autoplay reordered"):
            return [*steps[:-1], Close(late=self.random.uniform(0.8, 3.0)), Wait(self.random.uniform(0.1, 0.4))]
        return [*steps, Wait(self.random.uniform(0.2, 2.5))]

    def _other_tab(self, programme: Programme) -> None:
        begins = programme.begins + self.random.uniform(100.0, 1500.0)
        steps, _ = viewing(self._item(short=True), self.mishaps.none(), begin=0.0)
        self.programmes.append(Programme(programme.device, programme.user, begins, tuple(steps)))

    def _elsewhere(self, programme: Programme) -> None:
        """Let the same user play the same item on another device too, perhaps at the same time (facts F12)."""
        item = next(step.item for step in programme.steps if isinstance(step, Open))
        steps, _ = viewing(item, self.mishaps.none(), begin=0.0)
        begins = programme.begins + self.random.uniform(60.0, 9000.0)
        first = replace(steps[0], tags=("two devices, one item",)) if isinstance(steps[0], Open) else steps[0]
        self.programmes.append(Programme(self._device(), programme.user, begins, (first, *steps[1:])))

    def _device(self) -> Device:
        device = self._devices.pop()
        if self.mishaps.happens("seeks untold"):
            return replace(device, tells_seeks=False)
        return device

    def _item(self, *, short: bool = False) -> Item:
        """Return something that nobody has opened this evening."""
        books = library()
        kind = self.random.choices(("short", "series", "film"), (30, 70, 0) if short else (7, 43, 50))[0]
        pool = {"short": books.shorts, "series": self._series, "film": books.films}[kind]
        fresh = [item for item in pool if item.id not in self._seen]
        fresh = fresh or [item for item in books.films if item.id not in self._seen]
        return self._opened(fresh[0] if pool is self._series else self.random.choice(fresh))

    def _after(self, item: Item) -> Item:
        following = self._series[self._series.index(item) + 1 :] if item in self._series else ()
        return self._opened(next((i for i in following if i.id not in self._seen), None) or self._item())

    def _opened(self, item: Item) -> Item:
        self._seen.add(item.id)
        return item
