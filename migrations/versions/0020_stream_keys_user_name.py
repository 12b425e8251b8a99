"""The stream keys of a user are found without reading all of them."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_index("stream_keys_user_name", "stream_keys", ["user_name"], if_not_exists=True)


def downgrade() -> None:
    op.drop_index("stream_keys_user_name", "stream_keys", if_exists=True)
