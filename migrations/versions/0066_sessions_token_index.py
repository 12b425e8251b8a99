"""The sessions of a token."""

from alembic import op

revision = "0066"
down_revision = "0065"


def upgrade() -> None:
    op.create_index("sessions_token", "sessions", ["token"], if_not_exists=True)


def downgrade() -> None:
    op.drop_index("sessions_token", "sessions", if_exists=True)
