"""What other tools kept of earlier years: imports, and the rows of each."""

from sqlalchemy import Column, ForeignKey, Index, Table

from reconcile.store.tables.columns import instant, json, metadata, number, of, row_id, text, texts
from reconcile.store.types import Id, Instant, Json

import_run = Table(
    "import_run",
    metadata,
    row_id(),
    text("server_id"),
    text("source"),
    instant("requested_at"),
    *texts("zone"),
    text("task"),
    text("state"),
    json("told", "{}"),
    number("done", 0),
    number("total", 0),
    Column("result", Json),
    # Whoever acts on a number means that import, not the one that came after it was discarded.
    sqlite_autoincrement=True,
)

import_row = Table(
    "import_row",
    metadata,
    row_id(),
    of("import_id", "import_run.id"),
    text("server_id"),
    text("user_id"),
    json("play", "{}"),
    # Of which check-in it is the evidence, once it has been applied.
    Column("key_id", Id, ForeignKey("playback_key.id", ondelete="CASCADE")),
    Column("at", Instant),
    Index(None, "import_id", "id"),
    Index(None, "server_id", "user_id"),
    Index(None, "import_id", "key_id"),
    Index(None, "key_id", "at"),
)
