"""What is derived from the evidence, and can be made anew from it."""

from sqlalchemy import Boolean, Column, Float, Index, Integer, Table, UniqueConstraint

from reconcile.store.tables.columns import flag, instant, json, metadata, number, of, row_id, seconds, text, texts
from reconcile.store.types import Id, Instant

playback = Table(
    "playback",
    metadata,
    row_id(),
    of("key_id", "playback_key.id"),
    text("server_id"),
    Column("account_id", Id),
    Column("media_id", Id),
    text("unit"),
    Column("open", Boolean, nullable=False),
    text("state"),
    instant("started_at"),
    instant("first_at"),
    instant("last_at"),
    Column("ended_at", Instant),
    *texts("ended_by"),
    Column("due_at", Instant),
    seconds("watched_seconds"),
    seconds("reached_seconds"),
    Column("position_seconds", Float),
    Column("runtime_seconds", Float),
    json("covered", "[]"),
    json("skipped", "[]"),
    json("intervals", "[]"),
    number("channels"),
    Column("completed", Boolean, nullable=False),
    Column("completed_at", Instant),
    text("verdict"),
    text("sentence"),
    Column("server_completed", Boolean),
    json("looks", "[]"),
    text("rules"),
    Index(None, "key_id"),
    Index(None, "account_id", "started_at"),
    Index(None, "started_at", "id"),
    Index(None, "open"),
    Index(None, "due_at"),
    Index(None, "account_id", "media_id"),
    Index(None, "media_id"),
)

playback_unit = Table(
    "playback_unit",
    metadata,
    of("playback_id", "playback.id", primary_key=True),
    text("unit", primary_key=True),
    Column("account_id", Id, nullable=False),
    Column("media_id", Id, nullable=False),
    # Which part of the time is this unit's: a file with two episodes gives each a half.
    seconds("share"),
    Index(None, "account_id", "media_id", "unit"),
)

media = Table(
    "media",
    metadata,
    row_id(),
    text("kind"),
    text("title"),
    Column("year", Integer),
    *texts("tmdb_id", "tvdb_id", "imdb_id"),
    Column("seerr_media_id", Integer),
    flag("review"),
)

media_alias = Table(
    "media_alias",
    metadata,
    text("kind", primary_key=True),
    text("source", primary_key=True),
    text("value", primary_key=True),
    of("media_id", "media.id"),
    Index(None, "media_id"),
)

item = Table(
    "item",
    metadata,
    text("server_id", primary_key=True),
    text("item_id", primary_key=True),
    *texts("kind", "title"),
    Column("year", Integer),
    *texts("series_id"),
    Column("season", Integer),
    Column("episode", Integer),
    *texts("tmdb_id", "tvdb_id", "imdb_id"),
    Column("runtime_seconds", Float),
    Column("fetched_at", Instant),
    Column("next_try_at", Instant),
    number("attempts", 0),
    *texts("error"),
    # What was found elsewhere than in the library, for the ids that it does not tell, and by whom.
    *texts("found_tmdb_id", "found_tvdb_id", "found_imdb_id", "found_by"),
    Index(None, "next_try_at"),
)

watch = Table(
    "watch",
    metadata,
    row_id(),
    of("account_id", "account.id"),
    of("media_id", "media.id"),
    text("unit"),
    text("day"),
    instant("watched_at"),
    instant("started_at"),
    Column("completed", Boolean, nullable=False),
    Column("partial", Boolean, nullable=False),
    number("plays"),
    seconds("percent"),
    seconds("watched_seconds"),
    text("verdict"),
    text("sentence"),
    number("channels"),
    instant("updated_at"),
    UniqueConstraint("account_id", "media_id", "unit", "day"),
    Index(None, "account_id", "watched_at", "id"),
    Index(None, "watched_at", "id"),
    Index(None, "media_id"),
)

watch_playback = Table(
    "watch_playback",
    metadata,
    of("watch_id", "watch.id", primary_key=True),
    of("playback_id", "playback.id", primary_key=True),
    Index(None, "playback_id"),
)
