"""The sessions of a user are found without reading all of them."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index("sessions_user_name", "sessions", ["user_name"], if_not_exists=True)


def downgrade() -> None:
    op.drop_index("sessions_user_name", "sessions", if_exists=True)
