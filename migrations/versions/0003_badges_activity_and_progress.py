"""Badges, daily activity and series progress."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "daily_activity",
        *_key("daily_activity", sa.Column("day", sa.Text(), nullable=False)),
        sa.Column("watched_seconds", sa.Float(), nullable=False),
        sa.Column("viewings", sa.Integer(), nullable=False),
        sa.Column("completed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("active_at", sa.DateTime(timezone=True)),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "series_progress",
        *_key("series_progress", sa.Column("media_id", ID, autoincrement=False, nullable=False)),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("watched_episodes", sa.Integer(), nullable=False),
        sa.Column("watched_specials", sa.Integer(), nullable=False),
        sa.Column("total_episodes", sa.Integer()),
        sa.Column("is_running", sa.Boolean()),
        sa.Column("completions", sa.Integer(), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True)),
        sa.Column("last_watched_at", sa.DateTime(timezone=True), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_series_progress_media_id", "series_progress", ["media_id"])
    op.create_table(
        "series_abandoned",
        *_key("series_abandoned", sa.Column("media_id", ID, autoincrement=False, nullable=False)),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "series_total",
        sa.Column("media_id", ID, autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("total_episodes", sa.Integer()),
        sa.Column("seasons", sa.JSON(none_as_null=True), server_default="{}", nullable=False),
        sa.Column("is_running", sa.Boolean()),
        sa.Column("fetched_at", sa.DateTime(timezone=True)),
        sa.Column("next_try_at", sa.DateTime(timezone=True)),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("media_id", "source", name="pk_series_total"),
    )
    op.create_table(
        "feat",
        *_key("feat", *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "name"))),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("media_id", ID),
        sa.Column("watch_id", ID),
        sqlite_with_rowid=False,
    )
    ranked = ["account_id", "kind", "month", "at", "name"]
    op.create_index("ix_feat_account_id_kind_month_at_name", "feat", ranked)
    op.create_index("ix_feat_media_id_kind_name", "feat", ["media_id", "kind", "name"])
    op.create_table(
        "feat_count",
        *_key("feat_count", *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "month"))),
        sa.Column("count", sa.Integer(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "badge_award",
        *_key("badge_award", sa.Column("badge", sa.Text(), nullable=False)),
        sa.Column("earned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("watch_id", ID),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "award_basis",
        *_key("award_basis"),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_award_basis_first_at", "award_basis", ["first_at"])


def downgrade() -> None:
    for table in ("award_basis", "badge_award", "feat_count", "feat"):
        op.drop_table(table)
    for table in ("series_total", "series_abandoned", "series_progress", "daily_activity"):
        op.drop_table(table)


def _key(table: str, *columns: sa.Column) -> tuple[sa.schema.SchemaItem, ...]:
    """Return the account, what else makes a row of its one, and the constraints of both."""
    named = ("account_id", *(column.name for column in columns))
    foreign = f"fk_{table}_account_id_account"
    return (
        sa.Column("account_id", ID, nullable=False),
        *columns,
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=foreign, ondelete="CASCADE"),
        sa.PrimaryKeyConstraint(*named, name=f"pk_{table}"),
    )
