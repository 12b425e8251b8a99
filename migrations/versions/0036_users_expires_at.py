"""Users in the order in which they expire."""

from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.create_index("users_expires_at", "users", ["expires_at", "name"], if_not_exists=True)


def downgrade() -> None:
    op.drop_index("users_expires_at", "users", if_exists=True)
