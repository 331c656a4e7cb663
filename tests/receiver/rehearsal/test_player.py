"""A player asks more of the server than it reports: looking around after a Stop moves the session's last activity."""

from __future__ import annotations

import pytest

from receiver.rehearsal.dice import dice
from receiver.rehearsal.library import DEVICES, USERS, library
from receiver.rehearsal.player import LINGERING, Call, Player
from receiver.rehearsal.steps import Close, Open, Play, Wait

WEB, VIEWER = DEVICES[0], USERS[0]
FILM, OTHER = library().films[:2]
LONGEST = max(most for _odds, _least, most in LINGERING)


def played(*steps: Open | Play | Wait | Close, began: float) -> list[Call]:
    player = Player(0, WEB, VIEWER, began, dice(1))
    for step in steps:
        step.perform(player)
    player.finish()
    return player.calls


def test_some_look_around_after_a_stop_for_a_while() -> None:
    evenings = [played(Open(FILM), Play(60.0), Close(), began=float(began)) for began in range(200)]
    after = [[each.at - 60.0 - began for each in calls if each.what == "touch"] for began, calls in enumerate(evenings)]

    assert all(0 < moment <= LONGEST for moments in after for moment in moments)
    assert sum(map(bool, after)) == pytest.approx(200 * (1 - 0.7 * 0.8), abs=25)


def test_what_follows_ends_the_looking_around() -> None:
    for began in range(50):
        calls = played(Open(FILM), Play(60.0), Close(), Wait(1.0), Open(OTHER), Play(90.0), began=float(began))
        (start,) = (each.at for each in calls if each.what == "start" and each.item == OTHER)
        assert not [each for each in calls if each.what == "touch" and each.at >= start]


def test_whoever_says_nothing_of_the_end_asks_nothing_either() -> None:
    for began in range(50):
        calls = played(Open(FILM), Play(60.0), Close("nothing"), began=float(began))
        assert not [each for each in calls if each.what == "touch"]
