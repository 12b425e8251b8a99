"""Users in the order in which they were added."""

from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.create_index("users_created_at", "users", ["created_at", "name"], if_not_exists=True)


def downgrade() -> None:
    op.drop_index("users_created_at", "users", if_exists=True)
