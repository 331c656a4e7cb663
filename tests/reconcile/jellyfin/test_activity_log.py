"""The activity log tells when each user began to watch something."""

from __future__ import annotations

from datetime import timedelta

import pytest

from receiver.rehearsal.kept import Entry
from receiver.rehearsal.library import DEVICES, USERS
from reconcile.errors import JellyfinRefused
from reconcile.jellyfin.activity_log import starts
from reconcile.jellyfin.client import JellyfinClient
from tests.simulated import BEGAN, KEY, URL, Jellyfin, simulated

LONG_AGO = BEGAN - timedelta(days=30)


def client(jellyfin: Jellyfin, key: str = KEY) -> JellyfinClient:
    return JellyfinClient(URL, key, jellyfin.http, jellyfin.watch)


def play(jellyfin: Jellyfin, user: int, days: int) -> None:
    film = jellyfin.face.library.films[0]
    jellyfin.face.kept.play(USERS[user], film, BEGAN - timedelta(days=days), 3600, DEVICES[0])


async def test_each_users_starts_come_in_order_and_nothing_else() -> None:
    async with simulated() as jellyfin:
        for user, days in ((0, 1), (0, 3), (1, 2), (0, 40)):
            play(jellyfin, user, days)
        jellyfin.face.kept.entries.append(Entry(99, "AuthenticationSucceeded", "signed in", USERS[2].id, BEGAN))
        jellyfin.face.kept.entries.append(Entry(100, "VideoPlayback", "somebody", None, BEGAN))

        told = await starts(client(jellyfin), LONG_AGO, page=2)

    assert told == {
        USERS[0].id: [BEGAN - timedelta(days=3), BEGAN - timedelta(days=1)],
        USERS[1].id: [BEGAN - timedelta(days=2)],
    }


async def test_no_more_pages_are_asked_for_than_allowed() -> None:
    async with simulated() as jellyfin:
        for days in range(1, 20):
            play(jellyfin, 0, days)

        told = await starts(client(jellyfin), LONG_AGO, page=4, pages=2)

        assert jellyfin.face.requests["/System/ActivityLog/Entries"] == 2
    assert len(told[USERS[0].id]) == 4


async def test_an_entry_that_is_given_twice_counts_once() -> None:
    async with simulated() as jellyfin:
        play(jellyfin, 0, 1)
        jellyfin.face.kept.entries *= 2

        assert len((await starts(client(jellyfin), LONG_AGO))[USERS[0].id]) == 1


async def test_who_is_no_administrator_may_not_ask() -> None:
    async with simulated() as jellyfin:
        jellyfin.face.porter.signed_in["0123456789abcdef"] = USERS[1]

        with pytest.raises(JellyfinRefused):
            await starts(client(jellyfin, "0123456789abcdef"), LONG_AGO)


async def test_an_empty_log_tells_of_nobody() -> None:
    async with simulated() as jellyfin:
        assert await starts(client(jellyfin), LONG_AGO) == {}
