"""``/playbacks``: all of them, open ones, zaps and uncounted ones too; ``/{id}`` adds the evidence."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery, PathParameter, QueryParameter
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.api.history import Kind
from receiver.api.pages import (
    LARGEST_ID,
    USUAL,
    Cursor,
    From,
    Id,
    Limit,
    Page,
    To,
    chosen,
    instant_or_day,
    page_of,
    place_of,
    start_of,
)
from receiver.api.words import PlaybackWords, channel_words, playback_words
from receiver.house import House
from reconcile.playback.check_in import Key
from reconcile.playback.corrections import meant
from reconcile.store import corrections
from reconcile.store.history import Row, Wanted, line_of, one_playback, playbacks

Open = Annotated[
    bool | None, QueryParameter(name="open", description="Those that go on (true), or those that have ended (false).")
]


class CheckInWords(msgspec.Struct, frozen=True):
    """What a client reported at one instant, and until when it was still being shown.

    *left_by*: a look of the session says that the player had been left by then.
    """

    at: datetime
    kind: str
    position_seconds: float | None
    reported: bool
    sighted_until: datetime
    channels: list[str]
    left_by: datetime | None


class PlaybackEvidence(PlaybackWords, frozen=True):
    """A playback with what proves it: parts of the item as [from, to] in seconds, and the line of check-ins.

    *corrections* are the ids of those that hold of it.
    """

    covered: list[list[float]]
    skipped: list[list[float]]
    check_ins: list[CheckInWords]
    corrections: list[int]


@get("/playbacks", tags=["history"])
async def playback_list(  # noqa: PLR0913 - as many as there are filters
    house: NamedDependency[House],
    *,
    account: Id = None,
    media: Id = None,
    kind: Kind = None,
    completed: FromQuery[bool | None] = None,
    open_: Open = None,
    from_: From = None,
    to: To = None,
    limit: Limit = USUAL,
    cursor: Cursor = None,
) -> Page[PlaybackWords]:
    """Return playbacks by their start, newest first. Days are UTC's."""
    wanted = Wanted(
        account=account,
        media=media,
        kind=chosen("kind", kind, "movie", "episode"),
        completed=completed,
        open=open_,
        since=start_of(instant_or_day("from", from_)),
        until=start_of(instant_or_day("to", to), is_last_day=True),
    )
    async with house.store.read() as db:
        rows = await playbacks(db, wanted, place_of(cursor), limit + 1)
    return page_of(rows, limit, lambda row: (row["started_at"], row["id"]), playback_words)


@get("/playbacks/{playback_id:int}", tags=["history"])
async def one(
    house: NamedDependency[House], playback_id: Annotated[int, PathParameter(ge=1, le=LARGEST_ID)]
) -> PlaybackEvidence:
    """Return a playback with the check-ins that prove it."""
    async with house.store.read() as db:
        row = await one_playback(db, playback_id)
        line = [] if row is None else await line_of(db, row)
        said = [] if row is None else await _corrections(db, row)
    if row is None:
        raise NotFoundException(f"There is no playback {playback_id}.")
    check_ins = [
        CheckInWords(
            each["at"],
            each["kind"],
            each["position"],
            each["reported"],
            each["sighted_until"],
            channel_words(each["channels"]),
            each["left_by"],
        )
        for each in line
    ]
    words = msgspec.structs.asdict(playback_words(row))
    return PlaybackEvidence(
        **words, covered=row["covered"], skipped=row["skipped"], check_ins=check_ins, corrections=said
    )


async def _corrections(db: AsyncConnection, row: Row) -> list[int]:
    """Return the ids of the corrections that hold of a playback."""
    key = Key(row["server_id"], row["session_id"], row["user_id"], row["item_id"])
    said = (await corrections.of_keys(db, [key])).get(corrections.place_of(key), [])
    return [each.id for each in meant(said, key.session_id, row["first_at"], row["last_at"])]
