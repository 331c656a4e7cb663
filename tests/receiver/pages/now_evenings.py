"""Evenings as the live page sees them: who plays what, in what the plugin sends."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.receiver.houses import NINE_PM, Program, notification
from tests.recordings.shapes import GUEST

NOW = NINE_PM
"""When somebody looks at the page."""

FILM: dict[str, object] = {
    "ItemType": "Movie",
    "ItemId": "e1" * 16,
    "Name": "Nosferatu",
    "Year": 1922,
    "RunTimeTicks": 94 * 60 * 10_000_000,
    "SeriesName": None,
    "SeriesId": None,
    "SeasonNumber": None,
    "EpisodeNumber": None,
    "Provider_tvdb": None,
    "Provider_imdb": "tt0013442",
}
OF_GUEST: dict[str, object] = {
    "UserId": GUEST,
    "NotificationUsername": "guest",
    "Id": "ab" * 16,
    "DeviceId": "tv",
    "DeviceName": "Living room",
    "ClientName": "Android TV",
    "Client": "Android TV",
}
EPISODE: dict[str, object] = {
    "ItemId": "e2" * 16,
    "Name": "The Storm",
    "EpisodeNumber": 3,
    "EpisodeNumber00": "03",
}
AWAY = {"JELLYFIN_URL": "http://127.0.0.1:9", "JELLYFIN_API_KEY": "k" * 32}
"""A Jellyfin that does not answer."""


async def play(here: Program, minutes: float, until: datetime = NOW, /, **values: object) -> None:
    """Have the recorded episode, or what *values* say, played from its beginning until then; it goes on."""
    start = until - timedelta(minutes=minutes)
    told = [*range(0, round(minutes * 60), 60), round(minutes * 60)]
    for seconds in told:
        kind = "PlaybackStart" if seconds == 0 else "PlaybackProgress"
        answer = await here.send(notification(kind, start + timedelta(seconds=seconds), seconds, **values))
        assert answer.status_code == 202, answer.text


async def pause(here: Program, position: float, at: datetime, until: datetime = NOW, /, **values: object) -> None:
    """Have it paused *at* that instant, and said once a minute until then that it still is."""
    while at <= until:
        answer = await here.send(notification("PlaybackProgress", at, position, IsPaused=True, **values))
        assert answer.status_code == 202, answer.text
        at += timedelta(seconds=60)


async def stop(here: Program, position: float, at: datetime = NOW, /, **values: object) -> None:
    """Have it stopped."""
    answer = await here.send(notification("PlaybackStop", at, position, **values))
    assert answer.status_code == 202, answer.text
