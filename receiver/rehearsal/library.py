"""What the simulated household owns: films, series, shorts, people and players. All invented."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from random import Random

import msgspec

from receiver.rehearsal.dice import dice
from reconcile.playback.identity import session_id

MINUTE = 60.0


def invented_id(name: str) -> str:
    """Return 32 hexadecimal digits that always belong to *name*."""
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


SERVER_ID = invented_id("a household server")
SERVER_NAME = 'The "Attic"'


class User(msgspec.Struct, frozen=True, cache_hash=True):
    """A Jellyfin user."""

    id: str
    name: str


class Device(msgspec.Struct, frozen=True, cache_hash=True):
    """One client app on one device, and its habits.

    *interval* is the time between two timed reports in seconds; *socket* says whether the app holds a WebSocket open
    (when the last one closes, the session vanishes: facts B1); *tells_seeks* whether a seek is reported at once.
    """

    client: str
    device_id: str
    name: str
    interval: float = 10.0
    socket: bool = True
    tells_seeks: bool = True

    @property
    def session_id(self) -> str:
        """The id that Jellyfin computes for it (facts B2)."""
        return _session_id(self)


@lru_cache(maxsize=1024)
def _session_id(device: Device) -> str:
    return session_id(device.client, device.device_id)


class Series(msgspec.Struct, frozen=True, cache_hash=True):
    """A series, with its own public ids: never those of its episodes (facts B8)."""

    id: str
    name: str
    year: int
    providers: tuple[tuple[str, str], ...]


class Item(msgspec.Struct, frozen=True, cache_hash=True):
    """A film or an episode. *runtime* is its true length in seconds, which the server may not know."""

    id: str
    name: str
    runtime: float
    year: int
    providers: tuple[tuple[str, str], ...]
    series: Series | None = None
    season: int | None = None
    episode: int | None = None
    runtime_known: bool = True

    @property
    def known_runtime(self) -> float | None:
        """The runtime that the server tells, in seconds; None when it does not know it."""
        return self.runtime if self.runtime_known else None


class Library(msgspec.Struct, frozen=True):
    """All items of the household: *episodes* holds one tuple per series, in order."""

    films: tuple[Item, ...]
    shorts: tuple[Item, ...]
    episodes: tuple[tuple[Item, ...], ...]

    @property
    def items(self) -> tuple[Item, ...]:
        """Every film, short and episode."""
        return (*self.films, *self.shorts, *(item for series in self.episodes for item in series))


USERS = tuple(User(invented_id(f"viewer-{number}"), f"viewer-{number}") for number in range(1, 5))

DEVICES = (
    Device("Jellyfin Web", "browser-1", "Firefox"),
    Device("Jellyfin Android TV", "television-1", "Living Room TV", interval=20.0),
    Device("Jellyfin Android", "phone-1", "A phone", interval=10.0),
    Device("Jellyfin Roku", "stick-1", 'The viewer\'s "stick"', interval=30.0, socket=False),
    Device("Jellyfin Web", "laptop-1", "Chrome"),
    Device("Swiftfin iOS", "tablet-1", "Tablet", interval=12.0, socket=False),
)

BYSTANDERS = (
    Device("Jellyfin Media Player", "desk-1", "An old desk computer"),
    Device("Dashboard", SERVER_ID, "Dashboard", socket=False),
)
"""Players that once opened the app and are still listed, playing nothing (facts B1)."""


@lru_cache(maxsize=1)
def library() -> Library:
    """Return the household's library, always the same one."""
    random = dice(20260302)
    films = tuple(_film(number, random) for number in range(1, 61))
    shorts = tuple(
        Item(invented_id(f"short {n}"), f"A Short {n}", round(random.uniform(95, 900), 3), 2015, _ids(f"short {n}"))
        for n in range(1, 11)
    )
    return Library(films, shorts, tuple(_episodes(number, random) for number in range(1, 9)))


def _film(number: int, random: Random) -> Item:
    name = {7: 'A Film "7" & <more>', 13: "Le Film d'été 13"}.get(number, f"A Film {number}")
    runtime = round(random.uniform(80, 150) * MINUTE, 3)
    return Item(invented_id(f"film {number}"), name, runtime, 1960 + number, _ids(f"film {number}"))


def _episodes(number: int, random: Random) -> tuple[Item, ...]:
    name = "A Series" if number == 1 else f"A Series {number}"
    series = Series(invented_id(name), name, 2000 + number, _ids(name))
    usual = random.uniform(21, 58) * MINUTE
    return tuple(
        Item(
            id=invented_id(f"{name} {count}"),
            name=f"Episode {count}",
            runtime=round(min(60.0 * MINUTE, max(20.0 * MINUTE, usual * random.uniform(0.93, 1.07))), 3),
            year=2000 + number,
            providers=_ids(f"{name} {count}"),
            series=series,
            season=1 + (count - 1) // 8,
            episode=1 + (count - 1) % 8,
        )
        for count in range(1, 17)
    )


def _ids(name: str) -> tuple[tuple[str, str], ...]:
    number = int(invented_id(name)[:7], 16)
    return (
        ("Tmdb", str(number % 900_000 + 1000)),
        ("Imdb", f"tt{number % 9_000_000 + 1_000_000}"),
        ("Tvdb", str(number % 800_000 + 2000)),
    )
