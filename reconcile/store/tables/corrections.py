"""What people say of the history: corrections, marks by hand, and that they want to be forgotten."""

from sqlalchemy import Boolean, Column, Index, Table

from reconcile.store.tables.columns import instant, metadata, of, row_id, text, texts
from reconcile.store.types import Id, Instant, Json

correction = Table(
    "correction",
    metadata,
    row_id(),
    text("what"),
    # Which evidence it is about: one key and the time of a playback, or every playback of the item by this user.
    text("server_id"),
    text("user_id"),
    text("item_id"),
    *texts("session_id"),
    Column("since", Instant),
    Column("until", Instant),
    Column("account_id", Id, nullable=False),
    # What it counts as instead. A media is named by its aliases: its id is derived, and goes when media are merged.
    Column("to_account_id", Id),
    Column("to_media", Json),
    *texts("to_unit", "note"),
    text("said_by"),
    instant("said_at"),
    *texts("undone_by"),
    Column("undone_at", Instant),
    Index(None, "server_id", "user_id"),
    Index(None, "account_id", "id"),
)

manual_mark = Table(
    "manual_mark",
    metadata,
    of("key_id", "playback_key.id", primary_key=True),
    instant("at", primary_key=True),
    Column("played", Boolean, primary_key=True, nullable=False),
    sqlite_with_rowid=False,
)

marked_unit = Table(
    "marked_unit",
    metadata,
    of("key_id", "playback_key.id", primary_key=True),
    text("unit", primary_key=True),
    Column("account_id", Id, nullable=False),
    Column("media_id", Id, nullable=False),
    instant("at"),
    Index(None, "account_id", "media_id", "unit"),
    Index(None, "media_id"),
)

erased = Table(
    "erased",
    metadata,
    # Keyed with the data folder's secret: who it was can be tested, not read.
    text("hash", primary_key=True),
    instant("erased_at"),
    Column("lifted_at", Instant),
)
