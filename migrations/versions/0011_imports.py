"""Imports of what other tools kept, and their rows."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "import_run",
        sa.Column("id", _ID, nullable=False),
        sa.Column("server_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("zone", sa.Text()),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("told", sa.JSON(none_as_null=True), server_default="{}", nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("result", sa.JSON(none_as_null=True)),
        sa.PrimaryKeyConstraint("id", name="pk_import_run"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "import_row",
        sa.Column("id", _ID, nullable=False),
        sa.Column("import_id", _ID, nullable=False),
        sa.Column("server_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("play", sa.JSON(none_as_null=True), server_default="{}", nullable=False),
        sa.Column("key_id", _ID),
        sa.Column("at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["import_id"], ["import_run.id"], name="fk_import_row_import_id_import_run", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["key_id"], ["playback_key.id"], name="fk_import_row_key_id_playback_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_import_row"),
    )
    op.create_index("ix_import_row_import_id_id", "import_row", ["import_id", "id"])
    op.create_index("ix_import_row_server_id_user_id", "import_row", ["server_id", "user_id"])
    op.create_index("ix_import_row_import_id_key_id", "import_row", ["import_id", "key_id"])
    op.create_index("ix_import_row_key_id_at", "import_row", ["key_id", "at"])


def downgrade() -> None:
    op.drop_table("import_row")
    op.drop_table("import_run")
