"""What the server itself said at a stop: whether it was played to its end. It is kept beside the verdict."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("check_in", "playback"):
        op.add_column(table, sa.Column("server_completed", sa.Boolean()))


def downgrade() -> None:
    for table in ("check_in", "playback"):
        op.drop_column(table, "server_completed")
