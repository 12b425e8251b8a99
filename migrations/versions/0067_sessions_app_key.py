"""The sessions of an application, the oldest first."""

from alembic import op

revision = "0067"
down_revision = "0066"


def upgrade() -> None:
    op.create_index("sessions_app_key", "sessions", ["app_key", "opened_at"], if_not_exists=True)


def downgrade() -> None:
    op.drop_index("sessions_app_key", "sessions", if_exists=True)
