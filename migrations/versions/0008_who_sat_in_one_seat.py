"""Who else sat there: the keys of an item are found by session too, so that a popular item costs no more."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

FORMER = "ix_playback_key_server_id_item_id"
NOW = "ix_playback_key_server_id_item_id_session_id_user_id"


def upgrade() -> None:
    op.create_index(NOW, "playback_key", ["server_id", "item_id", "session_id", "user_id"])
    op.drop_index(FORMER, "playback_key")


def downgrade() -> None:
    op.create_index(FORMER, "playback_key", ["server_id", "item_id"])
    op.drop_index(NOW, "playback_key")
