"""The tables: evidence as sets, and what is derived from it. The migrations make them; a test compares the two."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from reconcile.store.types import Id, Instant, Json

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[int]:
    return Column("id", Id, primary_key=True)


def _of(name: str, parent: str, *, primary_key: bool = False) -> Column[int]:
    """Return a column that points at the row without which this one makes no sense."""
    return Column(name, Id, ForeignKey(parent, ondelete="CASCADE"), primary_key=primary_key, nullable=False)


def _text(name: str, *, primary_key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=primary_key, nullable=False)


def _texts(*names: str) -> list[Column[Any]]:
    """Return columns of text that may be absent."""
    return [Column(name, Text) for name in names]


def _instant(name: str, *, primary_key: bool = False) -> Column[Any]:
    return Column(name, Instant, primary_key=primary_key, nullable=False)


def _number(name: str, default: int | None = None) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=None if default is None else str(default))


def _seconds(name: str, default: int | None = None) -> Column[float]:
    return Column(name, Float, nullable=False, server_default=None if default is None else str(default))


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=sa.false())


def _json(name: str, empty: str) -> Column[Any]:
    return Column(name, Json, nullable=False, server_default=empty)


# --- people and servers ----------------------------------------------------------------------------------------------

server = Table(
    "server",
    metadata,
    _text("id", primary_key=True),
    *_texts("name", "url"),
    Column("api_key_encrypted", LargeBinary),
    *_texts("version"),
    _instant("first_seen_at"),
    _seconds("clock_offset_seconds", 0),
)

account = Table(
    "account",
    metadata,
    _id(),
    _text("name"),
    _instant("created_at"),
    Column("threshold", Float),
    Column("min_seconds", Float),
    Column("partial_min_seconds", Float),
    Column("record_partials", Boolean),
    Column("require_coverage", Boolean),
    *_texts("time_zone"),
    # The id of someone who was erased is never given to another.
    sqlite_autoincrement=True,
)

link = Table(
    "link",
    metadata,
    _text("server_id", primary_key=True),
    _text("user_id", primary_key=True),
    _of("account_id", "account.id"),
    *_texts("user_name"),
    _text("source"),
    _instant("created_at"),
    Index(None, "account_id"),
)

recorded_interval = Table(
    "recorded_interval",
    metadata,
    _id(),
    _text("server_id"),
    _text("user_id"),
    _of("account_id", "account.id"),
    _instant("since"),
    Column("until", Instant),
    Index(None, "server_id", "user_id"),
    Index(None, "account_id"),
)

consent = Table(
    "consent",
    metadata,
    _text("server_id", primary_key=True),
    _text("user_id", primary_key=True),
    _flag("opted_out"),
)

# --- what came in ----------------------------------------------------------------------------------------------------

delivery = Table(
    "delivery",
    metadata,
    _id(),
    *_texts("server_id", "user_id"),
    _instant("received_at"),
    Column("at", Instant),
    _text("kind"),
    _text("content_type"),
    Column("body", LargeBinary, nullable=False),
    _text("outcome"),
    _text("reason"),
    *_texts("error"),
    Index(None, "received_at"),
    Index(None, "server_id", "user_id"),
)

rejected_count = Table(
    "rejected_count",
    metadata,
    _text("reason", primary_key=True),
    _text("place", primary_key=True),
    _number("count"),
    _instant("last_at"),
)

rejected = Table(
    "rejected",
    metadata,
    _id(),
    _text("reason"),
    _text("place"),
    _instant("received_at"),
    _text("content_type"),
    Column("body", LargeBinary, nullable=False),
    Index(None, "reason", "place"),
    Index(None, "received_at"),
)

tally = Table("tally", metadata, _text("reason", primary_key=True), _number("count"))

# --- evidence --------------------------------------------------------------------------------------------------------

playback_key = Table(
    "playback_key",
    metadata,
    _id(),
    _text("server_id"),
    _text("session_id"),
    _text("user_id"),
    _text("item_id"),
    _number("version", 0),
    _json("facts", "{}"),
    Column("thinned_until", Instant),
    UniqueConstraint("server_id", "session_id", "user_id", "item_id"),
    Index(None, "server_id", "item_id"),
    Index(None, "server_id", "user_id"),
)

check_in = Table(
    "check_in",
    metadata,
    _of("key_id", "playback_key.id", primary_key=True),
    _instant("at", primary_key=True),
    _text("kind", primary_key=True),
    Column("position", Float),
    Column("reported", Boolean, nullable=False),
    _instant("seen_at"),
    _instant("sighted_until"),
    _number("channels"),
    sqlite_with_rowid=False,
)

sighting = Table(
    "sighting",
    metadata,
    _of("key_id", "playback_key.id", primary_key=True),
    Column("bucket", sa.BigInteger, primary_key=True, autoincrement=False),
    _instant("at"),
    sqlite_with_rowid=False,
)

look = Table(
    "look", metadata, _text("server_id", primary_key=True), _instant("at", primary_key=True), sqlite_with_rowid=False
)

# --- derived ---------------------------------------------------------------------------------------------------------

playback = Table(
    "playback",
    metadata,
    _id(),
    _of("key_id", "playback_key.id"),
    _text("server_id"),
    Column("account_id", Id),
    Column("media_id", Id),
    _text("unit"),
    Column("open", Boolean, nullable=False),
    _text("state"),
    _instant("started_at"),
    _instant("first_at"),
    _instant("last_at"),
    Column("ended_at", Instant),
    *_texts("ended_by"),
    Column("due_at", Instant),
    _seconds("watched_seconds"),
    _seconds("reached_seconds"),
    Column("position_seconds", Float),
    Column("runtime_seconds", Float),
    _json("covered", "[]"),
    _json("skipped", "[]"),
    _json("intervals", "[]"),
    _number("channels"),
    Column("completed", Boolean, nullable=False),
    Column("completed_at", Instant),
    _text("verdict"),
    _text("sentence"),
    _json("looks", "[]"),
    _text("rules"),
    Index(None, "key_id"),
    Index(None, "account_id", "started_at"),
    Index(None, "open"),
    Index(None, "due_at"),
    Index(None, "account_id", "media_id"),
    Index(None, "media_id"),
)

playback_unit = Table(
    "playback_unit",
    metadata,
    _of("playback_id", "playback.id", primary_key=True),
    _text("unit", primary_key=True),
    Column("account_id", Id, nullable=False),
    Column("media_id", Id, nullable=False),
    # Which part of the time is this unit's: a file with two episodes gives each a half.
    _seconds("share"),
    Index(None, "account_id", "media_id", "unit"),
)

media = Table(
    "media",
    metadata,
    _id(),
    _text("kind"),
    _text("title"),
    Column("year", Integer),
    *_texts("tmdb_id", "tvdb_id", "imdb_id"),
    Column("seerr_media_id", Integer),
    _flag("review"),
)

media_alias = Table(
    "media_alias",
    metadata,
    _text("kind", primary_key=True),
    _text("source", primary_key=True),
    _text("value", primary_key=True),
    _of("media_id", "media.id"),
    Index(None, "media_id"),
)

item = Table(
    "item",
    metadata,
    _text("server_id", primary_key=True),
    _text("item_id", primary_key=True),
    *_texts("kind", "title"),
    Column("year", Integer),
    *_texts("series_id"),
    Column("season", Integer),
    Column("episode", Integer),
    *_texts("tmdb_id", "tvdb_id", "imdb_id"),
    Column("runtime_seconds", Float),
    Column("fetched_at", Instant),
    Column("next_try_at", Instant),
    _number("attempts", 0),
    *_texts("error"),
    Index(None, "next_try_at"),
)

watch = Table(
    "watch",
    metadata,
    _id(),
    _of("account_id", "account.id"),
    _of("media_id", "media.id"),
    _text("unit"),
    _text("day"),
    _instant("watched_at"),
    _instant("started_at"),
    Column("completed", Boolean, nullable=False),
    Column("partial", Boolean, nullable=False),
    _number("plays"),
    _seconds("percent"),
    _seconds("watched_seconds"),
    _text("verdict"),
    _text("sentence"),
    _number("channels"),
    _text("title"),
    Column("season", Integer),
    Column("episode", Integer),
    _instant("updated_at"),
    UniqueConstraint("account_id", "media_id", "unit", "day"),
    Index(None, "account_id", "watched_at", "id"),
    Index(None, "watched_at", "id"),
    Index(None, "media_id"),
)

watch_playback = Table(
    "watch_playback",
    metadata,
    _of("watch_id", "watch.id", primary_key=True),
    _of("playback_id", "playback.id", primary_key=True),
    Index(None, "playback_id"),
)

# --- the program itself ----------------------------------------------------------------------------------------------

setting = Table("setting", metadata, _text("name", primary_key=True), _text("value"))

api_token = Table(
    "api_token",
    metadata,
    _id(),
    _text("name"),
    _text("hash"),
    _json("scopes", "[]"),
    _instant("created_at"),
    Column("last_used_at", Instant),
    UniqueConstraint("hash"),
)

webhook_token = Table(
    "webhook_token", metadata, _text("hash", primary_key=True), *_texts("server_id"), _instant("created_at")
)

replay = Table(
    "replay",
    metadata,
    _id(),
    _instant("requested_at"),
    _instant("since"),
    Column("until", Instant),
    Column("dry_run", Boolean, nullable=False),
    _text("state"),
    Column("result", Json),
)
