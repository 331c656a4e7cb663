"""What watches and viewings add up to: activity by day, progress by series, feats, and the badges they earn.

All of it but `series_abandoned` and `series_total` is derived, and can be made anew from watches and playbacks.
"""

from sqlalchemy import Boolean, Column, Index, Integer, Table

from reconcile.store.tables.columns import flag, instant, json, metadata, number, of, seconds, text, texts
from reconcile.store.types import Id, Instant

daily_activity = Table(
    "daily_activity",
    metadata,
    of("account_id", "account.id", primary_key=True),
    text("day", primary_key=True),
    seconds("watched_seconds"),
    number("viewings"),
    flag("completed"),
    # When the first viewing of the day had lasted a minute; NULL while none has.
    Column("active_at", Instant),
    sqlite_with_rowid=False,
)

series_progress = Table(
    "series_progress",
    metadata,
    of("account_id", "account.id", primary_key=True),
    Column("media_id", Id, primary_key=True, autoincrement=False),
    text("status"),
    number("watched_episodes"),
    number("watched_specials"),
    Column("total_episodes", Integer),
    Column("is_running", Boolean),
    number("completions"),
    Column("completed_at", Instant),
    instant("last_watched_at"),
    Index(None, "media_id"),
    sqlite_with_rowid=False,
)

series_abandoned = Table(
    "series_abandoned",
    metadata,
    of("account_id", "account.id", primary_key=True),
    Column("media_id", Id, primary_key=True, autoincrement=False),
    instant("at"),
    sqlite_with_rowid=False,
)

series_total = Table(
    "series_total",
    metadata,
    Column("media_id", Id, primary_key=True, autoincrement=False),
    text("source", primary_key=True),
    Column("total_episodes", Integer),
    json("seasons", "{}"),
    Column("is_running", Boolean),
    Column("fetched_at", Instant),
    Column("next_try_at", Instant),
    number("attempts", 0),
    *texts("error"),
)

feat = Table(
    "feat",
    metadata,
    of("account_id", "account.id", primary_key=True),
    text("kind", primary_key=True),
    text("name", primary_key=True),
    instant("at"),
    text("month"),
    text("part"),
    Column("media_id", Id),
    Column("watch_id", Id),
    Index(None, "account_id", "kind", "month", "at", "name"),
    Index(None, "media_id", "kind", "name"),
    sqlite_with_rowid=False,
)

feat_count = Table(
    "feat_count",
    metadata,
    of("account_id", "account.id", primary_key=True),
    text("kind", primary_key=True),
    text("month", primary_key=True),
    number("count"),
    sqlite_with_rowid=False,
)

badge_award = Table(
    "badge_award",
    metadata,
    of("account_id", "account.id", primary_key=True),
    text("badge", primary_key=True),
    instant("earned_at"),
    text("name"),
    Column("watch_id", Id),
    sqlite_with_rowid=False,
)

award_basis = Table(
    "award_basis",
    metadata,
    of("account_id", "account.id", primary_key=True),
    text("zone"),
    number("version"),
    Column("first_at", Instant),
    Index(None, "first_at"),
)
