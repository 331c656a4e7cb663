"""A watch has no title of its own: its media has one."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("watch", "title")
    op.drop_column("watch", "season")
    op.drop_column("watch", "episode")


def downgrade() -> None:
    op.add_column("watch", sa.Column("title", sa.Text(), server_default="", nullable=False))
    op.add_column("watch", sa.Column("season", sa.Integer()))
    op.add_column("watch", sa.Column("episode", sa.Integer()))
