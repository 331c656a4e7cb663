"""What came in, as it was received, and what could not be read."""

from sqlalchemy import Column, Index, LargeBinary, Table

from reconcile.store.tables.columns import instant, metadata, number, row_id, text, texts
from reconcile.store.types import Instant

delivery = Table(
    "delivery",
    metadata,
    row_id(),
    *texts("server_id", "user_id"),
    instant("received_at"),
    Column("at", Instant),
    text("kind"),
    text("content_type"),
    Column("body", LargeBinary, nullable=False),
    text("outcome"),
    text("reason"),
    *texts("error"),
    Index(None, "received_at"),
    Index(None, "server_id", "user_id"),
)

rejected_count = Table(
    "rejected_count",
    metadata,
    text("reason", primary_key=True),
    text("place", primary_key=True),
    number("count"),
    instant("last_at"),
)

rejected = Table(
    "rejected",
    metadata,
    row_id(),
    text("reason"),
    text("place"),
    instant("received_at"),
    text("content_type"),
    Column("body", LargeBinary, nullable=False),
    Index(None, "reason", "place"),
    Index(None, "received_at"),
)

tally = Table("tally", metadata, text("reason", primary_key=True), number("count"))
