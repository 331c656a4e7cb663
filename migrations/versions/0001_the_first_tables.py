"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("threshold", sa.Float()),
        sa.Column("min_seconds", sa.Float()),
        sa.Column("partial_min_seconds", sa.Float()),
        sa.Column("record_partials", sa.Boolean()),
        sa.Column("require_coverage", sa.Boolean()),
        sa.Column("time_zone", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "api_token",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("scopes", sa.JSON(none_as_null=True), server_default="[]", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_api_token"),
        sa.UniqueConstraint("hash", name="uq_api_token_hash"),
    )
    op.create_table(
        "consent",
        sa.Column("server_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("opted_out", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("server_id", "user_id", name="pk_consent"),
    )
    op.create_table(
        "delivery",
        sa.Column("id", ID, nullable=False),
        sa.Column("server_id", sa.Text()),
        sa.Column("user_id", sa.Text()),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True)),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
    )
    op.create_index("ix_delivery_received_at", "delivery", ["received_at"])
    op.create_index("ix_delivery_server_id_user_id", "delivery", ["server_id", "user_id"])
    op.create_table(
        "item",
        sa.Column("server_id", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text()),
        sa.Column("title", sa.Text()),
        sa.Column("year", sa.Integer()),
        sa.Column("series_id", sa.Text()),
        sa.Column("season", sa.Integer()),
        sa.Column("episode", sa.Integer()),
        sa.Column("tmdb_id", sa.Text()),
        sa.Column("tvdb_id", sa.Text()),
        sa.Column("imdb_id", sa.Text()),
        sa.Column("runtime_seconds", sa.Float()),
        sa.Column("fetched_at", sa.DateTime(timezone=True)),
        sa.Column("next_try_at", sa.DateTime(timezone=True)),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("server_id", "item_id", name="pk_item"),
    )
    op.create_index("ix_item_next_try_at", "item", ["next_try_at"])
    op.create_table(
        "look",
        sa.Column("server_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("server_id", "at", name="pk_look"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "media",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer()),
        sa.Column("tmdb_id", sa.Text()),
        sa.Column("tvdb_id", sa.Text()),
        sa.Column("imdb_id", sa.Text()),
        sa.Column("seerr_media_id", sa.Integer()),
        sa.Column("review", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_media"),
    )
    op.create_table(
        "playback_key",
        sa.Column("id", ID, nullable=False),
        sa.Column("server_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("facts", sa.JSON(none_as_null=True), server_default="{}", nullable=False),
        sa.Column("thinned_until", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_playback_key"),
        sa.UniqueConstraint(
            "server_id", "session_id", "user_id", "item_id", name="uq_playback_key_server_id_session_id_user_id_item_id"
        ),
    )
    op.create_index("ix_playback_key_server_id_item_id", "playback_key", ["server_id", "item_id"])
    op.create_index("ix_playback_key_server_id_user_id", "playback_key", ["server_id", "user_id"])
    op.create_table(
        "rejected",
        sa.Column("id", ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rejected"),
    )
    op.create_index("ix_rejected_reason_place", "rejected", ["reason", "place"])
    op.create_index("ix_rejected_received_at", "rejected", ["received_at"])
    op.create_table(
        "rejected_count",
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("reason", "place", name="pk_rejected_count"),
    )
    op.create_table(
        "replay",
        sa.Column("id", ID, nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("result", sa.JSON(none_as_null=True)),
        sa.PrimaryKeyConstraint("id", name="pk_replay"),
    )
    op.create_table(
        "server",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("url", sa.Text()),
        sa.Column("api_key_encrypted", sa.LargeBinary()),
        sa.Column("version", sa.Text()),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clock_offset_seconds", sa.Float(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_server"),
    )
    op.create_table(
        "setting",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_setting"),
    )
    op.create_table(
        "tally",
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("reason", name="pk_tally"),
    )
    op.create_table(
        "webhook_token",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("server_id", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_webhook_token"),
    )
    op.create_table(
        "check_in",
        sa.Column("key_id", ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("position", sa.Float()),
        sa.Column("reported", sa.Boolean(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sighted_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"], ["playback_key.id"], name="fk_check_in_key_id_playback_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key_id", "at", "kind", name="pk_check_in"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "link",
        sa.Column("server_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("user_name", sa.Text()),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_link_account_id_account", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("server_id", "user_id", name="pk_link"),
    )
    op.create_index("ix_link_account_id", "link", ["account_id"])
    op.create_table(
        "media_alias",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("media_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name="fk_media_alias_media_id_media", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("kind", "source", "value", name="pk_media_alias"),
    )
    op.create_index("ix_media_alias_media_id", "media_alias", ["media_id"])
    op.create_table(
        "playback",
        sa.Column("id", ID, nullable=False),
        sa.Column("key_id", ID, nullable=False),
        sa.Column("server_id", sa.Text(), nullable=False),
        sa.Column("account_id", ID),
        sa.Column("media_id", ID),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("ended_by", sa.Text()),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("watched_seconds", sa.Float(), nullable=False),
        sa.Column("reached_seconds", sa.Float(), nullable=False),
        sa.Column("position_seconds", sa.Float()),
        sa.Column("runtime_seconds", sa.Float()),
        sa.Column("covered", sa.JSON(none_as_null=True), server_default="[]", nullable=False),
        sa.Column("skipped", sa.JSON(none_as_null=True), server_default="[]", nullable=False),
        sa.Column("intervals", sa.JSON(none_as_null=True), server_default="[]", nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("completed", sa.Boolean(), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True)),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("looks", sa.JSON(none_as_null=True), server_default="[]", nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"], ["playback_key.id"], name="fk_playback_key_id_playback_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_playback"),
    )
    op.create_index("ix_playback_account_id_media_id", "playback", ["account_id", "media_id"])
    op.create_index("ix_playback_account_id_started_at", "playback", ["account_id", "started_at"])
    op.create_index("ix_playback_due_at", "playback", ["due_at"])
    op.create_index("ix_playback_key_id", "playback", ["key_id"])
    op.create_index("ix_playback_media_id", "playback", ["media_id"])
    op.create_index("ix_playback_open", "playback", ["open"])
    op.create_table(
        "recorded_interval",
        sa.Column("id", ID, nullable=False),
        sa.Column("server_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_recorded_interval_account_id_account", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_recorded_interval"),
    )
    op.create_index("ix_recorded_interval_account_id", "recorded_interval", ["account_id"])
    op.create_index("ix_recorded_interval_server_id_user_id", "recorded_interval", ["server_id", "user_id"])
    op.create_table(
        "sighting",
        sa.Column("key_id", ID, nullable=False),
        sa.Column("bucket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"], ["playback_key.id"], name="fk_sighting_key_id_playback_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key_id", "bucket", name="pk_sighting"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "watch",
        sa.Column("id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("media_id", ID, nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("watched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed", sa.Boolean(), nullable=False),
        sa.Column("partial", sa.Boolean(), nullable=False),
        sa.Column("plays", sa.Integer(), nullable=False),
        sa.Column("percent", sa.Float(), nullable=False),
        sa.Column("watched_seconds", sa.Float(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("season", sa.Integer()),
        sa.Column("episode", sa.Integer()),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_watch_account_id_account", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name="fk_watch_media_id_media", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_watch"),
        sa.UniqueConstraint("account_id", "media_id", "unit", "day", name="uq_watch_account_id_media_id_unit_day"),
    )
    op.create_index("ix_watch_account_id_watched_at_id", "watch", ["account_id", "watched_at", "id"])
    op.create_index("ix_watch_media_id", "watch", ["media_id"])
    op.create_index("ix_watch_watched_at_id", "watch", ["watched_at", "id"])
    op.create_table(
        "playback_unit",
        sa.Column("playback_id", ID, nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("media_id", ID, nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["playback_id"], ["playback.id"], name="fk_playback_unit_playback_id_playback", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("playback_id", "unit", name="pk_playback_unit"),
    )
    op.create_index("ix_playback_unit_account_id_media_id_unit", "playback_unit", ["account_id", "media_id", "unit"])
    op.create_table(
        "watch_playback",
        sa.Column("watch_id", ID, nullable=False),
        sa.Column("playback_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["playback_id"], ["playback.id"], name="fk_watch_playback_playback_id_playback", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["watch_id"], ["watch.id"], name="fk_watch_playback_watch_id_watch", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("watch_id", "playback_id", name="pk_watch_playback"),
    )
    op.create_index("ix_watch_playback_playback_id", "watch_playback", ["playback_id"])


def downgrade() -> None:
    for table in (
        "watch_playback",
        "playback_unit",
        "watch",
        "sighting",
        "recorded_interval",
        "playback",
        "media_alias",
        "link",
        "check_in",
        "webhook_token",
        "tally",
        "setting",
        "server",
        "replay",
        "rejected_count",
        "rejected",
        "playback_key",
        "media",
        "look",
        "item",
        "delivery",
        "consent",
        "api_token",
        "account",
    ):
        op.drop_table(table)
