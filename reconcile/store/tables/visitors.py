"""Who sits before the pages: a signed-in browser, by the fingerprint of its token."""

from sqlalchemy import Column, Index, Table, UniqueConstraint

from reconcile.store.tables.columns import flag, instant, metadata, row_id, text, texts
from reconcile.store.types import Instant

sign_in = Table(
    "sign_in",
    metadata,
    row_id(),
    text("token_hash"),
    # None of both: the holder of the administrator's token.
    *texts("server_id", "user_id", "user_name"),
    flag("is_administrator"),
    instant("made_at"),
    instant("seen_at"),
    instant("expires_at"),
    Column("checked_at", Instant),
    *texts("agent"),
    UniqueConstraint("token_hash"),
    Index(None, "server_id", "user_id"),
)
