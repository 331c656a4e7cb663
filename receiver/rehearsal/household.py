"""The household of the demonstration: short films, watched all day long, so that one completes every minute or two."""

from __future__ import annotations

from datetime import datetime
from random import Random

from msgspec.structs import replace

from receiver.rehearsal.dice import dice
from receiver.rehearsal.library import DEVICES, USERS, Device, Item, Library, User, library
from receiver.rehearsal.script import Script
from receiver.rehearsal.steps import Close, Crash, Join, Leave, Open, Pause, Play, PlayTo, Programme, Seek, Step, Wait

DAY = 86400.0
SHORTEST, LONGEST = 40.0, 100.0
"""How long an item of the demonstration is, in seconds: half of it is the minimum that counts (DESIGN §6)."""


def household(began: datetime, seed: int = 1) -> Script:
    """Return a day of what a household plays from *began* on. The first play begins within three seconds."""
    random = dice(seed)
    books = short_library()
    alone = _programme(books, DEVICES[0], USERS[0], 2.0, random)
    first: tuple[Step, ...] = (Open(books.films[0]), PlayTo(books.films[0].runtime), Close(), Wait(4.0))
    return Script(
        seed=seed,
        began=began,
        programmes=(
            replace(alone, steps=(*first, *alone.steps)),
            _programme(books, DEVICES[1], USERS[1], 8.0, random, guest=USERS[2]),
            _programme(books, DEVICES[2], USERS[2], 15.0, random),
        ),
    )


def short_library() -> Library:
    """Return the household's library with every item cut down to a minute or so; the ids stay as they are."""
    books = library()
    return Library(
        films=tuple(_cut(film) for film in books.films),
        shorts=tuple(_cut(short) for short in books.shorts),
        episodes=tuple(tuple(_cut(episode) for episode in series) for series in books.episodes),
    )


def _cut(item: Item) -> Item:
    share = (item.runtime % 1000.0) / 1000.0
    return replace(item, runtime=round(SHORTEST + share * (LONGEST - SHORTEST), 3))


def _programme(
    books: Library, device: Device, user: User, begins: float, random: Random, guest: User | None = None
) -> Programme:
    """Return a day at one player: films, and series of which one episode follows the other."""
    steps: list[Step] = [] if guest is None else [Join(guest)]
    lasted = 0.0
    while lasted < DAY:
        for item in _next_items(books, random):
            steps += [*_watched(item, random), Wait(random.uniform(0.5, 2.0))]
            lasted += item.runtime
        away = random.uniform(3.0, 25.0)
        steps.append(Wait(away))
        lasted += away
    return Programme(device, user, begins, (*steps, *([] if guest is None else [Leave(guest)])))


def _next_items(books: Library, random: Random) -> tuple[Item, ...]:
    if random.randrange(2):
        return (random.choice(books.films),)
    series = random.choice(books.episodes)
    first = random.randrange(len(series) - 2)
    return series[first : first + random.randint(1, 3)]


def _watched(item: Item, random: Random) -> list[Step]:
    """Return one of the ways in which an item is watched."""
    middle = item.runtime * random.uniform(0.3, 0.6)
    ways: list[list[Step]] = [
        [PlayTo(item.runtime), Close()],
        [PlayTo(0.93 * item.runtime), Close()],
        [PlayTo(middle), Pause(random.uniform(3.0, 12.0)), PlayTo(item.runtime), Close()],
        [PlayTo(middle), Seek(-10.0), PlayTo(0.95 * item.runtime), Close()],
        [PlayTo(middle), Close()],
        [Play(random.uniform(2.0, 6.0)), Close()],
        [PlayTo(middle), Crash()],
    ]
    return [Open(item), *random.choices(ways, weights=(8, 6, 4, 3, 2, 2, 1))[0]]
