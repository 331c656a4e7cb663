"""Whom to tell what happened, what they are still to be told, and work on the history that was asked for."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from reconcile.store.tables.columns import flag, instant, json, metadata, number, row_id, text, texts
from reconcile.store.types import Id, Instant, Json

webhook_target = Table(
    "webhook_target",
    metadata,
    row_id(),
    text("url"),
    json("events", "[]"),
    Column("secret_encrypted", LargeBinary),
    Column("active", Boolean, nullable=False),
    # None: about everyone who is recorded. Whoever is erased takes the targets of their own along.
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE")),
    *texts("note"),
    instant("created_at"),
    Index(None, "account_id"),
    # What waits for a target that went must never reach another.
    sqlite_autoincrement=True,
)

outbox = Table(
    "outbox",
    metadata,
    row_id(),
    text("message_id"),
    # No foreign key: a target that goes while something is queued for it must not fail the transaction of the fact.
    Column("target_id", Id, nullable=False),
    # None: a message about nobody, such as a test.
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE")),
    text("kind"),
    text("subject"),
    text("body"),
    instant("queued_at"),
    text("state"),
    instant("tried_since"),
    number("attempts", 0),
    Column("due_at", Instant),
    Column("claimed_until", Instant),
    Column("sent_at", Instant),
    Column("status", Integer),
    *texts("error"),
    UniqueConstraint("target_id", "message_id"),
    Index(None, "state", "due_at"),
    Index(None, "subject"),
    Index(None, "account_id"),
    Index(None, "queued_at"),
)

resettling = Table(
    "resettling",
    metadata,
    row_id(),
    instant("requested_at"),
    Column("changes", Json, nullable=False),
    flag("dry_run"),
    Column("state", Text, nullable=False),
    number("done", 0),
    number("total", 0),
    Column("result", Json),
)
