"""By when a player had been left, where a look of an idle session shows it."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("check_in", sa.Column("left_by", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("check_in", "left_by")
