"""What Seerr knows, mirrored; who is who there; and the errands that are to be run there."""

from sqlalchemy import Column, Index, Table

from reconcile.store.tables.columns import instant, metadata, number, of, text, texts
from reconcile.store.types import Id, Instant

seerr_media = Table(
    "seerr_media",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    text("media_type"),
    text("tmdb_id"),
    *texts("tvdb_id", "imdb_id", "item_id", "item_id_4k"),
    number("status"),
    Column("updated_at", Instant),
    Index(None, "media_type", "tmdb_id"),
    Index(None, "media_type", "tvdb_id"),
    Index(None, "media_type", "imdb_id"),
    Index(None, "item_id"),
    Index(None, "item_id_4k"),
    Index(None, "updated_at"),
)

seerr_series = Table(
    "seerr_series",
    metadata,
    Column("media_id", Id, primary_key=True, autoincrement=False),
    text("tmdb_id"),
    instant("next_try_at"),
    number("attempts", 0),
    *texts("error"),
)

seerr_user = Table(
    "seerr_user",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    of("account_id", "account.id"),
    text("server_id"),
    text("user_id"),
    Column("gone_at", Instant),
    Index(None, "account_id"),
)

seerr_wish = Table(
    "seerr_wish",
    metadata,
    of("account_id", "account.id", primary_key=True),
    Column("watchlist_since", Instant),
    Column("watches_since", Instant),
)

seerr_listed = Table(
    "seerr_listed",
    metadata,
    Column("seerr_user_id", Id, primary_key=True, autoincrement=False),
    Column("entry_id", Id, primary_key=True, autoincrement=False),
    of("account_id", "account.id"),
    text("media_type"),
    text("tmdb_id"),
    instant("listed_at"),
    Index(None, "account_id"),
)

# No foreign key to media: what was done stays known when two media become one.
seerr_errand = Table(
    "seerr_errand",
    metadata,
    text("kind", primary_key=True),
    of("account_id", "account.id", primary_key=True),
    Column("media_id", Id, primary_key=True, autoincrement=False),
    text("unit", primary_key=True),
    text("day", primary_key=True),
    instant("watched_at"),
    instant("queued_at"),
    text("state"),
    Column("next_try_at", Instant),
    number("attempts", 0),
    *texts("reason"),
    Column("seerr_media_id", Id),
    Column("done_at", Instant),
    Index(None, "next_try_at"),
    Index(None, "account_id"),
)
