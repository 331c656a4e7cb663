"""One evening after another before the same simulated server, for as long as somebody looks."""

from __future__ import annotations

from datetime import datetime

from receiver.rehearsal.face import Face
from receiver.rehearsal.library import DEVICES, USERS, library
from receiver.rehearsal.performance import Performance
from receiver.rehearsal.script import Script
from receiver.rehearsal.steps import Close, Open, Pause, Play, PlayTo, Programme, Wait

BETWEEN = 60.0
"""Seconds on the server's clock from the last stop of an evening to the next evening."""


def evening(began: datetime, number: int = 0) -> Script:
    """Return what is played on evening *number*, counted from 0: two episodes to their ends, and a film.

    The film is left halfway on every other evening. Each time another two watch, and nothing is seen twice before all
    series have been seen to their ends: whoever follows a series sees its episodes in order.
    """
    books = library()
    series = books.episodes[number % len(books.episodes)]
    first = number // len(books.episodes) * 2 % len(series)
    earlier, later = series[first], series[first + 1]
    film = books.films[number % len(books.films)]
    television = Programme(
        DEVICES[1],
        USERS[number % len(USERS)],
        20.0,
        (
            Open(earlier),
            Play(earlier.runtime / 2),
            Pause(240.0),
            PlayTo(earlier.runtime - 30.0),
            Close(),
            Wait(30.0),
            Open(later),
            PlayTo(later.runtime * 0.93),
            Close(),
        ),
    )
    left_at = film.runtime / 2 if number % 2 == 0 else film.runtime * 0.96
    phone = Programme(DEVICES[2], USERS[(number + 1) % len(USERS)], 300.0, (Open(film), Play(left_at), Close()))
    return Script(number + 1, began, (television, phone))


class Season:
    """The evenings that *face* shows. Of those that are over nothing is kept but what was sent of them."""

    def __init__(self, face: Face) -> None:
        """Go on from the performance that *face* shows, the first evening's."""
        self.number = 0
        self._face = face

    @property
    def performance(self) -> Performance:
        """The evening that is on."""
        return self._face.performance

    def is_over(self, now: datetime, after: float = BETWEEN) -> bool:
        """Say whether so many seconds have gone by since the last stop of the evening; *now* is the server's time."""
        last = max(player.now for player in self.performance.players)
        return self.performance.clock.seconds(now) > last + after

    def go_on(self, now: datetime) -> None:
        """Begin the next evening *now*; what is left of the last one has been heard."""
        self.number += 1
        flood = self.performance.server.flood
        self._face.performance = Performance(evening(now, self.number), flood=flood)
