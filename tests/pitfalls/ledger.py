"""What the ledger says, as the tests want to read it."""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa

from receiver.rehearsal.library import Item, User
from reconcile.playback.check_in import Channel
from reconcile.store.channels import channels_of
from reconcile.store.engine import Transactions
from reconcile.store.tables import account, delivery, media, playback, playback_key, watch, watch_playback


class Played(msgspec.Struct, frozen=True):
    """One playback. *watched*, *reached* and *covered* are seconds."""

    number: int
    user_id: str
    session_id: str
    item_id: str
    started_at: datetime
    ended_at: datetime
    ended_by: str | None
    watched: float
    reached: float
    covered: float
    completed: bool
    verdict: str
    sentence: str
    server_completed: bool | None
    channels: frozenset[Channel]


class Row(msgspec.Struct, frozen=True):
    """One row of the history."""

    who: str
    kind: str
    title: str
    media_id: int
    unit: str
    day: str
    watched_at: datetime
    completed: bool
    plays: int
    watched: float
    percent: float
    playbacks: tuple[int, ...]


class Ledger(msgspec.Struct, frozen=True):
    """All playbacks, by their beginnings, all rows, by their instants, and how many deliveries were kept."""

    playbacks: tuple[Played, ...]
    watches: tuple[Row, ...]
    deliveries: int

    def of(self, user: User | None = None, item: Item | None = None) -> tuple[Played, ...]:
        """Return the playbacks of *user*, of *item*, or of both."""
        return tuple(
            each
            for each in self.playbacks
            if (user is None or each.user_id == user.id) and (item is None or each.item_id == item.id)
        )

    def rows_of(self, user: User) -> tuple[Row, ...]:
        """Return the history of the account that was made for *user*."""
        return tuple(row for row in self.watches if row.who == user.name)

    @property
    def watched(self) -> float:
        """All watched seconds."""
        return sum(each.watched for each in self.playbacks)


async def read_ledger(store: Transactions) -> Ledger:
    """Read everything that was kept."""
    p, k, w, m = playback.c, playback_key.c, watch.c, media.c
    played = sa.select(playback, k.user_id, k.session_id, k.item_id).join(playback_key, k.id == p.key_id)
    rows = (
        sa.select(watch, account.c.name, m.kind, m.title.label("media_title"))
        .join(account, account.c.id == w.account_id)
        .join(media, m.id == w.media_id)
    )
    parts = sa.select(watch_playback.c.watch_id, watch_playback.c.playback_id).order_by(watch_playback.c.playback_id)
    async with store.read() as db:
        found = (await db.execute(played.order_by(p.started_at, p.id))).mappings().all()
        told: dict[int, list[int]] = {}
        for watch_id, number in await db.execute(parts):
            told.setdefault(watch_id, []).append(number)
        history = (await db.execute(rows.order_by(w.watched_at, w.unit, w.account_id))).mappings().all()
        kept = (await db.execute(sa.select(sa.func.count()).select_from(delivery))).scalar_one()
    return Ledger(tuple(_played(row) for row in found), tuple(_row(row, told) for row in history), kept)


def _played(row: sa.RowMapping) -> Played:
    covered = msgspec.convert(row["covered"], list[tuple[float, float]])
    told = {
        "number": row["id"],
        "watched": row["watched_seconds"],
        "reached": row["reached_seconds"],
        "covered": sum(end - start for start, end in covered),
        "channels": channels_of(msgspec.convert(row["channels"], int)),
    }
    return msgspec.convert(_plain(row) | told, Played)


def _row(row: sa.RowMapping, told: dict[int, list[int]]) -> Row:
    number = msgspec.convert(row["id"], int)
    found = {
        "who": row["name"],
        "title": row["media_title"],
        "watched": row["watched_seconds"],
        "playbacks": tuple(told.get(number, ())),
    }
    return msgspec.convert(_plain(row) | found, Row)


def _plain(row: sa.RowMapping) -> dict[str, object]:
    """Return *row* by names that are text and nothing more: SQLAlchemy's own are not."""
    return {f"{name}": value for name, value in row.items()}
