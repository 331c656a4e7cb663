"""People and servers: who is who, and who is recorded when."""

from sqlalchemy import Boolean, Column, Float, Index, LargeBinary, Table

from reconcile.store.tables.columns import flag, instant, metadata, of, row_id, seconds, text, texts
from reconcile.store.types import Instant

server = Table(
    "server",
    metadata,
    text("id", primary_key=True),
    *texts("name", "url"),
    Column("api_key_encrypted", LargeBinary),
    *texts("version"),
    instant("first_seen_at"),
    seconds("clock_offset_seconds", 0),
)

account = Table(
    "account",
    metadata,
    row_id(),
    text("name"),
    instant("created_at"),
    Column("threshold", Float),
    Column("min_seconds", Float),
    Column("partial_min_seconds", Float),
    Column("record_partials", Boolean),
    Column("require_coverage", Boolean),
    *texts("time_zone"),
    # The id of someone who was erased is never given to another.
    sqlite_autoincrement=True,
)

link = Table(
    "link",
    metadata,
    text("server_id", primary_key=True),
    text("user_id", primary_key=True),
    of("account_id", "account.id"),
    *texts("user_name"),
    text("source"),
    instant("created_at"),
    Index(None, "account_id"),
)

recorded_interval = Table(
    "recorded_interval",
    metadata,
    row_id(),
    text("server_id"),
    text("user_id"),
    of("account_id", "account.id"),
    instant("since"),
    Column("until", Instant),
    Index(None, "server_id", "user_id"),
    Index(None, "account_id"),
)

consent = Table(
    "consent",
    metadata,
    text("server_id", primary_key=True),
    text("user_id", primary_key=True),
    flag("opted_out"),
)
