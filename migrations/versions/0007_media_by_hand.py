"""Media that an administrator has matched, and ids that were found elsewhere than in the library."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FOUND = ("found_tmdb_id", "found_tvdb_id", "found_imdb_id", "found_by")


def upgrade() -> None:
    for name in FOUND:
        op.add_column("item", sa.Column(name, sa.Text()))
    op.create_table(
        "media_match",
        sa.Column("id", ID, nullable=False),
        sa.Column("server_id", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("tmdb_id", sa.Text()),
        sa.Column("tvdb_id", sa.Text()),
        sa.Column("imdb_id", sa.Text()),
        sa.Column("title", sa.Text()),
        sa.Column("year", sa.Integer()),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
        sa.Column("undone_by", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_media_match"),
    )
    op.create_index("ix_media_match_server_id_item_id", "media_match", ["server_id", "item_id"])
    op.create_table(
        "tmdb_answer",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("tmdb_id", sa.Text()),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("kind", "source", "value", name="pk_tmdb_answer"),
    )


def downgrade() -> None:
    op.drop_table("tmdb_answer")
    op.drop_table("media_match")
    for name in reversed(FOUND):
        op.drop_column("item", name)
