"""Corrections by people, marks by hand, and hashes of who was erased."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "correction",
        sa.Column("id", ID, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("server_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text()),
        sa.Column("since", sa.DateTime(timezone=True)),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("to_account_id", ID),
        sa.Column("to_media", sa.JSON(none_as_null=True)),
        sa.Column("to_unit", sa.Text()),
        sa.Column("note", sa.Text()),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_by", sa.Text()),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_correction"),
    )
    op.create_index("ix_correction_server_id_user_id", "correction", ["server_id", "user_id"])
    op.create_index("ix_correction_account_id_id", "correction", ["account_id", "id"])
    op.create_table(
        "manual_mark",
        sa.Column("key_id", ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("played", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"], ["playback_key.id"], name="fk_manual_mark_key_id_playback_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key_id", "at", "played", name="pk_manual_mark"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "marked_unit",
        sa.Column("key_id", ID, nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("media_id", ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"], ["playback_key.id"], name="fk_marked_unit_key_id_playback_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key_id", "unit", name="pk_marked_unit"),
    )
    op.create_index("ix_marked_unit_account_id_media_id_unit", "marked_unit", ["account_id", "media_id", "unit"])
    op.create_index("ix_marked_unit_media_id", "marked_unit", ["media_id"])
    op.create_table(
        "erased",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("hash", name="pk_erased"),
    )


def downgrade() -> None:
    op.drop_table("erased")
    op.drop_table("marked_unit")
    op.drop_table("manual_mark")
    op.drop_table("correction")
