"""A mirror of what Seerr knows."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "seerr_media",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("tmdb_id", sa.Text(), nullable=False),
        sa.Column("tvdb_id", sa.Text()),
        sa.Column("imdb_id", sa.Text()),
        sa.Column("item_id", sa.Text()),
        sa.Column("item_id_4k", sa.Text()),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_seerr_media"),
    )
    for column in ("tmdb_id", "tvdb_id", "imdb_id"):
        op.create_index(f"ix_seerr_media_media_type_{column}", "seerr_media", ["media_type", column])
    for column in ("item_id", "item_id_4k", "updated_at"):
        op.create_index(f"ix_seerr_media_{column}", "seerr_media", [column])
    op.create_table(
        "seerr_series",
        sa.Column("media_id", ID, autoincrement=False, nullable=False),
        sa.Column("tmdb_id", sa.Text(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("media_id", name="pk_seerr_series"),
    )
    op.create_table(
        "seerr_user",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("server_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_seerr_user"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_seerr_user_account_id_account", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_seerr_user_account_id", "seerr_user", ["account_id"])
    op.create_table(
        "seerr_wish",
        sa.Column("account_id", ID, nullable=False),
        sa.Column("watchlist_since", sa.DateTime(timezone=True)),
        sa.Column("watches_since", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("account_id", name="pk_seerr_wish"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_seerr_wish_account_id_account", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "seerr_listed",
        sa.Column("seerr_user_id", ID, autoincrement=False, nullable=False),
        sa.Column("entry_id", ID, autoincrement=False, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("tmdb_id", sa.Text(), nullable=False),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("seerr_user_id", "entry_id", name="pk_seerr_listed"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_seerr_listed_account_id_account", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_seerr_listed_account_id", "seerr_listed", ["account_id"])
    op.create_table(
        "seerr_errand",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("media_id", ID, autoincrement=False, nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("watched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True)),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("seerr_media_id", ID),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("kind", "account_id", "media_id", "unit", "day", name="pk_seerr_errand"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_seerr_errand_account_id_account", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_seerr_errand_next_try_at", "seerr_errand", ["next_try_at"])
    op.create_index("ix_seerr_errand_account_id", "seerr_errand", ["account_id"])


def downgrade() -> None:
    for table in ("seerr_errand", "seerr_listed", "seerr_wish", "seerr_user", "seerr_series", "seerr_media"):
        op.drop_table(table)
