"""What the program keeps for itself."""

from sqlalchemy import Boolean, Column, Table, UniqueConstraint

from reconcile.store.tables.columns import instant, json, metadata, row_id, text, texts
from reconcile.store.types import Instant, Json

setting = Table("setting", metadata, text("name", primary_key=True), text("value"))

api_token = Table(
    "api_token",
    metadata,
    row_id(),
    text("name"),
    text("hash"),
    json("scopes", "[]"),
    instant("created_at"),
    Column("last_used_at", Instant),
    UniqueConstraint("hash"),
)

webhook_token = Table(
    "webhook_token", metadata, text("hash", primary_key=True), *texts("server_id"), instant("created_at")
)

replay = Table(
    "replay",
    metadata,
    row_id(),
    instant("requested_at"),
    instant("since"),
    Column("until", Instant),
    Column("dry_run", Boolean, nullable=False),
    text("state"),
    Column("result", Json),
)
