"""Playbacks by when they began, whoever's they are: a page of all of them must not sort all of them."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_playback_started_at_id", "playback", ["started_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_playback_started_at_id", "playback")
