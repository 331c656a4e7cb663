"""What people and TMDB said about which media an item is."""

from sqlalchemy import Column, Index, Integer, Table

from reconcile.store.tables.columns import instant, metadata, number, row_id, text, texts
from reconcile.store.types import Instant

media_match = Table(
    "media_match",
    metadata,
    row_id(),
    text("server_id"),
    text("item_id"),
    text("kind"),
    *texts("tmdb_id", "tvdb_id", "imdb_id", "title"),
    Column("year", Integer),
    text("said_by"),
    instant("said_at"),
    Column("undone_at", Instant),
    *texts("undone_by"),
    Index(None, "server_id", "item_id"),
)

tmdb_answer = Table(
    "tmdb_answer",
    metadata,
    text("kind", primary_key=True),
    text("source", primary_key=True),
    text("value", primary_key=True),
    *texts("tmdb_id"),
    instant("next_try_at"),
    number("attempts", 0),
    *texts("error"),
)
