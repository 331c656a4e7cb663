"""Evenings that the pages show: films and episodes that were watched, as the plugin tells of them."""

from __future__ import annotations

from datetime import datetime, timedelta

import httpx
import sqlalchemy as sa

from reconcile.store.tables import watch
from tests.receiver.houses import Anything, Program, notification
from tests.recordings.shapes import VIEWER

SECOND = 10_000_000


async def film(
    here: Program, start: datetime, *, title: str = "A Film", year: int = 1999, minutes: int = 100, **values: Anything
) -> None:
    """Have a film of 100 minutes watched for so many *minutes*."""
    item = f"{abs(hash(title)) % 16**12:012x}".rjust(32, "f") if "ItemId" not in values else values.pop("ItemId")
    told = {
        "ItemType": "Movie",
        "Name": title,
        "Year": year,
        "ItemId": item,
        "RunTimeTicks": 6000 * SECOND,
        "SeriesName": None,
        "SeriesId": None,
        "SeasonNumber": None,
        "EpisodeNumber": None,
        "Provider_tmdb": str(1000 + sum(map(ord, title))),
        "Provider_tvdb": None,
        "Provider_imdb": None,
    }
    await here.watch(start, minutes=minutes, **told, **values)


async def zap(here: Program, start: datetime, seconds: int = 40, **values: object) -> None:
    """Have the recorded episode begun, and left after some seconds."""
    for kind, after in (("PlaybackStart", 0), ("PlaybackStop", seconds)):
        answer = await here.send(notification(kind, start + timedelta(seconds=after), after, **values))
        assert answer.status_code == 202, answer.text


async def told_by(here: Program, channels: int, *watches: int) -> None:
    """Have the rows numbered *watches* be told by other channels, as a mask."""
    async with here.house.store.begin() as db:
        await db.execute(sa.update(watch).where(watch.c.id.in_(watches)).values(channels=channels))


async def rows(here: Program, user: str = VIEWER) -> list[dict[str, Anything]]:
    """Return the history of a user, newest first, as the API tells it."""
    playbacks = (await here.get("/playbacks", limit=500))["items"]
    mine = {each["account_id"] for each in playbacks if each["user_id"] == user}
    return [row for row in (await here.get("/history", limit=500))["items"] if row["account"]["id"] in mine]


def titles_of(page: httpx.Response) -> list[str]:
    """Return the titles of the rows of a page, in order."""
    assert page.status_code == 200, page.text
    parts = page.text.split('<li class="hist-entry"')[1:]
    return [part.split("<h3>")[1].split(">", 1)[1].split("<")[0] for part in parts]
