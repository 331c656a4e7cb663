"""Evidence: sets of check-ins, bare sightings and looks."""

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Float, Index, Table, UniqueConstraint

from reconcile.store.tables.columns import instant, json, metadata, number, of, row_id, text
from reconcile.store.types import Instant

playback_key = Table(
    "playback_key",
    metadata,
    row_id(),
    text("server_id"),
    text("session_id"),
    text("user_id"),
    text("item_id"),
    number("version", 0),
    json("facts", "{}"),
    Column("thinned_until", Instant),
    UniqueConstraint("server_id", "session_id", "user_id", "item_id"),
    # All four, so that SQLite, which knows no statistics, finds no shorter one: it would walk a server's keys instead.
    Index(None, "server_id", "item_id", "session_id", "user_id"),
    Index(None, "server_id", "user_id"),
)

check_in = Table(
    "check_in",
    metadata,
    of("key_id", "playback_key.id", primary_key=True),
    instant("at", primary_key=True),
    text("kind", primary_key=True),
    Column("position", Float),
    Column("reported", Boolean, nullable=False),
    instant("seen_at"),
    instant("sighted_until"),
    number("channels"),
    Column("server_completed", Boolean),
    Column("left_by", Instant),
    sqlite_with_rowid=False,
)

sighting = Table(
    "sighting",
    metadata,
    of("key_id", "playback_key.id", primary_key=True),
    Column("bucket", sa.BigInteger, primary_key=True, autoincrement=False),
    instant("at"),
    sqlite_with_rowid=False,
)

look = Table(
    "look", metadata, text("server_id", primary_key=True), instant("at", primary_key=True), sqlite_with_rowid=False
)
